"""Bringing a server back to a moment: recovered beside the live one, verified, then put in its place.

Read as a procedure: refuse, look, prove, lay the base backup out beside, replay WAL, verify, switch. Up to
the switch the live server runs on untouched; the switch is one exchange of two folders, and the old one
is kept.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.set import BackupSet
from aihummer_drtui.recovery.backup.signature import refuse_untrusted
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.database.dsn import dsn_place, libpq_dsn
from aihummer_drtui.recovery.database.identity import refuse_other_identity
from aihummer_drtui.recovery.drill_safety import refuse_outside, refuse_wrong_mode
from aihummer_drtui.recovery.ending import ended_in_order
from aihummer_drtui.recovery.gateway.environment import APP_DATABASE_URL, GatewayEnv, read_gateway_env
from aihummer_drtui.recovery.key.proof import refuse_other_fingerprint, refuse_other_key
from aihummer_drtui.recovery.point_in_time.base import SEAL, open_base
from aihummer_drtui.recovery.point_in_time.look import Outlook, local_server, look, refuse_gateway
from aihummer_drtui.recovery.point_in_time.mark import DataMark, Stage
from aihummer_drtui.recovery.point_in_time.model import Keeper, Point, WalKeeper, Window
from aihummer_drtui.recovery.point_in_time.place import data_place
from aihummer_drtui.recovery.point_in_time.points import Clock, spelled
from aihummer_drtui.recovery.point_in_time.reach import left_aside, window_for
from aihummer_drtui.recovery.point_in_time.recover import Recovery, goes_on, recover_beside
from aihummer_drtui.recovery.point_in_time.switch import Switch
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an operator asks for."""

    point: Point
    confirm: str
    """The identity `host/database`."""
    mode: str
    """The run's; empty by hand."""
    base: str = ""
    """A base backup's label, or `LABEL@TIMELINE`; empty = the newest before the point."""
    backup: BackupSet | None = None
    """Whose master key the target must have; None = not compared."""
    again: bool = False


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """What was done."""

    database: str
    point: str
    base: str
    reached: str
    """Time of the last transaction that was replayed, ISO 8601; empty = not known."""
    reached_lsn: str
    rows: int
    tables: int
    data: Path
    kept_as: Path | None
    """The old data directory; None = there was none."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """What would be done, and on what."""

    window: Window
    outlook: Outlook


def foresee(
    target: Target, wanted: Wanted, keeper: WalKeeper, *, clock: Clock, reporter: Reporter
) -> Foreseen:
    """Look and prove as `restore_point_in_time` does, and change nothing; `wanted.confirm` is not asked for.

    Raises PreconditionError and FailedError as that does.
    """
    work = _recovery(target, wanted, keeper, clock, reporter)
    outlook = _looked(work, wanted, work.place.read())
    keeper.prove(work.window, wanted.point, reporter)
    return Foreseen(window=work.window, outlook=outlook)


def restore_point_in_time(
    target: Target, wanted: Wanted, keeper: WalKeeper, *, clock: Clock, reporter: Reporter
) -> Recovered:
    """Replace the target's whole server by what it was at a point; the old data directory is kept.

    Raises UsageError and PreconditionError before anything is made, LockedError when another recovery is
    at work, FailedError when the work breaks (the live server is then the old one, running), and
    UnknownOutcomeError where the way back from a switch broke too.
    """
    refuse_wrong_mode(target, wanted.mode)
    refuse_other_identity(owner_of(target), wanted.confirm)
    work = _recovery(target, wanted, keeper, clock, reporter)
    try:
        with ended_in_order(), work.place.locked():
            return _restored(work, wanted)
    except OSError as error:
        raise FailedError(
            f"the recovery broke off: {error.strerror}",
            where=cleaned_line(str(error.filename or work.place.live)),
            hint="mend the disk, then run the same command again; `aihummer-drtui probe restore-database` "
            "tells where it stands",
        ) from None


def _restored(work: Recovery, wanted: Wanted) -> Recovered:
    switch = Switch(server=work.server, place=work.place, owner=work.owner)
    found = work.place.read()
    mark = switch.finish(found, work.reporter) if found else None
    if mark and work.place.holds(mark, spelled(work.point)) and not wanted.again:
        if found and found.stage is Stage.SWITCHING and mark.stage is Stage.RESTORED:
            # Killed between exchange and start: that was all that was left to do.
            return _told(work, mark, ())
        raise PreconditionError(
            f"this server was recovered to this very point already, at {cleaned_line(mark.standing.at)}",
            where=str(work.place.live),
            hint="what was written since would be lost; if that is meant, say --again",
        )
    outlook = _looked(work, wanted, mark)
    work.keeper.prove(work.window, wanted.point, work.reporter)
    mark, warnings = recover_beside(work, mark, same_cluster=outlook.same_cluster)
    refuse_gateway(work.server, work.owner)
    return _told(work, switch.over(mark, work.reporter), (*outlook.warnings, *warnings))


def _recovery(
    target: Target, wanted: Wanted, keeper: WalKeeper, clock: Clock, reporter: Reporter
) -> Recovery:
    owner = owner_of(target)
    env = read_gateway_env(target.gateway_env)
    if wanted.backup is not None:
        refuse_untrusted(target, wanted.backup)
        refuse_other_key(env, wanted.backup.manifest)
    app_url = env.get(APP_DATABASE_URL)
    app_role = dsn_place(libpq_dsn(app_url, where=f"{env.path}: {APP_DATABASE_URL}")).user if app_url else ""
    windows = keeper.windows()
    window = window_for(wanted.point, windows, clock, base=wanted.base)
    _refuse_other_key_of_base(target, env, window)
    server = local_server(target, owner, window.base)
    place = data_place(server.data)
    refuse_outside(target, wanted.mode, place.live, "the data directory")
    return Recovery(
        point=wanted.point,
        window=window,
        aside="" if "@" in wanted.base else left_aside(wanted.point, window, windows, clock),
        keeper=keeper,
        server=replace(server, data=place.live),
        place=place,
        owner=owner,
        app_role=app_role,
        clock=clock,
        reporter=reporter,
    )


def _refuse_other_key_of_base(target: Target, env: GatewayEnv, window: Window) -> None:
    """As `refuse_other_key`, where this program's own base backup was sealed with a fingerprint."""
    if window.base.keeper is not Keeper.ARCHIVE or target.wal is None:
        return
    for place in target.wal.base_places:
        folder = place / window.base.label
        if (folder / SEAL).is_file():
            refuse_other_fingerprint(env, open_base(folder).seal.key_fingerprint, "the base backup")


def _looked(work: Recovery, wanted: Wanted, mark: DataMark | None) -> Outlook:
    there = work.window.base.size if mark and goes_on(work, mark) else 0
    outlook = look(
        work.server, work.place, work.owner, work.window.base, chosen=bool(wanted.base), counts_on=there
    )
    return replace(outlook, warnings=(*outlook.warnings, work.aside)) if work.aside else outlook


def _told(work: Recovery, mark: DataMark, warnings: tuple[str, ...]) -> Recovered:
    return Recovered(
        database=work.owner.database,
        point=mark.point,
        base=mark.base,
        reached=mark.reached,
        reached_lsn=mark.reached_lsn,
        rows=mark.rows,
        tables=mark.tables,
        data=work.place.live,
        kept_as=work.place.kept(mark),
        warnings=warnings,
    )
