"""What recoveries have put aside and is still there: old databases, data directories, blob folders."""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text, duration_text


class Leftover(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was in place before a recovery, and is kept until a person removes it."""

    kind: str
    """In words: `old database`, `old data directory`, `old blob folder`."""
    name: str
    """Of the database, or the path. Not cleaned."""
    size: int | None
    """Bytes; None = not counted."""
    since: datetime | None
    """When it was put aside; None = not known."""
    until: datetime | None
    """Before it, it is dropped only by a person who insists; None = not known."""
    undo: str
    """The words after the program's name that put it back in place; empty = this program has no way back."""
    drop: str
    """Those that remove it for good."""


class Leftovers(msgspec.Struct, frozen=True, kw_only=True):
    """What is there now."""

    found: tuple[Leftover, ...] = ()
    unseen: tuple[str, ...] = ()
    """What could not be looked up, and why, a sentence each: something may be left there."""


def leftover_lines(left: Leftovers, now: datetime, program: str) -> list[str]:
    """Each with its name, until when it is kept, the way back and the way out; a sentence a line."""
    lines = [line for one in left.found for line in _lines(one, now, program)]
    lines += [f"Left over, but not looked up: {cleaned_line(why, 300)}" for why in left.unseen]
    return lines or ["Left over: nothing is kept from before the recovery."]


def _lines(one: Leftover, now: datetime, program: str) -> Iterator[str]:
    size = "" if one.size is None else f", {bytes_text(one.size)}"
    yield f"Left over: {one.kind} {cleaned_line(one.name, 300)}{size}, {_until(one, now)}"
    yield f"  back to it: {program} {one.undo}" if one.undo else "  back to it: by hand only"
    yield f"  rid of it:  {program} {one.drop}"


def _until(one: Leftover, now: datetime) -> str:
    if one.until is None:
        return "kept until you drop it"
    day = f"{one.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    left = (one.until - now).total_seconds()
    if left <= 0:
        return f"kept until you drop it; it may go since {day}"
    return f"kept until you drop it, not before {day} ({duration_text(left)} more)"
