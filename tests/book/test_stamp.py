"""The set-up cell: stamped from one template, and run where readers run it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.book.conftest import Book
from tools import stamp

WHEEL = "deep_generative_models_book-1-py3-none-any.whl"
OURS = {
    "helpers/__init__.py": '__book__ = "deep-generative-models"\n',
    "helpers/networks.py": "",
    "helpers/plotting.py": "def style(): pass\n",
    "helpers/device.py": "def pick_device(): return 'cpu'\n",
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def wheel(folder: Path) -> Path:
    """The package as an installable file: what the publisher's repository would give."""
    path = folder / WHEEL
    info = "deep_generative_models_book-1.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in OURS.items():
            archive.writestr(name, text)
        about = "Metadata-Version: 2.1\nName: deep-generative-models-book\nVersion: 1\n"
        archive.writestr(f"{info}/METADATA", about + "Requires-Dist: no-such-package-anywhere\n")
        tag = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{info}/WHEEL", tag)
        archive.writestr(f"{info}/RECORD", "")
    return path


class Machine:
    """A reader's computer: a home, an empty folder, torch and numpy, but no `helpers`."""

    def __init__(self, root: Path, book: Book) -> None:
        self.home, self.folder, self.site = root / "home", root / "folder", root / "site"
        for path in (self.home, self.folder, self.site):
            path.mkdir()
        write(self.site, {"torch.py": "__version__ = '2'\n", "numpy.py": "__version__ = '1'\n"})
        self.book = book

    def run(self, source: str | None = None, *, cwd: Path | None = None, after: str = "") -> str:
        """Run the set-up cell; return what it prints, or its error message."""
        os.environ.pop(stamp.REPOSITORY_VARIABLE, None)
        text = stamp.setup_source(self.book.root)
        if source is not None:
            text = text.replace("https://github.com/OWNER/REPO/archive/refs/heads/main.zip", source)
        code = f"{text}\nimport helpers\nprint('from', helpers.__file__)\n{after}"
        done = subprocess.run(
            [sys.executable, "-S", "-c", code],  # -S: without this environment's packages
            cwd=cwd or self.folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "PYTHONPATH": str(self.site),
                "PIP_NO_INDEX": "1",
                "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            },
            capture_output=True,
            text=True,
        )
        return (
            done.stdout
            if done.returncode == 0
            else done.stderr[done.stderr.rfind("RuntimeError") :]
        )


@pytest.fixture
def machine(tmp_path_factory: pytest.TempPathFactory, book: Book) -> Machine:
    return Machine(tmp_path_factory.mktemp("machine"), book)


def test_an_empty_folder_and_a_placeholder_give_a_readable_error(machine: Machine) -> None:
    message = machine.run()
    assert message.startswith("RuntimeError: The package `helpers` is not here")
    assert "repository.url in _config.yml" in message
    assert not (machine.home / ".cache").exists()


def test_an_empty_folder_installs_the_package_beside_the_others(
    machine: Machine, tmp_path: Path
) -> None:
    printed = machine.run(str(wheel(tmp_path)))
    (own,) = (machine.home / ".cache/deep-generative-models").iterdir()
    assert own.name.startswith("package-")
    assert f"from {own}/helpers/__init__.py" in printed
    assert "device cpu, torch 2, numpy 1" in printed
    # After a restart the installed package is found again, without its source.
    (tmp_path / WHEEL).unlink()
    assert f"from {own}" in machine.run(str(tmp_path / WHEEL))


@pytest.mark.parametrize("change", ["half a copy", "another source", "another version"])
def test_a_copy_that_is_not_the_wanted_one_is_not_used(
    machine: Machine, tmp_path: Path, change: str
) -> None:
    source = wheel(tmp_path)
    cache = machine.home / ".cache/deep-generative-models"
    machine.run(str(source))
    (old,) = cache.iterdir()
    if change == "half a copy":  # its notebook was ended while it installed
        old = old.rename(cache / "tmp0123")
    elif change == "another source":
        (tmp_path / "fork").mkdir()
        source = source.rename(tmp_path / "fork" / WHEEL)
    else:
        machine.book.write("helpers/__init__.py", '__version__ = "2"\n')
    (old / "helpers/plotting.py").write_text("raise ImportError('old')\n")
    printed = machine.run(str(source))
    (new,) = set(cache.iterdir()) - {old}
    assert f"from {new}/helpers" in printed


