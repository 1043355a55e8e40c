"""Which changes of `helpers` make a kept result stale."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.dependencies import dependencies, imported_names

FILES = {
    "helpers/__init__.py": "",
    "helpers/checks.py": "import math\n",
    "helpers/nn.py": "from helpers.checks import check\n",
    "helpers/data/__init__.py": "",
    "helpers/data/images/datasets.py": "def load():\n    from helpers.data import download\n",
    "helpers/data/download.py": "",
    "helpers/data/words.txt": "words\n",
    "helpers/plotting/__init__.py": "from helpers.plotting.curves import curves\n",
    "helpers/plotting/curves.py": "",
    "helpers/models/__init__.py": "",
    "helpers/models/vae.py": "from helpers import nn\n",
}
ALWAYS = {"data/words.txt"}


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
        ("import helpers", {"__init__.py"}),
        ("from helpers.networks import MLP", {"__init__.py", "nn.py", "checks.py"}),
        (
            "from helpers.data import images",
            {"__init__.py", "data/__init__.py", "data/images.py", "data/download.py"},
        ),
        (
            "from helpers import plotting",
            {"__init__.py", "plotting/__init__.py", "plotting/curves.py"},
        ),
        (
            "%matplotlib inline\nimport helpers.models.vae as v",
            {"__init__.py", "models/__init__.py", "models/vae.py", "nn.py", "checks.py"},
        ),
    ],
)
def test_imports_are_followed_to_the_end(root: Path, source: str, files: set[str]) -> None:
    found = {path.relative_to(root / "helpers").as_posix() for path in dependencies(root, [source])}
    assert found == files | ALWAYS


def test_code_that_cannot_be_read_depends_on_everything(root: Path) -> None:
    assert len(dependencies(root, ["print("])) == len(FILES)


def test_both_forms_of_import_are_read() -> None:
    assert imported_names("import a.b\nfrom c import d as e") == {"a.b", "c", "c.d"}
