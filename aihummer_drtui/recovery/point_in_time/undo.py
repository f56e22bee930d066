"""After a recovery to a point: the way back to the old data directory, and its end."""

import os
import shlex
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from aihummer_drtui.errors import DrtuiError, FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.recovery.database.connection import Owner, connect, owner_of, server_words
from aihummer_drtui.recovery.database.identity import refuse_other_identity
from aihummer_drtui.recovery.database.marker import databases_seen
from aihummer_drtui.recovery.database.server import Server
from aihummer_drtui.recovery.database.server_here import OtherHostError, server_of
from aihummer_drtui.recovery.drill_safety import refuse_outside, refuse_wrong_mode
from aihummer_drtui.recovery.ending import ended_in_order
from aihummer_drtui.recovery.point_in_time.beside import server_on
from aihummer_drtui.recovery.point_in_time.keepers import names_keeper
from aihummer_drtui.recovery.point_in_time.look import refuse_gateway
from aihummer_drtui.recovery.point_in_time.mark import DataMark, Stage
from aihummer_drtui.recovery.point_in_time.place import DataPlace, data_place
from aihummer_drtui.recovery.point_in_time.recover import refuse_unknown, remove_left_over
from aihummer_drtui.recovery.point_in_time.switch import Switch
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target


@dataclass(frozen=True, kw_only=True)
class Undone:
    """What was put back."""

    data: Path
    kept_as: Path | None
    """Where the recovered data directory is now."""
    point: str
    """What it had been recovered to."""


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """What was removed."""

    folders: tuple[Path, ...]


def stands_at_a_point(target: Target, *, point: str = "") -> bool:
    """Whether what is in place was put there by a recovery to a point, or a way back from it was begun.

    A dump that was restored into the recovered server later is what `restore database` did last: False.
    `point`, as `spelled` gives it, is the one that is meant where a stopped server cannot tell. Raises
    PreconditionError where what was marked cannot be read, or which of the two was the last cannot be seen.
    """
    place = _place_if_any(target)
    found = place.read() if place is not None else None
    mark = found and found.standing
    if place is None or mark is None or mark.stage not in {Stage.RESTORED, Stage.UNDOING}:
        return False
    if mark.stage is Stage.UNDOING:
        return True
    if not place.in_place(mark):
        return False
    try:
        return not _dump_followed(target, mark)
    except PreconditionError:
        if mark.point != point:
            raise
        return True


def mark_of(target: Target) -> DataMark | None:
    """What is marked beside the data directory; None = nothing, or there is none on this host.

    Raises PreconditionError where it cannot be read, or a server may have been recovered here and where its
    data directory is cannot be seen.
    """
    place = _place_if_any(target)
    return place.read() if place is not None else None


def kept_data_directories(target: Target) -> tuple[Path, ...]:
    """The data directories that recoveries to a point put aside, the newest last. Raises as `mark_of`."""
    return tuple(place_of(target).put_aside()) if mark_of(target) is not None else ()


def undo_point_in_time(target: Target, *, confirm: str, mode: str, reporter: Reporter) -> Undone:
    """Exchange the recovered data directory for the one it replaced; the recovered one is kept.

    What was written since the recovery is in the one that is kept, and no longer served. Raises
    PreconditionError before anything is stopped, LockedError, and FailedError that says which of the two
    is in place.
    """
    server, place, owner = _judged(target, confirm, mode)
    with ended_in_order(), place.locked():
        found = place.read()
        mark = _undoable(place, found)
        switch = Switch(server=server, place=place, owner=owner)
        if mark.stage is Stage.UNDOING:
            # Killed on the way.
            mark = switch.finish(mark, reporter)
        else:
            refuse_gateway(server, owner)
            if found is not None and mark is found.former:
                _give_up(server, place, found, reporter)
            mark = switch.undo(mark, reporter)
        return Undone(data=place.live, kept_as=place.kept(mark), point=mark.point)


def drop_old_data_directory(
    target: Target, *, confirm: str, mode: str, reporter: Reporter, keep: timedelta = timedelta()
) -> Dropped:
    """Remove every data directory that a recovery to a point put aside: there is no way back after it.

    `keep` is how long the last one is kept at least. Raises PreconditionError where there is none, its time
    is not over, one of them is in use, or a recovery was not ended; LockedError; FailedError where it cannot
    be removed.
    """
    _, place, _ = _judged(target, confirm, mode)
    with ended_in_order(), place.locked():
        found = place.read()
        mark = found and found.standing
        if found is None or mark is None or mark.stage not in {Stage.RESTORED, Stage.UNDONE}:
            raise PreconditionError(
                "no recovery to a point was completed here: nothing is removed",
                where=str(place.live),
                hint="`aihummer-drtui probe restore-database` tells where it stands",
            )
        folders = place.put_aside()
        _refuse_early(mark, keep)
        _refuse_used(folders)
        if not folders:
            raise PreconditionError(
                "no old data directory is kept here", where=str(place.live), hint="nothing is to be done"
            )
        # First: a killed removal must not leave half a directory that there is a way back to.
        emptied = msgspec.structs.replace(mark, kept="")
        begun = mark is found.former
        place.write(msgspec.structs.replace(found, former=emptied) if begun else emptied, keep_time=True)
        reporter.phase("removing old data directories", total=len(folders), unit="folders")
        for folder in folders:
            _remove(place, folder)
            reporter.advance()
        return Dropped(folders=tuple(folders))


