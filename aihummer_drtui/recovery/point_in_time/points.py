"""An operator's words for a moment, read into a recovery point and told back. Pure: the clock is given.

A time without its zone is the classic way to lose hours: it is refused, with every reading it could have.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final, NoReturn, assert_never
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aihummer_drtui.errors import UsageError
from aihummer_drtui.foreign import cleaned, cleaned_line
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.recovery.point_in_time.model import ByLsn, ByName, ByTime, Latest, Point
from aihummer_drtui.recovery.point_in_time.segments import lsn_text, parse_lsn

LATEST: Final = "latest"
_FORMS: Final = (
    "a point is `latest`, a time with its zone (`2026-11-24 03:12:45+01`, `2026-11-24T03:12:45Z`), "
    "`lsn:0/3000060` or `name:before-upgrade`; `dump` is the backup set's dump"
)
_TIME: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[ T]+(\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,6})?)?)\s*(.*))?", re.ASCII
)
_OFFSET: Final = re.compile(r"([+-])(\d{2})(?::?([0-5]\d))?", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1971, 9998
"""Within these no arithmetic on zones can leave the calendar."""
_NAME_LIMIT: Final = 63
"""Bytes: pg_create_restore_point() takes no longer name (MAXFNAMELEN, src/include/access/xlog_internal.h)."""


@dataclass(frozen=True, kw_only=True)
class Clock:
    """What time it is, and which zone the people at this host read."""

    now: datetime
    """With its zone."""
    zone: tzinfo
    """This host's."""
    zone_name: str
    """As it is shown: `Europe/Berlin`."""


def parse_point(text: str, clock: Clock) -> Point:
    """The recovery point that `text` names.

    Raises UsageError for anything else, and for a time without its zone with the readings it could have.
    """
    said = text.strip()
    if said == LATEST:
        return Latest()
    kind, colon, rest = said.partition(":")
    if colon and kind == "lsn":
        return _lsn(rest)
    if colon and kind == "name":
        return _name(rest)
    return ByTime(moment=_moment(said, clock))


def spelled(point: Point) -> str:
    """The words for a point that `parse_point` reads as the same one, times in UTC."""
    match point:
        case Latest():
            return LATEST
        case ByLsn(lsn=lsn):
            return f"lsn:{lsn_text(lsn)}"
        case ByName(name=name):
            return f"name:{name}"
        case ByTime(moment=moment):
            return _bare(moment.astimezone(UTC)) + "Z"
    assert_never(point)


def echo(point: Point, clock: Clock) -> str:
    """The point as a person checks it: a time in both zones and how long before now, else in words."""
    match point:
        case Latest():
            return "as far as the archived WAL goes"
        case ByLsn(lsn=lsn):
            return f"up to and with position {lsn_text(lsn)} of the write-ahead log"
        case ByName(name=name):
            return f"the restore point named {cleaned_line(name)}"
        case ByTime(moment=moment):
            return f"{in_both_zones(moment, clock)}, {from_now(moment, clock)}"
    assert_never(point)


def in_both_zones(moment: datetime, clock: Clock) -> str:
    """`2026-11-24 03:12:45 UTC (04:12:45 Europe/Berlin)`; the second only where it is another clock."""
    universal, here = moment.astimezone(UTC), moment.astimezone(clock.zone)
    text = f"{_bare(universal)} UTC"
    if here.utcoffset() == timedelta():
        return text
    other = _bare(here) if here.date() != universal.date() else _bare(here).partition(" ")[2]
    return f"{text} ({other} {clock.zone_name})"


def from_now(moment: datetime, clock: Clock) -> str:
    """`3 h 12 min before now`, `5 s after now`, `now`."""
    seconds = (clock.now - moment).total_seconds()
    if abs(seconds) < 0.5:
        return "now"
    return f"{duration_text(abs(seconds))} {'before' if seconds > 0 else 'after'} now"


def _lsn(text: str) -> ByLsn:
    lsn = parse_lsn(text)
    if lsn is None:
        raise UsageError(
            f"{cleaned_line(text, 40)!r} is no position of the write-ahead log",
            hint="it is written as PostgreSQL writes it: lsn:0/3000060",
        )
    return ByLsn(lsn=lsn)


