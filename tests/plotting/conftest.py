from collections.abc import Iterator

import matplotlib.pyplot as plt
import pytest

from helpers.plotting import style


@pytest.fixture(autouse=True)
def _clean_figures() -> Iterator[None]:
    """Draw each figure with the book's defaults, as a page would, and leave none open."""
    with plt.rc_context():
        style()
        yield
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()
        plt.close("all")
