"""Sealing a dump that others made: a set around it, in which what nobody can know any more is `unproven`."""

import hashlib
import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aihummer_drtui import __version__
from aihummer_drtui.errors import DrtuiError, FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.archive import ArchiveHeader, read_header
from aihummer_drtui.recovery.backup.growing import growing, named, stamp
from aihummer_drtui.recovery.backup.manifest import Fact, Manifest, SealedBlobs, SealedDatabase, SealedFile
from aihummer_drtui.recovery.backup.set import DUMP, MANIFEST, BackupSet, open_set
from aihummer_drtui.recovery.backup.signature import signer_of
from aihummer_drtui.recovery.blobs.copy import copy_hashed
from aihummer_drtui.recovery.database.connection import program_environment
from aihummer_drtui.recovery.database.program import run_program
from aihummer_drtui.recovery.database.tools import PostgresTools, find_tools
from aihummer_drtui.recovery.ending import ended_in_order
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target

_EXTENSION: Final = re.compile(r"^\d+; \d+ \d+ EXTENSION - (\S+)", re.MULTILINE)
_CREATION: Final = re.compile(r"^CREATE DATABASE .* WITH TEMPLATE = template0 (?P<locale>.*);$", re.MULTILINE)
_SETTING: Final = re.compile(r"([A-Z_]+) = (?:'((?:[^']|'')*)'|(\w+))")
_ALWAYS_UNPROVEN: Final = (
    Fact.TIME_ZONE,
    Fact.SIZE,
    Fact.ROWS,
    Fact.EXTENSIONS,
    Fact.ROLES,
    Fact.LSN,
    Fact.AIHUMMER_VERSION,
    Fact.KEY,
    Fact.MEDIA_TOKEN,
    Fact.GATEWAY_ENV,
    Fact.BLOBS,
)


def seal_dump(target: Target, dump: Path, place: Path | None, reporter: Reporter) -> BackupSet:
    """Make a set in `place` (None = the dump's own folder) that holds a copy of `dump`, and return it.

    The copy shares the dump's blocks where the file system can (btrfs, XFS). The dump itself stays.
    Raises PreconditionError when it is no dump of the custom format, was sealed there already, or the
    programs will not do; FailedError when the work breaks. Nothing is left behind then.
    """
    place = place or dump.parent
    signer = signer_of(target)
    descriptor = _opened(dump)
    try:
        before = os.fstat(descriptor)
        header = read_header(descriptor, where=str(dump))
        database, unproven = _described(target, header, descriptor, dump)
        with ended_in_order(), growing(place, header.created) as folder:
            sealed = _copied(descriptor, folder / DUMP, reporter)
            _refuse_changed(dump, before, os.fstat(descriptor))
            _refuse_sealed(place, sealed)
            manifest = _manifest(header, database, sealed, unproven)
            signer.write(folder, manifest)
            done = named(folder, place, header.created)
    finally:
        os.close(descriptor)
    return open_set(done)


