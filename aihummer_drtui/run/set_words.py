"""What the three-part set means, said: how much each part would lose, how far they are apart, every doubt.

All text is cleaned, and every doubt is a sentence: nothing here is told by colour or place alone.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, TypeAlias, assert_never

import msgspec

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text, duration_text
from aihummer_drtui.run.recovery_set import (
    BlobCopy,
    Dump,
    KeyMatch,
    NoBlobs,
    NoSet,
    RecoverySets,
    SealedKey,
    SealedSet,
    Signed,
    WalWindow,
)

Route: TypeAlias = Dump | WalWindow
"""How the database comes back."""
NEVER_VERIFIED: Final = "never verified here"
_PARTS: Final = (8, 21, 17, 11, 7, 9)
"""Columns of the table of parts; with a blank between them 78."""
_SETS: Final = (20, 17, 11, 7, 9, 8)
"""Columns of the list of sets; with a blank between them 77."""
_LATE: Final = 3600.0
"""Seconds after which the end of archived WAL is late: as the check of the recovery point has it."""
_UNREFERRED: Final = "rows of that time may refer to blobs that are in no set"


_SIGNATURES: Final = {
    Signed.TRUSTED: "by a trusted key",
    Signed.UNKNOWN_KEY: "by a key that is not trusted",
    Signed.WRONG: "WRONG",
    Signed.NONE: "none",
}


class Yardstick(msgspec.Struct, frozen=True, kw_only=True):
    """What a loss is measured by."""

    against: datetime
    """Everything between a recovery point and this is lost."""
    is_incident: bool
    """True: the outage began then. False: it is now, as if the loss were now."""
    now: datetime
    objective: float | None = None
    """The runbook's RPO in seconds; None = there is no runbook at hand."""

    @property
    def words(self) -> str:
        """By what the RPO is measured."""
        if self.is_incident:
            return f"RPO: from the recovery point to the outage, {moment_text(self.against)}"
        return "RPO: from the recovery point to now, as if the loss were now"


