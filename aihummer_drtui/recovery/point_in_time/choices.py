"""The recovery points to choose from: the dump of the chosen set, or what archived WAL reaches."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text, duration_text
from aihummer_drtui.recovery.backup.manifest import Manifest
from aihummer_drtui.recovery.backup.points import sealed_in
from aihummer_drtui.recovery.backup.skew import window_skew
from aihummer_drtui.recovery.check import THE_DUMP
from aihummer_drtui.recovery.point_in_time.host_clock import host_clock
from aihummer_drtui.recovery.point_in_time.keepers import keeper_of, names_keeper
from aihummer_drtui.recovery.point_in_time.model import Window
from aihummer_drtui.recovery.point_in_time.points import LATEST, Clock, from_now, in_both_zones
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import Choice

_DUMP: Final = "the moment of the set's dump: everything after it is lost"
_ANY: Final = "any moment between them can be typed, with its zone; so can lsn:… and name:…"


def point_choices(target: Target) -> tuple[Choice, ...]:
    """The dump, and the end of the newest window of the target's keeper, with what each would lose.

    Nothing where nobody keeps WAL: then there is nothing to choose. Raises nothing.
    """
    if not names_keeper(target):
        return ()
    dump = Choice(value=THE_DUMP, told=(_DUMP,))
    try:
        windows = keeper_of(target).windows()
    except DrtuiError as error:
        unseen = f"base backups and WAL cannot be seen: {cleaned_line(error.what, 200)}"
        return (Choice(value=THE_DUMP, told=(_DUMP, unseen)),)
    windows = tuple(window for window in windows if window.is_whole)
    if not windows:
        return (
            Choice(
                value=THE_DUMP,
                told=(_DUMP, "there is no base backup with its WAL: no other moment comes back"),
            ),
        )
    clock = host_clock()
    newest = max(windows, key=lambda window: window.latest or window.earliest)
    told = (*_window(newest, clock), *_skew(target, newest), _ANY)
    return dump, Choice(value=LATEST, told=told)


def _window(window: Window, clock: Clock) -> Iterator[str]:
    yield f"from {_moment(window.earliest, clock)}"
    yield (
        f"to {_moment(window.latest, clock)}" if window.latest else "to a last commit whose time is not known"
    )
    verified = (
        f"verified {from_now(window.base.verified, clock)}" if window.base.verified else "never verified"
    )
    yield f"base backup {cleaned_line(window.base.label, 60)}, {bytes_text(window.base.size)}, {verified}"
    if window.gap:
        yield f"WAL file {cleaned_line(window.gap, 60)} is missing after that"


def _moment(moment: datetime, clock: Clock) -> str:
    return f"{in_both_zones(moment, clock)}, {from_now(moment, clock)}"


def _skew(target: Target, window: Window) -> Iterator[str]:
    apart = window_skew(window, list(_manifests(target)))
    if apart is not None and apart > 0:
        yield (
            f"the newest copy of the blobs is {duration_text(apart)} older: rows of that time may refer to "
            "blobs that are in no set"
        )


def _manifests(target: Target) -> Iterator[Manifest]:
    for place in target.backup_places:
        try:
            yield from (backup.manifest for backup in sealed_in(place))
        except DrtuiError:
            # `backup list` says why; here it merely offers nothing.
            continue