def _opened(dump: Path) -> int:
    try:
        descriptor = os.open(dump, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise PreconditionError(
            f"the dump cannot be opened (no link is followed): {error.strerror}",
            where=str(dump),
            hint="name the file itself, as an account that may read it",
        ) from None
    if not dump.is_file():
        os.close(descriptor)
        raise PreconditionError(
            "is no regular file", where=str(dump), hint="name one file of `pg_dump --format=custom`"
        )
    return descriptor


def _described(
    target: Target, header: ArchiveHeader, descriptor: int, dump: Path
) -> tuple[SealedDatabase, tuple[Fact, ...]]:
    """What the dump tells of its database, and what it does not."""
    major = max(header.server_version_num, _number(header.pg_dump_version)) // 10_000
    tools = find_tools(target, at_least=major)
    extensions: dict[str, str] = {}

    def note(line: str) -> None:
        extensions.update(dict.fromkeys(_EXTENSION.findall(line), ""))

    # Of a large database the listing is longer than what is kept of a program's words.
    _asked(tools, descriptor, dump, "--list", heard=note)
    # A schema of no dump: nothing is selected but the statement that makes the database.
    script = _asked(tools, descriptor, dump, "--create", "--schema-only", "--schema=drtui none", "--file=-")
    settings = _settings(script)
    provider = {"icu": "i", "builtin": "b"}.get(settings.get("LOCALE_PROVIDER", ""), "c")
    both = settings.get("LOCALE", "")
    collate, ctype = settings.get("LC_COLLATE", both), settings.get("LC_CTYPE", both)
    known = bool(settings.get("ENCODING") and collate and ctype)
    database = SealedDatabase(
        name=header.database,
        size=0,
        encoding=settings["ENCODING"] if known else "",
        collate=collate,
        ctype=ctype,
        locale_provider=provider,
        locale=settings.get("ICU_LOCALE", settings.get("BUILTIN_LOCALE", "")),
        tables={},
        extensions=extensions,
        roles=(),
        lsn="",
        server_version_num=header.server_version_num,
    )
    return database, (*_ALWAYS_UNPROVEN, *(() if known else (Fact.LOCALE,)))


def _settings(script: str) -> dict[str, str]:
    found = _CREATION.search(script)
    if not found:
        return {}
    return {
        name: quoted.replace("''", "'") or bare for name, quoted, bare in _SETTING.findall(found["locale"])
    }


def _asked(
    tools: PostgresTools,
    descriptor: int,
    dump: Path,
    *options: str,
    heard: Callable[[str], None] | None = None,
) -> str:
    ended = run_program(
        [tools.pg_restore, *options, f"/proc/self/fd/{descriptor}"],
        environment=program_environment(),
        descriptors=(descriptor,),
        heard=heard,
    )
    if ended.code != 0:
        raise PreconditionError(
            f"the dump cannot be read: pg_restore {ended.how}: {ended.first_words}",
            where=str(dump),
            hint="was it finished? use another dump",
        )
    return ended.words


def _copied(source: int, destination: Path, reporter: Reporter) -> SealedFile:
    reporter.phase("copying the dump", total=os.fstat(source).st_size, unit="bytes")
    os.lseek(source, 0, os.SEEK_SET)
    size, sha256 = copy_hashed(source, destination, each=reporter.advance)
    return SealedFile(name=DUMP, size=size, sha256=sha256)


def _refuse_changed(dump: Path, before: os.stat_result, after: os.stat_result) -> None:
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise FailedError(
            "the dump changed while it was copied: somebody is still writing it",
            where=str(dump),
            hint="wait until pg_dump has ended, then seal it again; nothing was kept",
        )


def _refuse_sealed(place: Path, sealed: SealedFile) -> None:
    for folder in place.iterdir():
        if not (folder / MANIFEST).exists():
            continue
        with suppress(DrtuiError):
            there = open_set(folder).manifest.file(DUMP)
            if there is not None and there.sha256 == sealed.sha256:
                break
    else:
        return
    raise PreconditionError(
        "this dump is sealed already",
        where=cleaned_line(str(folder)),
        hint="use that set; nothing was kept of this try",
    )


def _manifest(
    header: ArchiveHeader, database: SealedDatabase, dump: SealedFile, unproven: tuple[Fact, ...]
) -> Manifest:
    created = header.created.isoformat()
    return Manifest(
        set_id=f"{stamp(header.created)}-{secrets.token_hex(4)}",
        started=created,
        recovery_point=created,
        ended=datetime.now(UTC).isoformat(),
        program=f"aihummer-drtui {__version__}",
        aihummer_version="",
        aihummer_version_source="unknown: a dump does not tell it",
        pg_dump_version=header.pg_dump_version,
        database=database,
        key_fingerprint="",
        media_token_fingerprint="",
        gateway_env_names=(),
        files=(dump,),
        blobs=SealedBlobs(
            active=False, count=0, size=0, list_sha256=hashlib.sha256(b"").hexdigest(), copied_at=""
        ),
        unproven=unproven,
    )


def _number(version: str) -> int:
    first = re.match(r"\d+", version)
    return int(first[0]) * 10_000 if first else 0
