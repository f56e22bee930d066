"""Following a server beside while it replays WAL, up to its promotion; and clear words where it does not."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.point_in_time.beside import BesideServer
from aihummer_drtui.recovery.point_in_time.model import ByLsn, ByTime, Latest, Point, Window
from aihummer_drtui.recovery.point_in_time.points import Clock, echo, spelled
from aihummer_drtui.recovery.point_in_time.segments import lsn_text, parse_lsn
from aihummer_drtui.recovery.reporting import Reporter

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_INTERVAL: Final = 0.2
"""Seconds between two looks."""
_ASKED: Final = """
    SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn()::text, pg_last_xact_replay_timestamp(),
           CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END
"""
_TOO_LOW: Final = "insufficient parameter settings|is a lower setting than on the primary"
_SHORT: Final = "recovery ended before configured recovery target was reached"
_EARLY: Final = "requested recovery stop point is before consistent recovery point"


class UnusableError(FailedError):
    """Base backup and WAL do not give the server of this point: the same try again would end the same."""


class LimitsTooLowError(Exception):
    """The WAL raised a limit that this server was started with: it has to be started again with more."""


@dataclass(frozen=True, kw_only=True)
class Reached:
    """How far the replay came."""

    moment: datetime | None
    """Of the last transaction that was replayed; None = not known."""
    lsn: str
    """Empty = not known."""
    timeline: int
    """The new one, on which the server goes on."""
    system_identifier: int
    segment_size: int
    """Bytes of a WAL file of this server."""


def replay(server: BesideServer, point: Point, window: Window, clock: Clock, reporter: Reporter) -> Reached:
    """Wait until the server has replayed WAL up to the point and is promoted.

    Raises LimitsTooLowError where it must be started again, UnusableError where the point is not in base
    backup and WAL, FailedError where the recovery ends otherwise.
    """
    reporter.phase("making the base backup consistent")
    connection = _let_in(server, point, clock, reporter)
    with connection:
        tell = _progress(point, window, reporter)
        while True:
            seen = _seen(server, connection, point, clock)
            if not seen.recovering:
                tell(None)
                return _reached(connection, seen)
            if seen.paused:
                raise LimitsTooLowError
            tell(seen)
            time.sleep(_INTERVAL)


@dataclass(frozen=True, kw_only=True)
class _Seen:
    recovering: bool
    lsn: str
    moment: datetime | None
    paused: bool


def _let_in(server: BesideServer, point: Point, clock: Clock, reporter: Reporter) -> "Connection[TupleRow]":
    import psycopg

    while True:
        _refuse_end(server, point, clock)
        try:
            return server.connect("template1")
        except psycopg.OperationalError:
            # Not there yet, or not consistent yet.
            reporter.reached(0)
            time.sleep(_INTERVAL)


def _seen(server: BesideServer, connection: "Connection[TupleRow]", point: Point, clock: Clock) -> _Seen:
    import psycopg

    try:
        row = connection.execute(_ASKED).fetchone()
    except psycopg.OperationalError:
        if not connection.closed:
            # Promoted between two parts of the question.
            return _Seen(recovering=True, lsn="", moment=None, paused=False)
        # Its end closes the connection first.
        server.process.wait()
        _refuse_end(server, point, clock)
        raise
    assert row is not None  # noqa: S101 - a SELECT without FROM gives a row
    return _Seen(recovering=row[0], lsn=row[1] or "", moment=row[2], paused=row[3])


def _refuse_end(server: BesideServer, point: Point, clock: Clock) -> None:
    """Let pass a server that lives. Raises what its end means."""
    if not server.ended():
        return
    if server.said(_TOO_LOW):
        raise LimitsTooLowError
    if server.said(_SHORT):
        raise UnusableError(
            f"the archived WAL ended before {echo(point, clock)}",
            where=str(server.data),
            hint="the live server is as it was; recover as far as it goes: --to latest, or choose an "
            "earlier point, or with a restore point's name an earlier base backup (--base LABEL)",
        )
    if server.said(_EARLY):
        raise UnusableError(
            f"{spelled(point)} lies before the base backup was complete",
            where=str(server.data),
            hint="the live server is as it was; choose a later point, or an earlier base backup (--base)",
        )
    raise FailedError(
        f"the server beside ended while it recovered: {server.last_words()}",
        where=str(server.data),
        hint="the live server is as it was; mend the cause, or choose another base backup: --base LABEL",
    )


def _progress(point: Point, window: Window, reporter: Reporter) -> "Callable[[_Seen | None], None]":
    """Tell what was replayed: of a time the seconds of log, else the bytes. None = all of it."""
    if isinstance(point, ByTime):
        total = max(1, int((point.moment - window.base.started).total_seconds()))
        reporter.phase("replaying WAL", total=total, unit="seconds of WAL")
    else:
        end = point.lsn if isinstance(point, ByLsn) else window.latest_lsn
        total = max(1, end - window.base.start_lsn)
        reporter.phase("replaying WAL", total=total, unit="bytes")

    def tell(seen: _Seen | None) -> None:
        if seen is None:
            done = total
        elif isinstance(point, ByTime):
            done = int((seen.moment - window.base.started).total_seconds()) if seen.moment else 0
        else:
            done = (parse_lsn(seen.lsn) or 0) - window.base.start_lsn
        reporter.reached(min(total, max(0, done)))

    return tell


def _reached(connection: "Connection[TupleRow]", seen: _Seen) -> Reached:
    # The timeline that is written on: the last checkpoint may still be of the one before.
    row = connection.execute(
        "SELECT system_identifier, pg_walfile_name(pg_current_wal_lsn()), "
        "pg_size_bytes(current_setting('wal_segment_size')) FROM pg_control_system()"
    ).fetchone()
    assert row is not None  # noqa: S101 - the function gives one row
    timeline = int(row[1][:8], 16)
    return Reached(
        moment=seen.moment,
        lsn=seen.lsn or _switch_point(connection, timeline),
        timeline=timeline,
        system_identifier=int(row[0]),
        segment_size=int(row[2]),
    )


def refuse_early_end(reached: Reached, point: Point, window: Window, *, where: str) -> None:
    """Let pass a replay without a target that came as far as the archived WAL goes. Raises FailedError.

    PostgreSQL misses a target that it did not reach. Without one it takes whatever it cannot read for the
    end of WAL, damage in the middle too. The last file need not be full of records: into it is far enough.
    """
    if not isinstance(point, Latest):
        return
    end = parse_lsn(reached.lsn)
    if end is not None and end >= window.latest_lsn - reached.segment_size:
        return
    raise UnusableError(
        f"the recovery ended at {reached.lsn or 'a position that is not known'}, and the archived WAL goes "
        f"on to {lsn_text(window.latest_lsn)}: what lies between could not be read",
        where=where,
        hint="the live server is as it was; look at the WAL file of that position, get it from another copy, "
        "or say that the recovery is to end there: --to lsn:… or a time",
    )


def _switch_point(connection: "Connection[TupleRow]", timeline: int) -> str:
    """Where the present timeline left the one before, as its history file's last line tells."""
    name = f"pg_wal/{timeline:08X}.history"
    row = connection.execute("SELECT pg_read_file(%s, true)", (name,)).fetchone()
    lines = [line.split("\t") for line in str(row[0] or "").splitlines()] if row else []
    return next((parts[1] for parts in reversed(lines) if len(parts) >= 2), "")
