"""A machine without any network: the loopback interface comes up, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tools import loopback
from tools.notebooks import ROOT


def test_nothing_is_done_where_it_is_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loopback, "is_up", lambda: True)
    monkeypatch.setattr(loopback, "bring_up", lambda: pytest.fail("must not be called"))
    assert loopback.main() == 0
    assert capsys.readouterr() == ("", "")


def test_who_may_not_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise PermissionError("not permitted")

    monkeypatch.setattr(loopback, "is_up", lambda: False)
    monkeypatch.setattr(loopback, "bring_up", refuse)
    assert loopback.main() == 1
    assert "ip link set lo up" in capsys.readouterr().err


def test_it_comes_up_in_a_namespace_without_network() -> None:
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-n", "true"], capture_output=True).returncode:
        pytest.skip("this user cannot make a network namespace")
    program = "from tools import loopback as l; print(l.is_up(), l.main(), l.is_up())"
    run = subprocess.run(
        [unshare, "-n", sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True
    )
    assert run.stdout.split()[-3:] == ["False", "0", "True"], run.stderr
