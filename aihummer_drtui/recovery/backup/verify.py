"""Finding out whether a backup set can be trusted: every byte read, every hash compared, the dump decoded."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import DrtuiError, FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text, duration_text
from aihummer_drtui.recovery.backup.dump_folder import (
    dump_state,
    newest_file,
    open_dump_folder,
    refuse_changed,
    refuse_other_files,
)
from aihummer_drtui.recovery.backup.manifest import ROLES, Fact, Manifest
from aihummer_drtui.recovery.backup.sealed import no_set_named
from aihummer_drtui.recovery.backup.set import (
    BLOB_LIST,
    DUMP,
    DUMP_FOLDER,
    BackupSet,
    age_of,
    open_folder_in,
    open_set,
    reading,
    refuse_other_hash,
    zoned_moment,
)
from aihummer_drtui.recovery.backup.signature import refuse_untrusted
from aihummer_drtui.recovery.backup.verified import forget_verified, record_verified
from aihummer_drtui.recovery.blobs.comparing import BadBlob, read_against
from aihummer_drtui.recovery.blobs.copy import BLOCK
from aihummer_drtui.recovery.blobs.listing import ListProof
from aihummer_drtui.recovery.check import Check, Scene
from aihummer_drtui.recovery.database.connection import program_environment
from aihummer_drtui.recovery.database.program import run_program
from aihummer_drtui.recovery.database.tools import PostgresTools, find_tools
from aihummer_drtui.recovery.ending import ended_in_order
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.recovery_set import Signed
from aihummer_drtui.run.verdict import Brought, CheckDescription, Observation, Part, Verdict

_OLD: Final = 26 * 3600
"""Seconds; a daily backup and two hours of grace."""


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What was read of a sound set."""

    dump: int
    """Bytes."""
    blobs: int
    signed: Signed = Signed.NONE
    not_recorded: str = ""
    """Why the set's folder does not tell of it; empty = it does."""


def verify_backup(target: Target, backup: BackupSet, reporter: Reporter) -> Verified:
    """Read a whole set against its seal and decode the dump to its end.

    What it comes to is recorded beside the manifest (`verified`): the set is sound, or damaged.
    Raises PreconditionError when a part is missing or cut, FailedError when one is not as it was sealed.
    """
    # Of this host and its target.toml: they tell nothing of the set.
    signed = refuse_untrusted(target, backup)
    tools = find_tools(target, at_least=backup.manifest.tools_major)
    try:
        with ended_in_order():
            descriptor = open_dump(backup, reporter)
            try:
                before = dump_state(descriptor)
                _decode(tools, backup, descriptor, reporter)
                refuse_changed(backup, descriptor, before)
            finally:
                os.close(descriptor)
            if backup.manifest.file(ROLES):
                os.close(open_hashed(backup, ROLES, reporter, "hashing the roles"))
            blobs = read_blobs(backup, reporter) if backup.manifest.knows(Fact.BLOBS) else 0
    except FailedError as error:
        _record_damage(backup, error.what)
        raise
    except PreconditionError:
        # What is missing or cut is seen by whoever lists the set.
        forget_verified(backup)
        raise
    unrecorded = record_verified(backup, newest_file(backup.path), datetime.now(UTC))
    return Verified(dump=_sealed_size(backup), blobs=blobs, signed=signed, not_recorded=unrecorded)


def _record_damage(backup: BackupSet, what: str) -> None:
    """Have the set's folder tell of it, so that nobody chooses it unwarned."""
    try:
        dump = newest_file(backup.path)
    except (OSError, ValueError):
        # Without its dump it is no set, which is seen by everybody.
        forget_verified(backup)
        return
    if record_verified(backup, dump, datetime.now(UTC), damage=cleaned_line(what, 300)):
        forget_verified(backup)


def open_dump(backup: BackupSet, reporter: Reporter) -> int:
    """Give a descriptor of the dump (of its folder, where it is one) whose very content has the sealed hash.

    Raises PreconditionError when it is missing or of another size, FailedError when its hash differs.
    """
    if backup.manifest.dump_is_folder:
        return open_dump_folder(backup, reporter)
    return open_hashed(backup, DUMP, reporter, "hashing the dump")


def open_hashed(backup: BackupSet, name: str, reporter: Reporter, phase: str) -> int:
    """As `open_dump`, for any sealed part; the descriptor stands at its beginning."""
    descriptor = backup.open_part(name)
    try:
        sealed = backup.manifest.file(name)
        assert sealed is not None  # noqa: S101 - open_part asked
        reporter.phase(phase, total=sealed.size, unit="bytes")
        digest = hashlib.sha256()
        with reading(backup, name):
            while block := os.read(descriptor, BLOCK):
                digest.update(block)
                reporter.advance(len(block))
        refuse_other_hash(backup, sealed, digest.hexdigest())
        os.lseek(descriptor, 0, os.SEEK_SET)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _decode(tools: PostgresTools, backup: BackupSet, descriptor: int, reporter: Reporter) -> None:
    reporter.phase("decoding the dump")
    ended = run_program(
        [tools.pg_restore, "--file=/dev/null", f"/proc/self/fd/{descriptor}"],
        environment=program_environment(),
        descriptors=(descriptor,),
        meanwhile=lambda: reporter.reached(0),
    )
    if ended.code != 0:
        raise FailedError(
            f"the dump cannot be decoded: pg_restore {ended.how}: {ended.first_words}",
            where=str(backup.path),
            hint="it was broken before it was sealed: use another set, and look at how this one was made",
        )


