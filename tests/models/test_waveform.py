"""The model of samples against enumeration and its own samples."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch

from helpers.models import DilatedWaveformModel, WaveformModel
from helpers.random import seeded
from helpers.signal import mu_law_decode


def odd_model(levels: int = 7, context: int = 3) -> WaveformModel:
    model = WaveformModel(context, classes=2, hidden=(5,), components=3, levels=levels)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, 0.7)
    return model


def dilated_model(levels: int = 7) -> DilatedWaveformModel:
    model = DilatedWaveformModel(
        3, classes=2, channels=16, dilations=(1, 2, 1), components=3, levels=levels
    )
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, 0.3)
    return model


@pytest.mark.equation("eq-speech-chain", frozen="6502a518")
@pytest.mark.parametrize("make", [odd_model, dilated_model])
def test_all_short_sounds_together_have_probability_one(
    make: Callable[..., WaveformModel | DilatedWaveformModel], seed: int
) -> None:
    """Enumeration of all sequences of three codes."""
    torch.manual_seed(seed)
    model = make(levels=5)
    codes = torch.tensor(list(itertools.product(range(5), repeat=3)))
    for y in (0, 1):
        log_p = model.log_prob(codes, torch.full((len(codes),), y))
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


def test_a_dilated_model_sees_its_receptive_field(seed: int) -> None:
    """One changed code: the terms of the next R codes move, none before it and none behind."""
    torch.manual_seed(seed)
    model = dilated_model()
    assert model.net.receptive_field == 5
    code = torch.randint(7, (1, 14))
    other = code.clone()
    other[0, 5] = (code[0, 5] + 3) % 7
    y = torch.tensor([1])
    before, after = model.log_conditionals(code, y), model.log_conditionals(other, y)
    assert (before != after)[0].nonzero().flatten().tolist() == list(range(5, 11))


def test_the_windows_are_the_samples_before() -> None:
    model = odd_model()
    code = torch.arange(6)[None]
    wave = mu_law_decode(code[0], 7)
    windows = model.windows(code)
    assert windows.shape == (1, 6, 3)
    assert windows[0, 0].tolist() == [0, 0, 0]
    assert windows[0, 2].tolist() == [0, wave[0].item(), wave[1].item()]
    assert torch.equal(windows[0, 5], wave[2:5])


def test_the_network_moves_the_centres_about_a_linear_prediction(seed: int) -> None:
    """The last layer set to constants, shift, log scale and logits of three components."""
    torch.manual_seed(seed)
    model, past, y = odd_model(), torch.randn(4, 3), torch.tensor([0, 1, 1, 0])
    constants = torch.tensor([[1.0, -2.0, 0.0], [-3.0, -1.0, 0.5], [0.0, 1.0, 2.0]])
    last = model.net.layers[-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(constants.flatten())
    p = model.predict(past, y)
    shift, log_scale, logits = constants
    predicted = past @ model.linear.weight[0] + model.linear.bias
    torch.testing.assert_close(p.mu, predicted[:, None] + log_scale.exp() * shift)
    torch.testing.assert_close(p.log_scale, log_scale.expand(4, 3))
    torch.testing.assert_close(p.weights, logits.softmax(0).expand(4, 3))


@pytest.mark.parametrize("make", [odd_model, dilated_model])
def test_samples_have_the_models_probabilities(
    make: Callable[..., WaveformModel | DilatedWaveformModel], seed: int
) -> None:
    """Frequencies of triples of codes against their exact probabilities: 5 standard errors."""
    torch.manual_seed(seed)
    model, n = make(levels=4), 20_000
    y = torch.ones(n).long()
    drawn = model.sample(n, y=y, length=3, rng=seeded(seed))
    triples = torch.tensor(list(itertools.product(range(4), repeat=3)))
    with torch.no_grad():
        p = model.log_prob(triples, y[: len(triples)]).exp()
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
    a, b = (model.sample(3, y=y, length=9, memory=m, rng=seeded(seed)) for m in (1, 3))
    assert torch.equal(a, b)


def test_the_loss_is_the_mean_over_sounds_and_over_samples(seed: int) -> None:
    torch.manual_seed(seed)
    model, x, y = odd_model(), torch.randint(7, (4, 6)), torch.tensor([0, 1, 1, 0])
    terms, log_prob = model.loss(x, y), model.log_prob(x, y).detach()
    torch.testing.assert_close(terms["loss"].detach(), -log_prob.mean())
    torch.testing.assert_close(terms["nats_per_symbol"], -log_prob.mean() / 6)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_narrow_integers_are_the_same_codes(dtype: torch.dtype) -> None:
    model, x, y = odd_model(), torch.randint(7, (2, 9)), torch.tensor([0, 1])
    torch.testing.assert_close(model.log_prob(x.to(dtype), y.to(dtype)), model.log_prob(x, y))
    drawn = [model.sample(2, y=k, length=4, rng=seeded(0)) for k in (y, y.to(dtype))]
    assert torch.equal(*drawn)


def test_no_value_is_read_on_a_device() -> None:
    """On the meta device, which has no values, any look at one raises."""
    model, y = odd_model().to("meta"), torch.zeros(2, dtype=torch.int64, device="meta")
    loss = model.loss(torch.zeros(2, 9, dtype=torch.int32, device="meta"), y)["loss"]
    loss.backward()
    assert model.sample(2, y=y, length=3).shape == (2, 3)


def test_bad_arguments_are_named() -> None:
    model, y = odd_model(), torch.tensor([0])
    with pytest.raises(ValueError, match=r"x must lie in \[0, 6\], got"):
        model.log_prob(torch.full((1, 4), 7), y)
    with pytest.raises(ValueError, match=r"y must have shape \(1,\), got \(2,\)"):
        model.log_prob(torch.zeros(1, 4).long(), torch.tensor([0, 1]))
    with pytest.raises(ValueError, match=r"y must lie in \[0, 1\]"):
        model.sample(1, y=y + 2, length=2)
    with pytest.raises(ValueError, match=r"memory must lie in \[1, 3\], got 4"):
        model.sample(1, y=y, length=2, memory=4)
