"""PostgreSQL's own programs: where pg_dump and pg_restore are, which version, whether it will do."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import DrtuiError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.set import open_set
from aihummer_drtui.recovery.check import Check, Scene
from aihummer_drtui.recovery.database.account import ServerAccount
from aihummer_drtui.recovery.database.connection import program_environment
from aihummer_drtui.recovery.database.holes import AS_OF, holes_of
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import CheckDescription, Observation, Verdict

DEBIAN_ROOT: Final = Path("/usr/lib/postgresql")
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?")


@dataclass(frozen=True, kw_only=True)
class PostgresTools:
    """A pair of programs of one PostgreSQL installation."""

    folder: Path
    version: str
    """pg_restore's own, as it prints it: `17.10`."""
    major: int
    minor: int

    @property
    def pg_dump(self) -> Path:
        """The program that writes dumps."""
        return self.folder / "pg_dump"

    @property
    def pg_dumpall(self) -> Path:
        """The program that writes roles; it may be missing where the others are there."""
        return self.folder / "pg_dumpall"

    @property
    def pg_restore(self) -> Path:
        """The program that reads them."""
        return self.folder / "pg_restore"

    @property
    def known_holes(self) -> tuple[str, ...]:
        """A sentence for each published hole that this version of either has."""
        return tuple(holes_of(frozenset({"pg_dump", "pg_restore"}), self.major, self.minor))


def find_tools(target: Target, *, at_least: int = 0) -> PostgresTools:
    """Return the programs to use: the configured folder; else PATH, then /usr/lib/postgresql, newest first.

    Without a configured folder the first pair of major version `at_least` or newer is taken.
    Raises PreconditionError when there is none, saying where was looked and what was found.
    """
    seen: list[PostgresTools] = []
    for folder in _folders(target):
        tools = _tools_in(folder)
        if tools and tools.major >= at_least:
            return tools
        if tools:
            seen.append(tools)
    if seen:
        found = ", ".join(f"{tools.version} in {tools.folder}" for tools in seen)
        raise PreconditionError(
            f"PostgreSQL's programs are too old: {at_least} or newer is needed, found {found}",
            hint=f"install postgresql-client-{at_least}, or name its folder as `postgres-bin` in target.toml",
        )
    raise PreconditionError(
        "pg_dump and pg_restore were not found",
        where=str(target.postgres_bin or "PATH and /usr/lib/postgresql/*/bin"),
        hint="install PostgreSQL's client programs, or name their folder as `postgres-bin` in target.toml",
    )


def _folders(target: Target) -> Iterator[Path]:
    if target.postgres_bin:
        yield target.postgres_bin
        return
    yield from target.path
    yield from (Path(part) for part in os.environ.get("PATH", os.defpath).split(os.pathsep) if part)
    by_major = [
        (int(path.parent.name), path) for path in DEBIAN_ROOT.glob("*/bin") if path.parent.name.isdigit()
    ]
    yield from (path for _, path in sorted(by_major, reverse=True))


def _tools_in(folder: Path) -> PostgresTools | None:
    if not all(os.access(folder / name, os.X_OK) for name in ("pg_dump", "pg_restore")):
        return None
    versions = [program_version(folder / name) for name in ("pg_dump", "pg_restore")]
    if None in versions or not versions[1]:
        return None
    major, minor = versions[1]
    return PostgresTools(folder=folder, version=f"{major}.{minor}", major=major, minor=minor)


def program_version(program: Path, account: ServerAccount | None = None) -> tuple[int, int] | None:
    """Major and minor version as a program of PostgreSQL says them; None where it does not run.

    `account` is whom it is run as, None = the present one. Raises PreconditionError where that may not be.
    """
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=10,
            stdin=subprocess.DEVNULL,
            env=program_environment(),
            cwd="/" if account else None,  # the present folder may be closed to another account
            check=False,
            **(account.identity() if account else {}),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(done.stdout)
    return (int(found[1]), int(found[2] or 0)) if done.returncode == 0 and found else None


def look_at_tools(scene: Scene) -> Observation:
    """Look whether pg_dump and pg_restore are there and read the sealed dump's version."""
    expected = "pg_dump and pg_restore are installed"
    needed, sealed = 0, ""
    try:
        if place := scene.values.get("BACKUP_SET"):
            manifest = open_set(Path(place)).manifest
            needed = manifest.server_major
            sealed = f", version {needed} or newer (the sealed database's)"
        tools = find_tools(scene.target, at_least=needed)
    except DrtuiError as error:
        return Observation(
            verdict=Verdict.FAILED,
            expected=expected + sealed,
            observed=cleaned_line(error.what),
            hint=error.hint,
        )
    return Observation(
        verdict=Verdict.PASSED,
        expected=expected + sealed,
        observed=f"{tools.version} in {tools.folder}"
        + ("" if tools.known_holes else f"; no hole of those published until {AS_OF}"),
        warnings=tools.known_holes,
    )


CHECKS: Final = (
    Check(
        description=CheckDescription(
            name="postgres-tools",
            title="PostgreSQL's programs are here",
            proves="pg_dump and pg_restore run on this host and are not older than the dump",
            interval=30.0,
        ),
        look=look_at_tools,
    ),
)
