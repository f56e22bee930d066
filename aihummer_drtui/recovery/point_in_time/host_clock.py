"""What time it is on this host, and in which zone its people live."""

import os
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aihummer_drtui.recovery.point_in_time.points import Clock

_LOCALTIME: Final = Path("/etc/localtime")


def host_clock(*, zone: str | None = None) -> Clock:
    """This host's clock, in the zone that TZ or /etc/localtime names (`zone` = in that one).

    Where neither names a region, the zone is the present offset from UTC.
    """
    now = datetime.now(UTC)
    name = _zone_name() if zone is None else zone
    if name.rpartition("/")[2] in {"UTC", "UCT", "Universal", "Zulu", "GMT"}:
        return Clock(now=now, zone=UTC, zone_name="UTC")
    try:
        return Clock(now=now, zone=ZoneInfo(name), zone_name=name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        here = time.localtime(now.timestamp())
        offset = timezone(timedelta(seconds=here.tm_gmtoff))
        return Clock(now=now, zone=offset, zone_name=f"here, {here.tm_zone}")


def _zone_name() -> str:
    """A region's name, as localtime(5) and tzset(3) tell it; empty = none."""
    told = os.environ.get("TZ", "").removeprefix(":")
    if told:
        return told
    # The last of the links, of which there may be several, stands below .../zoneinfo/.
    return str(_LOCALTIME.resolve()).partition("/zoneinfo/")[2]