def test_two_notebooks_may_install_at_once(machine: Machine, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        printed = list(pool.map(machine.run, 2 * [str(wheel(tmp_path))]))
    (own,) = (machine.home / ".cache/deep-generative-models").iterdir()
    assert [f"from {own}/helpers" in text for text in printed] == [True, True]


def test_a_home_that_cannot_be_written_to_is_left_alone(machine: Machine, tmp_path: Path) -> None:
    (machine.home / ".cache").write_text("a file where the folder should be")
    printed = machine.run(str(wheel(tmp_path)))
    assert "device cpu" in printed
    assert "/helpers/__init__.py" in printed
    assert str(machine.home) not in printed


def test_a_failed_installation_says_what_failed_and_leaves_nothing(machine: Machine) -> None:
    message = machine.run("/no/such/file.whl")
    assert message.startswith("RuntimeError: Cannot install /no/such/file.whl. Is there a network?")
    assert "run the notebook in a clone of the book" in message
    assert "pip says: ERROR: " in message
    assert len(message) < 400
    assert list((machine.home / ".cache/deep-generative-models").iterdir()) == []


@pytest.mark.parametrize("line", ["1 / 0", "import sys; sys.exit(3)", "import no_such_package"])
def test_a_foreign_package_that_fails_does_not_stop_the_cell(
    machine: Machine, tmp_path: Path, line: str
) -> None:
    write(machine.folder, {"helpers.py": f"{line}\n"})
    assert "/.cache/deep-generative-models/package-" in machine.run(str(wheel(tmp_path)))


def test_the_folder_of_a_notebook_in_a_clone_is_enough(machine: Machine, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    write(clone, OURS)
    (clone / "book/models").mkdir(parents=True)
    assert f"from {clone}/helpers" in machine.run(cwd=clone / "book/models")


def test_an_importable_package_is_used_as_it_is(machine: Machine) -> None:
    write(machine.site, OURS)
    printed = machine.run(after="import sys; print('package' in ''.join(sys.path))")
    assert f"from {machine.site}/helpers" in printed
    assert printed.rstrip().endswith("False")


@pytest.mark.parametrize("place", ["folder", "site"])
def test_a_foreign_package_of_the_same_name_is_never_used(
    machine: Machine, tmp_path: Path, place: str
) -> None:
    foreign = getattr(machine, place)
    write(foreign, {"helpers/__init__.py": "", "helpers/text.py": "kept = True\n"})
    assert machine.run().startswith("RuntimeError: The package `helpers` is not here")
    assert "/.cache/deep-generative-models/package-" in machine.run(str(wheel(tmp_path)))
    assert (foreign / "helpers/text.py").read_text() == "kept = True\n"


def test_the_cell_may_be_run_twice(machine: Machine) -> None:
    write(machine.site, OURS)
    again = stamp.setup_source(machine.book.root)
    printed = machine.run(
        after="from helpers import networks as before\n"
        f"exec({again!r})\nprint(before is helpers.networks)"
    )
    assert printed.rstrip().endswith("True")


def test_a_stale_setup_cell_is_reported_and_repaired(book: Book) -> None:
    assert stamp.check_chapter(book.root, book.chapter) == []
    book.source("setup", "import helpers")
    (problem,) = stamp.check_chapter(book.root, book.chapter)
    assert str(problem) == (
        "book/demo, cell setup: is not the current set-up cell; run: make stamp"
    )
    assert stamp.main(["--write", "--root", str(book.root)]) == 0
    assert stamp.check_chapter(book.root, book.chapter) == []


def test_the_setup_cell_is_folded_in_colab(book: Book) -> None:
    assert stamp.setup_source(book.root).startswith("# @title Set-up")

    def unfold(cell: Any) -> None:
        del cell.metadata["cellView"]

    book.change("setup", unfold)
    (problem,) = stamp.check_chapter(book.root, book.chapter)
    assert "lacks the metadata cellView, which folds it in Colab" in problem.message
    assert stamp.main(["--write", "--root", str(book.root)]) == 0
    assert stamp.check_chapter(book.root, book.chapter) == []


def test_another_repository_makes_the_stamped_cell_stale(book: Book) -> None:
    text = (book.root / "_config.yml").read_text()
    book.write("_config.yml", text.replace("OWNER/REPO", "someone/fork"))
    (problem,) = stamp.check_chapter(book.root, book.chapter)
    assert "not the current set-up cell" in problem.message


def test_the_workflow_of_a_fork_can_name_its_repository(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(stamp.REPOSITORY_VARIABLE, "https://example.org/fork.zip")
    source = stamp.setup_source(book.root)
    assert 'SOURCE = "https://example.org/fork.zip"' in source
    assert "OWNER/REPO/archive" not in source


def test_a_chapter_must_begin_with_the_setup_cell(book: Book) -> None:
    book.insert("title", "code", "early", "x = 1")
    (problem,) = stamp.check_chapter(book.root, book.chapter)
    assert problem.place == "first code cell"