def moment_text(moment: datetime) -> str:
    """A moment to the second: `2026-01-31 23:59:59 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def coarse_text(seconds: float) -> str:
    """A duration by its largest part alone, rounded down, for a column: `0min`, `5min`, `3h`, `12d`."""
    if seconds < 3600:
        return f"{int(seconds // 60)}min"
    return f"{int(seconds // 3600)}h" if seconds < 86_400 else f"{int(seconds // 86_400)}d"


def loss_text(moment: datetime | None, against: datetime) -> str:
    """How much a recovery to that moment loses: `3 h 12 min`, `nothing`, `unknown`."""
    if moment is None:
        return "unknown"
    lost = (against - moment).total_seconds()
    return duration_text(lost) if lost >= 0.5 else "nothing"


def route_moment(route: Route) -> datetime | None:
    """What the route brings back at best; None = not known."""
    match route:
        case Dump(moment=moment):
            return moment
        case WalWindow(latest=latest):
            return latest
        case _ as never:
            assert_never(never)


def set_head() -> str:
    """The heading over `set_row`."""
    return _columns(_SETS, "SET", "RECOVERY POINT", "RPO", "SIZE", "VERIFIED", "KEY")


def set_row(one: SealedSet | WalWindow | NoSet, by: Yardstick, *, name: str = "") -> str:
    """One thing that could be recovered from, in a line of at most 77 columns; `name` instead of its own."""
    match one:
        case SealedSet(dump=dump):
            own, moment, key = one.name, route_moment(dump), key_word(one.key)
        case WalWindow():
            own, moment, key = f"WAL {one.label}", route_moment(one), "-"
        case NoSet(name=own):
            return _columns(_SETS, name or own, "NO BACKUP", "-", "-", "-", "-")
        case _ as never:
            assert_never(never)
    lost, seen = loss_text(moment, by.against), _ago(one.verified, by.now)
    if isinstance(one, SealedSet) and one.damage:
        seen = "DAMAGED"
    return _columns(_SETS, name or own, _minute(moment), lost, bytes_text(one.size), seen, key)


def doubts_of(one: SealedSet | WalWindow | NoSet, by: Yardstick) -> tuple[str, ...]:
    """Everything that speaks against it, the worst first."""
    match one:
        case SealedSet():
            return tuple(_set_doubts(one, by))
        case WalWindow():
            return tuple(_window_doubts(one, by))
        case NoSet(problem=problem):
            return (f"no backup: {cleaned_line(problem, 200)}",)
        case _ as never:
            assert_never(never)


def _set_doubts(one: SealedSet, by: Yardstick) -> Iterator[str]:
    if one.damage:
        yield f"DAMAGED: {one.damage}"
    if one.signed is Signed.WRONG:
        yield "SIGNATURE WRONG: the manifest is not what was signed"
    if one.key.match is KeyMatch.OTHER:
        at_hand = cleaned_line(one.key.at_hand, 20)
        yield f"ANOTHER KEY: the fingerprint differs from that of the key at hand, {at_hand}"
    if one.dump.moment > by.now:
        yield "its recovery point lies in the future: is a clock wrong?"
    if one.signed is Signed.UNKNOWN_KEY:
        yield "signed by a key that the target does not trust"
    if one.signed is Signed.NONE and one.must_be_signed:
        yield "NOT SIGNED, and the target takes signed sets only"
    if one.verified is None and not one.damage:
        yield NEVER_VERIFIED
    if isinstance(one.blobs, NoBlobs) and not one.blobs.inactive:
        yield "no blobs in it"
    if (late := _blobs_late(one.dump.moment, one)) > 0:
        yield f"blobs {duration_text(late)} older than the database: {_UNREFERRED}"
    if one.key.match is KeyMatch.UNPROVEN:
        yield "key not compared: none was sealed" if one.key.at_hand else "key not compared: none is at hand"
    yield from (cleaned_line(doubt, 200) for doubt in one.doubts)


def _window_doubts(window: WalWindow, by: Yardstick) -> Iterator[str]:
    if window.gap:
        yield f"WAL file {cleaned_line(window.gap, 60)} is missing: nothing after it comes back"
    if window.latest is None:
        yield "the time of its last commit is not known"
    elif (late := (by.against - window.latest).total_seconds()) > _LATE:
        yield f"the archived WAL ends {duration_text(late)} before {_what(by)}"
    if window.verified is None:
        yield "its base backup was never verified here; the restore proves it before it stops anything"


def parts_lines(route: Route, one: SealedSet | None, by: Yardstick) -> list[str]:
    """The table of the three parts, in at most 78 columns, and what it means."""
    lines = [_columns(_PARTS, "PART", "WHAT", "BRINGS BACK", "RPO", "SIZE", "VERIFIED")]
    lines.append(_database_row(route, one, by))
    if one is None:
        nothing = "in no set that was seen"
        lines += [_columns(_PARTS, part, nothing, "-", "-", "-", "-") for part in ("blobs", "key")]
        return lines
    lines += [_blobs_row(one, by), _key_row(one.key)]
    lines.append(f"skew: {skew_text(route_moment(route), one)}")
    verified = "never here" if one.verified is None else moment_text(one.verified)
    verified = "found DAMAGED" if one.damage else verified
    lines.append(f"set verified: {verified}; signature: {_SIGNATURES[one.signed]}")
    if isinstance(route, WalWindow):
        lines.append(f"any moment from {moment_text(route.earliest)} (timeline {route.timeline})")
        end = moment_text(route.latest) if route.latest else "a last commit whose time is not known"
        lines.append(f"to {end} can be typed, with its zone")
    lines += _objective_lines(route, one, by)
    return lines


def _database_row(route: Route, one: SealedSet | None, by: Yardstick) -> str:
    match route:
        case Dump():
            what = f"dump of {route.database}"
            size = "unknown" if route.size is None else bytes_text(route.size)
            verified = None if one is None else one.verified
        case WalWindow():
            what, size, verified = f"{route.label}+WAL", bytes_text(route.size), route.verified
        case _ as never:
            assert_never(never)
    moment = route_moment(route)
    lost = loss_text(moment, by.against)
    return _columns(_PARTS, "database", what, _minute(moment), lost, size, _ago(verified, by.now))


def _blobs_row(one: SealedSet, by: Yardstick) -> str:
    match one.blobs:
        case BlobCopy(count=count, size=size, copied=copied):
            lost, seen = loss_text(copied, by.against), _ago(one.verified, by.now)
            return _columns(
                _PARTS, "blobs", f"{count:,} blobs", _minute(copied), lost, bytes_text(size), seen
            )
        case NoBlobs(inactive=inactive):
            what = "media inactive, none" if inactive else "NO BLOBS IN IT"
            return _columns(_PARTS, "blobs", what, "-", "-", "-", "-")
        case _ as never:
            assert_never(never)


def _key_row(key: SealedKey) -> str:
    what = key.sealed or "none was sealed"
    return _columns(_PARTS, "key", what, "-", "-", "-", key_word(key))


def key_word(key: SealedKey) -> str:
    """How the sealed key compares with the one at hand, in a word."""
    return {KeyMatch.SAME: "same", KeyMatch.OTHER: "OTHER", KeyMatch.UNPROVEN: "unproven"}[key.match]


def skew_text(moment: datetime | None, one: SealedSet) -> str:
    """How far database and blobs are apart, in time and as it was counted."""
    match one.blobs:
        case NoBlobs(inactive=True):
            return "none: the media service was off"
        case NoBlobs():
            return "not known: the set holds no blobs"
        case BlobCopy(copied=copied, rows_without_blob=rows, blobs_without_row=files):
            counted = ""
            if rows is not None and files is not None and moment == one.dump.moment:
                counted = f"; {_count(rows, 'row')} without blob, {_count(files, 'blob')} without row"
            if copied is None or moment is None:
                return f"not known: a time is missing{counted}"
            apart = (copied - moment).total_seconds()
            if apart >= 0:
                return f"blobs copied {duration_text(apart)} after the database's moment{counted}"
            return f"blobs {duration_text(-apart)} older than the database: {_UNREFERRED}{counted}"
        case _ as never:
            assert_never(never)


def _objective_lines(route: Route, one: SealedSet, by: Yardstick) -> Iterator[str]:
    if by.objective is None:
        return
    copied = one.blobs.copied if isinstance(one.blobs, BlobCopy) else None
    told = [f"database {_held(route_moment(route), by)}"]
    if isinstance(one.blobs, BlobCopy):
        told.append(f"blobs {_held(copied, by)}")
    yield f"objective: at most {duration_text(by.objective)} lost; {', '.join(told)}"


def _held(moment: datetime | None, by: Yardstick) -> str:
    if moment is None:
        return "unknown"
    lost = (by.against - moment).total_seconds()
    return "within" if by.objective is not None and lost <= by.objective else f"OVER ({duration_text(lost)})"


def looking_text(seen: RecoverySets) -> str:
    """That the look is not over, and where it still looks; empty = it is over."""
    places = ", ".join(cleaned_line(place, 60) for place in seen.looking)
    return f"looking at {places} ... what is known so far" if places else ""


def unseen_lines(seen: RecoverySets) -> list[str]:
    """What could not be looked at."""
    return [f"not seen: {cleaned_line(one, 300)}" for one in seen.unseen]


def _blobs_late(moment: datetime, one: SealedSet) -> float:
    copied = one.blobs.copied if isinstance(one.blobs, BlobCopy) else None
    return 0.0 if copied is None else (moment - copied).total_seconds()


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _what(by: Yardstick) -> str:
    return "the outage" if by.is_incident else "now"


def _minute(moment: datetime | None) -> str:
    return "not known" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}Z"


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    if seconds < 0:
        return "future?"
    return "just now" if seconds < 60 else f"{coarse_text(seconds)} ago"


def _columns(widths: tuple[int, ...], *cells: str) -> str:
    return " ".join(
        cleaned_line(cell, width).ljust(width) for cell, width in zip(cells, widths, strict=True)
    ).rstrip()
