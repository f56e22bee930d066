"""How a run that has ended is shown: as it ended, not as if somebody had yet to look again."""

from types import MappingProxyType

from msgspec.structs import replace

from aihummer_drtui.run.state import CheckState, Living, RunState


def at_rest(state: RunState) -> RunState:
    """The state to show. Attaching to a run makes its checks stale; nobody looks again once it has ended."""
    if isinstance(state.ending, Living):
        return state
    items = {
        item: replace(known, fresh=True) if isinstance(known, CheckState) else known
        for item, known in state.items.items()
    }
    return replace(state, items=MappingProxyType(items))
