"""Foreign programs are bounded in time, output and environment; only exit code 0 is green."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aihummer_drtui.recovery.children import ChildEnd, ChildResult, child_environment, run_child
from aihummer_drtui.recovery.target import Target


def _run(script: str, *, seconds: float = 10, limit: int = 64_000) -> ChildResult:
    return run_child(["/bin/sh", "-c", script], Target(), seconds=seconds, limit=limit)


@pytest.mark.parametrize(
    ("script", "end", "code"),
    [
        ("exit 0", ChildEnd.EXITED, 0),
        ("exit 3", ChildEnd.EXITED, 3),
        ("kill -9 $$", ChildEnd.SIGNALLED, 9),
    ],
)
def test_the_true_end_is_told(script: str, end: ChildEnd, code: int) -> None:
    """A signal is no exit code, and neither is green but 0."""
    result = _run(script)
    assert (result.end, result.code) == (end, code)
    assert result.succeeded == (script == "exit 0")


def test_a_program_that_is_not_there_was_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the true reason, also where a folder of the PATH is closed to us."""
    (tmp_path / "closed").mkdir(mode=0)
    monkeypatch.setenv("PATH", f"{tmp_path}/closed:/usr/bin:/bin")
    result = run_child(["no-such-program"], Target(), seconds=5)
    assert result.end is ChildEnd.NOT_STARTED
    assert "No such file" in result.ending


def test_output_is_bounded_and_cleaned() -> None:
    """A flood is read and dropped; terminal control is made visible."""
    result = _run("printf '\\033]0;x\\007'; yes | head -c 5000000", limit=1000)
    assert result.succeeded
    assert len(result.output) < 1100
    assert result.output.startswith("\\x1b]0;x\\x07y")


def test_a_time_out_ends_the_whole_group(tmp_path: Path) -> None:
    """Even a child of the child that ignores SIGTERM; and it is never a pass."""
    note = tmp_path / "pid"
    began = time.monotonic()
    result = _run(
        f"trap '' TERM; sh -c 'trap \"\" TERM; echo $$ >{note}; while :; do sleep 1; done'", seconds=0.5
    )
    assert result.end is ChildEnd.TIMED_OUT
    assert not result.succeeded
    assert time.monotonic() - began < 5
    try:
        grandchild = os.pidfd_open(int(note.read_text()))
    except ProcessLookupError:
        return
    with os.fdopen(grandchild, "rb", buffering=0):
        assert select.select([grandchild], [], [], 5)[0]


OURSELVES = """
import sys
from aihummer_drtui.recovery.children import run_child
from aihummer_drtui.recovery.target import Target
run_child(["/bin/sh", "-c", sys.argv[1]], Target(), seconds=600)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_program_does_not_outlive_us(tmp_path: Path, number: signal.Signals) -> None:
    """Interrupted or killed: it never runs on beside the next try."""
    note = tmp_path / "pid"
    os.mkfifo(note)
    ours = subprocess.Popen([sys.executable, "-c", OURSELVES, f"echo $$ >{note}; exec sleep 600"])
    program = os.pidfd_open(int(note.read_text()))
    with os.fdopen(program, "rb", buffering=0):
        ours.send_signal(number)
        assert ours.wait(20) != 0
        assert select.select([program], [], [], 10)[0]


def test_a_daemon_that_keeps_the_pipe_is_not_waited_for() -> None:
    """What counts is the end of the program itself."""
    began = time.monotonic()
    result = _run("sleep 3 & echo done")
    assert result.succeeded
    assert result.last_line == "done"
    assert time.monotonic() - began < 2


def test_only_what_is_allowed_is_inherited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No secret, no DRTUI_ variable; the target's folders go first in PATH, for bare names too."""
    monkeypatch.setenv("AIHUMMER_MASTER_KEY", "canary")
    monkeypatch.setenv("DRTUI_MODE", "real")
    monkeypatch.setenv("LANG", "C.UTF-8")
    target = Target(path=(tmp_path,))
    assert not {"AIHUMMER_MASTER_KEY", "DRTUI_MODE"} & set(child_environment(target))
    (tmp_path / "ls").write_text("#!/bin/sh\nenv\n")
    (tmp_path / "ls").chmod(0o755)
    result = run_child(["ls"], target, seconds=5)
    assert f"PATH={tmp_path}{os.pathsep}" in result.output
    assert "LANG=C.UTF-8" in result.output
    assert "canary" not in result.output
