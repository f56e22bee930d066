"""A server brought back to a moment: exactly what was committed by then, and the old one kept."""

import errno
import os
import signal
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aihummer_drtui.errors import DrtuiError, FailedError, LockedError, PreconditionError
from aihummer_drtui.recovery.point_in_time.model import ByLsn, ByName, ByTime, Latest, Point, Window
from aihummer_drtui.recovery.point_in_time.place import DataPlace
from aihummer_drtui.recovery.point_in_time.restore import Wanted, foresee
from aihummer_drtui.recovery.reporting import Reporter
from tests.recovery.point_in_time.lost_host import (
    SEGMENT,
    TICKS,
    LostHost,
    PlainKeeper,
    closed_segment,
    wait_for,
    with_target,
)
from tests.recovery.point_in_time.recovering import (
    ALL,
    AtPhase,
    is_to_go_on,
    is_untouched,
    mark_of,
    restored,
)

pytestmark = pytest.mark.postgres


def test_the_last_commit_before_the_moment_is_there_and_the_next_is_not(host: LostHost) -> None:
    """The proof of a recovery to a moment, on the server that answers the gateway's own connection."""
    point = host.between(5)
    done = restored(host, point)
    assert host.ticks() == [1, 2, 3, 4, 5]
    assert (done.rows, done.tables, done.warnings) == (5, 1, ())
    assert host.commits[4] == datetime.fromisoformat(done.reached) <= point.moment < host.commits[5]
    assert done.kept_as is not None
    assert (done.kept_as / "PG_VERSION").exists()
    with host.connect("postgres", "hum") as connection:
        told = [connection.execute(f"SHOW {name}").fetchone() for name in ("restore_command", "archive_mode")]
    assert told == [("",), ("on",)]
    assert not Path(f"/tmp/drtui-{mark_of(host).id}").exists()


def test_debians_postgresql_is_brought_back_too(debian_host: LostHost) -> None:
    """Another major version, with its own programs."""
    restored(debian_host, debian_host.between(2))
    assert debian_host.ticks() == [1, 2]


def test_the_new_timeline_is_archived_so_that_the_next_recovery_takes_another(host: LostHost) -> None:
    """Two recoveries on one timeline would overwrite each other's WAL."""
    restored(host, host.between(5))
    wait_for(host.folder / "archive" / "00000002.history")
    restored(host, host.between(3))
    assert host.ticks() == [1, 2, 3]
    wait_for(host.folder / "archive" / "00000003.history")


@pytest.mark.parametrize("kind", ["latest", "name", "lsn"])
def test_other_kinds_of_points(host: LostHost, kind: str) -> None:
    """As far as the WAL goes, a restore point by its name, a position of the log."""
    points: dict[str, Point] = {
        "latest": Latest(),
        "name": ByName(name="half-way"),
        "lsn": ByLsn(lsn=host.positions[2]),
    }
    restored(host, points[kind])
    assert host.ticks() == ALL[: {"latest": TICKS, "name": TICKS // 2, "lsn": 3}[kind]]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"confirm": "elsewhere/hum"}, "is not the target"),
        ({"confirm": ""}, "not confirmed"),
        ({"mode": "drill"}, "no sandbox"),
        ({"mode": "tabletop"}, "executes nothing"),
        ({"base": "another"}, "no base backup 'another'"),
        ({"point": ByTime(moment=datetime.fromisoformat("2525-01-01T00:00:00Z"))}, "lies in the future"),
        ({"point": ByTime(moment=datetime.fromisoformat("2025-01-01T00:00:00Z"))}, "before the first base"),
    ],
)
def test_a_wrong_wish_is_refused_before_anything_is_made(
    host: LostHost, changes: dict[str, Any], what: str
) -> None:
    """Identity, mode, base backup, moment."""
    with pytest.raises(PreconditionError, match=what):
        restored(host, **{"point": host.between(5), **changes})
    assert is_untouched(host)


def test_a_gap_in_the_wal_is_found_before_anything_is_made(host: LostHost) -> None:
    """The keeper proves the WAL first."""
    number = host.window.base.start_lsn // SEGMENT
    (host.folder / "archive" / f"00000001{0:08X}{number:08X}").unlink()
    with pytest.raises(PreconditionError, match="is missing"):
        restored(host, host.between(5))
    assert is_untouched(host)


