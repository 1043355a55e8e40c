"""The laboratories: their numbers against PyTorch and helpers, and the pages they are in."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmarks.laboratories import ALPHABET, decoding, make_plane, next_letter, unpack
from benchmarks.record import RESULTS
from helpers import games
from helpers.data.toy import Ring
from helpers.metrics import mode_coverage
from helpers.models import GAN
from helpers.networks import MLP
from helpers.optim import SGD, momentum_radius, trajectory
from helpers.random import seeded
from helpers.samplers import nucleus, temperature, top_k
from helpers.training import players_step
from tests.browser import checks
from tests.browser.viewer import Viewer
from tools.notebooks import ROOT

SCRIPTS = ROOT / "book" / "_pages" / "laboratories"
PAGES = {
    "dirac-gan": "optimisation/adversarial_dynamics",
    "gan-ring": "models/gan",
    "vae-plane": "models/vae",
    "kl-fit": "concepts/probability",
    "momentum": "optimisation/gradient_methods",
    "decoding": "applications/text",
}
LIMIT = 100_000  # bytes of a laboratory, engine and weights included
CLOSE = {"rtol": 1e-4, "atol": 1e-6}


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    text = (RESULTS / "laboratories.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)["figures"]
    return found


@pytest.fixture(scope="module")
def engine(browser: Any) -> Iterator[Any]:
    """An empty page that has read all scripts: the models without their drawing."""
    page = browser.new_page()
    for name in ("engine.js", *(f"{name}.js" for name in PAGES)):
        page.add_script_tag(path=str(SCRIPTS / name))
    yield page
    page.close()


def compare(found: Any, expected: Any) -> None:
    torch.testing.assert_close(torch.as_tensor(found).double(), expected.double(), **CLOSE)


def draw(shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.randn(shape, generator=seeded(seed))


# -- the engine ------------------------------------------------------------------------------------


def xoshiro(seed: int, count: int) -> list[int]:
    """The generator in Python, from the description of its authors."""

    def turn(x: int, k: int) -> int:
        return ((x << k) | (x >> (32 - k))) % 2**32

    words = []
    for k in range(1, 5):
        z = (seed + k * 0x9E3779B9) % 2**32
        z = (z ^ (z >> 16)) * 0x21F0AAAD % 2**32
        z = (z ^ (z >> 15)) * 0x735A2D97 % 2**32
        words.append(z ^ (z >> 15))
    a, b, c, d = words
    found = []
    for _ in range(count):
        found.append(turn(b * 5 % 2**32, 7) * 9 % 2**32)
        shifted = (b << 9) % 2**32
        c, d = c ^ a, d ^ b
        a, b = a ^ d, b ^ c
        c, d = c ^ shifted, turn(d, 11)
    return found


def test_random_numbers_are_those_of_the_generator(engine: Any, seed: int) -> None:
    script = """(seed) => { const r = new laboratory.Random(seed);
                            return Array.from({length: 50}, () => r.word()); }"""
    assert engine.evaluate(script, seed) == xoshiro(seed, 50)
    script = """(seed) => { const r = new laboratory.Random(seed);
                            return Array.from({length: 20000}, () => r.normal()); }"""
    z = torch.tensor(engine.evaluate(script, seed))
    assert abs(z.mean()) < 5 / math.sqrt(20_000)
    assert abs(z.var() - 1) < 5 * math.sqrt(2 / 20_000)
    assert abs((z[::2] * z[1::2]).mean()) < 5 / math.sqrt(10_000)


@pytest.mark.parametrize("activation", ["relu", "leaky", "tanh"])
def test_gradients_of_a_dense_network(engine: Any, seed: int, activation: str) -> None:
    makers = {"relu": nn.ReLU, "leaky": lambda: nn.LeakyReLU(0.2), "tanh": nn.Tanh}
    torch.manual_seed(seed)
    network = MLP(3, [5, 4], 2, activation=makers[activation])
    x = draw((6, 3), seed).requires_grad_()
    weight = draw((6, 2), seed + 1)
    y = network(x)
    expected = torch.autograd.grad((y * weight).sum(), [x, *network.parameters()])
    found = engine.evaluate(
        """({activation, tensors, x, weight}) => {
            const network = new laboratory.Network([3, 5, 4, 2], activation).load(tensors);
            const y = network.forward(laboratory.fromRows(x));
            const forInput = network.backward(laboratory.fromRows(weight));
            return [laboratory.toRows(y), laboratory.toRows(forInput),
                    ...network.gradients().map((g) => Array.from(g))]; }""",
        {
            "activation": activation,
            "tensors": [p.tolist() for p in network.parameters()],
            "x": x.tolist(),
            "weight": weight.tolist(),
        },
    )
    compare(found[0], y.detach())
    compare(found[1], expected[0])
    for ours, theirs in zip(found[2:], expected[1:], strict=True):
        compare(ours, theirs.flatten())


# -- the laboratories ------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["simultaneous", "alternating", "extragradient", "optimistic"])
@pytest.mark.parametrize("gamma", [0.0, 0.7])
def test_dirac_gan(engine: Any, way: str, gamma: float) -> None:
    rule = getattr(games, way.capitalize())(0.3)
    path = games.play(rule, games.DiracGAN(gamma=gamma), torch.tensor([1.2, -0.4]), steps=100)
    settings = {"way": way, "rate": 0.3, "gamma": gamma, "start": [1.2, -0.4]}
    compare(play(engine, "dirac-gan", settings, 100)["path"], path)


def test_dirac_gan_with_a_clipped_slope(engine: Any) -> None:
    theta, psi, path = 1.7, 0.2, [(1.7, 0.2)]
    for _ in range(100):
        theta = theta + 0.3 * psi
        psi = max(-1.0, min(1.0, psi - 0.3 * theta))
        path.append((theta, psi))
    settings = {"way": "alternating", "rate": 0.3, "loss": "wasserstein", "clip": 1}
    found = play(engine, "dirac-gan", {**settings, "start": [1.7, 0.2]}, 100)
    compare(found["path"], torch.tensor(path))
    assert max(abs(psi) for _, psi in path) == 1.0  # the clip was reached


def play(engine: Any, name: str, settings: dict[str, Any], steps: int) -> dict[str, Any]:
    """A model after some steps, without arguments."""
    found: dict[str, Any] = engine.evaluate(
        """({name, settings, steps}) => {
            const model = laboratory.create(name, settings);
            for (let k = 0; k < steps; k++) model.step();
            return model.numbers(); }""",
        {"name": name, "settings": settings, "steps": steps},
    )
    return found


@pytest.mark.parametrize(("rate", "momentum"), [(1.9, 0.0), (2.1, 0.0), (3.1, 0.6), (3.3, 0.6)])
def test_momentum(engine: Any, rate: float, momentum: float) -> None:
    curvature, start = torch.tensor([0.1, 1.0]), torch.tensor([-9.0, 2.0])
    path = trajectory(SGD(rate, momentum=momentum), lambda p: curvature * p, start, steps=60)
    found = play(engine, "momentum", {"rate": rate, "momentum": momentum}, 60)
    compare(found["path"], path)
    compare(found["losses"], (0.5 * curvature * path**2).sum(1))
    theta = start.clone().requires_grad_()
    optimizer = torch.optim.SGD([theta], rate, momentum=momentum)
    for _ in range(60):
        optimizer.zero_grad()
        (0.5 * curvature * theta**2).sum().backward()
        optimizer.step()
    compare(found["path"][-1], theta.detach())
    radius = momentum_radius(rate, curvature, momentum=momentum).max().item()
    assert found["radius"] == pytest.approx(radius, rel=1e-9)
    assert (radius < 1) == (rate < found["threshold"])


@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize("start", [(0.0, 1.0), (3.0, 2.5)])
def test_kl_fit(engine: Any, direction: str, start: tuple[float, float]) -> None:
    x = torch.linspace(-10, 10, 2001)
    normal = torch.distributions.Normal
    target = torch.logaddexp(
        math.log(0.6) + normal(-2.2, 0.7).log_prob(x), math.log(0.4) + normal(2.2, 0.9).log_prob(x)
    )
    theta = torch.tensor([start[0], math.log(start[1])], requires_grad=True)
    optimizer = torch.optim.Adam([theta], 0.05)
    expected = []
    for _ in range(41):
        log_q = normal(theta[0], theta[1].exp()).log_prob(x)
        forward = torch.trapezoid(target.exp() * (target - log_q), x)
        reverse = torch.trapezoid(log_q.exp() * (log_q - target), x)
        expected.append([theta[0].item(), theta[1].exp().item(), forward.item(), reverse.item()])
        optimizer.zero_grad()
        (forward if direction == "forward" else reverse).backward()
        optimizer.step()
    found = engine.evaluate(
        """({start, direction}) => {
            const model = laboratory.create("kl-fit", {mean: start[0], std: start[1]});
            return Array.from({length: 41}, () => {
                const now = model.numbers();
                model.step(direction);
                return [now.mean, now.std, now.forward, now.reverse]; }); }""",
        {"start": start, "direction": direction},
    )
    compare(found, torch.tensor(expected))


def test_vae_plane(engine: Any, figures: dict[str, Any], seed: int) -> None:
    stored, model = figures["vae-plane"]["decoder"], make_plane()
    with torch.no_grad():
        for parameter, packed in zip(model.decoder.parameters(), stored, strict=True):
            parameter.copy_(unpack(packed))
    z = draw((12, 2), seed)
    found = engine.evaluate(
        """({decoder, z}) => {
            const model = laboratory.create("vae-plane", {decoder});
            return z.map((place) => model.decode(place)); }""",
        {"decoder": stored, "z": z.tolist()},
    )
    compare(found, model.decode_mean(z)[:, 0])


def test_decoding(engine: Any) -> None:
    counts, chain = decoding()
    contexts = ["", "t", "th", "the value of the ", "zq'x", "objects that ar"]
    options = [{}, {"tau": 0.4}, {"k": 3}, {"mass": 0.8}, {"tau": 1.7, "k": 12, "mass": 0.6}]
    found = engine.evaluate(
        """({counts, contexts, options}) => {
            const model = laboratory.create("decoding", counts);
            return contexts.map((context) => {
                const p = model.probabilities(context);
                return [p, options.map((option) => model.filtered(p, option))]; }); }""",
        {"counts": counts, "contexts": contexts, "options": options},
    )
    for context, (p, filtered) in zip(contexts, found, strict=True):
        logits = next_letter(chain, context)
        compare(p, logits.exp())
        for option, q in zip(options, filtered, strict=True):
            kept = temperature(logits, option.get("tau", 1.0))
            kept = top_k(kept, option.get("k", len(ALPHABET)))
            compare(q, nucleus(kept, option.get("mass", 1.0)).softmax(-1))


def test_stored_counts_are_complete(figures: dict[str, Any]) -> None:
    stored = figures["decoding"]
    depth = total = 0  # letters that are open
    for letter, count in re.findall(r"([a-z' ,.)])(\d*)", stored["counts"]):
        if letter == ")":
            depth -= 1
        elif depth < stored["order"]:
            depth += 1
        else:
            total += int(count or 1)
    assert depth == 0
    assert total == stored["characters"] - stored["order"]


def ring_gan(seed: int) -> GAN:
    torch.manual_seed(seed)

    def slope() -> nn.Module:
        return nn.LeakyReLU(0.2)

    return GAN(MLP(2, [7, 6], 2, activation=slope), MLP(2, [7, 6], 1, activation=slope), 2)


@pytest.mark.parametrize(("noise", "r1"), [(0.0, 0.0), (0.2, 0.0), (0.0, 0.3), (0.1, 0.2)])
def test_gan_ring(engine: Any, seed: int, noise: float, r1: float) -> None:
    gan, steps, batch = ring_gan(seed), 25, 16
    weights = {
        name: [p.tolist() for p in getattr(gan, name).parameters()]
        for name in ("generator", "discriminator")
    }
    rng = seeded(seed)
    data = [Ring(std=0.05).sample(batch, rng=rng) for _ in range(steps)]
    # The draws of each player, in the order in which helpers makes them: z, noise, noise.
    draws = []
    for k, x in enumerate(data):
        first, second = seeded(2 * k), seeded(2 * k + 1)
        (z1, a, b), (z2, c) = (
            [torch.randn(batch, 2, generator=g) for _ in range(n)]
            for g, n in ((first, 3), (second, 2))
        )
        names = ("x", "zFirst", "noiseReal", "noiseFake", "zSecond", "noiseSecond")
        draws.append({n: t.tolist() for n, t in zip(names, (x, z1, a, b, z2, c))})

    betas, rates = (0.5, 0.999), (2e-3, 1e-3)
    optimizers = [
        torch.optim.Adam(player.parameters(), rate, betas=betas)
        for player, rate in zip((gan.discriminator, gan.generator), rates)
    ]

    def judge(x: Tensor) -> dict[str, Tensor]:
        return gan.discriminator_loss(x, noise=noise, r1=r1, rng=seeded(2 * step.count))

    def deceive(x: Tensor) -> dict[str, Tensor]:
        return gan.generator_loss(len(x), noise=noise, rng=seeded(2 * step.count + 1))

    step = players_step(
        {"discriminator": (judge, optimizers[0]), "generator": (deceive, optimizers[1])}
    )
    expected = [step(x) for x in data]
    found = engine.evaluate(
        """({settings, draws}) => {
            const model = laboratory.create("gan-ring", settings);
            return [draws.map((draw) => model.step(draw)), model.numbers()]; }""",
        {
            "settings": {
                **{"hidden": [7, 6], "weights": weights, "rates": rates, "betas": betas},
                **{"noise": noise, "r1": r1},
            },
            "draws": draws,
        },
    )
    for ours, theirs in zip(found[0], expected, strict=True):
        for player in ("discriminator", "generator"):
            compare(ours[player], theirs[player])
    for player in ("discriminator", "generator"):
        own = getattr(gan, player).parameters()
        for ours, theirs in zip(found[1][player], own, strict=True):
            compare(ours, theirs.detach().flatten())


def test_gan_ring_scores_and_truth(engine: Any, seed: int) -> None:
    settings = {"seed": seed, "std": 0.05}
    samples, score = engine.evaluate(
        """(settings) => {
            const model = laboratory.create("gan-ring", settings);
            const samples = [...model.truth(3000), ...model.sample(100)];
            return [samples, model.coverage(samples)]; }""",
        settings,
    )
    ring = Ring(std=0.05)
    expected = mode_coverage(torch.tensor(samples), ring.means, ring.std)
    assert score["modes"] == expected.covered == 8
    assert score["counts"] == expected.counts.tolist()
    assert score["quality"] == pytest.approx(expected.high_quality.value)
    truth = mode_coverage(torch.tensor(samples[:3000]), ring.means, ring.std)
    assert abs(truth.high_quality.value - (1 - math.exp(-4.5))) < 5 * math.sqrt(0.011 / 3000)
    assert (truth.nearest - 375).abs().max() < 5 * math.sqrt(375)


# -- the pages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_a_laboratory_is_small(figures: dict[str, Any], name: str) -> None:
    code = sum((SCRIPTS / f"{part}.js").stat().st_size for part in ("engine", "stage", name))
    assert code + len(json.dumps(figures.get(name))) < LIMIT


def open_laboratory(viewer: Viewer, name: str, width: int = 1280) -> tuple[Any, Any, Any]:
    page, record = viewer.open(f"book/{PAGES[name]}.html", width=width, unfold=False)
    figure = page.locator(f"#laboratory-{name}")
    figure.scroll_into_view_if_needed()
    return page, record, figure


def readings(figure: Any) -> str:
    text: str = figure.locator(".laboratory-readings").inner_text()
    return text


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_a_laboratory_in_its_page(viewer: Viewer, name: str, width: int) -> None:
    page, record, figure = open_laboratory(viewer, name, width)
    try:
        assert figure.count() == 1
        assert figure.locator("canvas").count() >= 1
        assert figure.locator(".laboratory-stage > svg").count() == 0  # the picture has made room
        inside = figure.evaluate(
            """(figure) => [figure.scrollWidth - figure.clientWidth,
                document.documentElement.scrollWidth - window.innerWidth,
                ...[...figure.querySelectorAll("*")].filter((e) => !e.closest("script, noscript"))
                    .map((e) => e.getBoundingClientRect().right
                                - figure.getBoundingClientRect().right)]"""
        )
        assert max(inside) <= 1
        # Nothing runs before a button is pressed; then, with less motion, it runs at once.
        before = readings(figure)
        page.wait_for_timeout(150)
        assert readings(figure) == before
        button = figure.locator(".laboratory-buttons button").first
        if button.count():
            assert "steps" in button.inner_text()
            button.focus()
            page.keyboard.press("Enter")
            assert readings(figure) != before
            after = readings(figure)
            page.wait_for_timeout(150)
            assert readings(figure) == after, "it goes on although motion is not wanted"
        unlabelled = figure.evaluate(
            """(figure) => [...figure.querySelectorAll("input, select")]
                .filter((e) => !e.labels.length).length"""
        )
        assert unlabelled == 0
        assert checks.contrast(page) == []
        assert record.problems() == []
    finally:
        page.close()


@pytest.mark.parametrize("name", PAGES)
def test_keys_move_something(viewer: Viewer, name: str) -> None:
    page, _, figure = open_laboratory(viewer, name)
    try:
        if figure.locator("canvas[tabindex]").count():
            canvas = figure.locator("canvas[tabindex]").first
            before = readings(figure)
            canvas.focus()
            page.keyboard.press("ArrowLeft")
            assert readings(figure) != before
            outline = canvas.evaluate("(e) => getComputedStyle(e).outlineStyle")
            assert outline == "solid", "the focus cannot be seen"
        slider = figure.locator("input[type=range]:enabled").first
        before = figure.locator("label b").all_inner_texts()
        slider.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        assert figure.locator("label b").all_inner_texts() != before
    finally:
        page.close()


def test_a_run_moves_and_pauses(browser: Any, viewer: Viewer) -> None:
    context = browser.new_context(reduced_motion="no-preference")
    page = context.new_page()
    try:
        page.goto(f"{viewer.address}/book/{PAGES['dirac-gan']}.html")
        figure = page.locator("#laboratory-dirac-gan")
        figure.scroll_into_view_if_needed()
        before = readings(figure)
        button = figure.locator("button", has_text="Run")
        button.click()
        page.wait_for_function(
            "(before) => document.querySelector('.laboratory-readings').innerText !== before",
            arg=before,
        )
        figure.locator("button", has_text="Pause").click()
        after = readings(figure)
        page.wait_for_timeout(200)
        assert readings(figure) == after
    finally:
        context.close()


def test_a_finger_or_mouse_moves_through_the_plane(viewer: Viewer) -> None:
    page, _, figure = open_laboratory(viewer, "vae-plane", 390)
    try:
        canvas = figure.locator("canvas").first
        before = readings(figure)
        canvas.click(position={"x": 100, "y": 60})
        assert readings(figure) != before
        assert canvas.evaluate("(e) => getComputedStyle(e).touchAction") == "none"
    finally:
        page.close()


def test_without_javascript_there_is_a_picture(browser: Any, root: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    try:
        for name, path in PAGES.items():
            page.goto((root / "_build" / "html" / "book" / f"{path}.html").as_uri())
            picture = page.locator(f"#laboratory-{name} svg[role=img]")
            assert picture.get_attribute("aria-label")
            assert picture.bounding_box()["width"] > 200
    finally:
        context.close()


def test_scripts_are_on_the_pages_of_their_laboratories_only(root: Path) -> None:
    site = root / "_build" / "html"
    if not (site / "index.html").is_file():
        pytest.skip("the site is not built")
    for page in site.glob("book/**/*.html"):
        text = page.read_text(encoding="utf-8")
        found = set(re.findall(r"laboratories/([\w-]+)\.js", text))
        name = page.relative_to(site / "book").with_suffix("").as_posix()
        here = {laboratory for laboratory, path in PAGES.items() if path == name}
        here |= {"gan-ring"} if name == "intro" else set()
        assert found == (here | {"engine", "stage"} if here else set()), name
