"""Which changes of `helpers` make a kept result stale."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.dependencies import contents, dependencies

FILES = {
    "helpers/__init__.py": '__book__ = "x"\n',
    "helpers/checks.py": "import math\n",
    "helpers/networks/__init__.py": "from helpers.networks.dense import MLP\n",
    "helpers/networks/dense.py": "from helpers.checks import check\n",
    "helpers/data/__init__.py": "from helpers.data import images\n",
    "helpers/data/images/__init__.py": "from helpers.data.images.load import load\n",
    "helpers/data/images/load.py": "def load():\n    from helpers.data.download import get\n",
    "helpers/data/images/faces.csv": "1\n",
    "helpers/data/download.py": "",
    "helpers/plotting/__init__.py": (
        "from helpers.plotting.curves import curves\nfrom helpers.plotting.style import style\n"
    ),
    "helpers/plotting/curves.py": "",
    "helpers/plotting/style.py": "",
    "helpers/models/__init__.py": "",
    "helpers/models/vae.py": "from helpers import networks\n\nnetworks.MLP()\n",
}
DENSE = {"networks/dense.py", "checks.py"}
IMAGES = {"data/images/load.py", "data/download.py", "data/images/faces.csv"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ("import torch", set()),
        ("import helpers\nprint(helpers.__book__)", {"__init__.py"}),
        ("from helpers.networks import MLP", DENSE),
        ("from helpers.networks.dense import MLP", DENSE),
        ("from helpers.data import images\nimages.load()", IMAGES),
        ("import helpers.data\nhelpers.data.images.load()", IMAGES),
        ("from helpers import plotting\nplotting.style()", {"plotting/style.py"}),
        (
            "from helpers import plotting\nshow(plotting)",
            {"plotting/__init__.py", "plotting/curves.py", "plotting/style.py"},
        ),
        ("%matplotlib inline\nimport helpers.models.vae as v", {"models/vae.py", *DENSE}),
    ],
)
def test_a_name_leads_through_the_doors_to_its_file_and_on_from_there(
    root: Path, source: str, files: set[str]
) -> None:
    found = {path.relative_to(root / "helpers").as_posix() for path in dependencies(root, [source])}
    assert found == files


def test_code_that_cannot_be_read_depends_on_everything(root: Path) -> None:
    assert len(dependencies(root, ["print("])) == len(FILES)


def test_comments_and_docstrings_change_no_result(tmp_path: Path) -> None:
    one, other, third = (tmp_path / f"{name}.py" for name in "abc")
    one.write_text('"""Old."""\n\n\ndef f(x):\n    """Old."""\n    return x + 1  # old\n')
    other.write_text('"""New."""\n# new\ndef f(x):\n    """New."""\n\n    return (x + 1)\n')
    third.write_text('"""Old."""\n\n\ndef f(x):\n    """Old."""\n    return x + 2  # old\n')
    assert contents(one) == contents(other)
    assert contents(one) != contents(third)