def test_wal_that_breaks_off_is_no_end_of_it(host: LostHost) -> None:
    """`latest` has no target that PostgreSQL would miss: at damage it takes over, as if nothing followed."""
    with host.connect("postgres", "hum") as connection:
        broken = closed_segment(host, connection) // SEGMENT
        for row in (100, 101, 102):
            connection.execute("INSERT INTO ticks VALUES (%s)", (row,))
            end = closed_segment(host, connection)
    damaged = host.folder / "archive" / f"00000001{0:08X}{broken + 1:08X}"
    content = damaged.read_bytes()
    damaged.write_bytes(content[:64].ljust(len(content), b"\0"))
    window = replace(host.window, latest=None, latest_lsn=end)
    with pytest.raises(FailedError, match=r"the recovery ended at .* the archived WAL goes on to"):
        restored(host, Latest(), keeper=replace(host.keeper, window=window))
    assert host.runs()
    assert host.names() == ["main"]


def test_a_connected_gateway_is_refused(host: LostHost) -> None:
    """It would write to the old server while the new one is recovered, and nobody would notice."""
    with host.connect(), pytest.raises(PreconditionError, match="1 connections hold the live database"):
        restored(host, host.between(5))
    assert is_untouched(host)


def test_a_server_of_another_major_version_is_refused(host: LostHost) -> None:
    """A base backup starts under its own major version only."""
    base = replace(host.window.base, server_major=12)
    keeper = replace(host.keeper, window=replace(host.window, base=base))
    with pytest.raises(PreconditionError, match="the base backup is of 12"):
        restored(host, host.between(5), keeper=keeper)
    assert is_untouched(host)


def test_too_little_room_is_found_before_anything_is_made(host: LostHost) -> None:
    """The second data directory is counted beside the old one."""
    base = replace(host.window.base, size=1 << 60)
    keeper = replace(host.keeper, window=replace(host.window, base=base))
    with pytest.raises(PreconditionError, match="needed for a second data directory"):
        restored(host, host.between(5), keeper=keeper)
    assert is_untouched(host)


def test_d12_the_wrong_installations_base_backup_is_refused(host: LostHost) -> None:
    """Another cluster's, over a server that holds data: only where it is named outright."""
    base = replace(host.window.base, system_identifier=1)
    keeper = replace(host.keeper, window=replace(host.window, base=base))
    with pytest.raises(PreconditionError, match="is of another cluster") as refused:
        restored(host, host.between(5), keeper=keeper)
    assert "--base base" in refused.value.hint
    assert is_untouched(host)


def test_d12_what_its_keeper_calls_another_clusters_is_not_put_in_place(host: LostHost) -> None:
    """A label is believed only once the recovered server says the same."""
    base = replace(host.window.base, system_identifier=1)
    keeper = replace(host.keeper, window=replace(host.window, base=base))
    with pytest.raises(FailedError, match="what was laid out is another cluster"):
        restored(host, host.between(5), keeper=keeper, base="base")
    assert is_untouched(host)


def test_a_folder_that_no_mark_explains_is_not_removed(host: LostHost) -> None:
    """After a switch that was killed it is the old server; somebody may have removed the mark since."""
    unknown = host.folder / "main.restoring-00c0ffee"
    unknown.mkdir()
    (unknown / "PG_VERSION").write_text("17\n")
    with pytest.raises(PreconditionError, match="no mark tells"):
        restored(host, host.between(5))
    assert (unknown / "PG_VERSION").exists()
    assert host.runs()
    assert host.ticks() == ALL


def test_one_recovery_at_a_time(host: LostHost) -> None:
    """The second is told that there is a first."""
    with DataPlace(live=host.data).locked(), pytest.raises(LockedError, match="another recovery"):
        restored(host, host.between(5))
    assert is_untouched(host)


def test_a_name_that_no_restore_point_has_leaves_the_live_server_alone(host: LostHost) -> None:
    """No window tells of names: it is found out beside, and nothing is left of it."""
    with pytest.raises(FailedError, match="WAL ended before the restore point named never-made"):
        restored(host, ByName(name="never-made"))
    assert is_untouched(host)


def test_a_point_within_the_base_backup_leaves_the_live_server_alone(host: LostHost) -> None:
    """A copy that was not complete yet is no database."""
    with pytest.raises(FailedError, match="lies before the base backup was complete"):
        restored(host, ByLsn(lsn=host.window.base.end_lsn))
    assert is_untouched(host)


