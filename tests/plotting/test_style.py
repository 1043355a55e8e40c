import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from helpers.plotting import PALETTE, style
from helpers.plotting.style import DENSITY_COLOURS, INK, QUIET, axes

# Machado, Oliveira and Fernandes (2009), severity 1, for linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


#: Filter Effects Module of CSS: hue-rotate(180deg), for the encoded RGB.
HALF_TURN = np.array([[-0.574, 1.43, 0.144], [0.426, 0.43, 0.144], [0.426, 1.43, -0.856]])
DARK_GROUND = "#14181e"  # of the theme


def in_the_dark(colour: str) -> tuple[float, ...]:
    """As the style sheet shows a colour of a figure: invert(0.93) hue-rotate(180deg)."""
    inverted = 0.93 - 0.86 * np.array(to_rgb(colour))
    return tuple(np.clip(HALF_TURN @ inverted, 0, 1))


def linear(colour: str | tuple[float, ...]) -> np.ndarray:
    c = np.array(to_rgb(colour))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    xyz = to_xyz @ rgb / np.array([0.95047, 1, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(colour: str | tuple[float, ...], ground: str = "#ffffff") -> float:
    levels = [linear(c) @ np.array([0.2126, 0.7152, 0.0722]) + 0.05 for c in (colour, ground)]
    return max(levels) / min(levels)


@pytest.mark.parametrize("vision", VISIONS)
def test_colours_are_told_apart(vision):
    """15 in CIELAB, 11 in the dark; 2.3 is just noticeable side by side."""
    for shown, least in ((PALETTE, 15), ([in_the_dark(colour) for colour in PALETTE], 11)):
        seen = [lab(np.clip(VISIONS[vision] @ linear(colour), 0, 1)) for colour in shown]
        nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))
        assert nearest > least


def test_contrast_on_the_white_ground():
    """3 is the accessibility guideline's limit for graphics, 4.5 for text."""
    assert min(contrast(colour) for colour in PALETTE[:4]) > 3
    assert contrast(QUIET) > 3
    assert contrast(INK) > 4.5


def test_contrast_on_the_dark_ground():
    assert min(contrast(in_the_dark(colour), DARK_GROUND) for colour in (*PALETTE, QUIET)) > 3
    assert contrast(in_the_dark(INK), DARK_GROUND) > 4.5
    assert contrast(in_the_dark("white"), DARK_GROUND) < 1.1


def test_densities_grow_darker_from_white():
    levels = DENSITY_COLOURS(np.linspace(0, 1, 64))[:, :3]
    assert levels[0].tolist() == [1, 1, 1]
    luminance = levels @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(luminance) < 0).all()


def test_style_sets_defaults_and_an_opaque_ground():
    with plt.rc_context():
        style()
        figure, ax = plt.subplots()
        assert figure.get_facecolor() == (1, 1, 1, 1)
        assert ax.get_facecolor() == (1, 1, 1, 1)
        ax.plot([0, 1], label="line")
        assert not ax.legend().get_frame_on()
        assert not any(ax.spines[side].get_visible() for side in ("top", "right"))
        assert ax.get_axisbelow() is True
        assert plt.rcParams["axes.grid"]
        assert plt.rcParams["savefig.facecolor"] == "white"
        assert plt.rcParams["axes.prop_cycle"].by_key()["color"] == list(PALETTE)
        plt.close(figure)


def test_axes_are_those_given_or_new_ones_of_the_size():
    _, given = plt.subplots()
    assert axes(given, "kept") is given
    assert given.get_title("left") == "kept"
    axes(given, None)
    assert given.get_title("left") == "kept"
    assert len(plt.get_fignums()) == 1
    new = axes(None, None, (5.0, 2.0))
    assert new.figure is not given.figure
    assert tuple(new.figure.get_size_inches()) == (5.0, 2.0)
    assert new.get_title("left") == ""
    assert tuple(axes(None, "usual").figure.get_size_inches()) == (6.4, 3.6)
