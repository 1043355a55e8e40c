import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import Circle, FancyBboxPatch, Polygon
from matplotlib.path import Path

from helpers.plotting import diagram
from helpers.plotting.diagram import HEAD, KINDS, WIDTH
from helpers.plotting.style import INK, PALETTE, QUIET

LOOPED = (
    {
        "x": ("$x_t$", 0, 0, "data"),
        "f": ("network", 1, 0, "network"),
        "z": (r"$z \sim \mathcal{N}(0, I)$", 2, 0.7, "latent"),
        "sum": (r"$\sum_u$", 1, 1, "operation"),
        "loss": (r"$\mathrm{KL}(q \,\|\, p)$", 0, 1.4, "loss"),
        "why": ("a note", 1, 2, "note"),
        "turn": ("", 2, 2, "point"),
    },
    [
        "x -> f -> z : draw",
        "f -> sum : $A$",
        "sum ~> loss",
        "loss ~> sum",
        "f ~> f : again",
        "x |-> loss",
        "z - turn -> why",
        r"loss --> x : $\nabla$",
        "why -|> loss",
    ],
    {"$n = 1$": "x f"},
)
CHAIN = ({f"x{t}": (f"$x_{t}$", t, 0, "data") for t in range(5)}, ["x0 -> x1 -> x2 -> x3 -> x4"])
LATTICE = (
    {f"{k}{t}": (rf"$\alpha_{t}({k})$", t, k, "latent") for t in (1, 2, 3) for k in (1, 2)},
    [f"{j}{t} -> {k}{t + 1}" for t in (1, 2) for j in (1, 2) for k in (1, 2)],
    {"": "11 21", "after": "13 23"},
)
TALL = (
    {k: (f"a {k}\nof two lines", 0, row, k) for row, k in enumerate(KINDS) if k != "point"},
    ["data -> latent -> network -> operation -> loss -> note"],
)
ALL = pytest.mark.parametrize("described", [LOOPED, CHAIN, LATTICE, TALL])


def draw(described):
    nodes, arrows, *frames = described
    return diagram(nodes, arrows, frames=frames[0] if frames else None)


def outlines(ax, nodes) -> dict[str, np.ndarray]:
    found = {shape.get_label(): shape.get_xy() for shape in ax.patches if type(shape) is Polygon}
    return {name: shape for name, shape in found.items() if name in nodes}


def heads(ax) -> dict[str, np.ndarray]:
    """The points of the arrows' heads."""
    polygons = [shape for shape in ax.patches if type(shape) is Polygon]
    return {s.get_label(): s.get_xy()[0] for s in polygons if " " in s.get_label()}


def distance(point, outline) -> float:
    """From a point to the nearest of the segments of an outline."""
    a, b = outline[:-1], outline[1:]
    along = np.clip(((point - a) * (b - a)).sum(1) / ((b - a) ** 2).sum(1).clip(1e-12), 0, 1)
    return np.linalg.norm(a + along[:, None] * (b - a) - point, axis=1).min()


def written(ax) -> list[tuple[str, np.ndarray]]:
    """Each text and the corners of its box, in the units of the axes."""
    texts = [text for text in ax.texts if text.get_text()]
    back = ax.transData.inverted()
    return [(t.get_text(), back.transform(t.get_window_extent().get_points())) for t in texts]


def between(line, step=0.003):
    parts = [
        a + (b - a) * np.linspace(0, 1, int(np.linalg.norm(b - a) / step) + 2)[:, None]
        for a, b in itertools.pairwise(line)
    ]
    return np.concatenate(parts)


@ALL
def test_one_unit_is_an_inch_and_the_figure_fits_a_phone(described):
    ax = draw(described)
    width, height = ax.figure.get_size_inches()
    assert width <= WIDTH + 1e-6
    assert np.allclose([np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim())], [width, height])
    assert tuple(ax.get_position().bounds) == (0, 0, 1, 1)
    assert min(text.get_fontsize() for text in ax.texts) >= 10


@ALL
def test_boxes_do_not_overlap_and_hold_their_text(described):
    ax = draw(described)
    shapes = outlines(ax, described[0])
    for a, b in itertools.combinations(shapes.values(), 2):
        assert not Path(a).contains_points(between(b)).any()
        assert not Path(b).contains_points(a).any()
    texts = dict(written(ax))
    for name, shape in shapes.items():
        (left, bottom), (right, top) = texts[described[0][name][0]]
        corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
        assert Path(shape).contains_points(corners).all(), name


