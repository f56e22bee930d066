"""The server's own programs, of its own major version: postgres, pg_ctl and what reads a data directory."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.database.account import ServerAccount
from aihummer_drtui.recovery.database.holes import holes_of
from aihummer_drtui.recovery.database.tools import DEBIAN_ROOT, program_version
from aihummer_drtui.recovery.regular_file import read_regular
from aihummer_drtui.recovery.target import Target

NEEDED: Final = (
    "postgres",
    "pg_ctl",
    "psql",
    "pg_controldata",
    "pg_waldump",
    "pg_basebackup",
    "pg_verifybackup",
)


@dataclass(frozen=True, kw_only=True)
class ServerPrograms:
    """A folder that holds all of `NEEDED`, seen to run as the server's account."""

    folder: Path
    major: int
    version: str
    """As `17.10`."""

    @property
    def known_holes(self) -> tuple[str, ...]:
        """A sentence for each published hole of the clients among them."""
        return tuple(holes_of(frozenset({"psql"}), self.major, int(self.version.partition(".")[2] or 0)))

    def __getitem__(self, name: str) -> Path:
        """The program of that name."""
        return self.folder / name


def server_programs(target: Target, account: ServerAccount, *, major: int) -> ServerPrograms:
    """The programs of that major version: `postgres-bin`, else Debian's folder for it, else the PATH's.

    Raises PreconditionError when none has them all, saying where was looked and what was found.
    """
    seen = []
    for folder in dict.fromkeys(_folders(target, major)):
        missing = [name for name in NEEDED if not (folder / name).is_file()]
        if missing:
            if len(missing) < len(NEEDED):
                seen.append(f"{folder} lacks {', '.join(missing)}")
            continue
        found = program_version(folder / "postgres", account)
        if found is None:
            seen.append(f"{folder}/postgres does not run as {account.name}")
        elif found[0] != major:
            seen.append(f"{folder} is PostgreSQL {found[0]}")
        else:
            return ServerPrograms(folder=folder, major=major, version=f"{found[0]}.{found[1]}")
    raise PreconditionError(
        f"the programs of PostgreSQL {major}'s server were not found"
        + (f" ({cleaned_line('; '.join(seen), 400)})" if seen else ""),
        where=str(target.postgres_bin or f"{DEBIAN_ROOT}/{major}/bin and PATH"),
        hint=f"install postgresql-{major}, or name its folder as `postgres-bin` in target.toml",
    )


def data_major(data: Path) -> int:
    """The major version that made a data directory. Raises PreconditionError when it is none."""
    try:
        text = read_regular(data / "PG_VERSION", limit=100)[0].decode("ascii", "replace").strip()
    except OSError as error:
        raise PreconditionError(
            f"no data directory of PostgreSQL: PG_VERSION cannot be read: {error.strerror}",
            where=str(data),
            hint="name it as `data-directory` in [postgres] of target.toml; run this as root or as its owner",
        ) from None
    if not text.isdecimal():
        raise PreconditionError(
            f"PG_VERSION says {cleaned_line(text, 30)!r}",
            where=str(data),
            hint="PostgreSQL 10 and later say one number there; an older one is not supported",
        )
    return int(text)


def _folders(target: Target, major: int) -> Iterator[Path]:
    if target.postgres_bin:
        yield target.postgres_bin
    yield DEBIAN_ROOT / str(major) / "bin"
    yield from target.path
    yield from (Path(part) for part in os.environ.get("PATH", os.defpath).split(os.pathsep) if part)
