"""What a recovery to a point still writes: a second data directory beside the old one, and WAL in it."""

from typing import Final

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.point_in_time.host_clock import host_clock
from aihummer_drtui.recovery.point_in_time.keepers import keeper_of
from aihummer_drtui.recovery.point_in_time.look import local_server, room_needed
from aihummer_drtui.recovery.point_in_time.place import data_place
from aihummer_drtui.recovery.point_in_time.points import parse_point, spelled
from aihummer_drtui.recovery.point_in_time.reach import window_for
from aihummer_drtui.recovery.space import Part

_NAME: Final = "recovered server"


def server_part(scene: Scene) -> Part:
    """What the recovery to the scene's point writes beside the data directory. Raises nothing."""
    try:
        clock = host_clock()
        point = parse_point(scene.recovery_point, clock)
        base = window_for(point, keeper_of(scene.target).windows(), clock).base
        data = local_server(scene.target, owner_of(scene.target), base).data
        place = data_place(data)
        if place.holds(place.read(), spelled(point)):
            # It is in place: its room is used up.
            return Part(name=_NAME, place=data.parent)
    except DrtuiError as error:
        return Part(name=_NAME, place=None, unknown=error.what)
    return Part(name=_NAME, place=data.parent, size=room_needed(base))
