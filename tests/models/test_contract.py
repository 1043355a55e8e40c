"""What every model promises, whatever its family: one table of models, one set of tests.

A family joins by one line in `FAMILIES`: a function from a device to a `Case`. Tests of `loss`,
`log_prob` and `log_prob_bound` run where a model has them.
"""

from __future__ import annotations

import copy
import inspect
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from helpers.distributions import (
    Bernoulli,
    Categorical,
    GaussianLikelihood,
    NormalMixture,
    StandardUniform,
)
from helpers.models import (
    GAN,
    RBM,
    VAE,
    VAEGAN,
    AdversarialAutoencoder,
    AutoregressiveModel,
    CategoricalMixture,
    ChowLiuTree,
    ConditionMixture,
    ContinuousFlow,
    DequantisedFlow,
    DilatedWaveformModel,
    EnergyModel,
    Flow,
    GaussianMixture,
    HandwritingPredictor,
    HandwritingSynthesiser,
    HiddenMarkovModel,
    HierarchicalVAE,
    IndependentCategorical,
    MarkovChain,
    ModelMixture,
    ProbabilisticPCA,
    RecurrentLanguageModel,
    SequenceToSequence,
    TransformerLanguageModel,
    WaveformModel,
)
from helpers.networks import (
    MADE,
    MLP,
    ActNorm,
    ConvDecoder,
    ConvEncoder,
    Coupling,
    GatedPixelCNN,
    InvertibleLinear,
    LinearSpline,
    MaskedAutoregressive,
    MultiScale,
    Permutation,
    PixelCNN,
    RationalQuadraticSpline,
)
from helpers.training import load_checkpoint, save_checkpoint

B, L, V, T = 5, 3, 4, 6
SYMBOLS, EVENT = (T,), (2, 3)


@dataclass
class Case:
    """A model, a batch for it, and what the batch is conditioned on.

    Attributes:
        make: a new model, with other weights or not fitted at all.
        model: a model that is ready.
        x: the data.
        condition: what `loss` and `log_prob` are given after the data.
        options: what `sample` is given after the number.
        event: shape of a sample; None where its length is drawn.
    """

    make: Callable[[], nn.Module]
    model: Any
    x: Tensor
    condition: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    event: tuple[int, ...] | None = EVENT

    @property
    def given(self) -> tuple[Any, ...]:
        return (self.x, *self.condition)


def case(
    make: Callable[[], nn.Module], x: Tensor, *condition: Any, fit: bool = False, **others: Any
) -> Case:
    model: Any = make().to(x.device)
    if fit:
        model.fit(x)
    return Case(make, model, x, condition, **others)


def levels(device: torch.device, *shape: int) -> Tensor:
    return torch.randint(V, (B, *shape), device=device)


def vae(likelihood: Callable[[], Any], device: torch.device) -> Case:
    outputs = (V, *EVENT) if likelihood() is Categorical else EVENT

    def make() -> VAE:
        networks = MLP(EVENT, [7], 2 * L, dropout=0.2), MLP(L, [8], outputs, dropout=0.2)
        return VAE(
            *networks, L, likelihood=likelihood if likelihood is Categorical else likelihood()
        )

    x = levels(device, *EVENT)
    return case(make, x if likelihood() is Categorical else (x % 2).double())


def convolutional_vae(device: torch.device) -> Case:
    image = (1, 4, 8)

    def make() -> VAE:
        decoder = ConvDecoder(L, (V, *image), (6, 5), dropout=0.2)
        encoder = ConvEncoder(image, [4], 2 * L, dropout=0.2)
        return VAE(encoder, decoder, L, likelihood=Categorical)

    return case(make, levels(device, *image), event=image)


def hierarchical_vae(device: torch.device) -> Case:
    def make() -> HierarchicalVAE:
        encoder, decoder = MLP(EVENT, [7], 2 * L, dropout=0.2), MLP(L, [8], (V, *EVENT))
        return HierarchicalVAE(encoder, MLP(1, [6], 4), decoder, (1, 2), likelihood=Categorical)

    return case(make, levels(device, *EVENT))


