import numpy as np
import pytest

from helpers.plotting.diagram import KINDS
from helpers.plotting.shapes import outline, route


@pytest.mark.parametrize("kind", KINDS)
def test_an_outline_holds_its_text_and_is_balanced(kind):
    w, h = 0.8, 0.2
    points = outline(kind, w, h)
    low, high = points.min(0), points.max(0)
    assert (high >= np.array([w, h]) / 2 - 1e-9).all()
    np.testing.assert_allclose(low, -high, atol=1e-9)


@pytest.mark.parametrize("connector", ["->", "-->", "-|>", "|->", "~>"])
def test_a_route_leads_from_its_start_to_its_end(connector):
    start, end = np.array([0.0, 0.0]), np.array([1.0, 0.5])
    line = route(connector, start, end)
    np.testing.assert_allclose(line[[0, -1]], [start, end], atol=1e-9)
    assert np.hypot(*np.diff(line, axis=0).T).max() < 0.2  # no long gaps


def test_the_forms_of_routes():
    start, end = np.array([0.0, 0.0]), np.array([1.0, 0.5])
    sideways_first = route("-|>", start, end)
    assert np.isclose(sideways_first, [1.0, 0.0]).all(1).any()
    upwards_first = route("|->", start, end)
    assert np.isclose(upwards_first, [0.0, 0.5]).all(1).any()
    bent = route("~>", start, end)
    side = (end - start)[0] * bent[:, 1] - (end - start)[1] * bent[:, 0]
    assert side.max() > 0.1  # to the left of the straight line
    assert side.min() > -1e-9
