"""Bytes and durations as people read and write them."""

import re

_DURATION = re.compile(r"(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)(?:min|m))?\s*(?:(\d+)s)?")
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def parse_duration(text: str) -> float | None:
    """Seconds in `1d 2h 30m 5s` (any part may be left out, `min` is `m`); None if it is not a duration."""
    found = _DURATION.fullmatch(text.strip())
    if not found or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def duration_text(seconds: float) -> str:
    """The two largest parts of a duration, a zero left out: `3 h 12 min`, `4 h`, `4 min 05 s`, `7 s`."""
    whole = max(0, round(seconds))
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, left = divmod(rest, 60)
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes:02d} min" if minutes else f"{hours} h"
    if minutes:
        return f"{minutes} min {left:02d} s" if left else f"{minutes} min"
    return f"{left} s"


def bytes_text(count: int) -> str:
    """A size in decimal units with three figures: `999 B`, `1.25 MB`."""
    size, unit = float(count), 0
    while size >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    whole = unit == 0 or size >= 999.5
    return f"{size:.0f} {_UNITS[unit]}" if whole else f"{size:.3g} {_UNITS[unit]}"
