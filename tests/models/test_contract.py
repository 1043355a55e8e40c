"""What every model promises, whatever its family: one table of models, one set of tests.

A family joins by one line in `FAMILIES`: a function from a device to a model and a batch for it.
Tests of `loss` and `log_prob` run where a model has them.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from helpers.models.gan import GAN
from helpers.models.handwriting import HandwritingPredictor
from helpers.models.hybrids import VAEGAN, AdversarialAutoencoder
from helpers.models.independent import IndependentCategorical
from helpers.models.ppca import ProbabilisticPCA
from helpers.models.rnn import RecurrentLanguageModel
from helpers.models.vae import VAE
from helpers.networks import MLP, ConvDecoder, ConvEncoder
from tests.models.vae_toy import rng

B, L, V = 5, 3, 4
Case = tuple[Any, Tensor]


def vae(likelihood: str, device: torch.device) -> Case:
    event = (2, 3)
    outputs = (V, *event) if likelihood == "categorical" else event
    networks = MLP(event, [7], 2 * L, dropout=0.2), MLP(L, [8], outputs, dropout=0.2)
    model = VAE(*networks, L, likelihood=likelihood, num_levels=V, std="learned").to(device)
    x = torch.randint(V if likelihood == "categorical" else 2, (B, *event), device=device)
    return model, x if likelihood == "categorical" else x.double()


def convolutional_vae(device: torch.device) -> Case:
    image = (1, 4, 8)
    decoder = ConvDecoder(L, image, (6, 5), outputs_per_pixel=V, channel_dropout=0.2, dropout=0.2)
    encoder = ConvEncoder(image, [4], 2 * L, dropout=0.2)
    model = VAE(encoder, decoder, L, likelihood="categorical", num_levels=V).to(device)
    return model, torch.randint(V, (B, *image), device=device)


def gan(classes: int, device: torch.device) -> Case:
    networks = MLP(L + classes, [7], (2, 3)), MLP((2, 3), [8], max(1, classes))
    model = GAN(*networks, L, classes=classes).to(device)
    return model, torch.randn(B, 2, 3, device=device)


def independent(device: torch.device) -> Case:
    x = torch.randint(V, (B, 2, 3), device=device)
    return IndependentCategorical((2, 3), V).to(device).fit(x), x


def ppca(device: torch.device) -> Case:
    x = torch.randn(B, 4, device=device)
    return ProbabilisticPCA(4, 2).to(device).fit(x), x


def handwriting(device: torch.device) -> Case:
    x = torch.randn(B, 4, 3, device=device)
    x[..., 2] = (x[..., 2] > 0).double()
    return HandwritingPredictor(7, 2, scale=0.6, steps=4).to(device), x


def recurrent(cell: str, device: torch.device) -> Case:
    sizes = {"embedding": 3, "hidden": 5, "layers": 2}
    model = RecurrentLanguageModel(V, cell=cell, dropout=0.2, **sizes).to(device)
    return model, torch.randint(V, (B, 100), device=device)


def autoencoder(device: torch.device) -> Case:
    networks = MLP((2, 3), [7], L, dropout=0.2), MLP(L, [8], (2, 3), dropout=0.2), MLP(L, [6], 1)
    return AdversarialAutoencoder(*networks, L).to(device), torch.randn(B, 2, 3, device=device)


def vaegan(device: torch.device) -> Case:
    coder = MLP((2, 3), [7], 2 * L, dropout=0.2), MLP(L, [8], (2, 3), dropout=0.2)
    model = VAEGAN(*coder, MLP((2, 3), [6], 4), MLP(4, [], 1), L).to(device)
    return model, torch.randn(B, 2, 3, device=device)


FAMILIES: dict[str, Callable[[torch.device], Case]] = {
    "vae-bernoulli": lambda device: vae("bernoulli", device),
    "vae-categorical": lambda device: vae("categorical", device),
    "vae-gaussian": lambda device: vae("gaussian", device),
    "vae-convolutional": convolutional_vae,
    "gan": lambda device: gan(0, device),
    "gan-conditional": lambda device: gan(4, device),
    "adversarial-autoencoder": autoencoder,
    "vae-gan": vaegan,
    "independent": independent,
    "ppca": ppca,
    "handwriting": handwriting,
    "recurrent-elman": lambda device: recurrent("elman", device),
    "recurrent-gru": lambda device: recurrent("gru", device),
    "recurrent-lstm": lambda device: recurrent("lstm", device),
}


@pytest.fixture(params=FAMILIES)
def case(request: pytest.FixtureRequest, device: torch.device) -> Case:
    return FAMILIES[request.param](device)


def densities(model: Any) -> list[Callable[..., Tensor]]:
    """Those of the model's functions that give one number of nats for each example."""
    found = [model.log_prob] if hasattr(model, "log_prob") else []
    if hasattr(model, "log_prob_bound"):
        found.append(lambda x, **options: model.log_prob_bound(x, num_samples=3, **options))
    return found


def drawing(model: Any, x: Tensor) -> list[Callable[[torch.Generator], Tensor]]:
    """Those that draw, as functions of the generator."""
    calls: list[Callable[[torch.Generator], Tensor]] = []
    calls.append(lambda rng: model.sample(7, rng=rng))
    if hasattr(model, "log_prob_bound"):
        calls.append(lambda rng: model.log_prob_bound(x, num_samples=3, rng=rng))
    return calls


def test_samples_look_like_the_data(case: Case) -> None:
    model, x = case
    drawn = model.sample(7)
    assert drawn.shape == (7, *x.shape[1:])
    assert drawn.dtype == x.dtype
    assert drawn.device == x.device
    assert not drawn.requires_grad
    assert model.sample(1).shape == (1, *x.shape[1:])
    if x.dtype == torch.int64:
        assert 0 <= drawn.min() <= drawn.max() < V


