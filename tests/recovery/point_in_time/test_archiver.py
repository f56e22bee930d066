"""What the server says of its archiving, to a superuser and to the owner role."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.point_in_time.archiver import Archiver, Setting, archiver_of
from aihummer_drtui.recovery.target import Postgres, Target
from tests.recovery.small_cluster import Installation

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
WELL = Archiver(
    mode="on",
    command=Setting.SET,
    last_archived="000000010000000000000002",
    last_archived_at=NOW,
    last_failed="",
    last_failed_at=None,
    failures=0,
    waiting=0,
)


@pytest.mark.parametrize(
    ("archiver", "told"),
    [
        (WELL, ""),
        (replace(WELL, command=Setting.HIDDEN, waiting=None), ""),
        (replace(WELL, last_archived_at=None), ""),
        (replace(WELL, last_failed="X", last_failed_at=NOW - timedelta(seconds=1)), ""),
        (replace(WELL, last_failed="X", last_failed_at=NOW + timedelta(seconds=1)), "archiving fails: X"),
        (replace(WELL, last_archived_at=None, last_failed="X", last_failed_at=NOW), "archiving fails: X"),
        (replace(WELL, mode="off", command=Setting.MISSING), "archive_mode is off"),
        (replace(WELL, command=Setting.MISSING), "archive_command is not set"),
    ],
)
def test_what_keeps_wal_from_the_archive(archiver: Archiver, told: str) -> None:
    """A failure counts until something was archived after it."""
    assert archiver.problem.startswith(told)
    assert bool(archiver.problem) is bool(told)
    assert bool(archiver.hint) is bool(told)
    assert ("restart" in archiver.hint) is (archiver.mode == "off")


@pytest.mark.postgres
def test_the_owner_role_sees_most_of_it(installation: Installation) -> None:
    """Where no superuser is let in, settings and statistics are still told; what waits is not."""
    closed = Postgres(admin=f"host={installation.cluster.folder} user=nobody_of_that_name")
    seen = archiver_of(msgspec.structs.replace(installation.target, postgres=closed))
    assert (seen.mode, seen.command, seen.waiting) == ("off", Setting.MISSING, None)
    assert seen.problem == "archive_mode is off: no WAL is archived"
    admin = Postgres(admin=f"host={installation.cluster.folder} user=postgres")
    as_superuser = archiver_of(msgspec.structs.replace(installation.target, postgres=admin))
    assert as_superuser.waiting == 0


def test_neither_way_says_the_first_reason(tmp_path: Path) -> None:
    """Without gateway.env the superuser's way is the one to mend."""
    target = Target(gateway_env=tmp_path / "none", postgres=Postgres(data_directory=tmp_path / "none"))
    with pytest.raises(PreconditionError, match="PG_VERSION cannot be read"):
        archiver_of(target)