@ALL
def test_arrows_run_from_border_to_border(described):
    ax = draw(described)
    shapes = outlines(ax, described[0])
    points = heads(ax)
    assert points
    for name, tip in points.items():
        end = name.split()[1]
        if end in shapes:
            assert distance(tip, shapes[end]) < 1e-6, name
    for line in ax.lines:
        path = line.get_xydata()
        start, end = line.get_label().split()
        if start in shapes:
            assert distance(path[0], shapes[start]) < 1e-6
        tip = points.get(line.get_label())
        assert (tip is None) == (end == "turn")
        if tip is not None:
            assert np.linalg.norm(path[-1] - tip) == pytest.approx(HEAD)
        for name in {start, end} & set(shapes):
            assert not Path(shapes[name]).contains_points(path[1:-1], radius=-1e-3).any(), name
        for name in set(shapes) - {start, end}:
            assert not Path(shapes[name]).contains_points(between(path)).any(), name


@ALL
def test_labels_keep_clear_of_boxes_lines_and_each_other(described):
    ax = draw(described)
    texts = written(ax)
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    names = {node[0] for node in described[0].values()}
    for (_, a), (_, b) in itertools.combinations(texts, 2):
        assert (a[1] <= b[0]).any() or (b[1] <= a[0]).any()
    lines = np.concatenate([between(line.get_xydata()) for line in ax.lines])
    shapes = [between(shape) for shape in outlines(ax, described[0]).values()]
    for words, (lower, upper) in texts:
        assert (lower >= [left, low]).all()
        assert (upper <= [right, high]).all()
        assert not ((lines > lower) & (lines < upper)).all(1).any(), words
        if words not in names:
            for shape in shapes:
                assert not ((shape > lower) & (shape < upper)).all(1).any(), words


def test_kinds_differ_in_shape_and_colour():
    ax = draw(TALL)
    shapes = outlines(ax, TALL[0])
    assert [len(shapes[k]) - 1 for k in ("data", "operation", "loss")] == [4, 6, 4]
    assert set(shapes) == set(KINDS) - {"note", "point"}
    colours = {shape.get_edgecolor() for shape in ax.patches if shape.get_label() in shapes}
    assert len(colours) == 5
    right_angles = [np.unique(np.round(shapes[k][:, 0], 6)).size == 2 for k in ("data", "loss")]
    assert right_angles == [True, False]
    a, b = np.ptp(shapes["latent"], axis=0) / 2
    round_ones = (shapes["latent"] - shapes["latent"][:-1].mean(0)) / [a, b]
    assert np.allclose(np.linalg.norm(round_ones, axis=1), 1)


def test_colours_are_the_books_and_grounds_are_see_through():
    ax = draw(LOOPED)
    allowed = {plt.matplotlib.colors.to_rgb(c) for c in (INK, QUIET, *PALETTE)}
    for shape in ax.patches:
        assert shape.get_edgecolor()[:3] in allowed
        if shape.get_label() in LOOPED[0]:
            assert shape.get_facecolor()[:3] in allowed
            assert shape.get_facecolor()[3] < 0.3
    assert {line.get_color() for line in ax.lines} == {INK}
    assert {text.get_color() for text in ax.texts} == {INK}
    assert not ax.axison


def test_doubled_signs_are_dashed_and_a_line_needs_no_head():
    ax = diagram(
        {"a": ("a", 0, 0, "data"), "b": ("b", 1, 1, "data"), "c": ("c", 2, 2, "data")},
        ["a -> b --> c", "a --|> c", "c |-- a", "a ~~> b", "b ~ c"],
    )
    dashed = [line.is_dashed() for line in ax.lines]
    assert dashed == [False, True, True, True, True, False]
    assert sum(" " in shape.get_label() for shape in ax.patches) == 4


def test_elbows_turn_where_they_say():
    nodes = {"a": ("a", 0, 0, "data"), "b": ("b", 1, 4, "data")}
    for connector, corner in (("-|>", (1, 0)), ("|->", (0, 1))):
        ax = diagram(nodes, [f"a {connector} b"])
        shapes = outlines(ax, nodes)
        middle = {name: (shape.min(0) + shape.max(0)) / 2 for name, shape in shapes.items()}
        wanted = middle["ab"[corner[0]]][0], middle["ab"[corner[1]]][1]
        assert distance(np.array(wanted), ax.lines[0].get_xydata()) < 1e-6


