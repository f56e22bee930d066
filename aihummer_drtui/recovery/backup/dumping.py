"""Running pg_dump and pg_dumpall for a backup set, and sealing what they wrote."""

import hashlib
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.backup.manifest import DUMP, DUMP_FOLDER, SealedFile
from aihummer_drtui.recovery.database.connection import Owner, program_access
from aihummer_drtui.recovery.database.program import run_program
from aihummer_drtui.recovery.database.swiftness import cores
from aihummer_drtui.recovery.database.tools import PostgresTools
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target

_BLOCK: Final = 1 << 20


def run_pg_dump(
    tools: PostgresTools,
    owner: Owner,
    snapshot: str,
    folder: Path,
    reporter: Reporter,
    *,
    jobs: int | None,
) -> None:
    """Dump the owner's database, as the exported `snapshot` shows it, into the growing set's `folder`.

    One file in custom format; with `jobs` a folder that so many jobs write (0 = one a core), each with a
    connection of its own on the same snapshot. Raises FailedError with pg_dump's words.
    """
    written = folder / (DUMP if jobs is None else DUMP_FOLDER)
    how = ("--format=custom",) if jobs is None else ("--format=directory", f"--jobs={jobs or cores()}")
    reporter.phase("dumping the database", unit="bytes")
    with program_access(owner, database=owner.database) as access:
        ended = run_program(
            [
                tools.pg_dump,
                *how,
                f"--snapshot={snapshot}",
                f"--file={written}",
                "--no-password",
                f"--dbname={access.conninfo}",
            ],
            environment=access.environment,
            descriptors=access.descriptors,
            meanwhile=lambda: reporter.reached(sum(path.stat().st_size for path in _files(folder))),
        )
    if ended.code != 0:
        raise FailedError(
            f"pg_dump {ended.how}: {ended.first_words}",
            where=owner.phrase,
            hint="no backup was kept; the owner role must be able to read every table",
        )


def write_roles(target: Target, tools: PostgresTools, owner: Owner, roles: Path, reporter: Reporter) -> None:
    """Write the server's roles and their settings; without a file where pg_dumpall is missing or refused.

    They are not of the snapshot. A set without them is still sound, and says so in its doubts.
    """
    reporter.phase("writing out the roles")
    with program_access(owner, database=target.maintenance_database) as access:
        try:
            ended = run_program(
                [
                    tools.pg_dumpall,
                    "--roles-only",
                    "--no-role-passwords",
                    "--no-password",
                    f"--file={roles}",
                    f"--database={target.maintenance_database}",
                    f"--dbname={access.conninfo}",
                ],
                environment=access.environment,
                descriptors=access.descriptors,
            )
        except FailedError:
            return
    if ended.code != 0:
        roles.unlink(missing_ok=True)


def seal_dump_files(folder: Path, reporter: Reporter) -> tuple[SealedFile, ...]:
    """Hash every file of the dump in a set's `folder`, in the order of their names. Raises OSError."""
    files = _files(folder)
    reporter.phase("hashing the dump", total=sum(path.stat().st_size for path in files), unit="bytes")
    return tuple(_sealed(folder, path, reporter) for path in files)


def _sealed(folder: Path, path: Path, reporter: Reporter) -> SealedFile:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
            reporter.advance(len(block))
    return SealedFile(name=str(path.relative_to(folder)), size=size, sha256=digest.hexdigest())


def _files(folder: Path) -> list[Path]:
    """The files that pg_dump has made so far."""
    one = folder / DUMP
    return [one] if one.exists() else sorted((folder / DUMP_FOLDER).glob("*"))