def test_a_damaged_base_backup_leaves_the_live_server_alone(host: LostHost) -> None:
    """It does not start beside; its own words are told."""
    (host.folder / "base" / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(FailedError, match="no whole data directory"):
        restored(host, host.between(5))
    assert is_untouched(host)


def test_a_server_without_the_database_is_not_put_in_place(host: LostHost) -> None:
    """The base backup of another application, or of a time before this one."""
    env = host.folder / "gateway.env"
    env.write_text(env.read_text().replace("/hum\nAI", "/other\nAI"))
    with pytest.raises(FailedError, match="has no database other; it has hum, postgres"):
        restored(host, host.between(5), confirm=host.phrase.replace("/hum", "/other"))
    env.write_text(env.read_text().replace("/other\nAI", "/hum\nAI"))
    assert is_to_go_on(host)


def test_a_server_without_the_roles_is_not_put_in_place(host: LostHost) -> None:
    """gateway.env names them; once that is mended, the replay is not done a second time."""
    env = host.folder / "gateway.env"
    env.write_text(env.read_text().replace("hum_app@", "hum_new@"))
    with pytest.raises(FailedError, match="has no role hum_new") as refused:
        restored(host, host.between(5))
    assert "the same command goes on from it" in refused.value.hint
    assert is_to_go_on(host)
    kept = mark_of(host).id
    env.write_text(env.read_text().replace("hum_new@", "hum_app@"))
    restored(host, host.between(5))
    assert host.ticks() == ALL[:5]
    assert mark_of(host).id == kept


def test_limits_that_the_primary_raised_later_are_followed(host: LostHost) -> None:
    """A standby must have at least its primary's limits, and learns of them while it replays."""
    with (host.data / "postgresql.conf").open("a") as file:
        file.write("max_connections = 77\nmax_prepared_transactions = 9\n")
    host.control("restart")
    with host.connect("postgres", "hum") as connection:
        connection.execute("INSERT INTO ticks VALUES (100)")
        end = closed_segment(host, connection)
    window = replace(host.window, latest=datetime.fromisoformat("2500-01-01T00:00:00Z"), latest_lsn=end)
    restored(host, Latest(), keeper=replace(host.keeper, window=window))
    assert host.ticks()[-1] == 100


def test_what_was_recovered_once_is_not_recovered_again_unasked(host: LostHost) -> None:
    """What was written since would be lost."""
    restored(host, host.between(5))
    with host.connect() as connection:
        connection.execute("INSERT INTO ticks VALUES (50)")
    with pytest.raises(PreconditionError, match="recovered to this very point already"):
        restored(host, host.between(5))
    assert host.ticks()[-1] == 50
    restored(host, host.between(5), again=True)
    assert host.ticks() == ALL[:5]


def test_what_would_be_done_is_foreseen_and_nothing_is_touched(host: LostHost) -> None:
    """Look and prove, with what would be replaced."""
    found = foresee(
        host.target,
        Wanted(point=host.between(5), confirm="", mode=""),
        host.keeper,
        clock=host.clock,
        reporter=Reporter.silent(),
    )
    assert found.window == host.window
    assert found.outlook.exists
    assert found.outlook.same_cluster
    assert found.outlook.databases == ("postgres", "hum")
    assert is_untouched(host)


def test_another_database_of_the_server_is_named(host: LostHost) -> None:
    """The whole server is replaced."""
    with host.connect("postgres", "postgres") as connection:
        connection.execute("CREATE DATABASE payroll")
    done = restored(host, host.between(5))
    assert "the whole server is replaced, with database payroll too" in done.warnings


def test_a_lost_data_directory_is_made_anew(host: LostHost) -> None:
    """Nothing to stop, nothing to keep: as long as target.toml says where and as whom."""
    host.control("stop", "-m", "fast")
    DataPlace(live=host.data).remove(host.data)
    with pytest.raises(PreconditionError, match="whom the server runs as is not known"):
        restored(host, host.between(5))
    (host.folder / "base" / "postgresql.conf").rename(host.folder / "postgresql.conf")
    with pytest.raises(FailedError, match=r"brings no postgresql\.conf"):
        restored(host, host.between(5), target=with_target(host, account=host.account.name or "root"))
    mark = mark_of(host)
    assert mark.reached_lsn == ""  # nothing was replayed yet
    (host.folder / "postgresql.conf").rename(host.folder / f"main.restoring-{mark.id}" / "postgresql.conf")
    done = restored(host, host.between(5), target=with_target(host, account=host.account.name or "root"))
    assert done.kept_as is None
    assert host.ticks() == ALL[:5]


def test_a_damaged_data_directory_is_replaced_where_that_is_said(host: LostHost) -> None:
    """Whose it was cannot be told without pg_control; without PG_VERSION it is nobody's."""
    host.control("stop", "-m", "fast")
    (host.data / "global" / "pg_control").unlink()
    with pytest.raises(PreconditionError, match="whose the data directory is cannot be told") as refused:
        restored(host, host.between(5))
    assert "--base base" in refused.value.hint
    done = restored(host, host.between(5), base="base")
    assert any("the data directory here is damaged, and is replaced" in told for told in done.warnings)
    assert host.ticks() == ALL[:5]
    host.control("stop", "-m", "fast")
    (host.data / "PG_VERSION").unlink()
    with pytest.raises(PreconditionError, match="it has no PG_VERSION") as refused:
        restored(host, host.between(3))
    assert f"mv {host.data} {host.data}.damaged" in refused.value.hint


def test_a_fresh_cluster_is_replaced(host: LostHost) -> None:
    """What a package's installation made on the new host; it knows neither owner nor database."""
    host.control("stop", "-m", "fast")
    DataPlace(live=host.data).remove(host.data)
    flags = ["-Upostgres", "-Atrust", "--locale=C", "-N"]
    made = host.account.run([host.bin / "initdb", "-D", host.data, *flags], time_out=60)
    assert made.returncode == 0, made.stderr
    with (host.data / "postgresql.conf").open("a") as file:
        file.write("listen_addresses = ''\nunix_socket_directories = '../run'\n")
    host.control("start")
    done = restored(host, host.between(5))
    assert "the server here is another cluster than the one backed up, and is replaced" in done.warnings
    assert host.ticks() == ALL[:5]


def test_a_configuration_outside_of_the_data_directory_stays_there(host: LostHost) -> None:
    """Debian's layout: the base backup brings no postgresql.conf, and the start command names it."""
    etc = host.folder / "etc"
    etc.mkdir()
    host.account.own(etc)
    host.control("stop", "-m", "fast")
    for name in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf"):
        (host.folder / "base" / name).unlink()
        moved = host.account.run(["mv", host.data / name, etc / name], time_out=10)
        assert moved.returncode == 0
    with (etc / "postgresql.conf").open("a") as file:
        file.write(f"data_directory = '{host.data}'\nhba_file = '{etc}/pg_hba.conf'\n")
        file.write(f"ident_file = '{etc}/pg_ident.conf'\n")
    control = f"{host.bin}/pg_ctl -D {etc} -w -l {host.folder}/run/log"
    if host.account.uid is not None:
        control = f"setpriv --reuid {host.account.uid} --regid {host.account.gid} --clear-groups {control}"
    start = host.account.run(
        [host.bin / "pg_ctl", "-D", etc, "-w", "-l", host.folder / "run/log", "start"], time_out=60
    )
    assert start.returncode == 0, start.stdout + start.stderr
    with pytest.raises(PreconditionError, match="how the server is started is not known"):
        restored(host, host.between(5))
    assert is_untouched(host)
    target = with_target(
        host, start=tuple(f"{control} start".split()), stop=tuple(f"{control} -m fast stop".split())
    )
    restored(host, host.between(5), target=target)
    assert host.ticks() == ALL[:5]
    assert not (host.data / "postgresql.conf").exists()


def test_x09_a_tampered_sandbox_is_no_way_out_of_a_drill(host: LostHost, tmp_path: Path) -> None:
    """The data directory that the server itself tells is held to the sandbox too."""
    from aihummer_drtui.recovery.target import SandboxMark

    (tmp_path / "sandbox.json").write_text('{"id": "x"}')
    target = msgspec.structs.replace(
        host.target,
        aihummer=str(tmp_path / "aihummer"),
        smoke=tmp_path / "smoke.sh",
        base_url="",
        sandbox=SandboxMark(id="x", root=tmp_path),
    )
    with pytest.raises(DrtuiError, match="is outside the sandbox"):
        restored(host, host.between(5), target=target, mode="drill")
    assert is_untouched(host)


def test_a_gateway_that_came_back_meanwhile_holds_up_the_switch(host: LostHost) -> None:
    """It is asked anew after the replay; what was recovered is kept for the next call."""
    with ExitStack() as stack:
        reporter = Reporter(
            AtPhase("shutting the recovered server down", lambda: stack.enter_context(host.connect()))
        )
        with pytest.raises(PreconditionError, match="connections hold the live database"):
            restored(host, host.between(5), reporter=reporter)
    assert host.ticks() == ALL
    first = mark_of(host)
    restored(host, host.between(5))
    assert mark_of(host).id == first.id


def test_a_slow_archive_is_waited_for(host: LostHost) -> None:
    """The replay shows life until it goes on."""
    gate = host.folder / "gate"
    reporter = Reporter(AtPhase("replaying WAL", gate.touch, later=True))
    restored(host, Latest(), keeper=replace(host.keeper, gate=gate), reporter=reporter)
    assert host.ticks() == ALL


def test_a_server_beside_that_dies_is_told_with_its_last_words(host: LostHost) -> None:
    """As the kernel ends one when memory is short; the live server is not concerned, the replay goes on."""

    def kill() -> None:
        beside = next(host.folder.glob("main.restoring-*"))
        os.kill(int((beside / "postmaster.pid").read_text().split("\n")[0]), signal.SIGKILL)

    reporter = Reporter(AtPhase("replaying WAL", kill, later=True))
    keeper = replace(host.keeper, gate=host.folder / "never")
    with pytest.raises(FailedError, match="the server beside ended while it recovered"):
        restored(host, Latest(), keeper=keeper, reporter=reporter)
    assert is_to_go_on(host)
    (host.folder / "never").touch()
    restored(host, Latest(), keeper=keeper)
    assert host.ticks() == ALL


def test_told_to_end_it_leaves_the_recovery_to_be_gone_on_with(host: LostHost) -> None:
    """SIGTERM, a closed terminal: the server beside is shut down, and the replay goes on later."""
    keeper = replace(host.keeper, gate=host.folder / "gate")
    reporter = Reporter(AtPhase("replaying WAL", lambda: os.kill(os.getpid(), signal.SIGTERM), later=True))
    with pytest.raises(KeyboardInterrupt):
        restored(host, Latest(), keeper=keeper, reporter=reporter)
    assert host.ticks() == ALL
    first = mark_of(host)
    (host.folder / "gate").touch()
    restored(host, Latest(), keeper=keeper)
    assert mark_of(host).id == first.id


def test_a_failed_second_recovery_leaves_the_way_back_of_the_first(host: LostHost) -> None:
    """Its mark is put back."""
    restored(host, host.between(5))
    before = mark_of(host)
    with pytest.raises(FailedError):
        restored(host, ByName(name="never-made"))
    assert msgspec.structs.replace(mark_of(host), at=before.at) == before
    assert host.ticks() == ALL[:5]


def test_a_full_disk_while_laying_out_leaves_nothing(host: LostHost) -> None:
    """The keeper's own error is told as one."""

    @dataclass(frozen=True, kw_only=True)
    class Full(PlainKeeper):
        def lay(self, window: Window, point: Point, folder: Path, reporter: Reporter) -> None:
            reporter.phase(f"laying {window.base.label} out for {point}")
            (folder / "half").touch()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder / "half"))

    keeper = Full(**{field.name: getattr(host.keeper, field.name) for field in fields(host.keeper)})
    with pytest.raises(FailedError, match="No space left on device"):
        restored(host, host.between(5), keeper=keeper)
    assert is_untouched(host)