def gan(classes: int, device: torch.device) -> Case:
    def make() -> GAN:
        networks = MLP(L + classes, [7], EVENT), MLP(EVENT, [8], max(1, classes))
        return GAN(*networks, L, classes=classes)

    return case(make, torch.randn(B, *EVENT, device=device))


def autoencoder(device: torch.device) -> Case:
    def make() -> AdversarialAutoencoder:
        networks = MLP(EVENT, [7], L, dropout=0.2), MLP(L, [8], EVENT, dropout=0.2)
        judge, likelihood = MLP(L, [6], 1), GaussianLikelihood(learned=True)
        return AdversarialAutoencoder(*networks, judge, L, likelihood=likelihood)

    return case(make, torch.randn(B, *EVENT, device=device))


def vaegan(device: torch.device) -> Case:
    def make() -> VAEGAN:
        coder = MLP(EVENT, [7], 2 * L, dropout=0.2), MLP(L, [8], EVENT, dropout=0.2)
        return VAEGAN(*coder, MLP(EVENT, [6], 4), MLP(4, [], 1), L)

    return case(make, torch.randn(B, *EVENT, device=device))


def hidden_markov(device: torch.device) -> Case:
    def make() -> HiddenMarkovModel:
        return HiddenMarkovModel.random(2, V)

    x = levels(device, T)
    return case(make, x, options={"length": T}, event=SYMBOLS, fit=True)


def chain(end: bool, device: torch.device) -> Case:
    make = partial(MarkovChain, V, order=2, end=end)
    x = levels(device, T)
    return case(make, x, options={"length": T}, event=None if end else SYMBOLS, fit=True)


def recurrent(cell: str, end: bool, device: torch.device) -> Case:
    sizes = {"embedding": 3, "hidden": 5, "layers": 2, "dropout": 0.2}
    make = partial(RecurrentLanguageModel, V, cell=cell, end=end, **sizes)
    options = {"length": T}
    return case(make, levels(device, T), options=options, event=None if end else SYMBOLS)


def transformer(context: int, end: bool, device: torch.device) -> Case:
    sizes = {"width": 8, "heads": 2, "layers": 2, "context": context, "dropout": 0.2}
    make = partial(TransformerLanguageModel, V, recent=3, end=end, **sizes)
    options = {"length": T}
    return case(make, levels(device, T), options=options, event=None if end else SYMBOLS)


def translation(attention: bool, device: torch.device) -> Case:
    make = partial(SequenceToSequence, 3, V, embedding=3, hidden=5, attention=attention)
    source = torch.randint(3, (B, 4), device=device)
    options = {"source": source[:1], "length": T}
    return case(make, levels(device, T), source, options=options, event=None)


def pen(device: torch.device) -> Tensor:
    x = torch.randn(B, T, 3, device=device)
    x[..., 2] = (x[..., 2] > 0).double()
    return x


def handwriting(device: torch.device) -> Case:
    make = partial(HandwritingPredictor, 7, 2, scale=0.6, length=T)
    return case(make, pen(device), event=(T, 3))


def synthesis(device: torch.device) -> Case:
    make = partial(HandwritingSynthesiser, string.ascii_lowercase[:V], 7, 8, components=2)
    codes = torch.randint(V, (B, 2), device=device)
    return case(make, pen(device), None, codes, options={"text": "ab"}, event=None)


def energy(device: torch.device) -> Case:
    def make() -> EnergyModel:
        network = MLP(EVENT, [7], 1, activation=nn.SiLU, dropout=0.2)
        return EnergyModel(network, EVENT, chains=B + 1, steps=2)

    return case(make, torch.randn(B, *EVENT, device=device), options={"steps": 9})


def boltzmann(chains: int, device: torch.device) -> Case:
    x = torch.randint(2, (B, *EVENT), device=device).double()
    return case(partial(RBM, EVENT, 4, chains=chains), x, options={"steps": 9})


