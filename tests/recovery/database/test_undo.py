"""The way back stays open while the old database is kept, and only what we kept is ever dropped."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import psycopg
import pytest

from aihummer_drtui.errors import FailedError, LockedError, PreconditionError
from aihummer_drtui.recovery.backup.create import create_backup
from aihummer_drtui.recovery.backup.set import BackupSet
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database.alone import LOCK
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.database.identity import database_facts
from aihummer_drtui.recovery.database.kept import kept_now
from aihummer_drtui.recovery.database.kept_probe import probe_drop, probe_undo
from aihummer_drtui.recovery.database.marker import Stage, mark_text, marker_in
from aihummer_drtui.recovery.database.restore import Restored, restore_database
from aihummer_drtui.recovery.database.undo import (
    Dropped,
    Undone,
    drop_facts,
    drop_old,
    undo_facts,
    undo_restore,
)
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.run.verdict import ProbeResult
from tests.recovery.small_cluster import Installation

pytestmark = pytest.mark.postgres


@pytest.fixture
def backup(installation: Installation) -> BackupSet:
    """Give a sealed set of 2000 messages; ten are left in the live database, which has a comment."""
    made = create_backup(installation.target, installation.root / "backups", Reporter.silent())
    with installation.connect() as connection:
        connection.execute("DELETE FROM hum.messages WHERE id > 10")
        connection.execute(f'COMMENT ON DATABASE "{installation.name}" IS $$Ann\'s words$$'.encode())
    return made


def _phrase(installation: Installation) -> str:
    return owner_of(installation.target).phrase


def _restore(installation: Installation, backup: BackupSet) -> Restored:
    return restore_database(
        installation.target,
        backup,
        confirm=_phrase(installation),
        mode="",
        reporter=Reporter.silent(),
        again=True,
    )


def _undo(installation: Installation, kept: str = "") -> Undone:
    return undo_restore(installation.target, confirm=_phrase(installation), mode="", kept=kept)


def _drop(installation: Installation, kept: str = "", *, early: bool = True) -> Dropped | None:
    return drop_old(installation.target, confirm=_phrase(installation), mode="", kept=kept, early=early)


def _comment(installation: Installation, database: str) -> str | None:
    with installation.cluster.admin() as admin:
        row = admin.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", (database,)
        ).fetchone()
    assert row
    return None if row[0] is None else str(row[0])


def _probed(installation: Installation, backup: BackupSet | None = None) -> ProbeResult:
    values = {"BACKUP_SET": str(backup.path)} if backup else {}
    return probe_undo(Scene(target=installation.target, values=values)).result


def test_a_restore_is_taken_back_and_brought_again(installation: Installation, backup: BackupSet) -> None:
    """Old rows and the old comment are back; the restored one is kept in turn, and can come back itself."""
    assert _probed(installation, backup) is ProbeResult.UNKNOWN
    kept = _restore(installation, backup).kept_as
    assert _probed(installation, backup) is ProbeResult.NOT_DONE
    assert re.search(
        r"kept since .*Z, until you drop it \(not before", database_facts(installation.target)[-1]
    )
    done = _undo(installation)
    assert (done.back, installation.rows()) == (kept, 10)
    assert installation.databases() == [installation.name, done.kept_as]
    assert _comment(installation, installation.name) == "Ann's words"
    assert _probed(installation, backup) is ProbeResult.DONE
    assert _probed(installation) is ProbeResult.DONE
    assert _undo(installation).back == done.kept_as
    assert installation.rows() == 2000
    assert _probed(installation, backup) is ProbeResult.NOT_DONE
    assert _restore(installation, backup).rows == 2009


def test_without_a_kept_database_there_is_no_way_back(installation: Installation, backup: BackupSet) -> None:
    """One that merely has such a name is not ours."""
    with installation.connect("postgres") as connection:
        connection.execute(f'CREATE DATABASE "{installation.name}_replaced_20200101t000000z"'.encode())
    assert undo_facts(installation.target, "") == ""
    with pytest.raises(PreconditionError, match="no database is kept"):
        _undo(installation)
    with pytest.raises(PreconditionError, match="is not marked as a database that was"):
        _undo(installation, f"{installation.name}_replaced_20200101t000000z")
    assert installation.rows() == 10


def test_of_several_the_newest_comes_back_unless_one_is_named(
    installation: Installation, backup: BackupSet
) -> None:
    """And it is said which."""
    first = _restore(installation, backup).kept_as
    second = _restore(installation, backup).kept_as
    assert undo_facts(installation.target, "").startswith(second)
    assert undo_facts(installation.target, first).startswith(first)
    assert _undo(installation, first).back == first
    assert installation.rows() == 10


@pytest.mark.parametrize("phrase", ["", "other/db"])
def test_another_identity_undoes_and_drops_nothing(
    installation: Installation, backup: BackupSet, phrase: str
) -> None:
    """Both stand behind the same gate as a restore."""
    kept = _restore(installation, backup).kept_as
    with pytest.raises(PreconditionError):
        undo_restore(installation.target, confirm=phrase, mode="")
    with pytest.raises(PreconditionError):
        drop_old(installation.target, confirm=phrase, mode="", early=True)
    with pytest.raises(PreconditionError):
        drop_old(installation.target, confirm=_phrase(installation), mode="drill", early=True)
    assert installation.databases() == [installation.name, kept]
    assert installation.rows() == 2000


def test_while_a_restore_is_at_work_nothing_is_swapped_or_dropped(
    installation: Installation, backup: BackupSet
) -> None:
    """One at a time."""
    _restore(installation, backup)
    with installation.connect("postgres") as other:
        other.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        for work in (_undo, _drop):
            with pytest.raises(LockedError):
                work(installation)


def test_connections_to_both_are_ended_or_stop_the_undo(
    installation: Installation, backup: BackupSet
) -> None:
    """The owner's own are ended; a superuser's stops it, and all is open as before."""
    kept = _restore(installation, backup).kept_as
    with installation.connect(kept), installation.connect():
        _undo(installation)
    assert installation.rows() == 10
    (aside,) = [each.name for each in kept_now(installation.target)]
    with installation.cluster.admin(aside), pytest.raises(FailedError, match="connections hold"):
        _undo(installation)
    assert installation.rows() == 10
    installation.connect(aside).close()


def test_a_lost_live_database_is_no_hindrance(installation: Installation, backup: BackupSet) -> None:
    """Whoever dropped the restored one by hand still has the way back."""
    _restore(installation, backup)
    with installation.cluster.admin() as admin:
        admin.execute(f'DROP DATABASE "{installation.name}"'.encode())
    assert _undo(installation).kept_as == ""
    assert installation.rows() == 10


def test_the_old_database_is_dropped_after_its_time_only(
    installation: Installation, backup: BackupSet
) -> None:
    """Before, --early must be said; what is gone is told with its rows."""
    kept = _restore(installation, backup).kept_as
    scene = Scene(target=installation.target, values={"KEPT_DATABASE": kept})
    assert probe_drop(scene).result is ProbeResult.NOT_DONE
    with pytest.raises(PreconditionError, match="is to be kept until") as raised:
        _drop(installation, early=False)
    assert "--early" in raised.value.hint
    assert "19 rows in 3 tables" in drop_facts(installation.target, "")
    done = _drop(installation)
    assert done
    assert (done.name, done.rows) == (kept, "19 rows in 3 tables")
    assert installation.databases() == [installation.name]
    assert probe_drop(scene).result is ProbeResult.DONE
    assert _drop(installation) is None
    assert drop_facts(installation.target, "") == ""


def test_a_configured_time_is_heeded(installation: Installation, backup: BackupSet) -> None:
    """`keep-old = "0d"`: at once."""
    kept = _restore(installation, backup).kept_as
    target = msgspec.structs.replace(installation.target, keep_old="0d")
    done = drop_old(target, confirm=_phrase(installation), mode="")
    assert done
    assert done.name == kept


def test_of_several_none_is_dropped_unnamed(installation: Installation, backup: BackupSet) -> None:
    """Nobody guesses which one can go."""
    first = _restore(installation, backup).kept_as
    second = _restore(installation, backup).kept_as
    with pytest.raises(PreconditionError, match="which one to drop was not said") as raised:
        _drop(installation)
    assert first in raised.value.hint
    done = _drop(installation, first)
    assert done
    assert installation.databases() == [installation.name, second]


@pytest.fixture
def looked_at(installation: Installation, backup: BackupSet) -> Iterator[str]:
    """Give the name of a kept database that somebody is connected to."""
    kept = _restore(installation, backup).kept_as
    with installation.connect(kept):
        yield kept


def test_one_that_somebody_looks_at_is_not_dropped(installation: Installation, looked_at: str) -> None:
    """They are not thrown out for it."""
    with pytest.raises(PreconditionError, match="1 connections are open"):
        _drop(installation)
    assert looked_at in installation.databases()


@pytest.mark.parametrize("mark", [None, "theirs", "restoring", "other"])
def test_what_is_not_marked_as_kept_is_never_dropped(
    installation: Installation, backup: BackupSet, mark: str | None
) -> None:
    """Not without a comment, not with another's, not one that is being filled, not another database's."""
    kept = _restore(installation, backup).kept_as
    comment = {
        "theirs": "aihummer-drtui {}",
        "restoring": mark_text(Stage.RESTORING, "set"),
        "other": mark_text(Stage.REPLACED, "set", live="another"),
    }.get(mark or "")
    with installation.connect("postgres") as connection:
        connection.execute(
            psycopg.sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                psycopg.sql.Identifier(kept), psycopg.sql.Literal(comment)
            )
        )
    assert _drop(installation) is None
    for name in (kept, installation.name):
        with pytest.raises(PreconditionError, match="is not marked"):
            _drop(installation, name)
    assert kept in installation.databases()


@pytest.mark.parametrize("at", ["yesterday", "2026-01-01T00:00:00", ""])
def test_a_mark_without_a_moment_is_none(at: str) -> None:
    """A comment is written by whoever owns the database; what cannot be read marks nothing."""
    text = f'aihummer-drtui {{"stage": "replaced", "set_id": "s", "at": "{at}", "live": "x"}}'
    assert marker_in(text) is None


def test_kept_until_counts_from_the_exchange(installation: Installation, backup: BackupSet) -> None:
    """Seven days by default, by the server's mark."""
    _restore(installation, backup)
    (kept,) = kept_now(installation.target)
    assert timedelta(0) <= datetime.now(UTC) + timedelta(days=7) - kept.until < timedelta(minutes=1)


def test_a_probe_that_cannot_ask_does_not_know(installation: Installation) -> None:
    """No server, no answer."""
    installation.write_env(AIHUMMER_DATABASE_URL=f"postgres://x@%2Fnonexistent/{installation.name}")
    scene = Scene(target=installation.target, values={})
    assert probe_undo(scene).result is ProbeResult.UNKNOWN
    assert probe_drop(scene).result is ProbeResult.UNKNOWN


def test_a_closed_live_database_is_partly_undone(installation: Installation, backup: BackupSet) -> None:
    """Killed between closing and exchange."""
    _restore(installation, backup)
    with installation.cluster.admin() as admin:
        admin.execute(f'ALTER DATABASE "{installation.name}" ALLOW_CONNECTIONS false'.encode())
    assert _probed(installation, backup) is ProbeResult.PARTIAL