def test_the_superuser_may_have_another_name(host: LostHost) -> None:
    """The one of `admin` is tried first, then the account's, then postgres."""
    restored(host, host.between(5), target=with_target(host, admin=f"host={host.folder}/run user=dba"))
    assert host.ticks() == ALL[:5]


def test_a_cluster_whose_superuser_nobody_knows_is_not_waited_for(host: LostHost) -> None:
    """It answers, and knows none of the names: no wait would change that."""
    with host.connect("postgres", "postgres") as connection:
        connection.execute("CREATE ROLE chief SUPERUSER LOGIN")
    with host.connect("chief", "postgres") as connection:
        connection.execute("ALTER ROLE postgres RENAME TO boss")
        end = closed_segment(host, connection)
    keeper = replace(host.keeper, window=replace(host.window, latest_lsn=end))
    # The first one learns it once that is replayed, the second one at its first connection.
    for _ in range(2):
        with pytest.raises(FailedError, match=r"none of the superusers .*postgres") as refused:
            restored(host, Latest(), keeper=keeper)
    assert 'admin = "user=' in refused.value.hint
    restored(
        host, Latest(), keeper=keeper, target=with_target(host, admin=f"host={host.folder}/run user=boss")
    )
    assert host.ticks() == ALL


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ticks_pkey'::regclass", "is invalid"),
        ("UPDATE pg_extension SET extname = 'gone' WHERE extname = 'plpgsql'", "extension gone is not"),
    ],
)
def test_what_is_wrong_with_the_recovered_database_is_told(host: LostHost, statement: str, told: str) -> None:
    """An index that was invalid then is brought back so; an extension that is not installed here stops it."""
    with host.connect("postgres", "hum") as connection:
        connection.execute(statement.encode())
        end = closed_segment(host, connection)
    keeper = replace(host.keeper, window=replace(host.window, latest_lsn=end))
    if "pg_index" in statement:
        assert told in restored(host, Latest(), keeper=keeper).warnings[0]
        return
    with pytest.raises(FailedError, match=told):
        restored(host, Latest(), keeper=keeper)
    assert is_to_go_on(host)
