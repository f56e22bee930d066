"""Clocks that are compared, and processes told apart."""

import os
import signal
import subprocess
from datetime import UTC, datetime

import msgspec
import pytest

from aihummer_drtui.engine.clock import ProcessIdentity, SystemClock, session_members


def test_boottime_goes_on_and_wall_is_utc() -> None:
    """The stamps of a record are comparable within a boot and readable by people anywhere."""
    clock = SystemClock()
    first, second = clock.boottime(), clock.boottime()
    assert 0 < first <= second
    assert len(clock.boot_id()) == 36
    assert clock.wall().endswith("Z")
    assert abs((datetime.now(UTC) - datetime.fromisoformat(clock.wall())).total_seconds()) < 60


def test_identity_is_alive_only_as_long_as_its_process() -> None:
    """A process that ended counts as dead at once, also while its number is still taken by a zombie."""
    child = subprocess.Popen(["sleep", "60"])
    identity = ProcessIdentity.of(child.pid)
    assert identity.is_alive()
    child.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not identity.is_alive()
    with pytest.raises(ProcessLookupError):
        ProcessIdentity.of(child.pid)
    child.wait()
    assert not identity.is_alive()


@pytest.mark.parametrize(
    "change", [{"start_ticks": 1}, {"boot_id": "another boot"}, {"pid": 0x3FFFFFFF}], ids=str
)
def test_s03_reused_number_or_another_boot_is_not_the_same_process(change: dict[str, int | str]) -> None:
    """After a restart or a reuse of the number nobody else is taken for the process."""
    mine = ProcessIdentity.of(os.getpid())
    assert mine.is_alive()
    assert not msgspec.structs.replace(mine, **change).is_alive()


def test_members_of_a_session_are_those_that_live() -> None:
    """But for its leader, whose end is known otherwise."""
    script = "sleep 60 & echo $!; exec sleep 60"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True) as leader:
        assert leader.stdout is not None
        member = int(leader.stdout.readline())
        assert session_members(leader.pid) == [member]
        os.killpg(leader.pid, signal.SIGKILL)


def test_name_with_parentheses_and_spaces_is_read_over() -> None:
    """A program's own name cannot shift the fields that identify it."""
    script = "import os; open('/proc/self/comm', 'w').write('a) R 1 (b'); print(flush=True); input()"
    with subprocess.Popen(["python3", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        before = ProcessIdentity.of(child.pid)
        assert child.stdout is not None
        child.stdout.readline()
        assert ProcessIdentity.of(child.pid) == before
        child.communicate(b"\n")
