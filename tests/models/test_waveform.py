"""The model of samples against scipy, enumeration and its own samples."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import logistic

from helpers.models.waveform import WaveformModel, code_edges, code_log_prob
from helpers.random import seeded
from helpers.signal.mu_law import mu_law_decode, mu_law_encode


def odd_model(levels: int = 7, context: int = 3) -> WaveformModel:
    model = WaveformModel(context, classes=2, hidden=(5,), components=3, levels=levels)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, 0.7)
    return model


@pytest.mark.parametrize("levels", [7, 16, 256])
def test_the_borders_are_where_the_code_changes(levels: int) -> None:
    """mu_law_encode just below and just above each border."""
    edges = code_edges(levels)[1:-1]
    assert torch.equal(mu_law_encode(edges - 1e-9, levels), torch.arange(levels - 1))
    assert torch.equal(mu_law_encode(edges + 1e-9, levels), torch.arange(1, levels))


@pytest.mark.equation("eq-speech-bins")
def test_the_mass_of_a_bin_is_a_difference_of_distribution_functions(seed: int) -> None:
    """scipy.stats.logistic, component by component; the masses of all bins sum to 1."""
    g, levels = seeded(seed), 16
    mean, log_scale = torch.randn(4, 3, generator=g) / 2, torch.randn(4, 3, generator=g) - 2
    log_weight = torch.randn(4, 3, generator=g).log_softmax(-1)
    edges = code_edges(levels)
    codes = torch.arange(levels)[:, None].expand(-1, 4)
    ours = code_log_prob(codes, mean, log_scale, log_weight, edges).exp()
    law = logistic(mean.numpy(), log_scale.exp().numpy())
    below = np.stack([law.cdf(b) for b in edges.tolist()])  # (V + 1, 4, 3)
    expected = (np.diff(below, axis=0) * log_weight.exp().numpy()).sum(-1)
    assert np.allclose(ours.numpy(), expected, atol=1e-12)
    assert torch.allclose(ours.sum(0), torch.ones(4))


def test_far_bins_keep_a_finite_logarithm() -> None:
    code = torch.tensor([0, 200])
    found = code_log_prob(
        code, torch.full((2, 1), 0.9), torch.full((2, 1), -6.0), torch.zeros(2, 1), code_edges()
    )
    assert torch.isfinite(found).all()
    assert (found < -50).all()


@pytest.mark.equation("eq-speech-chain")
def test_all_short_sounds_together_have_probability_one(seed: int) -> None:
    """Enumeration of all sequences of three codes."""
    torch.manual_seed(seed)
    model = odd_model(levels=5)
    codes = torch.tensor(list(itertools.product(range(5), repeat=3)))
    for y in (0, 1):
        log_p = model.log_conditionals(codes, torch.full((len(codes),), y)).sum(1)
        assert log_p.exp().sum().item() == pytest.approx(1.0, abs=1e-9)


def test_a_sample_depends_on_the_past_only_and_on_its_context(seed: int) -> None:
    torch.manual_seed(seed)
    model = odd_model()
    code = torch.randint(7, (1, 12))
    other = code.clone()
    other[0, 5] = (code[0, 5] + 3) % 7
    y = torch.tensor([1])
    before, after = model.log_conditionals(code, y), model.log_conditionals(other, y)
    changed = (before != after)[0]
    assert not changed[:5].any()
    assert changed[5:9].all()
    assert not changed[9:].any()


def test_the_windows_are_the_samples_before() -> None:
    model = odd_model()
    code = torch.arange(6)[None]
    wave = mu_law_decode(code[0], 7)
    windows = model.windows(code)
    assert windows.shape == (1, 6, 3)
    assert windows[0, 0].tolist() == [0, 0, 0]
    assert windows[0, 2].tolist() == [0, wave[0].item(), wave[1].item()]
    assert torch.equal(windows[0, 5], wave[2:5])


def test_samples_have_the_models_probabilities(seed: int) -> None:
    """Frequencies of triples of codes against their exact probabilities: 5 standard errors."""
    torch.manual_seed(seed)
    model, n = odd_model(levels=4), 20_000
    y = torch.ones(n).long()
    drawn = model.sample(y, length=3, rng=seeded(seed))
    triples = torch.tensor(list(itertools.product(range(4), repeat=3)))
    with torch.no_grad():
        p = model.log_conditionals(triples, y[: len(triples)]).sum(1).exp()
    code = 16 * drawn[:, 0] + 4 * drawn[:, 1] + drawn[:, 2]
    share = torch.bincount(code, minlength=64) / n
    assert ((share - p).abs() <= 5 * (p * (1 - p) / n).sqrt() + 2 / n).all()


def test_a_short_memory_hides_the_rest(seed: int) -> None:
    torch.manual_seed(seed)
    model = odd_model()
    with torch.no_grad():
        model.linear.weight[:, :2] = 0  # what is older than one sample counts nothing
        model.net.layers[0].weight[:, :2] = 0
    y = torch.tensor([0, 1, 1])
    a, b = (model.sample(y, length=9, memory=m, rng=seeded(seed)) for m in (1, 3))
    assert torch.equal(a, b)


def test_bad_arguments_are_refused() -> None:
    model = odd_model()
    y = torch.tensor([0])
    with pytest.raises(ValueError, match="context must be an integer of at least 1, got 0"):
        WaveformModel(0, classes=2)
    with pytest.raises(TypeError, match="code must"):
        model.log_conditionals(torch.zeros(1, 4), y)
    with pytest.raises(ValueError, match="encode with mu_law_encode"):
        model.log_conditionals(torch.full((1, 4), 7), y)
    with pytest.raises(ValueError, match="code must have shape"):
        model.log_conditionals(torch.zeros(4).long(), y)
    with pytest.raises(ValueError, match="y must"):
        model.log_conditionals(torch.zeros(1, 4).long(), y + 2)
    with pytest.raises(ValueError, match="length must be"):
        model.sample(y, length=0)
    with pytest.raises(ValueError, match=r"memory must lie in \[1, 3\], got 4"):
        model.sample(y, length=2, memory=4)
    with pytest.raises(ValueError, match="y must"):
        model.sample(y + 2, length=2)
    with pytest.raises(ValueError, match="levels must"):
        code_edges(1)
