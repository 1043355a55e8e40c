"""One execution of one notebook in a fresh kernel, with its time and its peak memory."""

from __future__ import annotations

import copy
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from papermill.parameterize import parameterize_notebook

from tools.notebooks import BookError, Cell, Notebook, cell_name, code_cells

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

_running: set[Any] = set()
_stopped = threading.Event()


class OwnInterpreter(AsyncKernelManager):
    """Starts the kernel with the interpreter that runs this program, whatever is registered."""

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """The command line of the kernel; its own log says nothing below an error."""
        program = [sys.executable, "-m", "ipykernel_launcher", "-f", self.connection_file]
        return [*program, "--log-level=ERROR", *(extra_arguments or [])]


def environment(profile: str) -> dict[str, str]:
    """The variables of a kernel: the default and the quick profile do not see a GPU."""
    hidden = {} if profile == "gpu" else {"CUDA_VISIBLE_DEVICES": ""}
    return {**os.environ, **ENVIRONMENT, **hidden}


@dataclass
class Execution:
    """The executed copy of a notebook and what its run cost (nothing is known after an error)."""

    notebook: Notebook
    seconds: float
    cpu_seconds: float
    peak_mb: float
    slowest_cell: str
    error: str | None


def parametrised(notebook: Notebook, values: dict[str, Any]) -> Notebook:
    """A copy with the values in a cell of its own after the cell tagged ``parameters``."""
    source = copy.deepcopy(notebook)
    if not values:
        return source
    for cell in source.cells:
        cell.metadata.setdefault("tags", [])  # papermill reads these without asking
    source.metadata["papermill"] = nbformat.NotebookNode()
    result = parameterize_notebook(source, values, kernel_name="python3")
    result.metadata.pop("papermill", None)
    for cell in result.cells:
        cell.metadata.pop("papermill", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
    return result


def stop_all() -> None:
    """End the kernels that run now, also in the middle of a cell; what they made is not kept."""
    _stopped.set()
    for client in list(_running):
        if client.km is not None and client.km.provisioner is not None:
            client.km.provisioner.process.kill()


def execute(
    notebook: Notebook,
    *,
    folder: Path,
    profile: str,
    values: dict[str, Any],
    on_cell: Callable[[int, int], None] = lambda done, total: None,
) -> Execution:
    """Run a copy of the notebook from its own folder; an error ends the run and is reported.

    Args:
        notebook: The notebook; it is not changed.
        folder: Working directory of the kernel.
        profile: ``default``, ``quick`` or ``gpu``.
        values: The parameters that the profile overrides.
        on_cell: Called with the number of code cells begun and their total.

    Returns:
        The executed copy, its cost, and the error (cell, name, message) or None.

    Raises:
        BookError: `stop_all` was called.
    """
    run = parametrised(notebook, values)
    cells = code_cells(run)
    for cell in cells:
        cell.outputs, cell.execution_count = [], None
    run.cells.append(nbformat.v4.new_code_cell(_COST, id="cost"))
    begun: list[tuple[Cell, float]] = []

    def starting(cell: Cell, cell_index: int) -> None:
        begun.append((cell, time.monotonic()))
        if cell.cell_type == "code":
            on_cell(sum(c.cell_type == "code" for c, _ in begun), len(cells))

    client: Any = NotebookClient(
        run,
        kernel_manager_class=OwnInterpreter,
        timeout=CELL_TIMEOUT,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
        on_cell_execute=starting,
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
    printed = run.cells.pop().outputs
    cpu_seconds, peak_mb = json.loads(printed[0].text) if printed else (0.0, 0.0)
    ends = [*(moment for _, moment in begun[1:]), time.monotonic()]
    lasted = {cell.id: end - moment for (cell, moment), end in zip(begun, ends, strict=True)}
    slowest = max(lasted, key=lambda name: lasted[name], default="")
    return Execution(
        notebook=run,
        seconds=time.monotonic() - start,
        cpu_seconds=cpu_seconds,
        peak_mb=peak_mb,
        slowest_cell=f"{slowest} ({lasted[slowest]:.1f} s)" if slowest else "",
        error=error,
    )
