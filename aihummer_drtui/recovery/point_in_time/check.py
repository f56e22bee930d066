"""Checks of a recovery to a point: is the point within reach, can this host take it, is it in place?"""

from datetime import datetime
from typing import Final, assert_never

from aihummer_drtui.errors import DrtuiError, FailedError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text
from aihummer_drtui.recovery.backup.set import zoned_moment
from aihummer_drtui.recovery.check import Check, Scene
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.point_in_time.host_clock import host_clock
from aihummer_drtui.recovery.point_in_time.keepers import keeper_of
from aihummer_drtui.recovery.point_in_time.look import UnseenError, local_server, look
from aihummer_drtui.recovery.point_in_time.model import ByLsn, ByName, ByTime, Latest, Point, Window
from aihummer_drtui.recovery.point_in_time.place import data_place
from aihummer_drtui.recovery.point_in_time.points import Clock, echo, from_now, in_both_zones, parse_point
from aihummer_drtui.recovery.point_in_time.probe import probe_point_in_time
from aihummer_drtui.recovery.point_in_time.reach import left_aside, window_for
from aihummer_drtui.recovery.point_in_time.undo import mark_of
from aihummer_drtui.run.verdict import (
    Brought,
    CheckDescription,
    Observation,
    Part,
    ProbeResult,
    Verdict,
)

_SECONDS: Final = 60.0


def look_at_point(scene: Scene) -> Observation:
    """Look whether the run's recovery point lies in a window, and tell it relative to now."""
    expected = "a recovery point that base backups and WAL bring back"
    if not scene.recovery_point:
        return Observation(
            verdict=Verdict.PASSED,
            expected=expected,
            observed="the route is the dump of the backup set; no point in time is asked for",
        )
    clock = host_clock()
    try:
        point = parse_point(scene.recovery_point, clock)
        windows = keeper_of(scene.target).windows()
        window = window_for(point, windows, clock)
    except DrtuiError as error:
        return _failed(expected, error)
    aside = left_aside(point, window, windows, clock)
    return Observation(
        verdict=Verdict.PASSED,
        expected=expected,
        observed=f"{echo(point, clock)}{_end(point, window, clock)}; "
        f"base backup {cleaned_line(window.base.label, 60)}",
        warnings=(*_doubt(point, window), *point_warnings(window, clock), *([aside] if aside else [])),
        brings=_brings(point, window),
    )


def _brings(point: Point, window: Window) -> tuple[Brought, ...]:
    """The moment of a point; a name or a position has one only once it was reached."""
    match point:
        case ByTime(moment=moment):
            found: datetime | None = moment
        case Latest():
            found = window.latest
        case ByName() | ByLsn():
            found = None
        case _ as never:
            assert_never(never)
    return () if found is None else (Brought(part=Part.DATABASE, moment=found),)


def _doubt(point: Point, window: Window) -> tuple[str, ...]:
    """That nobody knows whether the WAL goes as far as a time; without a commit after it, it does not."""
    if not isinstance(point, ByTime) or window.latest is not None:
        return ()
    return (
        "it is not known whether the archived WAL has a commit after this time, and without one it is not "
        "reached; the restore looks before it stops anything, and `latest` needs none",
    )


def _end(point: Point, window: Window, clock: Clock) -> str:
    """How far `latest` goes today; nothing for a point that says so itself."""
    if not isinstance(point, Latest) or window.latest is None:
        return ""
    return f", today to {in_both_zones(window.latest, clock)}, {from_now(window.latest, clock)}"


def look_at_readiness(scene: Scene) -> Observation:
    """Look whether this host can take the base backup: server, account, room, nobody connected."""
    expected = "a server of the base backup's version, its account, room beside it, and no gateway"
    clock = host_clock()
    try:
        point = parse_point(scene.recovery_point, clock)
        window = window_for(point, keeper_of(scene.target).windows(), clock)
        owner = owner_of(scene.target)
        server = local_server(scene.target, owner, window.base)
        found = look(server, data_place(server.data), owner, window.base, chosen=False)
    except UnseenError as error:
        return Observation(
            verdict=Verdict.UNPROVEN,
            expected=expected,
            observed=cleaned_line(error.what, 300),
            hint=error.hint,
        )
    except DrtuiError as error:
        return _failed(expected, error)
    return Observation(
        verdict=Verdict.PASSED,
        expected=expected,
        observed=f"PostgreSQL {server.programs.version} as {server.account.name}, "
        f"{bytes_text(found.free)} free, {bytes_text(found.needed)} needed beside {found.data}",
        warnings=found.warnings,
    )


def look_at_recovered(scene: Scene) -> Observation:
    """Look whether the server in place is the one that was recovered to the run's point."""
    expected = "the server that was recovered to this point, answering the owner"
    seen = probe_point_in_time(scene)
    verdicts = {
        ProbeResult.DONE: Verdict.PASSED,
        ProbeResult.NOT_DONE: Verdict.FAILED,
        ProbeResult.PARTIAL: Verdict.FAILED,
        ProbeResult.UNKNOWN: Verdict.UNKNOWN,
    }
    return Observation(
        verdict=verdicts[seen.result],
        expected=expected,
        observed=seen.observed,
        hint="" if seen.result is ProbeResult.DONE else "run `restore database --to …` with this point",
        brings=_reached(scene) if seen.result is ProbeResult.DONE else (),
    )


def _reached(scene: Scene) -> tuple[Brought, ...]:
    """The last commit that was replayed, as the recovery noted it."""
    mark = mark_of(scene.target)
    reached = zoned_moment(mark.reached) if mark is not None else None
    return () if reached is None else (Brought(part=Part.DATABASE, moment=reached),)


def point_warnings(window: Window, clock: Clock) -> list[str]:
    """What an operator should know of the window that the point lies in."""
    warnings = []
    if window.base.verified is None:
        warnings.append("this base backup was never verified; the restore proves it before it stops anything")
    if window.latest is not None and (clock.now - window.latest).total_seconds() > 3600:
        warnings.append(f"the archived WAL ends {from_now(window.latest, clock)}")
    if window.gap:
        warnings.append(f"WAL file {cleaned_line(window.gap, 60)} is missing: what is later cannot come back")
    return warnings


def _failed(expected: str, error: DrtuiError) -> Observation:
    # Work that broke is no answer; what is not as it must be is one.
    return Observation(
        verdict=Verdict.UNKNOWN if isinstance(error, FailedError) else Verdict.FAILED,
        expected=expected,
        observed=cleaned_line(error.where_and_what, 300),
        # Of several lines on a command line; here it is one of a list.
        hint=cleaned_line(" ".join(error.hint.split()), 600),
    )


CHECKS: Final = (
    Check(
        description=CheckDescription(
            name="recovery-point",
            title="The recovery point is within reach",
            proves="the point lies in what a base backup and the WAL after it bring back; not that each "
            "byte of them is whole, which the restore proves before it stops anything",
            interval=0.0,
            time_out=_SECONDS,
        ),
        look=look_at_point,
    ),
)
