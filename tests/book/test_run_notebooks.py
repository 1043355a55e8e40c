"""One real execution of small notebooks: failures are named, results kept while they hold."""

from __future__ import annotations

import gc
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.book.conftest import CLEAN_UP, Book, make_book
from tools import build_site, kernel, normalise, quick_notebooks, results, run_notebooks, status
from tools.progress import Progress, duration
from tools.results import Store

pytestmark = CLEAN_UP


@pytest.fixture
def quiet(book: Book) -> Book:
    """The fixture book without the set-up cell, whose imports take seconds."""
    book.source("setup", "import sys")
    return book


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a fixture book after a good run, made once."""
    made = make_book(tmp_path_factory.mktemp("executed"))
    made.source("setup", "import helpers\n\nhelpers.__book__;")
    assert run_notebooks.run_all(made.root, [made.chapter]) == []
    gc.collect()
    return made.root


@pytest.fixture
def ran(executed: Path, tmp_path: Path) -> Book:
    """A copy of the executed fixture book."""
    shutil.copytree(executed, tmp_path, dirs_exist_ok=True)
    return Book(tmp_path)


def test_a_good_run_is_kept_compared_and_measured(ran: Book) -> None:
    store, notebook = Store(ran.root), ran.notebook()
    assert store.holds(ran.chapter, notebook)
    values = json.loads((ran.root / "_build/status.json").read_text())
    chapter = values["chapters"][ran.chapter]
    assert chapter["error"] is None
    assert (chapter["cells"], chapter["checked_cells"], chapter["figures"]) == (4, 1, 1)
    assert chapter["equations"] == 1
    assert chapter["seconds"] > 0
    assert chapter["cpu_seconds"] > 0
    assert chapter["peak_mb"] > 20
    assert values["totals"]["cells"] == 4
    # Prose may change without a new run; a stored output may not.
    ran.source("between", "Other words.")
    assert store.holds(ran.chapter, ran.notebook())
    ran.change("checked", lambda cell: cell.outputs[0].update(text="3\n"))
    (problem,) = run_notebooks.run_all(ran.root, [ran.chapter])
    assert problem.place == "cell 5 (checked)"
    assert "stored: '3'" in problem.message


@pytest.mark.parametrize("change", ["code", "helpers", "requirements", "executed copy"])
def test_a_result_no_longer_holds_when_what_it_depends_on_changes(ran: Book, change: str) -> None:
    if change == "code":
        ran.source("parameters", "steps = 5")
    elif change == "helpers":
        ran.write("helpers/__init__.py", "changed = True\n")
    elif change == "requirements":
        ran.write("requirements.lock", "numpy==1.0\n")
    else:
        (ran.root / f"_build/runs/default/{ran.chapter}.ipynb").unlink()
    assert not Store(ran.root).holds(ran.chapter, ran.notebook())


def test_an_error_names_chapter_cell_and_exception_and_leaves_no_cached_page(ran: Book) -> None:
    ran.write("helpers/__init__.py", "changed = True\n")  # an old page must not survive
    ran.source("parameters", "steps = 4\nimport os\nif os.path.exists('../stop'): raise KeyError")
    ran.source("checked", "print(1 / 0)")
    (problem,) = run_notebooks.run_all(ran.root, [ran.chapter])
    assert str(problem) == "book/demo, cell 5 (checked): ZeroDivisionError: division by zero"
    assert not Store(ran.root).holds(ran.chapter, ran.notebook())
    assert status.collect(ran.root)["chapters"][ran.chapter]["error"]


def test_stderr_in_a_cell_and_an_undescribed_picture_are_failures(quiet: Book) -> None:
    quiet.source("parameters", "import sys\nprint('old', file=sys.stderr)\nsteps = 4")
    quiet.change("figure", lambda cell: cell.metadata.mystnb.pop("image"))
    found = [str(p) for p in run_notebooks.run_all(quiet.root, [quiet.chapter])]
    assert found == [
        "book/demo, cell 3 (parameters): writes to stderr: old",
        "book/demo, cell 7 (figure): the figure lacks image.alt (cell metadata mystnb)",
    ]


def test_refresh_stores_new_outputs_in_normal_form(quiet: Book) -> None:
    quiet.source("checked", "print(steps)")
    arguments = ["demo", "--refresh", "--root", str(quiet.root)]
    assert run_notebooks.main(arguments) == 0
    assert quiet.cell(quiet.notebook(), "checked").outputs[0].text == "4\n"
    assert quiet.cell(quiet.notebook(), "figure").outputs == []
    assert normalise.check(quiet.root, [quiet.chapter]) == []
    assert run_notebooks.main(["--root", str(quiet.root)]) == 0


def test_the_quick_profile_runs_with_its_parameters(quiet: Book) -> None:
    quiet.source("checked", "print(steps)")
    quiet.change("checked", lambda cell: cell.outputs[0].update(text="2\n"))
    assert run_notebooks.run_all(quiet.root, [quiet.chapter], profile="quick") == []


def test_nbval_passes_a_good_chapter_and_names_the_failing_cell(
    quiet: Book, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--workers", "1", "--root", str(quiet.root)]
    assert quick_notebooks.main(arguments) == 0
    assert "5 passed" in capfd.readouterr().out
    quiet.source("parameters", "steps = 4  # profile")
    quiet.source("checked", "print(steps)")
    assert quick_notebooks.main(arguments) == 0  # the stored 2 is what the quick profile prints
    quiet.change("checked", lambda cell: cell.outputs[0].update(text="3\n"))
    capfd.readouterr()
    assert quick_notebooks.main(arguments) == 1
    assert re.search(r"FAILED .*book/demo\.ipynb::Cell \d", capfd.readouterr().out)


def test_what_a_test_prints_is_cut(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program = (
        "print('x' * 10**6)\nfor i in range(10**5): print(i)\nprint('end')\nraise SystemExit(1)"
    )
    assert quick_notebooks.relay([sys.executable, "-c", program], tmp_path) == 1
    out = capfd.readouterr().out
    assert len(out) < 10_000
    assert "x" * 300 + " …\n0\n1\n" in out
    assert "… 98952 lines left out …\n" in out
    assert out.endswith("99999\nend\n")


def test_nbval_is_not_asked_about_a_cell_without_stored_output(
    quiet: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    def empty(cell: Any) -> None:
        cell.outputs, cell.execution_count = [], None

    quiet.change("checked", empty)
    assert quick_notebooks.main(["--root", str(quiet.root)]) == 1
    assert "cell 5 (checked): is checked but has no stored output" in capsys.readouterr().err


def test_a_second_run_at_the_same_time_is_refused(
    quiet: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    with results.only_one(quiet.root):
        assert run_notebooks.main(["--root", str(quiet.root)]) == 1
        assert build_site.main(["--root", str(quiet.root)]) == 1
    message = f"another run is writing into {quiet.root / '_build'}: wait for its end"
    assert capsys.readouterr().err.count(message) == 2


def test_an_interruption_ends_a_long_cell_and_says_what_is_kept(quiet: Book) -> None:
    begun = quiet.root / "begun"
    quiet.source("checked", f"import time\nopen({str(begun)!r}, 'w')\ntime.sleep(100)")
    program = subprocess.Popen(
        [sys.executable, "-m", "tools.run_notebooks", "--root", str(quiet.root)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        encoding="utf-8",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while not begun.exists():
        assert program.poll() is None
        time.sleep(0.1)
    program.send_signal(signal.SIGINT)
    _, error = program.communicate(timeout=30)
    assert program.returncode == 1
    assert error == (
        "notebooks: stopped; the results of 0 of 1 chapters are kept, and the same command goes on "
        "from there\n"
    )


def test_injected_parameters_follow_the_parameters_cell(book: Book) -> None:
    copy = kernel.prepared(book.path, book.root / "_build/copy.ipynb", {"steps": 2})
    names = [cell.id for cell in copy.cells]
    injected = copy.cells[names.index("parameters") + 1]
    assert injected.metadata.tags == ["injected-parameters"]
    assert "steps = 2" in injected.source
    same = kernel.prepared(book.path, book.root / "_build/same.ipynb", {})
    assert [c.source for c in same.cells] == [c.source for c in book.notebook().cells]


@pytest.mark.parametrize(("profile", "visible"), [("default", ""), ("quick", ""), ("gpu", None)])
def test_only_the_gpu_profile_sees_a_gpu(
    profile: str, visible: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert kernel.environment(profile).get("CUDA_VISIBLE_DEVICES") == visible
    assert kernel.environment(profile)["OMP_NUM_THREADS"] == "1"


def test_the_progress_says_what_is_done_and_what_is_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress = Progress({"book/a": 30.0, "book/b": 90.0}, workers=1)
    progress.begin("book/a")
    progress.end("book/a", "5 cells")
    first, second = capsys.readouterr().out.splitlines()
    assert first.strip() == "start book/a, about 30 s"
    assert second.strip() == "[1/2] book/a: 5 cells, 0 s; 1 left, about 1 min 30 s"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (125, "2 min 05 s")]
)
def test_durations_are_for_reading(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_box_of_a_chapter_says_how_long_it_runs(tmp_path: Path) -> None:
    assert status.runs_in(tmp_path, "book/demo") == "not measured yet"
    (tmp_path / "_build").mkdir()
    chapters = {"book/demo": {"cpu_seconds": 43.2, "peak_mb": 700}}
    (tmp_path / "_build/status.json").write_text(json.dumps({"chapters": chapters}))
    expected = "about 45 seconds on one CPU core, 0.7 GB of memory"
    assert status.runs_in(tmp_path, "book/demo") == expected