def _judged(target: Target, confirm: str, mode: str) -> tuple[Server, DataPlace, Owner]:
    refuse_wrong_mode(target, mode)
    owner = owner_of(target)
    refuse_other_identity(owner, confirm)
    server = server_of(target)
    place = data_place(server.data)
    refuse_outside(target, mode, place.live, "the data directory")
    return replace(server, data=place.live), place, owner


def _give_up(server: Server, place: DataPlace, begun: DataMark, reporter: Reporter) -> None:
    """Remove what a recovery that was begun since has beside: it belongs to the server that goes.

    Marked as half laid out before, so that a kill leaves nothing that a recovery would go on from. Raises
    PreconditionError where another folder has its name.
    """
    left = place.beside(begun.id)
    if os.path.lexists(left):
        refuse_unknown(place, left, begun)
    place.write(msgspec.structs.replace(begun, stage=Stage.LAYING))
    remove_left_over(server, place, left, reporter)


def _undoable(place: DataPlace, found: DataMark | None) -> DataMark:
    mark = found and found.standing
    if mark is not None and mark.stage is Stage.UNDOING:
        return mark
    if mark is None or mark.stage is not Stage.RESTORED or not place.in_place(mark):
        raise PreconditionError(
            "what is in place here was not put there by a recovery to a point",
            where=str(place.live),
            hint="`aihummer-drtui probe restore-database` tells where it stands",
        )
    if place.kept(mark) is None:
        raise PreconditionError(
            "the data directory that was replaced is not there: it was dropped, or there was none",
            where=str(place.live.with_name(mark.kept or f"{place.live.name}.replaced-…")),
            hint="recover to another point instead: restore database --to …",
        )
    return mark


def _refuse_early(mark: DataMark, keep: timedelta) -> None:
    """Let pass what was kept long enough, and what an earlier removal began with."""
    if not mark.kept:
        return
    until = datetime.fromisoformat(mark.at) + keep
    left = (until - datetime.now(UTC)).total_seconds()
    if keep and left > 0:
        raise PreconditionError(
            f"the old data directory is to be kept for {duration_text(left)} more",
            where=cleaned_line(mark.kept),
            hint="wait, or say --early if it is certain that nobody will go back",
        )


def place_of(target: Target) -> DataPlace:
    """The data directory, configured or else the server's own. Raises PreconditionError."""
    configured = target.postgres.data_directory
    return data_place(configured if configured is not None else server_of(target).data)


def _place_if_any(target: Target) -> DataPlace | None:
    """As `place_of`; None = no server that was recovered to a point lies on this host.

    Raises as that does: where a keeper is named, not to find the data directory is no answer.
    """
    try:
        return place_of(target)
    except OtherHostError:
        return None
    except DrtuiError:
        if names_keeper(target):
            raise
        return None


def _dump_followed(target: Target, mark: DataMark) -> bool:
    """Whether the live database carries the mark of a dump.

    Raises PreconditionError where it cannot be asked.
    """
    import psycopg

    try:
        owner = owner_of(target)
        with connect(owner, database=target.maintenance_database, statement_seconds=10) as connection:
            live = databases_seen(connection).get(owner.database)
    except (DrtuiError, psycopg.Error) as error:
        told = error.what if isinstance(error, DrtuiError) else server_words(error, owner_of(target))
        raise PreconditionError(
            f"whether a dump was restored since the recovery to a point cannot be seen: {cleaned_line(told)}",
            where=cleaned_line(f"server recovered to {mark.point}"),
            hint="start the server, then the same again; where it does not start any more and the recovery "
            f"is what is to be undone, say so: --undo --to {shlex.quote(mark.point)}",
        ) from None
    return live is not None and live.marker is not None and not live.marker.point


def _refuse_used(folders: list[Path]) -> None:
    for folder in folders:
        if (pid := server_on(folder)) is not None:
            raise PreconditionError(
                f"a server runs on it (process {pid})", where=str(folder), hint="stop it first"
            )


def _remove(place: DataPlace, folder: Path) -> None:
    try:
        place.remove(folder)
    except OSError as error:
        raise FailedError(
            f"could not be removed: {error.strerror}",
            where=cleaned_line(str(error.filename or folder)),
            hint="remove it by hand; the live server is not in it",
        ) from None
