"""One execution of one notebook in a fresh kernel, with its time and its peak memory."""

from __future__ import annotations

import copy
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import psutil
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from papermill.parameterize import parameterize_notebook

from tools.notebooks import Cell, Notebook, cell_name, code_cells

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
    """The executed copy of a notebook and what its run cost."""

    notebook: Notebook
    seconds: float
    cpu_seconds: float
    peak_mb: float
    slowest_cell: str
    error: str | None


class MemoryWatch:
    """Follows the largest resident memory and the CPU time of a process from outside."""

    def __init__(self, interval: float = 0.2) -> None:
        self.peak_mb = 0.0
        self.cpu_seconds = 0.0
        self._interval = interval
        self._process: psutil.Process | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, pid: int) -> None:
        """Begin to watch the process with this number."""
        self._process = psutil.Process(pid)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Read the process now; one that has ended, or was never started, is left alone."""
        if self._process is None:
            return
        try:
            times = self._process.cpu_times()
            self.cpu_seconds = max(self.cpu_seconds, times.user + times.system)
            self.peak_mb = max(self.peak_mb, _peak_mb(self._process))
        except psutil.Error:
            return

    def stop(self) -> None:
        """End the watch."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(self._interval):
            self.look()


def _peak_mb(process: psutil.Process) -> float:
    """The kernel's own record of the peak where there is one (Linux), else the present size."""
    status = Path(f"/proc/{process.pid}/status")
    if status.is_file():
        try:
            for line in status.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / 1024
        except OSError:
            return 0.0
    return float(process.memory_info().rss) / 2**20


def parametrised(notebook: Notebook, values: dict[str, Any]) -> Notebook:
    """A copy with the values in a cell of its own after the cell tagged ``parameters``."""
    if not values:
        return copy.deepcopy(notebook)
    source = copy.deepcopy(notebook)
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
    """
    run = parametrised(notebook, values)
    cells = code_cells(run)
    for cell in cells:
        cell.outputs, cell.execution_count = [], None
    watch = MemoryWatch()
    begun: dict[str, float] = {}
    lasted: dict[str, float] = {}

    def starting(cell: Cell, cell_index: int) -> None:
        begun[cell.id] = time.monotonic()
        if cell.cell_type == "code":
            on_cell(len(begun), len(cells))

    def finished(cell: Cell, cell_index: int, execute_reply: Any) -> None:
        lasted[cell.id] = time.monotonic() - begun.get(cell.id, time.monotonic())
        watch.look()  # a short notebook ends before the watch looks for the first time

    client: Any = NotebookClient(
        run,
        kernel_manager_class=OwnInterpreter,
        timeout=CELL_TIMEOUT,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
        on_notebook_start=lambda notebook: watch.start(client.km.provisioner.pid),
        on_cell_execute=starting,
        on_cell_executed=finished,
    )
    start, error = time.monotonic(), None
    try:
        client.execute(env=environment(profile))
    except CellExecutionError as failure:
        error = f"{_failed_cell(run)}: {failure.ename}: {failure.evalue}"
    except (CellTimeoutError, DeadKernelError) as failure:
        last = next((c for c in reversed(cells) if c.id in begun), cells[0])
        error = f"{cell_name(run, last)}: {type(failure).__name__}: {failure}"
    finally:
        watch.stop()
    slowest = max(lasted, key=lambda name: lasted[name], default="")
    return Execution(
        notebook=run,
        seconds=time.monotonic() - start,
        cpu_seconds=watch.cpu_seconds,
        peak_mb=watch.peak_mb,
        slowest_cell=f"{slowest} ({lasted[slowest]:.1f} s)" if slowest else "",
        error=error,
    )


def _failed_cell(notebook: Notebook) -> str:
    """The name of the cell whose last output is an error."""
    for cell in code_cells(notebook):
        if any(output.output_type == "error" for output in cell.outputs):
            return cell_name(notebook, cell)
    return "unknown cell"
