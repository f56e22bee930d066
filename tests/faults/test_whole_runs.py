"""Whole runs by the shipped runbook that a fault breaks off: they say what is wrong, wait, and end proven."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database.check import probe_database
from aihummer_drtui.recovery.target_file import load_target
from aihummer_drtui.run.state import CommandState, Living
from aihummer_drtui.run.verdict import ProbeResult
from aihummer_drtui.sandbox.daemon import stop_gateway
from tests.cli.desk import Terminal
from tests.faults.whole_run import BLOBS, PHRASE, RESTORE, WholeRun, go_on, whole_run
from tests.recovery.proxy import proxy_to
from tests.recovery.small_disk import small_disk

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@pytest.fixture
def work(folder: Path) -> Iterator[WholeRun]:
    """Give a run that has not begun."""
    with whole_run(folder) as made:
        yield made


def _held_restore(work: WholeRun) -> Terminal:
    """Begin, and go on into the middle of `restore database`."""
    work.hold()
    terminal = work.begin()
    go_on(terminal, f"running: {RESTORE}")
    work.await_the_middle()
    return terminal


def _failed(work: WholeRun, terminal: Terminal, item: str) -> str:
    """Wait until that command has failed and the run waits; what it said. The live database is whole."""
    told = terminal.prompted(f"FAILED {item}")
    state = work.desk.now()
    assert isinstance(state.ending, Living)
    command = state.items[item]
    assert isinstance(command, CommandState)
    assert len(command.attempts) == 1
    assert "Traceback" not in told
    return told


def _to_the_end(work: WholeRun, terminal: Terminal, *, but: tuple[str, ...] = ()) -> None:
    """Go on until the run is over: proven, the failed command run a second time by the operator's word."""
    go_on(terminal, "*** COMPLETED.")
    assert terminal.end() == 0
    assert work.is_proven(but=but), terminal.text[-1500:]
    with work.admin() as admin:
        rows = admin.execute("SELECT datname FROM pg_database WHERE datname LIKE 'aihummer%'").fetchall()
    assert not [name for (name,) in rows if "_restoring" in name]


def test_d07_a_server_killed_in_the_middle_of_the_restore(work: WholeRun) -> None:
    """SIGKILL to the postmaster: the run waits; with the server back it goes on, and ends proven."""
    terminal = _held_restore(work)
    first = (work.layout.data / "postmaster.pid").read_text().splitlines()[0]
    os.kill(int(first), signal.SIGKILL)
    told = _failed(work, terminal, RESTORE)
    # Which is told depends on which of pg_restore's connections had a query under way.
    ways = ("server closed the connection unexpectedly", "connection due to unexpected postmaster exit")
    assert any(way in told for way in ways), told
    assert "the live database was not touched; mend the cause, then run the same command again" in told
    assert "The target cannot be identified: the database cannot be reached" in told
    # Typed while nobody can say what would be replaced, the phrase starts nothing.
    terminal.type(PHRASE)
    terminal.expect("REFUSED:")
    assert _failed(work, terminal, RESTORE)
    work.cluster.settled()
    work.cluster.start()
    assert work.live() == 77
    work.let_go()
    terminal.type(PHRASE)
    _to_the_end(work, terminal)


def test_n02_a_network_that_breaks_in_the_middle_of_the_restore(work: WholeRun) -> None:
    """Every connection is reset, and no new one taken: the operator leaves, comes back, and ends proven."""
    far = work.layout.root / "far"
    far.mkdir()
    env = work.layout.gateway_env
    direct, through = (quote(str(one), safe="") for one in (work.layout.sockets, far))
    with proxy_to(work.layout.sockets / ".s.PGSQL.5432", unix=far / ".s.PGSQL.5432") as proxy:
        env.write_text(env.read_text().replace(direct, through))
        terminal = _held_restore(work)
        proxy.reset()
        told = _failed(work, terminal, RESTORE)
        assert "server closed the connection unexpectedly" in told or "Connection reset" in told
        terminal.type("quit")
        assert terminal.end() == 3
        assert work.live() == 77
        work.let_go()
        proxy.mend()
        probed = probe_database(Scene(target=load_target(work.layout.target), values=work.desk.now().values))
        assert probed.result is ProbeResult.PARTIAL
        # Room on a server behind a proxy cannot be seen from here.
        _to_the_end(work, work.resume(), but=("key/space",))


