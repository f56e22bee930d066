"""The switch and the way back: whatever breaks or is killed, it is known which whole server is in place."""

import os
import shlex
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace as replace_struct
from psycopg import sql

from aihummer_drtui.errors import FailedError, PreconditionError, UnknownOutcomeError
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database import marker as database_marker
from aihummer_drtui.recovery.database.marker import mark_text
from aihummer_drtui.recovery.point_in_time import switch
from aihummer_drtui.recovery.point_in_time.kept_probe import probe_drop_of_either, probe_undo_of_either
from aihummer_drtui.recovery.point_in_time.mark import Stage
from aihummer_drtui.recovery.point_in_time.place import DataPlace
from aihummer_drtui.recovery.point_in_time.undo import (
    drop_old_data_directory,
    kept_data_directories,
    stands_at_a_point,
    undo_point_in_time,
)
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import WalArchive
from aihummer_drtui.run.verdict import ProbeResult
from tests.recovery.point_in_time.lost_host import LostHost, with_target
from tests.recovery.point_in_time.recovering import (
    ALL,
    in_a_child,
    is_untouched,
    killed_at,
    mark_of,
    restored,
)

pytestmark = pytest.mark.postgres


def undone(host: LostHost, reporter: Reporter | None = None) -> None:
    """Go the way back."""
    undo_point_in_time(host.target, confirm=host.phrase, mode="", reporter=reporter or Reporter.silent())


@pytest.mark.parametrize(
    ("phase", "stage", "runs"),
    [
        ("proving the WAL", None, True),
        ("laying the base backup out", Stage.LAYING, True),
        ("making the base backup consistent", Stage.RECOVERING, True),
        ("replaying WAL", Stage.RECOVERING, True),
        ("verifying what was recovered", Stage.RECOVERING, True),
        ("shutting the recovered server down", Stage.RECOVERING, True),
        ("stopping the live server", Stage.SWITCHING, True),
        ("exchanging the data directories", Stage.SWITCHING, False),
        ("starting the recovered server", Stage.SWITCHING, False),
        ("asking the recovered server", Stage.SWITCHING, True),
    ],
)
def test_killed_at_any_point_the_next_call_ends_it(
    host: LostHost, phase: str, stage: Stage | None, runs: bool
) -> None:
    """Before the switch the live server serves on; the same command again ends in the recovered one."""
    killed_at(phase, lambda reporter: restored(host, host.between(5), reporter=reporter))
    found = DataPlace(live=host.data).read()
    assert (found.stage if found else None) is stage
    assert host.runs() is runs
    if runs and phase != "asking the recovered server":
        assert host.ticks() == ALL
    done = restored(host, host.between(5))
    assert host.ticks() == ALL[:5]
    assert done.rows == 5
    assert done.reached_lsn
    assert done.kept_as is not None
    assert host.names() == ["main", "main.point-in-time.json", done.kept_as.name]
    assert mark_of(host).stage is Stage.RESTORED


@pytest.mark.parametrize("phase", ["replaying WAL", "exchanging the data directories"])
def test_after_a_kill_another_point_can_be_chosen(host: LostHost, phase: str) -> None:
    """What the killed one left is removed; the live server serves until the switch."""
    killed_at(phase, lambda reporter: restored(host, host.between(5), reporter=reporter))
    restored(host, host.between(2))
    assert host.ticks() == [1, 2]
    assert len(host.names()) == 3


