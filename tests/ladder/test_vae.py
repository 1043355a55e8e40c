"""The recipe of the VAE with a fitted prior, in a tiny form."""

from __future__ import annotations

import math

import pytest
import torch

from benchmarks.ladder import vae as ladder
from helpers.data.images import load
from helpers.models import GaussianMixture
from helpers.random import seeded


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_default_dtype(torch.float32)  # the fixture of all tests puts it back
    for name, value in {"COMPONENTS": 3, "DRAWS": 6}.items():
        monkeypatch.setattr(ladder, name, value)


def test_with_the_standard_normal_as_prior_the_bound_is_that_of_the_vae(seed: int) -> None:
    """`log_prob_bound` of the model, whose draws are others: equal within standard errors."""
    levels = load("digits").test.levels[:150]
    model = ladder.train(load("digits").train.levels[:128], 2, seed)
    normal = GaussianMixture(1, prior_examples=20.0, prior_variance=0.3)
    normal.fit(torch.randn(200, ladder.LATENT, generator=seeded(seed)), rng=seeded(seed))
    normal.means.zero_()
    for buffer in (normal.covariances, normal.cholesky):
        buffer.copy_(torch.eye(ladder.LATENT)[None])
    found = [ladder.nats(model, normal, levels, k) for k in range(8)]
    bound = [-model.log_prob_bound(levels, num_samples=6, rng=seeded(k)).mean() for k in range(8)]
    a, b = torch.tensor(found), torch.stack(bound)
    error = math.hypot(a.std().item(), b.std().item()) / math.sqrt(8)
    assert abs(a.mean() - b.mean()) < 6 * error + 1e-3


def test_what_was_done_to_an_image_is_announced() -> None:
    """Flags change what the decoder says; with all at zero again they do not."""
    model = ladder.make_model().eval()
    z = torch.randn(4, ladder.LATENT)
    with torch.no_grad():
        plain = model.decoder(z)
        ladder.tell(model, torch.ones(4, ladder.FLAGS))
        told = model.decoder(z.repeat(2, 1))[4:]
        ladder.tell(model, torch.zeros(1, ladder.FLAGS))
        again = model.decoder(z)
    torch.testing.assert_close(plain, again)
    assert (plain - told).abs().max() > 1e-3


def test_a_short_run_gives_a_row(seed: int) -> None:
    figures = ladder.run(seed, epochs=2)
    assert {"model", "test_nats", "validation_nats", "training_cpu_seconds"} <= figures.keys()
    assert figures["weights"] > 100_000