def test_log_probabilities_are_one_number_an_example(case: Case) -> None:
    model, x = case
    for log_prob in densities(model):
        value = log_prob(x)
        assert value.shape == (B,)
        assert value.is_floating_point()
        assert value.isfinite().all()
        assert log_prob(x[:1]).shape == (1,)


def test_the_loss_is_a_scalar_with_graph_and_detached_terms(case: Case) -> None:
    model, x = case
    if not hasattr(model, "loss"):
        pytest.skip("fitted in closed form")
    terms = model.loss(x, rng=rng(0, x.device))
    assert terms["loss"].requires_grad
    for name, term in terms.items():
        assert term.shape == ()
        assert term.isfinite()
        assert name == "loss" or not term.requires_grad
    terms["loss"].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_the_generator_is_obeyed(case: Case, seed: int) -> None:
    model, x = case
    for draw in drawing(model, x):
        first, second = (draw(rng(seed, x.device)) for _ in range(2))
        torch.testing.assert_close(first, second, rtol=0, atol=0)
        generator = rng(seed, x.device)
        assert not torch.equal(draw(generator), draw(generator))  # it moves on


def test_the_loss_obeys_the_generator(case: Case, seed: int) -> None:
    model, x = case
    if not hasattr(model, "loss"):
        pytest.skip("fitted in closed form")
    model.eval()  # dropout draws from the global generator, as torch's layers do
    first, second = (model.loss(x, rng=rng(seed, x.device))["loss"] for _ in range(2))
    assert first == second


@pytest.mark.parametrize("training", [True, False])
def test_nothing_else_is_changed(case: Case, training: bool, seed: int) -> None:
    model, x = case
    model.train(training)
    first = next(model.parameters(), None)
    if first is not None:
        first.requires_grad_(False)
    before = copy.deepcopy(model.state_dict()), x.clone()
    needs = [p.requires_grad for p in model.parameters()]
    states = [torch.get_rng_state()]
    if x.device.type == "cuda":
        states.append(torch.cuda.get_rng_state(x.device))
    for draw in drawing(model, x):
        draw(rng(seed, x.device))
    if hasattr(model, "log_prob"):
        model.log_prob(x)
    now = [torch.get_rng_state()]
    if x.device.type == "cuda":
        now.append(torch.cuda.get_rng_state(x.device))
    assert all(torch.equal(a, b) for a, b in zip(states, now))
    assert torch.equal(before[1], x)
    assert all(torch.equal(before[0][name], value) for name, value in model.state_dict().items())
    assert all(part.training is training for part in model.modules())
    assert needs == [p.requires_grad for p in model.parameters()]


def test_the_arguments_have_the_contracts_names(case: Case) -> None:
    model, _ = case
    sample = inspect.signature(model.sample).parameters
    assert next(iter(sample)) == "n"
    assert sample["rng"].kind is inspect.Parameter.KEYWORD_ONLY
    if hasattr(model, "loss"):
        assert inspect.signature(model.loss).parameters["rng"].default is None


@pytest.mark.parametrize(
    ("n", "error", "match"),
    [
        (0, ValueError, "n must be an integer of at least 1, got 0"),
        (-2, ValueError, "n must be an integer of at least 1, got -2"),
        (2.5, TypeError, r"n must be an integer of at least 1, got 2.5 of type float"),
        (True, TypeError, "n must be an integer of at least 1, got True of type bool"),
    ],
)
def test_bad_sizes(case: Case, n: object, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        case[0].sample(n)


def doors(model: Any) -> list[Callable[[Any], object]]:
    return [*densities(model), *([model.loss] if hasattr(model, "loss") else [])]


def test_bad_input_is_named(case: Case) -> None:
    model, x = case
    for door in doors(model):
        any_length = isinstance(model, RecurrentLanguageModel)
        wrong = x[:, :2, None] if any_length else x.flatten(1)[:, :2]
        with pytest.raises(ValueError, match=r"x must have shape .*, got \(5, (2|2, 1)\)"):
            door(wrong)
        with pytest.raises(ValueError, match="x must hold at least one example, got shape"):
            door(x[:0])
        with pytest.raises(TypeError, match=r"x must be a torch.Tensor, got list"):
            door(x.tolist())
        wrong = x.long() if x.is_floating_point() else x.double()
        with pytest.raises(TypeError, match=r"x must be an? (integer|floating-point) tensor"):
            door(wrong)
        with pytest.raises(ValueError, match=r"x must be on .*, the device of the model, got meta"):
            door(x.to("meta"))
        if not x.is_floating_point():
            with pytest.raises(
                ValueError, match=r"x must lie in \[0, 3\], got values from .* to 4"
            ):
                densities(model)[0](torch.full_like(x, 4))


def test_a_generator_on_another_device_is_named(case: Case) -> None:
    model, x = case
    if x.device.type != "cuda":
        pytest.skip("needs two devices")
    for draw in drawing(model, x):
        with pytest.raises(ValueError, match=r"rng must be on cuda.*, the device of the model"):
            draw(torch.Generator("cpu"))


def test_weights_survive_a_checkpoint(case: Case, seed: int) -> None:
    model, x = case
    other = copy.deepcopy(model)
    for value in other.state_dict().values():
        value.zero_()
    other.load_state_dict(model.state_dict())
    for one, two in zip(drawing(model, x), drawing(other, x)):
        assert torch.equal(one(rng(seed, x.device)), two(rng(seed, x.device)))
