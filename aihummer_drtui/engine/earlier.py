"""What earlier runs on this machine measured, read from their journals: a bounded look at the newest."""

from typing import Final

from aihummer_drtui.engine.folder import RunFolder, list_runs
from aihummer_drtui.engine.standing_runs import state_of
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.run.estimates import Earlier, earlier_of
from aihummer_drtui.run.events import RunDeclared

_MOST: Final = 10
"""Runs whose times are taken."""
_LOOKED_AT: Final = 60
"""The newest runs that are looked through for them."""
_BYTES: Final = 32_000_000
"""Of journals that are read, all together: about two seconds."""


def earlier_runs(folder: RunFolder, declared: RunDeclared) -> tuple[Earlier, ...]:
    """The newest runs of the same runbook and mode beside this one that came to their end, newest first.

    A run whose journal is not sound, is gone meanwhile or is too long is left out. Raises nothing.
    """
    try:
        folders = list_runs(folder.path.parent.parent)
    except DrtuiError:
        return ()
    found: list[Earlier] = []
    left = _BYTES
    for other in reversed(folders[-_LOOKED_AT:]):
        size = _size(other)
        if other.id == folder.id or size > left:
            continue
        left -= size
        if (measured := _measured(other, declared)) is not None:
            found.append(measured)
        if len(found) == _MOST:
            break
    return tuple(found)


def _measured(folder: RunFolder, declared: RunDeclared) -> Earlier | None:
    state = state_of(folder)
    if (
        state is None
        or state.declared.runbook != declared.runbook
        or state.declared.mode is not declared.mode
    ):
        return None
    return earlier_of(state)


def _size(folder: RunFolder) -> int:
    try:
        return folder.journal.lstat().st_size
    except OSError:
        return 0
