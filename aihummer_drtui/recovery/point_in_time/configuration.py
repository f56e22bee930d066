"""What a recovered data directory is configured with once it is in place, and what its archiver must know.

The base backup brings the files that lay in the old host's data directory: none where its distribution
keeps them elsewhere (Debian: /etc/postgresql).
"""

from pathlib import Path
from typing import Final

from aihummer_drtui.durable import write_durably
from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.database.account import ServerAccount
from aihummer_drtui.recovery.regular_file import read_regular

_LIMIT: Final = 10_000_000
_FILES: Final = ("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf")


def refuse_unconfigured(live: Path, recovered: Path) -> None:
    """Let pass a recovered server that will have a postgresql.conf, for pg_ctl alone starts it.

    Raises FailedError.
    """
    if not any((folder / "postgresql.conf").exists() for folder in (live, recovered)):
        raise FailedError(
            "the base backup brings no postgresql.conf, and the live data directory has none",
            where=str(recovered),
            hint="the configuration lies elsewhere: say how that server is started and stopped, as "
            "`start` and `stop` in [postgres] of target.toml, or put a postgresql.conf there; the live "
            "server is as it was",
        )


def bring_configuration(live: Path, recovered: Path, account: ServerAccount, *, same_cluster: bool) -> None:
    """Put the live directory's configuration into the recovered one.

    Of the same cluster the live files win, for they are the newer; of another (a fresh one) only what the
    base backup lacks is taken. Raises OSError.
    """
    for name in _FILES:
        source, destination = live / name, recovered / name
        lacks = not destination.exists()
        if source.is_file() and not source.is_symlink() and (same_cluster or lacks):
            # Both folders are the server's: what it may have put there must not lead root elsewhere.
            data, _ = read_regular(source, limit=_LIMIT, follow=False)
            write_durably(destination, data, owner=_owner(account))


def announce_timeline(recovered: Path, timeline: int, account: ServerAccount) -> None:
    """Have the archiver, once it runs, archive the new timeline's history first.

    The server beside archived nothing. Without that file the next recovery would take the same timeline
    for itself, and the two would overwrite each other's WAL (PostgreSQL 17, 25.3.6). Raises OSError.
    """
    history = f"{timeline:08X}.history"
    if not (recovered / "pg_wal" / history).is_file():
        return
    status = recovered / "pg_wal" / "archive_status" / f"{history}.ready"
    if not status.exists() and not status.with_suffix(".done").exists():
        write_durably(status, b"", owner=_owner(account))


def _owner(account: ServerAccount) -> tuple[int, int] | None:
    return None if account.is_present else (account.uid, account.gid)
