"""The chapter's own lines: the losses, the quadrature, the loop, and the table from its file."""

from __future__ import annotations

import json
import math
from typing import Any

import nbformat
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.record import RESULTS
from helpers.objectives import discriminator_loss
from helpers.random import seeded
from tests.chapters.cells import BOOK, run_cells

PAGE = "models/gan"


@pytest.fixture(autouse=True)
def _float32() -> None:
    torch.set_default_dtype(torch.float32)  # the fixture of all tests puts it back


def lesson(*ids: str) -> dict[str, Any]:
    names = {"torch": torch, "math": math, "F": F, "nn": nn, "seeded": seeded}
    return run_cells(PAGE, list(ids), **names)


@pytest.mark.equation("eq-gan-jensen-shannon", frozen="94c5dd1c")
def test_the_chapters_quadrature() -> None:
    """Independent answer: the divergence by Monte Carlo with five standard errors."""
    cells = lesson("value", "quadrature")
    torch.manual_seed(0)
    first, second = torch.distributions.Normal(-0.5, 0.8), torch.distributions.Normal(0.7, 1.3)

    def half(one: torch.distributions.Normal, other: torch.distributions.Normal) -> torch.Tensor:
        x = one.sample((200_000,))
        ratio = other.log_prob(x) - one.log_prob(x)
        return math.log(2) - torch.log1p(ratio.exp())

    terms = 0.5 * (half(first, second) + half(second, first))
    assert abs(terms.mean() - cells["js"]) < 5 * terms.std() / math.sqrt(len(terms))


def test_the_printed_losses_fail_as_the_page_says() -> None:
    cells = lesson("value", "e1-check")
    a, b = torch.randn(2, 5)
    torch.testing.assert_close(cells["printed_e1"](a, b), -discriminator_loss(a, b))
    torch.testing.assert_close(cells["printed_e18"](a, b), F.softplus(-a) - F.softplus(b))


def test_the_chapters_loop_is_the_helpers_step() -> None:
    cells = lesson("step", "game", "step-agrees")
    assert len(cells["same"]) == 8
    assert all(cells["same"])


def test_the_table_is_the_result_file() -> None:
    text = (RESULTS / "gan_modes.json").read_text(encoding="utf-8")
    figures = json.loads(text)["figures"]
    notebook = nbformat.read(BOOK / f"{PAGE}.ipynb", as_version=4)
    (table,) = [cell.source for cell in notebook.cells if cell.id == "table"]
    for target in ("ring", "grid"):
        summary = figures[f"{target} repaired"]
        share = 100 * summary["high_quality"]["mean"]
        assert f"{share:.1f} %" in table
        assert f"{summary['reverse_kl']['mean']:.3f}" in table
        assert f"{summary['seeds']} seeds" in table