@contextmanager
def _on_small_disk(folder: Path, size: str, account: str | None) -> Iterator[Path]:
    """Put a folder on a disk of that size; back at the end."""
    moved = folder.rename(folder.with_name(f"{folder.name}.moved"))
    with small_disk(folder, f"size={size}"):
        shutil.copystat(moved, folder)
        shutil.copytree(moved, folder, dirs_exist_ok=True, symlinks=True)
        for path in (folder, *folder.rglob("*")):
            if account:
                shutil.chown(path, account, account)
        try:
            yield folder / "ballast"
        finally:
            shutil.rmtree(moved)


def _fill(ballast: Path, leave: int) -> None:
    """Take all room of the disk but so many bytes; what grows there meanwhile may leave fewer."""
    with ballast.open("wb") as file:
        for _ in range(100):
            seen = os.statvfs(ballast.parent)
            more = seen.f_bavail * seen.f_frsize - leave
            if more <= 0:
                return
            with suppress(OSError):
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, more)
    raise AssertionError("the disk never was full")


def test_d11_a_disk_that_fills_in_the_middle_of_the_restore(work: WholeRun) -> None:
    """No space for the restored database: told as that; with room again the run goes on, and ends proven."""
    work.cluster.stop()
    account = work.cluster.account.name
    with _on_small_disk(work.layout.data / "base", "200m", account) as ballast:
        work.cluster.start()
        terminal = _held_restore(work)
        _fill(ballast, 500_000)
        work.let_go()
        told = _failed(work, terminal, RESTORE)
        assert "the server's disk is full" in told
        assert "No space left on device" in told
        assert work.live() == 77
        ballast.unlink()
        terminal.type(PHRASE)
        _to_the_end(work, terminal)
        work.cluster.stop(modes=("immediate",))


def test_s02_room_that_a_restore_has_used_up_stops_no_resumed_run(work: WholeRun) -> None:
    """There was room for one more database and set of blobs; both are in place, and little is left."""
    work.cluster.stop()
    account = work.cluster.account.name
    with (
        _on_small_disk(work.layout.data / "base", "200m", account) as beside_database,
        _on_small_disk(work.layout.host, "50m", None) as beside_blobs,
    ):
        work.cluster.start()
        terminal = work.begin()
        go_on(terminal, "COMMAND start/aihummer-up")
        terminal.rest_of_question()
        terminal.type("quit")
        assert terminal.end() == 3
        # Enough for the scratch database of a look, and for nothing that a restore would write.
        _fill(beside_database, 16_000_000)
        _fill(beside_blobs, 1_500_000)
        again = work.resume()
        _to_the_end(work, again)
        # Their records lie on the disks that go now.
        assert stop_gateway(work.layout.host)
        work.cluster.stop(modes=("immediate",))


def test_b05_a_disk_that_is_full_when_the_blobs_come(work: WholeRun) -> None:
    """No space beside the live blobs: told with both figures; with room the run goes on, and ends proven."""
    before = sorted(path.name for path in work.layout.blobs.rglob("*"))
    with _on_small_disk(work.layout.host, "50m", None) as ballast:
        terminal = work.begin()
        go_on(terminal, f"COMMAND {BLOBS}")
        terminal.rest_of_question()
        _fill(ballast, 500_000)
        terminal.type(PHRASE)
        told = _failed(work, terminal, BLOBS)
        assert "not enough room" in told
        assert sorted(path.name for path in work.layout.blobs.rglob("*")) == before
        ballast.unlink()
        terminal.type(PHRASE)
        _to_the_end(work, terminal)
        # Its record lies on the disk that goes now.
        assert stop_gateway(work.layout.host)