def waveform(dilated: bool, device: torch.device) -> Case:
    make: Callable[[], nn.Module] = partial(
        WaveformModel, 3, classes=2, hidden=(7,), components=2, levels=V
    )
    if dilated:
        make = partial(
            DilatedWaveformModel, 3, classes=2, channels=5, dilations=(1, 2), components=2, levels=V
        )
    y = torch.randint(2, (B,), device=device)
    options = {"y": y[:1].expand(7), "length": T}
    return case(make, levels(device, T), y, options=options, event=SYMBOLS)


PIXELS = (1, 3, 4)


def autoregressive(device: torch.device) -> Case:
    d = 6

    def make() -> AutoregressiveModel:
        order = torch.arange(d).flip(0)
        network = nn.Sequential(
            nn.Flatten(), MADE(d, [7], V, order=order), nn.Unflatten(1, EVENT), nn.Dropout(0.2)
        )
        return AutoregressiveModel(network, EVENT, levels=V, order=order)

    return case(make, levels(device, *EVENT))


def autoregressive_density(device: torch.device) -> Case:
    def make() -> AutoregressiveModel:
        return AutoregressiveModel(MADE(T, [7], 6), (T,), likelihood=NormalMixture)

    return case(make, torch.randn(B, T, device=device), event=(T,))


def pixels() -> AutoregressiveModel:
    network = PixelCNN(PIXELS, V, channels=5, layers=1, dropout=0.2)
    return AutoregressiveModel(network, PIXELS, levels=V)


def class_pixels() -> AutoregressiveModel:
    network = GatedPixelCNN(PIXELS, V, channels=5, layers=1, conditions=(3,), dropout=0.2)
    return AutoregressiveModel(network, PIXELS, levels=V)


def conditional_pixels(device: torch.device) -> Case:
    y = torch.randint(3, (B,), device=device)
    options = {"y": y[:1].expand(7)}
    return case(class_pixels, levels(device, *PIXELS), y, options=options, event=PIXELS)


def couplings(features: int, condition: int, transform: Any) -> list[Coupling]:
    """Two layers that move each half of the features once."""
    first = torch.arange(features) % 2 == 0
    return [
        Coupling(
            MLP(int((~moved).sum()) + condition, [7], (int(moved.sum()), size), dropout=0.2),
            moved,
            transform,
        )
        for moved, size in ((first, transform.size), (~first, transform.size))
    ]


def flow(condition: int, device: torch.device) -> Case:
    def make() -> Flow:
        layers = couplings(4, condition, RationalQuadraticSpline(3))
        order = Permutation(torch.randperm(4))
        return Flow([ActNorm(4), layers[0], order, layers[1]], (4,), condition=condition)

    x = torch.randn(B, 4, device=device)
    if not condition:
        return case(make, x, event=(4,))
    given = torch.randn(B, condition, device=device)
    options = {"condition": given[:1].expand(7, -1)}
    return case(make, x, given, options=options, event=(4,))


