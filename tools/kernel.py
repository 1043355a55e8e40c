"""One execution of one notebook in a fresh kernel, with its time and its peak memory."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from papermill import execute_notebook

from tools.notebooks import ROOT, BookError, Cell, Notebook, cell_name, code_cells, read

CELL_TIMEOUT = 1800  # seconds

#: One thread each, because two notebooks run at a time; no progress bars, they write to stderr.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TQDM_DISABLE": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYTHONHASHSEED": "0",
    "JUPYTER_PREFER_ENV_PATH": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
#: A last cell, taken away after the run: what the kernel itself knows about its cost.
_COST = """import json, resource, sys
cost = resource.getrusage(resource.RUSAGE_SELF)
peak = cost.ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)
print(json.dumps([cost.ru_utime + cost.ru_stime, peak]))"""

#: First line of a kernel that draws for the pages.
_FIGURES = "; ".join(
    [
        "import sys",
        f"sys.path.insert(0, {str(ROOT)!r})",
        "from tools import page_figures",
        "page_figures.register()",
        f"sys.path.remove({str(ROOT)!r})",
        "del page_figures, sys",
    ]
)

logging.getLogger("papermill").setLevel(logging.ERROR)
_running: set[Any] = set()
_stopped = threading.Event()


class OwnInterpreter(AsyncKernelManager):
    """Starts the kernel with the interpreter that runs this program, whatever is registered."""

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """The command line of the kernel; its own log says nothing below an error."""
        program = [sys.executable, "-m", "ipykernel_launcher", "-f", self.connection_file]
        return [*program, "--log-level=ERROR", *(extra_arguments or [])]


def environment(profile: str) -> dict[str, str]:
    """The variables of a kernel: the default and the quick profile do not see a GPU.

    In the quick profile a false claim is an error: nbval reads no outputs.
    """
    hidden = {} if profile == "gpu" else {"CUDA_VISIBLE_DEVICES": ""}
    strict = {"BOOK_CLAIMS": "strict"} if profile == "quick" else {}
    return {**os.environ, **ENVIRONMENT, **hidden, **strict}


def prepared(source: Path, target: Path, values: dict[str, Any]) -> Notebook:
    """The notebook with other parameters in a cell after the one tagged ``parameters``, as a file.

    papermill writes it; without values it is the notebook as it is.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    execute_notebook(source, target, values, prepare_only=True, kernel_name="python3")
    return read(target)


def stop_all() -> None:
    """End the kernels that run now, also in the middle of a cell; what they made is not kept."""
    _stopped.set()
    for client in list(_running):
        if client.km is not None and client.km.provisioner is not None:
            client.km.provisioner.process.kill()


def execute(run: Notebook, folder: Path, profile: str, *, figures: bool = False) -> dict[str, Any]:
    """Run a notebook in place, from a folder; an error ends the run and is part of the answer.

    With `figures` the figures are kept in the forms that the pages show (`tools.page_figures`).

    Returns:
        ``seconds``, ``cpu_seconds`` and ``peak_mb`` (0 after an error), ``slowest_cell``, and
        ``error`` (cell, name, message) or None.

    Raises:
        BookError: `stop_all` was called.
    """
    for cell in code_cells(run):
        cell.outputs, cell.execution_count = [], None
    run.cells.append(nbformat.v4.new_code_cell(_COST, id="cost"))
    begun: list[tuple[Cell, float]] = []
    client: Any = NotebookClient(
        run,
        kernel_manager_class=OwnInterpreter,
        timeout=CELL_TIMEOUT,
        record_timing=False,
        extra_arguments=[f"--IPKernelApp.exec_lines={_FIGURES}"] if figures else [],
        resources={"metadata": {"path": str(folder)}},
        on_cell_execute=lambda cell, cell_index: begun.append((cell, time.monotonic())),
    )
    start, error = time.monotonic(), None
    _running.add(client)
    try:
        client.execute(env=environment(profile))
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as failure:
        kind = getattr(failure, "ename", type(failure).__name__)
        error = f"{cell_name(run, begun[-1][0])}: {kind}: {getattr(failure, 'evalue', failure)}"
    finally:
        _running.discard(client)
    if _stopped.is_set():
        raise BookError("stopped")
    end = time.monotonic()
    printed = run.cells.pop().outputs
    cost = json.loads(printed[0].text) if printed else [0.0, 0.0]
    ends = [*(moment for _, moment in begun[1:]), end]
    lasted = [(b - a, cell.id) for (cell, a), b in zip(begun, ends, strict=True)]
    return {
        "seconds": round(end - start, 1),
        "cpu_seconds": round(cost[0], 1),
        "peak_mb": round(cost[1]),
        "slowest_cell": "{1} ({0:.1f} s)".format(*max(lasted, default=(0.0, ""))),
        "error": error,
    }