def read_blobs(backup: BackupSet, reporter: Reporter) -> int:
    """Read every blob of a set against the seal; return their count.

    Raises PreconditionError or FailedError as `verify_backup` does.
    """
    sealed = backup.manifest.blobs
    reporter.phase("reading blobs", total=sealed.size, unit="bytes")
    with os.fdopen(backup.open_part(BLOB_LIST), "rb", buffering=0) as file:
        # The list is judged as a whole at its end: until then nothing is done to what it names but read.
        lines = chain.from_iterable(ListProof(backup).proven(file))
        try:
            read_against(backup.blobs, lines, reporter)
        except BadBlob as bad:
            raise _bad_blob(backup, bad.path, bad.how) from None
        except OSError as error:
            raise _bad_blobs(backup, error) from None
    return sealed.count


def _bad_blob(backup: BackupSet, path: str, how: str) -> FailedError:
    return FailedError(
        f"the blob {cleaned_line(path)} {how}",
        where=str(backup.blobs),
        hint="copy the set again from where it is kept, or use another one",
    )


def _bad_blobs(backup: BackupSet, error: OSError) -> FailedError:
    return FailedError(
        f"the blobs cannot be read (no link is followed): {error.strerror}",
        where=str(backup.blobs),
        hint="copy the set again from where it is kept, or use another one",
    )


def _sealed_size(backup: BackupSet) -> int:
    return sum(file.size for file in backup.manifest.dump_files)


def look_at_set(scene: Scene) -> Observation:
    """Look whether the set is sealed and its parts are there with their sizes."""
    expected = "a sealed backup set with all its parts"
    place = scene.values.get("BACKUP_SET", "")
    if not place:
        return no_set_named(expected)
    try:
        backup = open_set(Path(place))
        refuse_untrusted(scene.target, backup)
        backup.refuse_cut()
        _refuse_more_files(backup)
        age = age_of(backup.manifest, datetime.now(UTC))
    except DrtuiError as error:
        return Observation(
            verdict=Verdict.FAILED, expected=expected, observed=cleaned_line(error.what), hint=error.hint
        )
    unproven = backup.manifest.unproven
    return Observation(
        verdict=Verdict.UNPROVEN if unproven else Verdict.PASSED,
        expected=expected,
        observed=_summary(backup.manifest, age),
        hint="it was sealed around a dump; blobs, key and version come from elsewhere" if unproven else "",
        warnings=_set_doubts(backup, age),
        brings=tuple(_brings(backup.manifest)),
    )


def _brings(manifest: Manifest) -> Iterator[Brought]:
    if (moment := zoned_moment(manifest.recovery_point)) is not None:
        yield Brought(part=Part.DATABASE, moment=moment)
    has_blobs = manifest.knows(Fact.BLOBS) and manifest.blobs.active
    if has_blobs and (copied := zoned_moment(manifest.blobs.copied_at)) is not None:
        yield Brought(part=Part.BLOBS, moment=copied)


def _refuse_more_files(backup: BackupSet) -> None:
    if backup.manifest.dump_is_folder:
        folder = open_folder_in(backup.path, DUMP_FOLDER)
        try:
            refuse_other_files(backup, folder)
        finally:
            os.close(folder)


def _summary(manifest: Manifest, age: float) -> str:
    blobs = manifest.blobs
    told = f"{blobs.count} blobs ({bytes_text(blobs.size)})" if blobs.active else "no blobs (media inactive)"
    if not manifest.knows(Fact.BLOBS):
        told = "blobs unproven"
    return cleaned_line(
        f"{manifest.set_id}: recovery point {manifest.recovery_point[:19]}Z, {duration_text(age)} ago; "
        f"database {manifest.database.name} "
        f"{bytes_text(manifest.database.size) if manifest.knows(Fact.SIZE) else 'of unproven size'}, {told}"
    )


def _set_doubts(backup: BackupSet, age: float) -> tuple[str, ...]:
    doubts = list(backup.manifest.doubts)
    if age > _OLD:
        doubts.append(f"the recovery point is {duration_text(age)} old: is there a later set?")
    if age < 0:
        doubts.append("the recovery point lies in the future: is the clock of this host right?")
    if backup.path.stat().st_mode & 0o022:
        doubts.append("others can write the set's folder: its seal shows damage, not forgery")
    return tuple(doubts)


def look_at_dump(scene: Scene) -> Observation:
    """Look at every byte of the dump against the sealed SHA-256."""
    expected = "the dump's SHA-256 is the sealed one"
    place = scene.values.get("BACKUP_SET", "")
    if not place:
        return no_set_named(expected)
    try:
        backup = open_set(Path(place))
        os.close(open_dump(backup, Reporter.silent()))
    except DrtuiError as error:
        return Observation(
            verdict=Verdict.FAILED, expected=expected, observed=cleaned_line(error.what), hint=error.hint
        )
    except OSError as error:
        return Observation(
            verdict=Verdict.FAILED,
            expected=expected,
            observed=f"the dump cannot be read: {error.strerror}",
            hint="copy the set to another disk, or use another one",
        )
    return Observation(
        verdict=Verdict.PASSED,
        expected=expected,
        observed=f"the same; {bytes_text(_sealed_size(backup))} read",
    )


CHECKS: Final = (
    Check(
        description=CheckDescription(
            name="backup-set",
            title="Backup set sealed and complete",
            proves="the set was finished, and its parts are there in their sizes; not what is in them",
            interval=60.0,
        ),
        look=look_at_set,
    ),
    Check(
        description=CheckDescription(
            name="dump-intact",
            title="Dump unchanged since it was sealed",
            proves="every byte of the dump is as it was written; not that PostgreSQL can restore it",
            interval=0.0,
            time_out=4 * 3600.0,
        ),
        look=look_at_dump,
    ),
)