def _name(text: str) -> ByName:
    if not text or cleaned(text) != text or "\n" in text or "\t" in text or len(text.encode()) > _NAME_LIMIT:
        raise UsageError(
            f"{cleaned_line(text, 70)!r} cannot be the name of a restore point",
            hint=f"it is one line of 1 to {_NAME_LIMIT} bytes, as given to pg_create_restore_point()",
        )
    return ByName(name=text)


def _moment(text: str, clock: Clock) -> datetime:
    found = _TIME.fullmatch(text)
    if found is None:
        raise UsageError(f"{cleaned_line(text, 60)!r} is no recovery point", hint=_FORMS)
    day, clock_time, zone = found.groups()
    if clock_time is None:
        raise UsageError(
            f"{day} names a day, not a moment", hint=f"say the time and its zone too: '{day} 03:12:45Z'"
        )
    try:
        bare = datetime.fromisoformat(f"{day} {clock_time.replace(',', '.')}")
    except ValueError as error:
        raise UsageError(
            f"there is no such time: {day} {clock_time} ({error})", hint="look at the calendar and the clock"
        ) from None
    if not _FIRST_YEAR <= bare.year <= _LAST_YEAR:
        raise UsageError(f"the year {bare.year} is typed wrong", hint=_FORMS)
    if not zone:
        _refuse_zoneless(bare, clock)
    return _in_zone(bare, zone, clock)


def _in_zone(bare: datetime, zone: str, clock: Clock) -> datetime:
    if zone in {"Z", "z", "UTC", "GMT"}:
        return bare.replace(tzinfo=UTC)
    if offset := _OFFSET.fullmatch(zone):
        minutes = int(offset[2]) * 60 + int(offset[3] or 0)
        # -12 to +14 hours are in use (IANA time zone database).
        if minutes <= 14 * 60:
            sign = 1 if offset[1] == "+" else -1
            return bare.replace(tzinfo=timezone(sign * timedelta(minutes=minutes))).astimezone(UTC)
    readings = _readings(bare, _region(zone))
    if not readings:
        raise UsageError(
            f"clocks in {zone} never showed {_bare(bare)}: they were put forward then",
            hint="look at the clock again, or say the time in UTC, with a Z",
        )
    if len(readings) > 1:
        raise UsageError(
            f"clocks in {zone} showed {_bare(bare)} twice: they were put back then",
            hint=_choice(readings, clock),
        )
    return readings[0].astimezone(UTC)


def _region(zone: str) -> tzinfo:
    # With a slash only: abbreviations (CST, IST) mean several zones each.
    if re.fullmatch(r"[A-Z]\w+(/[\w+-]+){1,2}", zone, re.ASCII):
        try:
            return ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    raise UsageError(
        f"{cleaned_line(zone, 40)!r} names no one time zone",
        hint="write Z for UTC, an offset like +01 or +05:30, or a region like Europe/Berlin",
    )


def _readings(bare: datetime, zone: tzinfo) -> list[datetime]:
    """Every moment at which clocks of the zone showed this: none, one or two (PEP 495)."""
    seen: list[datetime] = []
    for fold in (0, 1):
        moment = bare.replace(tzinfo=zone, fold=fold)
        universal = moment.astimezone(UTC)
        fixed = universal.astimezone(timezone(moment.utcoffset() or timedelta()))
        shown = universal.astimezone(zone).replace(tzinfo=None, fold=0) == bare
        if shown and fixed not in seen:
            seen.append(fixed)
    return seen


def _refuse_zoneless(bare: datetime, clock: Clock) -> NoReturn:
    universal = bare.replace(tzinfo=UTC)
    readings = [moment for moment in _readings(bare, clock.zone) if moment != universal]
    raise UsageError(f"{_bare(bare)} names no time zone", hint=_choice([*readings, universal], clock))


def _choice(readings: list[datetime], clock: Clock) -> str:
    # Two lines each, to stand whole on a terminal of 80 columns.
    lines = [f"'{_with_offset(each)}'\n    = {echo(ByTime(moment=each), clock)}" for each in readings]
    return "\n  ".join(["say which is meant:", *lines])


def _with_offset(moment: datetime) -> str:
    return moment.isoformat(sep=" ").replace("+00:00", "Z")


def _bare(moment: datetime) -> str:
    """Date and time without a zone, and without a fraction that is none."""
    return moment.replace(tzinfo=None).isoformat(sep=" ")
