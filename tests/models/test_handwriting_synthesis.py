"""Synthesis of handwriting against torch's LSTM cell and worked examples."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from helpers.distributions import StrokeMixture
from helpers.models import HandwritingSynthesiser
from helpers.random import seeded
from helpers.training import gradient_step
from tests.models.test_handwriting import pens

H, J, V = 5, 2, 7


def synthesiser(device: torch.device | str = "cpu") -> HandwritingSynthesiser:
    model = HandwritingSynthesiser(
        "abcdefg", H, 8, components=3, bumps=J, scale=0.7, letter_steps=3.0
    )
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    return model.to(device)


@pytest.mark.equation("eq-handwriting-synthesis", frozen="0dd90b88")
def test_the_synthesis_network_is_its_equations(device: torch.device, seed: int) -> None:
    """torch.nn.LSTMCell with copied weights for the lower layer, one step at a time."""
    model, (x, lengths) = synthesiser(device), pens(seed, device)
    codes = model.encode(["abc", "g", "fe", "aab"])
    found = model.log_prob(x, lengths, codes)
    cell = nn.LSTMCell(3 + V, H).to(device)
    with torch.no_grad():
        rows = model.recurrent.weight
        cell.weight_hh.copy_(rows[:, :H])
        cell.weight_ih.copy_(torch.cat([model.from_pen.weight, rows[:, H:]], 1))
        cell.bias_ih.copy_(model.from_pen.bias)
        cell.bias_hh.zero_()
        order = [0, 1, 3, 2]  # ours keeps the three sigmoids together: i, f, o, g
        for name in ("weight_hh", "weight_ih", "bias_ih"):
            parameter = getattr(cell, name)
            parts = parameter.detach().chunk(4)
            parameter.copy_(torch.cat([parts[i] for i in order]))
    unit = torch.tensor([0.7, 0.7, 1.0], device=device)
    for b, text in enumerate(["abc", "g", "fe", "aab"]):
        letters = torch.zeros(1, len(text), V, device=device)
        for u, letter in enumerate(text):
            letters[0, u, "abcdefg".index(letter)] = 1
        state, w = None, torch.zeros(1, V, device=device)
        kappa, past, above, total = torch.zeros(1, J, device=device), x[b] * 0, None, 0.0
        for t in range(int(lengths[b])):
            before = (x[b, t - 1] / unit if t else past[0])[None]
            state = cell(torch.cat([before, w], 1), state)
            w, _, kappa = model.window(state[0], kappa, letters)
            g, above = model.upper(torch.cat([before, state[0], w], 1)[None], above)
            law = StrokeMixture(model.output(torch.cat([g[0], state[0]], 1)))
            total += (law.log_prob(x[b, t] / unit) - 2 * math.log(0.7)).item()
        assert found[b].item() == pytest.approx(total)


def test_gradients_of_the_synthesis_network_are_finite_differences(seed: int) -> None:
    model, (x, lengths) = synthesiser(), pens(seed)
    codes = model.encode(["abc", "g", "fe", "aab"])
    parameters = list(model.parameters())

    def loss(*_: Tensor) -> Tensor:
        return model.loss(x, lengths, codes)["loss"]

    assert torch.autograd.gradcheck(loss, parameters, fast_mode=True)


@pytest.mark.equation("eq-handwriting-stop", frozen="94b72584")
def test_writing_stops_at_the_lift_after_the_last_letter(seed: int) -> None:
    """A window that moves 0.3 letters a step, with the time of the stop worked out by hand."""
    model = synthesiser()
    with torch.no_grad():
        model.window.steer.weight.zero_()
        model.window.steer.bias[: 2 * J] = 0.0
        model.window.steer.bias[2 * J :] = math.log(0.3)  # 0.3 letters a step
        model.output.weight.zero_()
        model.output.bias[-1] = 40.0  # a lift after each step
    done = model.write(["abc", "a"], rng=seeded(seed))
    # behind the last letter once kappa > U − ½: 0.3 t > 2.5 at t = 9, 0.3 t > 0.5 at t = 2; the
    # lift before that step ends the text
    assert done.lengths.tolist() == [8, 1]
    assert done.finished.all()
    assert (done.x[1, 1:] == 0).all()
    assert done.attention.shape == (2, 8, 4)
    with torch.no_grad():
        model.output.bias[-1] = -40.0  # never a lift
    endless = model.write(["abc"], patience=2.0, rng=seeded(seed))
    assert endless.lengths.tolist() == [18]  # 2 · 3 letters · 3 steps
    assert not endless.finished.any()


def test_sampling_obeys_its_generator(device: torch.device, seed: int) -> None:
    model, before = synthesiser(device), torch.get_rng_state()
    one, two = (model.sample(2, text="bad", rng=seeded(seed, device)) for _ in range(2))
    assert torch.equal(one, two)
    assert torch.equal(before, torch.get_rng_state())
    assert one.shape[::2] == (2, 3)


def test_learns_two_texts_apart(seed: int) -> None:
    """Two letters with fixed opposite steps: the right text is far likelier than the wrong one."""
    torch.manual_seed(seed)
    model = HandwritingSynthesiser("ab", 8, 8, components=2, bumps=1, letter_steps=3.0)
    x = torch.tensor([[[1.0, 0.0, 0.0]] * 2 + [[1.0, 0.0, 1.0]]] * 2)
    x[1, :, 0] = -1.0
    x = (x.repeat(8, 1, 1) + 0.1 * torch.randn(16, 3, 3, generator=seeded(seed))).clamp(-9, 9)
    x[..., 2] = torch.tensor([0.0, 0.0, 1.0])
    codes = model.encode(["a", "b"] * 8)
    step = gradient_step(model, torch.optim.Adam(model.parameters(), 0.03))
    for _ in range(80):
        step(x, None, codes)
    right, wrong = model.log_prob(x, None, codes), model.log_prob(x, None, codes.flip(0))
    assert (right > wrong + 3).all()


def test_no_value_is_read_on_a_device() -> None:
    """On the meta device, which has no values, any look at one raises; lengths stay on the CPU."""
    model, (x, lengths) = synthesiser(), pens(0)
    codes = model.encode(["abc", "g", "fe", "aab"]).to("meta")
    model.to("meta").loss(x.to("meta"), lengths, codes)["loss"].backward()


def test_bad_arguments_are_named() -> None:
    model, (x, lengths) = synthesiser(), pens(0)
    codes = model.encode(["abc", "g", "fe", "aab"])
    with pytest.raises(ValueError, match="texts must use the letters 'abcdefg' only, got 'z'"):
        model.write(["az"])
    with pytest.raises(ValueError, match=r"alphabet must hold different letters, .* got 'aa'"):
        HandwritingSynthesiser("aa")
    with pytest.raises(ValueError, match=r"codes must have shape \(4, U\), got \(3, 3\)"):
        model.log_prob(x, lengths, codes[:3])
    with pytest.raises(ValueError, match=r"codes must lie in \[-1, 6\]"):
        model.log_prob(x, lengths, codes + 3)
    with pytest.raises(ValueError, match="patience must be a positive number, got 0"):
        model.write(["a"], patience=0)