def test_a_server_that_does_not_answer_as_it_should_is_taken_out_again(
    host: LostHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old one is put back and started; the recovered one is kept, and the next call goes on from it."""
    monkeypatch.setattr(switch, "_ANSWER_SECONDS", 0.5)
    rules = host.data / "pg_hba.conf"
    before = rules.read_text()
    # The live server has read its rules; the recovered one is given these.
    rules.write_text("local all postgres trust\n")
    with pytest.raises(FailedError, match="the old data directory is in place, and its server runs"):
        restored(host, host.between(5))
    rules.write_text(before)
    host.control("reload")
    assert host.ticks() == ALL
    mark = mark_of(host)
    assert mark.stage is Stage.RECOVERING
    assert host.names() == ["main", "main.point-in-time.json", f"main.restoring-{mark.id}"]
    restored(host, host.between(5))
    assert host.ticks() == ALL[:5]
    assert mark_of(host).id == mark.id


def test_where_the_way_back_breaks_too_it_is_said_what_is_in_place(host: LostHost) -> None:
    """Nobody knows how it ends then: another exit code, and the next call mends it."""
    configuration = host.data / "postgresql.conf"
    before = configuration.read_text()
    configuration.write_text(before + "this is no setting\n")
    with pytest.raises(UnknownOutcomeError, match="old data directory is in place, and its server does not"):
        restored(host, host.between(5))
    configuration.write_text(before)
    restored(host, host.between(5))
    assert host.ticks() == ALL[:5]


def test_the_way_back(host: LostHost) -> None:
    """The old server serves again, with all that was in it; the recovered one is kept aside."""
    restored(host, host.between(5))
    with host.connect(), pytest.raises(PreconditionError, match="connections hold"):
        undone(host)
    undone(host)
    assert host.ticks() == ALL
    mark = mark_of(host)
    assert mark.stage is Stage.UNDONE
    assert (host.folder / mark.kept / "PG_VERSION").exists()
    with pytest.raises(PreconditionError, match="was not put there by a recovery"):
        undone(host)


@pytest.mark.parametrize("phase", ["laying the base backup out", "replaying WAL"])
def test_a_killed_second_recovery_leaves_the_way_back_of_the_first(host: LostHost, phase: str) -> None:
    """What stands is still the first: it is known as that, can be undone, and the second's folder goes."""
    restored(host, host.between(5))
    first = mark_of(host)
    killed_at(phase, lambda reporter: restored(host, host.between(2), reporter=reporter))
    assert host.ticks() == ALL[:5]
    assert mark_of(host).standing == first
    assert stands_at_a_point(host.target)
    scene = Scene(target=host.target, values={})
    assert probe_undo_of_either(scene).result is ProbeResult.NOT_DONE
    with pytest.raises(PreconditionError, match="recovered to this very point already"):
        restored(host, host.between(5))
    undone(host)
    assert host.ticks() == ALL
    assert mark_of(host).stage is Stage.UNDONE
    assert host.names() == ["main", "main.point-in-time.json", first.kept]


def test_a_folder_that_is_not_the_second_ones_is_not_removed(host: LostHost) -> None:
    """It may be anything, the old server too: the way back of the first waits until somebody looked."""
    restored(host, host.between(5))
    killed_at("replaying WAL", lambda reporter: restored(host, host.between(2), reporter=reporter))
    beside = host.folder / f"main.restoring-{mark_of(host).id}"
    beside.rename(host.folder / "elsewhere")
    beside.mkdir()
    (beside / "PG_VERSION").touch()
    with pytest.raises(PreconditionError, match="no mark tells"):
        undone(host)
    assert (beside / "PG_VERSION").exists()
    assert host.ticks() == ALL[:5]


def test_a_second_recovery_that_fails_leaves_the_way_back_of_the_first(
    host: LostHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its switch goes back, and what goes on from there fails: the first one's mark is back."""
    restored(host, host.between(5))
    first = mark_of(host)
    monkeypatch.setattr(switch, "_ANSWER_SECONDS", 0.5)
    rules = host.data / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text("local all postgres trust\n")
    with pytest.raises(FailedError, match="could not be put in place"):
        restored(host, host.between(2))
    rules.write_text(before)
    host.control("reload")
    begun = mark_of(host)
    assert begun.stage is Stage.RECOVERING
    assert begun.standing == first
    (host.folder / f"main.restoring-{begun.id}" / "global" / "pg_control").unlink()
    with pytest.raises(FailedError, match="no whole data directory"):
        restored(host, host.between(2))
    assert mark_of(host) == first
    undone(host)
    assert host.ticks() == ALL


def test_what_the_first_put_aside_can_be_dropped_while_a_second_is_begun(host: LostHost) -> None:
    """Its time counts from the first, and the second goes on from what it has."""
    restored(host, host.between(5))
    first = mark_of(host)
    killed_at("replaying WAL", lambda reporter: restored(host, host.between(2), reporter=reporter))
    begun = mark_of(host)
    drop_old_data_directory(host.target, confirm=host.phrase, mode="", reporter=Reporter.silent())
    assert not (host.folder / first.kept).exists()
    assert mark_of(host) == replace_struct(begun, former=replace_struct(first, kept=""))
    restored(host, host.between(2))
    assert host.ticks() == [1, 2]
    assert mark_of(host).former is None


def test_what_stands_tells_which_way_back_is_meant(host: LostHost) -> None:
    """A recovery to a point, until it is undone or a dump was restored into it."""
    assert not stands_at_a_point(host.target)
    assert kept_data_directories(host.target) == ()
    restored(host, host.between(5))
    assert stands_at_a_point(host.target)
    assert len(kept_data_directories(host.target)) == 1
    with host.connect("postgres", "postgres") as connection:
        told = sql.Literal(mark_text(database_marker.Stage.RESTORED, "a-set"))
        connection.execute(sql.SQL("COMMENT ON DATABASE hum IS {}").format(told))
    assert not stands_at_a_point(host.target)
    assert not stands_at_a_point(host.target, point=mark_of(host).point), "the server tells that one followed"
    host.control("stop", "-m", "fast")
    with pytest.raises(PreconditionError, match="cannot be seen") as refused:
        stands_at_a_point(host.target)
    assert f"--undo --to {shlex.quote(mark_of(host).point)}" in refused.value.hint
    assert stands_at_a_point(host.target, point=mark_of(host).point)
    assert probe_undo_of_either(Scene(target=host.target, values={})).result is ProbeResult.UNKNOWN
    host.control("start")
    killed_at("exchanging the data directories", lambda reporter: undone(host, reporter))
    assert stands_at_a_point(host.target)
    undone(host)
    assert not stands_at_a_point(host.target)
    nowhere = with_target(host, data_directory=host.folder / "nowhere" / "main")
    assert not stands_at_a_point(nowhere)
    assert kept_data_directories(nowhere) == ()
    # Where a keeper is named, a server may have been recovered there: not to find it is no answer.
    kept = msgspec.structs.replace(nowhere, wal=WalArchive(archive=host.folder / "archive"))
    for look in (stands_at_a_point, kept_data_directories):
        with pytest.raises(PreconditionError, match="the folder above the data directory is not there"):
            look(kept)
    scene = Scene(target=kept, values={})
    assert probe_drop_of_either(scene).result is ProbeResult.UNKNOWN
    assert probe_undo_of_either(scene).result is ProbeResult.UNKNOWN


@pytest.mark.parametrize(
    "phase", ["stopping the recovered server", "exchanging the data directories", "starting the old server"]
)
def test_a_killed_way_back_is_gone_to_its_end(host: LostHost, phase: str) -> None:
    """By the same command again, or by the next recovery."""
    restored(host, host.between(5))
    killed_at(phase, lambda reporter: undone(host, reporter))
    assert mark_of(host).stage is Stage.UNDOING
    undone(host)
    assert host.ticks() == ALL
    assert mark_of(host).stage is Stage.UNDONE


def test_the_next_recovery_ends_a_killed_way_back_first(host: LostHost) -> None:
    """And then does its own work."""
    restored(host, host.between(5))
    killed_at("starting the old server", lambda reporter: undone(host, reporter))
    restored(host, host.between(3))
    assert host.ticks() == [1, 2, 3]


def test_the_old_data_directory_is_dropped_when_that_is_said(host: LostHost) -> None:
    """Gated like the rest; after it there is no way back, and nothing else was touched."""

    def dropped(confirm: str) -> None:
        drop_old_data_directory(host.target, confirm=confirm, mode="", reporter=Reporter.silent())

    with pytest.raises(PreconditionError, match="no recovery to a point was completed"):
        dropped(host.phrase)
    restored(host, host.between(5))
    with pytest.raises(PreconditionError, match="is not the target"):
        dropped("elsewhere/hum")
    kept = host.folder / mark_of(host).kept
    host.control("start", "-o", "-c unix_socket_directories=.", data=kept)
    with pytest.raises(PreconditionError, match="a server runs on it"):
        dropped(host.phrase)
    host.control("stop", data=kept)
    dropped(host.phrase)
    assert host.names() == ["main", "main.point-in-time.json"]
    assert host.ticks() == ALL[:5]
    with pytest.raises(PreconditionError, match="no old data directory is kept"):
        dropped(host.phrase)
    with pytest.raises(PreconditionError, match="is not there: it was dropped"):
        undone(host)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become others")
def test_the_servers_own_account_can_do_it_all_and_another_cannot(host: LostHost) -> None:
    """As postgres, and never as a third: that one is told who must run it."""

    def refused() -> None:
        with pytest.raises(PreconditionError, match=f"to be done as {host.account.name}|root"):
            restored(host, host.between(5))

    assert in_a_child(refused, uid=65_534, gid=65_534) == 0
    assert is_untouched(host)
    uid, gid = host.account.uid or 0, host.account.gid or 0
    as_itself = replace(host, account=replace(host.account, uid=None, gid=None))
    assert in_a_child(lambda: restored(as_itself, host.between(5)), uid=uid, gid=gid) == 0
    assert host.ticks() == ALL[:5]
    assert in_a_child(lambda: undone(as_itself), uid=uid, gid=gid) == 0
    assert host.ticks() == ALL


def test_a_killed_removal_leaves_no_way_back_to_half_a_server(host: LostHost) -> None:
    """And the same command again removes the rest, however soon it comes."""
    restored(host, host.between(5))
    kept = host.folder / mark_of(host).kept

    def drop(reporter: Reporter, *, days: int = 0) -> None:
        keep = timedelta(days=days)
        drop_old_data_directory(host.target, confirm=host.phrase, mode="", reporter=reporter, keep=keep)

    killed_at("removing old data directories", drop)
    (kept / "PG_VERSION").unlink()
    with pytest.raises(PreconditionError, match="is not there: it was dropped"):
        undone(host)
    assert kept_data_directories(host.target) == (kept,)
    drop(Reporter.silent(), days=7)
    assert host.names() == ["main", "main.point-in-time.json"]


def test_a_mark_that_cannot_be_read_is_unknown(host: LostHost) -> None:
    """Neither done nor not done, and nothing is acted upon."""
    restored(host, host.between(5))
    DataPlace(live=host.data).mark.write_text("{")
    scene = Scene(target=host.target, values={})
    assert probe_undo_of_either(scene).result is ProbeResult.UNKNOWN
    assert probe_drop_of_either(scene).result is ProbeResult.UNKNOWN
    with pytest.raises(PreconditionError, match="cannot be read"):
        restored(host, host.between(3))
    assert host.ticks() == ALL[:5]
