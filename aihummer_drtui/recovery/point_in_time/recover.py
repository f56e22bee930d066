"""Making of a base backup and WAL a whole data directory beside: laid out, replayed, verified, shut down.

What a killed try left is gone on from where it is for the very same point, else removed.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.database.connection import Owner, server_words
from aihummer_drtui.recovery.database.server import Server
from aihummer_drtui.recovery.point_in_time.beside import end_left_over, remove_private_folder, running_beside
from aihummer_drtui.recovery.point_in_time.configuration import (
    announce_timeline,
    bring_configuration,
    refuse_unconfigured,
)
from aihummer_drtui.recovery.point_in_time.confined import standby_limits
from aihummer_drtui.recovery.point_in_time.mark import DataMark, Stage
from aihummer_drtui.recovery.point_in_time.model import Point, WalKeeper, Window
from aihummer_drtui.recovery.point_in_time.place import DataPlace, inode_of
from aihummer_drtui.recovery.point_in_time.points import Clock, spelled
from aihummer_drtui.recovery.point_in_time.replay import (
    LimitsTooLowError,
    Reached,
    UnusableError,
    refuse_early_end,
    replay,
)
from aihummer_drtui.recovery.point_in_time.verified import settle, verify
from aihummer_drtui.recovery.reporting import Reporter

_TRIES: Final = 10
"""How often the primary may have raised its limits between base backup and point."""


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """All that a recovery beside acts with."""

    point: Point
    window: Window
    aside: str
    """What of another timeline does not come back with this window; empty = nothing."""
    keeper: WalKeeper
    server: Server
    """The live one: its programs and its account are used."""
    place: DataPlace
    owner: Owner
    app_role: str
    """Of AIHUMMER_DB_APP_URL; empty = none is named."""
    clock: Clock
    reporter: Reporter


def goes_on(work: Recovery, mark: DataMark) -> bool:
    """Whether what an earlier try left beside is a whole start for this very recovery."""
    return (
        mark.stage is Stage.RECOVERING
        and mark.point == spelled(work.point)
        and mark.base == work.window.base.label
        and mark.timeline == work.window.timeline
        and mark.system_identifier == work.window.base.system_identifier
        and mark.inode == inode_of(work.place.beside(mark.id)) != 0
    )


def recover_beside(
    work: Recovery, found: DataMark | None, *, same_cluster: bool
) -> tuple[DataMark, tuple[str, ...]]:
    """Lay out, replay, verify; give the mark of a data directory beside that is whole, and warnings.

    `found` is the mark that is there, `same_cluster` whether the live server is the one that was backed up.
    Raises PreconditionError where a folder beside is not known to be an earlier try's, UnusableError for
    what comes of base backup and WAL, which leaves nothing beside, and FailedError for what can be mended
    here: that, as a kill, leaves what the next call goes on from.
    """
    mark = found if found and goes_on(work, found) else _laid(work, found)
    folder = work.place.beside(mark.id)
    try:
        if not work.server.target.postgres.start:
            refuse_unconfigured(work.place.live, folder)
        mark, warnings = _recovered(work, mark, folder)
        bring_configuration(work.place.live, folder, work.server.account, same_cluster=same_cluster)
    except UnusableError:
        _discard(work, folder, mark.former)
        raise
    except OSError as error:
        raise _to_go_on(_disk(error)) from None
    except FailedError as error:
        raise _to_go_on(error) from None
    return mark, warnings


def _to_go_on(error: FailedError) -> FailedError:
    """The same, with what becomes of the hours that the replay took."""
    kept = "what was recovered is kept beside, and the same command goes on from it"
    return FailedError(error.what, where=error.where, hint=f"{error.hint}\n  {kept}")


def _laid(work: Recovery, found: DataMark | None) -> DataMark:
    """Lay the base backup out in a new folder beside; give the mark of it."""
    for left in work.place.left_over():
        refuse_unknown(work.place, left, found)
        remove_left_over(work.server, work.place, left, work.reporter)
    former = _completed(found)
    mark = DataMark(
        stage=Stage.LAYING,
        id=secrets.token_hex(4),
        point=spelled(work.point),
        base=work.window.base.label,
        timeline=work.window.timeline,
        system_identifier=work.window.base.system_identifier,
        at="",
        former=former,
    )
    folder = work.place.beside(mark.id)
    try:
        if work.place.live.is_dir() and not any(work.place.live.iterdir()):
            work.place.live.rmdir()
        work.place.write(mark)
        folder.mkdir(mode=0o700)
        work.server.account.own(folder)
        work.keeper.lay(work.window, work.point, folder, work.reporter)
        return work.place.write(msgspec.structs.replace(mark, stage=Stage.RECOVERING, inode=inode_of(folder)))
    except BaseException as error:
        _discard(work, folder, former)
        if isinstance(error, OSError):
            raise _disk(error) from None
        raise


def _completed(found: DataMark | None) -> DataMark | None:
    """The mark of what stands on this server, which a recovery that breaks must leave as it was."""
    if found is None or found.stage in {Stage.RESTORED, Stage.UNDONE}:
        return found and msgspec.structs.replace(found, former=None)
    return found.former


def remove_left_over(server: Server, place: DataPlace, left: Path, reporter: Reporter) -> None:
    """Remove a folder that an earlier try filled, once the server is ended that a kill left running on it.

    Raises OSError, and FailedError where that server cannot be ended.
    """
    end_left_over(left)
    remove_private_folder(server, left.name.rpartition("-")[2])
    reporter.phase("removing what an earlier try left")
    place.remove(left)


def refuse_unknown(place: DataPlace, left: Path, found: DataMark | None) -> None:
    """Let pass a folder that the mark says an earlier try filled; any other may be the old server.

    Raises PreconditionError.
    """
    if (
        found is not None
        and found.stage in {Stage.LAYING, Stage.RECOVERING}
        and left == place.beside(found.id)
        and found.inode in {0, inode_of(left)}
    ):
        return
    raise PreconditionError(
        "a folder lies beside the data directory, and no mark tells that an earlier try filled it",
        where=str(left),
        hint="it may be the old server, put aside by a switch that was killed: look at it (its files' times, "
        "pg_controldata), then rename or remove it by hand",
    )


def _discard(work: Recovery, folder: Path, former: DataMark | None) -> None:
    work.place.remove(folder)
    if former is None:
        work.place.remove_mark()
    else:
        work.place.write(former, keep_time=True)


def _recovered(work: Recovery, mark: DataMark, folder: Path) -> tuple[DataMark, tuple[str, ...]]:
    limits = _limits(work, folder)
    for _ in range(_TRIES):
        try:
            return _started_and_verified(work, mark, folder, limits)
        except LimitsTooLowError:
            # The replay has noted the primary's new ones in pg_control.
            before, limits = limits, _limits(work, folder)
            if limits == before:
                break
    raise UnusableError(
        "the recovery stopped: the primary's limits (max_connections and the like) are higher than is known",
        where=str(folder),
        hint="the live server is as it was; choose another base backup: --base LABEL",
    )


def _started_and_verified(
    work: Recovery, mark: DataMark, folder: Path, limits: Mapping[str, str]
) -> tuple[DataMark, tuple[str, ...]]:
    import psycopg

    maintenance = work.server.target.maintenance_database
    with running_beside(work.server, folder, recovery=mark.id, limits=limits) as beside:
        reached = replay(beside, work.point, work.window, work.clock, work.reporter)
        if reached.system_identifier != mark.system_identifier:
            raise UnusableError(
                f"what was laid out is another cluster (system identifier {reached.system_identifier}) than "
                f"the base backup was said to be ({mark.system_identifier})",
                where=str(folder),
                hint="the live server is as it was; look at the base backup with its keeper's own program",
            )
        if not mark.reached_lsn:
            # Else an earlier try got so far, and was let pass.
            refuse_early_end(reached, work.point, work.window, where=str(folder))
        mark = work.place.write(_with_reached(mark, reached))
        try:
            content = verify(
                beside, work.owner, work.app_role, maintenance=maintenance, reporter=work.reporter
            )
            settle(beside, work.owner, mark.point, maintenance=maintenance)
        except psycopg.Error as error:
            raise FailedError(
                f"what was recovered cannot be read: {server_words(error, work.owner)}",
                where=str(folder),
                hint="the live server is as it was; choose another base backup: --base LABEL",
            ) from None
        work.reporter.phase("shutting the recovered server down")
        beside.stop()
    announce_timeline(folder, reached.timeline, work.server.account)
    mark = work.place.write(msgspec.structs.replace(mark, rows=content.rows, tables=content.tables))
    return mark, content.warnings


def _with_reached(mark: DataMark, reached: Reached) -> DataMark:
    if mark.reached_lsn:
        # An earlier try replayed and promoted it, and noted how far.
        return mark
    moment = reached.moment.isoformat() if reached.moment else ""
    return msgspec.structs.replace(mark, reached=moment, reached_lsn=reached.lsn)


def _limits(work: Recovery, folder: Path) -> dict[str, str]:
    ended, told = work.server.run("pg_controldata", "-D", folder, seconds=60)
    if ended.code != 0:
        raise UnusableError(
            f"the base backup is no whole data directory: pg_controldata {ended.how}: {ended.first_words}",
            where=str(folder),
            hint="the live server is as it was; choose another base backup: --base LABEL",
        )
    return standby_limits(told)


def _disk(error: OSError) -> FailedError:
    return FailedError(
        f"the server could not be recovered beside: {error.strerror}",
        where=cleaned_line(str(error.filename or "")),
        hint="the live server is as it was; make room or mend the disk, then run the same command again",
    )
