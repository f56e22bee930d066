"""Proving blobs that no backup set lists: by what the database refers to, where that is known."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from aihummer_drtui.errors import DrtuiError, FailedError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text
from aihummer_drtui.recovery.blobs.references import References, count_references
from aihummer_drtui.recovery.database.connection import connect, failures_named, owner_of
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target


class Grade(StrEnum):
    """What is known of restored blobs."""

    SEALED = "as sealed"
    """Every byte is as the backup set has it, and nothing is missing or more."""
    REFERENCED = "as the database refers to them"
    """All that the database refers to is there; nobody knows of the others."""
    UNPROVEN = "unproven"


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What is known, and why not more."""

    grade: Grade
    note: str = ""


def prove_by_references(target: Target, folder: Path, reporter: Reporter, *, accept_missing: bool) -> Proof:
    """Hold the live database's references against a filled folder.

    Raises FailedError when a blob that it refers to is missing or differs, unless that is accepted.
    """
    statement = target.media.references
    if not statement:
        return _unproven("no backup set lists them, and [media] of target.toml does not say where rows refer")
    try:
        owner = owner_of(target)
        reporter.phase("comparing blobs with the database", unit="bytes")
        with connect(owner) as connection, failures_named("the references could not be read", owner):
            found = count_references(connection, statement, folder, hashes=True, reporter=reporter)
    except DrtuiError as error:
        return _unproven(f"no backup set lists them, and {error.what}")
    if not found.rows:
        return _unproven("no backup set lists them, and the database refers to none (is it restored?)")
    if found.sound:
        return Proof(grade=Grade.REFERENCED, note=f"{found.rows} rows, {found.hashed} compared by content")
    if accept_missing:
        return _unproven(f"{_damage(found)}; that was accepted")
    raise FailedError(
        _damage(found),
        where=cleaned_line(str(folder)),
        hint="the live blobs were not touched; use another source, or take it as it is with --accept-missing",
    )


def _damage(found: References) -> str:
    return (
        f"of {found.rows} blobs that the database refers to {found.missing} are missing "
        f"({bytes_text(found.missing_size)}) and {found.differing} differ "
        f"({bytes_text(found.differing_size)}), first: {found.first}"
    )


def _unproven(why: str) -> Proof:
    return Proof(grade=Grade.UNPROVEN, note=cleaned_line(why, 300))