def test_straight_lines_are_drawn_by_their_ends():
    nodes = {"a": ("a", 0, 0, "data"), "b": ("b", 1, 4, "data")}
    ax = diagram(nodes, ["a - b", "a -| b", "b |-> a"])
    assert [len(line.get_xydata()) for line in ax.lines] == [2, 3, 3]


def test_bends_go_to_the_left_of_their_direction():
    nodes = {"a": ("a", 0, 0, "data"), "b": ("b", 2, 0, "data")}
    ax = diagram(nodes, ["a ~> b", "b ~> a"])
    centre = outlines(ax, nodes)["a"][:-1].mean(0)[1]
    there, back = (line.get_ydata() for line in ax.lines)
    assert there.max() - centre > 0.1
    assert centre - back.min() > 0.1
    assert there.max() - centre == pytest.approx(centre - back.min(), abs=0.02)


def test_three_lines_at_a_point_make_a_dot():
    nodes = {"a": ("a", 0, 0, "data"), "p": ("", 1, 0, "point"), "b": ("b", 2, 0, "data")}
    assert not any(isinstance(s, Circle) for s in diagram(nodes, ["a - p -> b"]).patches)
    nodes["c"] = ("c", 1, 1, "data")
    dots = [s for s in diagram(nodes, ["a - p -> b", "p -> c"]).patches if isinstance(s, Circle)]
    assert len(dots) == 1


def test_frames_surround_their_members():
    ax = draw(LATTICE)
    shapes = outlines(ax, LATTICE[0])
    frames = [shape for shape in ax.patches if isinstance(shape, FancyBboxPatch)]
    for frame, inside in zip(frames, (("11", "21"), ("13", "23")), strict=True):
        (left, low), (right, high) = frame.get_bbox().get_points()
        for name, shape in shapes.items():
            held = (shape > (left, low)).all() and (shape < (right, high)).all()
            assert held == (name in inside)


def test_a_fractional_row_is_between_its_neighbours():
    nodes = {name: (name, 0, row, "data") for name, row in (("a", 0), ("b", 1.5), ("c", 2.5))}
    y = [shape.mean(0)[1] for shape in outlines(diagram(nodes, []), nodes).values()]
    assert (y[0] - y[1]) / (y[1] - y[2]) == pytest.approx(1.5)


def test_no_arrow_runs_through_another_box():
    nodes = {name: (name, i, 0, "data") for i, name in enumerate("abc")}
    with pytest.raises(ValueError, match="the arrow from 'a' to 'c' runs through 'b'"):
        diagram(nodes, ["a -> c"])
    diagram(nodes, ["a ~> c"])


def box(words="a", column=0.0, kind="data"):
    return (words, column, 0, kind)


@pytest.mark.parametrize(
    ("nodes", "arrows", "frames", "message"),
    [
        ({"a": box(kind="sky")}, [], {}, "'a' is of kind 'sky', not one of data, latent"),
        ({"a": box()}, ["a -> b"], {}, "'b' in 'a -> b' is no node; there are a"),
        ({"a": box()}, [], {"f": "a c"}, "'c' in 'f' is no node"),
        ({"a": box(), "b": box(column=1)}, ["a => b"], {}, "'a => b' is no chain"),
        ({"a": box(), "b": box(column=1)}, ["a ->"], {}, "'a ->' is no chain"),
        ({"a": box()}, ["a"], {}, "'a' is no chain"),
        ({"a": box(), "b": box()}, [], {}, "'a' and 'b' are at one place"),
        ({"a": box("w" * 60)}, [], {}, "inches wide, more than 3.6"),
        (
            {"a": box(), "b": box(column=1), "c": box("text " * 8, 0.5)},
            ["a ~> b : very long words here\nand two lines of them\nor three\nor four"],
            {},
            "inches wide, more than 3.6|no room for the label",
        ),
    ],
)
def test_mistakes_are_named(nodes, arrows, frames, message):
    with pytest.raises(ValueError, match=message):
        diagram(nodes, arrows, frames=frames)


def test_no_room_for_a_label():
    nodes = {f"{c}{r}": ("box " * 2, c, r, "data") for c in range(3) for r in range(3)}
    with pytest.raises(ValueError, match="no room for the label 'three\\\\nlines\\\\nhigh'"):
        diagram(nodes, ["11 -> 12 : three\nlines\nhigh"])