def image_flow(device: torch.device) -> Case:
    image = (1, 4, 8)

    def make() -> Flow:
        scales = [
            [InvertibleLinear(c), Coupling(nn.Conv2d(c // 2, c, 3, padding=1), half(c))]
            for c in (4, 8)
        ]
        return Flow([MultiScale(image, scales)], image)

    def half(channels: int) -> Tensor:
        return torch.arange(channels) < channels // 2

    return case(make, torch.randn(B, *image, device=device), event=image)


def masked_flow(device: torch.device) -> Case:
    def make() -> Flow:
        return Flow([MaskedAutoregressive(MADE(4, [9], 2, order=torch.randperm(4)))], (4,))

    return case(make, torch.randn(B, 4, device=device), event=(4,))


def dequantised_flow(device: torch.device) -> Case:
    def make() -> DequantisedFlow:
        cube = {"base": StandardUniform()}
        noise = Flow(couplings(4, 4, LinearSpline(2)), (4,), condition=4, **cube)
        return DequantisedFlow(Flow(couplings(4, 0, LinearSpline(V)), (4,), **cube), V, noise=noise)

    return case(make, levels(device, 4), event=(4,))


def continuous_flow(device: torch.device) -> Case:
    def make() -> ContinuousFlow:
        return ContinuousFlow(MLP(5, [7], 4, activation=nn.Tanh), 4, steps=3)

    return case(make, torch.randn(B, 4, device=device), event=(4,))


FAMILIES: dict[str, Callable[[torch.device], Case]] = {
    "vae-bernoulli": partial(vae, lambda: Bernoulli),
    "vae-categorical": partial(vae, lambda: Categorical),
    "vae-gaussian": partial(vae, lambda: GaussianLikelihood(learned=True)),
    "vae-convolutional": convolutional_vae,
    "vae-hierarchical": hierarchical_vae,
    "gan": partial(gan, 0),
    "gan-conditional": partial(gan, 4),
    "adversarial-autoencoder": autoencoder,
    "vae-gan": vaegan,
    "independent": lambda device: case(
        partial(IndependentCategorical, EVENT, V), levels(device, *EVENT), fit=True
    ),
    "tree": lambda device: case(partial(ChowLiuTree, V), levels(device, *EVENT), fit=True),
    "categorical-mixture": lambda device: case(
        partial(CategoricalMixture, 2, V), levels(device, *EVENT), fit=True
    ),
    "gaussian-mixture": lambda device: case(
        partial(GaussianMixture, 2, prior_examples=1.0),
        torch.randn(B, 4, device=device),
        fit=True,
        event=(4,),
    ),
    "ppca": lambda device: case(
        partial(ProbabilisticPCA, 4, 2), torch.randn(B, 4, device=device), fit=True, event=(4,)
    ),
    "hidden-markov": hidden_markov,
    "chain": partial(chain, False),
    "chain-with-end": partial(chain, True),
    "recurrent-elman": partial(recurrent, "elman", False),
    "recurrent-gru": partial(recurrent, "gru", False),
    "recurrent-lstm": partial(recurrent, "lstm", True),
    "transformer": partial(transformer, 0, False),
    "transformer-with-end": partial(transformer, T + 1, True),
    "translation": partial(translation, False),
    "translation-attention": partial(translation, True),
    "flow": partial(flow, 0),
    "flow-conditional": partial(flow, 2),
    "flow-image": image_flow,
    "flow-masked": masked_flow,
    "flow-dequantised": dequantised_flow,
    "flow-continuous": continuous_flow,
    "handwriting": handwriting,
    "handwriting-synthesis": synthesis,
    "energy": energy,
    "boltzmann": partial(boltzmann, 0),
    "boltzmann-chains": partial(boltzmann, 7),
    "waveform": partial(waveform, False),
    "waveform-dilated": partial(waveform, True),
    "autoregressive": autoregressive,
    "autoregressive-density": autoregressive_density,
    "autoregressive-pixels": lambda device: case(pixels, levels(device, *PIXELS), event=PIXELS),
    "autoregressive-conditional": conditional_pixels,
    "mixture-of-conditions": lambda device: case(
        lambda: ConditionMixture(class_pixels(), torch.arange(3)),
        levels(device, *PIXELS),
        event=PIXELS,
    ),
    "mixture-of-models": lambda device: case(
        lambda: ModelMixture([pixels(), pixels()]), levels(device, *PIXELS), event=PIXELS
    ),
}


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest, device: torch.device) -> Case:
    return FAMILIES[request.param](device)


def source(seed: int, device: torch.device) -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


def densities(model: Any) -> list[Callable[..., Tensor]]:
    """Those of the model's functions that give one number of nats for each example."""
    found = [model.log_prob] if hasattr(model, "log_prob") else []
    if hasattr(model, "log_prob_bound"):
        found.append(partial(model.log_prob_bound, num_samples=3))
    return found


def drawing(model: Any, family: Case) -> list[Callable[[torch.Generator], Tensor]]:
    """Those that draw, as functions of the source of randomness."""
    calls = [lambda rng: model.sample(7, rng=rng, **family.options)]
    if hasattr(model, "log_prob_bound"):
        calls.append(lambda rng: model.log_prob_bound(*family.given, num_samples=3, rng=rng))
    return calls


def test_samples_look_like_the_data(family: Case) -> None:
    model, x = family.model, family.x
    drawn = model.sample(7, **family.options)
    assert len(drawn) == 7
    if family.event is not None:
        assert drawn.shape == (7, *family.event)
    assert drawn.ndim == x.ndim
    assert drawn.dtype == x.dtype
    assert drawn.device == x.device
    assert not drawn.requires_grad
    if x.dtype == torch.int64:
        assert -1 <= drawn.min() <= drawn.max() < V
        assert family.event is None or drawn.min() >= 0


def first_row(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(v[:1] if isinstance(v, Tensor) else v for v in values)


def test_log_probabilities_are_one_number_an_example(family: Case) -> None:
    family.model.eval()
    for log_prob in densities(family.model):
        value = log_prob(*family.given)
        assert value.shape == (B,)
        assert value.is_floating_point()
        assert value.isfinite().all()
        assert log_prob(*first_row(family.given)).shape == (1,)


def test_an_example_does_not_know_the_others(family: Case) -> None:
    """log p of the first example is the same with and without the rest of the batch."""
    family.model.eval()
    if not hasattr(family.model, "log_prob"):
        pytest.skip("no exact likelihood")
    together, alone = (
        family.model.log_prob(*given) for given in (family.given, first_row(family.given))
    )
    torch.testing.assert_close(together[:1], alone)


def test_the_loss_is_a_scalar_with_graph_and_detached_terms(family: Case) -> None:
    model = family.model
    if not hasattr(model, "loss"):
        pytest.skip("fitted in closed form, or a game")
    terms = model.loss(*family.given, rng=source(0, family.x.device))
    assert terms["loss"].requires_grad
    for name, term in terms.items():
        assert term.shape == ()
        assert term.isfinite()
        assert name == "loss" or not term.requires_grad
    terms["loss"].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_an_exact_loss_is_the_mean_of_the_negative_log_likelihood(family: Case) -> None:
    """Of whole examples, in nats, whatever a chapter prints beside it."""
    model = family.model.eval()
    if not (hasattr(model, "loss") and hasattr(model, "log_prob")):
        pytest.skip("no exact loss")
    loss = model.loss(*family.given)["loss"]
    torch.testing.assert_close(loss, -model.log_prob(*family.given).mean())


def test_the_source_of_randomness_is_obeyed(family: Case, seed: int) -> None:
    device = family.x.device
    for draw in drawing(family.model, family):
        first, second = (draw(source(seed, device)) for _ in range(2))
        torch.testing.assert_close(first, second, rtol=0, atol=0)
        rng = source(seed, device)
        one, other = draw(rng), draw(rng)  # it moves on
        assert one.shape != other.shape or not torch.equal(one, other)


def test_the_loss_obeys_the_source_of_randomness(family: Case, seed: int) -> None:
    model = family.model.eval()  # dropout draws from the global state, as torch's layers do
    if not hasattr(model, "loss"):
        pytest.skip("fitted in closed form, or a game")
    device = family.x.device
    first, second = (model.loss(*family.given, rng=source(seed, device))["loss"] for _ in range(2))
    assert first == second


@pytest.mark.parametrize("training", [True, False])
def test_nothing_else_is_changed(family: Case, training: bool, seed: int) -> None:
    model, x = family.model.train(training), family.x
    first = next(model.parameters(), None)
    if first is not None:
        first.requires_grad_(False)
    before = copy.deepcopy(model.state_dict()), x.clone()
    needs = [p.requires_grad for p in model.parameters()]
    states = [torch.get_rng_state()]
    if x.device.type == "cuda":
        states.append(torch.cuda.get_rng_state(x.device))
    for draw in drawing(model, family):
        draw(source(seed, x.device))
    if hasattr(model, "log_prob"):
        model.log_prob(*family.given)
    now = [torch.get_rng_state()]
    if x.device.type == "cuda":
        now.append(torch.cuda.get_rng_state(x.device))
    assert all(torch.equal(a, b) for a, b in zip(states, now))
    assert torch.equal(before[1], x)
    assert all(torch.equal(before[0][name], value) for name, value in model.state_dict().items())
    assert all(part.training is training for part in model.modules())
    assert needs == [p.requires_grad for p in model.parameters()]


def positional(function: Any) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]


def test_the_arguments_have_the_contracts_names(family: Case) -> None:
    """The number first, the data before what they are conditioned on, in one order."""
    model = family.model
    assert isinstance(model, nn.Module)
    assert positional(model.sample) == ["n"]
    rng = inspect.signature(model.sample).parameters["rng"]
    assert rng.kind is inspect.Parameter.KEYWORD_ONLY
    assert rng.default is None
    doors = [getattr(model, n) for n in ("loss", "log_prob", "log_prob_bound") if hasattr(model, n)]
    assert len({tuple(positional(door)) for door in doors}) <= 1
    if hasattr(model, "loss"):
        assert inspect.signature(model.loss).parameters["rng"].default is None


@pytest.mark.parametrize("n", [-1, 2.5])
def test_bad_sizes(family: Case, n: object) -> None:
    with pytest.raises((ValueError, TypeError, RuntimeError)):  # torch's own words
        family.model.sample(n, **family.options)


def test_bad_input_is_named(family: Case) -> None:
    model, x, rest = family.model, family.x, family.condition
    loss = [model.loss] if hasattr(model, "loss") else []
    for door in [*densities(model), *loss]:
        name = positional(door)[0]
        with pytest.raises(ValueError, match=rf"{name} must have shape .*, got \(5, 2, 3, 4, 1\)"):
            door(x.new_zeros(5, 2, 3, 4, 1), *rest)
        with pytest.raises(ValueError, match=f"{name} must hold at least one example, got shape"):
            door(x[:0], *first_row(rest))
        with pytest.raises(TypeError, match=f"{name} must be a torch.Tensor, got list"):
            door(x.tolist(), *rest)
        with pytest.raises(TypeError, match=f"{name} must be an? (integer|floating-point) tensor"):
            door(x.long() if x.is_floating_point() else x.double(), *rest)
        with pytest.raises(ValueError, match=f"{name} must be on .*, the device of the model"):
            door(x.to("meta"), *rest)
        if x.is_floating_point():
            with pytest.raises(ValueError, match=f"{name}.* must (be finite|hold only|lie in)"):
                door(torch.full_like(x, torch.nan), *rest)
        else:
            with pytest.raises(ValueError, match=rf"{name} must lie in \[-?\d, 3\], got values"):
                door(torch.full_like(x, V), *rest)


def test_whole_numbers_of_any_width_are_the_same_numbers(family: Case) -> None:
    if family.x.is_floating_point():
        pytest.skip("takes floats")
    family.model.eval()
    for log_prob in densities(family.model):
        values = []
        for dtype in (torch.int64, torch.int32, torch.uint8):
            torch.manual_seed(0)
            values.append(log_prob(family.x.to(dtype), *family.condition))
        assert torch.equal(values[0], values[1])
        assert torch.equal(values[0], values[2])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_type_is_the_models(family: Case, dtype: torch.dtype) -> None:
    def cast(value: Any) -> Any:
        floats = isinstance(value, Tensor) and value.is_floating_point()
        return value.to(dtype) if floats else value

    model, given = family.model.to(dtype), [cast(value) for value in family.given]
    drawn = model.sample(7, **{name: cast(value) for name, value in family.options.items()})
    assert drawn.dtype == given[0].dtype
    for log_prob in densities(model):
        assert log_prob(*given).dtype == dtype
    if hasattr(model, "loss"):
        assert model.loss(*given)["loss"].dtype == dtype


def test_a_source_on_another_device_is_named(family: Case) -> None:
    if family.x.device.type != "cuda":
        pytest.skip("needs two devices")
    for draw in drawing(family.model, family):
        with pytest.raises(RuntimeError, match=r"Expected a 'cuda.*generator"):  # torch's words
            draw(torch.Generator("cpu"))


def test_a_new_model_is_the_same_after_loading(family: Case, seed: int, tmp_path: Path) -> None:
    device = family.x.device
    save_checkpoint(tmp_path / "model.pt", model=family.model.eval())
    other: Any = family.make().to(device).eval()
    load_checkpoint(tmp_path / "model.pt", model=other)
    for one, two in zip(drawing(family.model, family), drawing(other, family)):
        assert torch.equal(one(source(seed, device)), two(source(seed, device)))
    if hasattr(other, "log_prob"):
        assert torch.equal(family.model.log_prob(*family.given), other.log_prob(*family.given))


NETWORK = nn.Linear(1, 1)
SIZES: dict[type, tuple[tuple[Any, ...], dict[str, Any], dict[str, Any]]] = {
    # arguments; the smallest sizes and numbers that a model takes; options it cannot do without
    AutoregressiveModel: ((NETWORK, (2,)), {"levels": 2}, {}),
    VAE: ((NETWORK, NETWORK, 1), {"beta": 0.0}, {}),
    GAN: ((NETWORK, NETWORK), {"latent": 1, "pack": 1}, {}),
    VAEGAN: ((*(NETWORK,) * 4, 1), {"gamma": 0.0}, {}),
    CategoricalMixture: (
        (),
        {"components": 1, "num_levels": 2, "smoothing": 0.0, "prior_examples": 0.0},
        {},
    ),
    ChowLiuTree: ((), {"num_levels": 2, "smoothing": 0.0}, {}),
    ContinuousFlow: ((NETWORK,), {"features": 1, "steps": 1}, {}),
    DequantisedFlow: ((Flow([ActNorm(2)], (2,)),), {"num_levels": 2}, {}),
    Flow: (([ActNorm(2)], (2,)), {"condition": 0}, {}),
    EnergyModel: (
        (NETWORK, (1,)),
        {"chains": 1, "steps": 1, "restart": 0.0, "penalty": 0.0},
        {},
    ),
    RBM: (((2,),), {"hidden": 1, "steps": 1, "chains": 0}, {}),
    GaussianMixture: ((), {"components": 1, "prior_examples": 0.0}, {}),
    HandwritingPredictor: (
        (),
        {"hidden": 1, "components": 1, "length": 1, "min_std": 0.0},
        {},
    ),
    HandwritingSynthesiser: (
        ("ab",),
        {"lower": 1, "upper": 1, "components": 1, "bumps": 1},
        {},
    ),
    IndependentCategorical: (((2,),), {"num_levels": 1, "smoothing": 0.0}, {}),
    MarkovChain: ((), {"num_symbols": 2, "order": 0, "smoothing": 0.0}, {}),
    ProbabilisticPCA: ((3,), {"latent": 1}, {}),
    RecurrentLanguageModel: (
        (),
        {"num_symbols": 2},
        {"embedding": 1, "hidden": 1, "layers": 1},
    ),
    SequenceToSequence: (
        (),
        {"num_source": 1, "num_target": 1},
        {"embedding": 1, "hidden": 1},
    ),
    WaveformModel: ((), {"context": 1, "classes": 1, "components": 1}, {}),
}


@pytest.mark.parametrize("model", SIZES, ids=lambda model: model.__name__)
def test_the_smallest_sizes_are_taken_and_smaller_ones_named(model: type[nn.Module]) -> None:
    arguments, sizes, options = SIZES[model]
    model(*arguments, **sizes, **options)
    for name, smallest in sizes.items():
        with pytest.raises(ValueError, match=f"^{name} must .*, got {smallest - 1}"):
            model(*arguments, **{**sizes, name: smallest - 1}, **options)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: GaussianMixture(2, prior_variance=0.0), "prior_variance"),
        (lambda: EnergyModel(NETWORK, (1,), step_size=0.0), "step_size"),
        (lambda: HandwritingPredictor(scale=0.0), "scale"),
        (lambda: HandwritingSynthesiser("ab", scale=0.0), "scale"),
        (lambda: HandwritingSynthesiser("ab", letter_steps=0.0), "letter_steps"),
        (lambda: VAEGAN(NETWORK, NETWORK, NETWORK, NETWORK, 1, feature_std=0.0), "feature_std"),
    ],
)
def test_ends_that_are_excluded_are_named(make: Callable[[], nn.Module], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must .*, got 0"):
        make()
