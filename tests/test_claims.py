"""Claims: true and false comparisons, the sentence with its numbers, what the build reads."""

from __future__ import annotations

import math

import pytest
import torch

from helpers.claims import MIME, claim, claims


@pytest.mark.parametrize(
    ("left", "relation", "right", "holds"),
    [
        (1, "<", 2, True),
        (2, "<", 2, False),
        (2, "<=", 2, True),
        (3, ">", 2, True),
        (2, ">", 2, False),
        (2, ">=", 2, True),
        (2, "==", 2, True),
        (2, "==", 2.5, False),
        (math.nan, "<", 1, False),
        (math.nan, ">=", 1, False),
    ],
)
def test_a_claim_holds_when_its_comparison_is_true(
    left: float, relation: str, right: float, holds: bool
) -> None:
    assert claim("x", "A sentence.", left, relation, right).holds is holds


@pytest.mark.parametrize(("left", "holds"), [(1.1, True), (0.9, True), (1.2, False)])
def test_near_means_a_distance_of_at_most_within(left: float, holds: bool) -> None:
    assert claim("x", "A sentence.", left, "≈", 1.0, within=0.15).holds is holds


def test_the_sentence_shows_the_numbers_of_the_run() -> None:
    made = claim("x", "From {right:.1f} to {left:.0%}.", torch.tensor(0.25), "<", 3)
    assert made.text == "From 3.0 to 25%."
    assert made.comparison == "0.25 < 3"
    assert claim("x", "Close.", 106.7412, "<", 106.7443).comparison == "106.741 < 106.744"
    assert claim("x", "Near.", 1.00001, "≈", 1, within=0.1).comparison == "1 ≈ 1 ± 0.1"


def test_a_false_claim_is_shown_and_stops_nothing() -> None:
    shown = repr(claims(claim("a", "Yes.", 1, "<", 2), claim("b", "No.", 3, "<", 2)))
    assert shown == "✓ Yes. (1 < 2)\n✗ does not hold here: No. (3 < 2)"


def test_the_strict_environment_refuses_a_false_claim_that_should_hold_always(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BOOK_CLAIMS", "strict")
    claims(claim("trained", "It depends.", 3, "<", 2, seeds=4))
    with pytest.raises(AssertionError, match=r"claim 'always' is false: Never\. \(3 < 2\)"):
        claims(claim("always", "Never.", 3, "<", 2))


def test_the_build_reads_the_claims_from_the_output_of_the_cell() -> None:
    bundle = claims(claim("a-b", "So <it> is.", 1, "<", 2, seeds=5))._repr_mimebundle_()
    (row,) = bundle[MIME]
    assert (row["name"], row["left"], row["right"], row["holds"], row["seeds"]) == (
        *("a-b", 1.0, 2.0, True, 5),
    )
    assert "So &lt;it&gt; is." in bundle["text/html"]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"relation": "=<"}, "relation must be one of"),
        ({"relation": "≈"}, "within must be positive with ≈"),
        ({"relation": "<", "within": 0.1}, "within must be positive with ≈"),
        ({"relation": "<", "seeds": 6}, "seeds must be None or 1 to 5"),
    ],
)
def test_mistakes_are_named(arguments: dict[str, object], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        claim("x", "A sentence.", 1, right=2, **arguments)  # type: ignore[arg-type]
