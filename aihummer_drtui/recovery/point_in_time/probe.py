"""The probe of a recovery to a point that nobody saw end."""

from typing import assert_never

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.database.server import Server
from aihummer_drtui.recovery.database.server_here import server_of
from aihummer_drtui.recovery.point_in_time.host_clock import host_clock
from aihummer_drtui.recovery.point_in_time.mark import DataMark, Stage
from aihummer_drtui.recovery.point_in_time.place import DataPlace
from aihummer_drtui.recovery.point_in_time.points import parse_point, spelled
from aihummer_drtui.recovery.point_in_time.switch import Switch
from aihummer_drtui.recovery.point_in_time.undo import place_of
from aihummer_drtui.recovery.probed import Probed
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import ProbeResult


def probe_point_in_time(scene: Scene) -> Probed:
    """Whether `restore database --to POINT` has done its work. Raises nothing.

    Done: the data directory in place is the one that was recovered to this point, and its server answers
    the owner. Partial: the mark tells of a recovery, a switch or a way back that was not ended.
    """
    try:
        wanted = spelled(parse_point(scene.recovery_point, host_clock()))
        place = place_of(scene.target)
        mark = place.read()
        if mark is None:
            return Probed(result=ProbeResult.NOT_DONE, observed=_nothing(place))
        return _probed(scene.target, place, mark, wanted)
    except DrtuiError as error:
        return Probed(result=ProbeResult.UNKNOWN, observed=cleaned_line(error.what, 300))


def _nothing(place: DataPlace) -> str:
    return cleaned_line(f"{place.live} does not carry the mark of a recovery to a point", 300)


def _probed(target: Target, place: DataPlace, mark: DataMark, wanted: str) -> Probed:
    point = cleaned_line(mark.point, 80)
    match mark.stage:
        case Stage.LAYING | Stage.RECOVERING:
            told = (
                f"a recovery to {point} is {mark.stage.value} beside {place.live}{_at_work(place)}; the live "
                "data directory was not replaced; `restore database` goes on"
            )
            return Probed(result=ProbeResult.PARTIAL, observed=cleaned_line(told, 300))
        case Stage.SWITCHING | Stage.UNDOING:
            which = _switch(target, place).which(mark)
            word = "switch to what was recovered" if mark.stage is Stage.SWITCHING else "way back"
            told = f"the {word} was not ended{_at_work(place)}: {which}; the same command again ends it"
            return Probed(result=ProbeResult.PARTIAL, observed=cleaned_line(told, 300))
        case Stage.UNDONE:
            return Probed(result=ProbeResult.NOT_DONE, observed=f"a recovery to {point} was undone")
        case Stage.RESTORED:
            return _restored(target, place, mark, wanted)
    assert_never(mark.stage)


def _restored(target: Target, place: DataPlace, mark: DataMark, wanted: str) -> Probed:
    if not place.in_place(mark):
        return Probed(result=ProbeResult.NOT_DONE, observed=_nothing(place))
    point = cleaned_line(mark.point, 80)
    if mark.point != wanted:
        return Probed(result=ProbeResult.NOT_DONE, observed=f"this server was recovered to {point} instead")
    if why := _switch(target, place).not_recovered(mark):
        told = f"recovered to {point} and in place, but it does not answer as it should: {why}"
        return Probed(result=ProbeResult.PARTIAL, observed=cleaned_line(told, 300))
    rows = f"{mark.rows} rows in {mark.tables} tables then"
    return Probed(result=ProbeResult.DONE, observed=f"recovered to {point} at {mark.at}, {rows}")


def _switch(target: Target, place: DataPlace) -> Switch:
    server: Server = server_of(target)
    return Switch(server=server, place=place, owner=owner_of(target))


def _at_work(place: DataPlace) -> str:
    return " (it is at work now)" if place.is_locked() else ""
