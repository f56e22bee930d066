"""Where the operator is on the screen of a step: what is selected, what the pane shows. Pure."""

from dataclasses import dataclass, replace
from enum import Enum

from aihummer_drtui.run.state import CommandState, RunState, Status
from aihummer_drtui.runbook.model import CommandItem, Runbook, Step
from aihummer_drtui.tui.offer import next_offer


class Showing(Enum):
    """What the pane shows where there is room for one."""

    ITEM = "item"
    TEXT = "text"
    OUTPUT = "output"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place; it lasts as long as its step is shown."""

    step: str = ""
    selected: str = ""
    is_chosen: bool = False
    """Whether the operator selected it; else the selection follows what comes next."""
    wanted: Showing | None = None
    """What the operator wants to see; None = whatever fits the selected item."""
    is_zoomed: bool = False

    def in_view(self, runbook: Runbook, state: RunState) -> "Place":
        """The place when the run stands like this."""
        step = runbook.step(state.step)
        if step is None:
            return Place()
        place = self if self.step == step.id else Place(step=step.id)
        ids = [item.id for item in step.items]
        following = next_offer(runbook, state).item
        if place.selected in ids and (place.is_chosen or following not in ids):
            return place
        # A step may have no checklist at all: it is only read.
        selected = following if following in ids else next(iter(ids), "")
        if selected == place.selected:
            return place
        # Whoever reads the step's text goes on reading when a check turns green meanwhile.
        wanted = place.wanted if place.wanted is Showing.TEXT else None
        # An output that had the whole screen goes with its command: the checklist comes back.
        return replace(
            place, selected=selected, wanted=wanted, is_zoomed=place.is_zoomed and wanted is not None
        )

    def moved(self, step: Step, by: int) -> "Place":
        """The place with another item selected, that many below; the same where there is none."""
        ids = [item.id for item in step.items]
        if not ids:
            return self
        at = ids.index(self.selected) if self.selected in ids else 0
        selected = ids[max(0, min(len(ids) - 1, at + by))]
        return replace(self, selected=selected, is_chosen=True, wanted=None, is_zoomed=False)

    def released(self) -> "Place":
        """The place with the selection following what comes next again."""
        return replace(self, is_chosen=False, wanted=None, is_zoomed=False)

    def toggled(self, showing: Showing, now_shown: Showing) -> "Place":
        """The place with that pane shown, or with it put away when it is the one that is shown."""
        wanted = Showing.ITEM if now_shown is showing else showing
        return replace(self, wanted=wanted, is_zoomed=self.is_zoomed and wanted is not Showing.ITEM)

    def seeing(self, showing: Showing) -> "Place":
        """The place with that pane shown."""
        return replace(self, wanted=showing)

    def zoomed(self, showing: Showing) -> "Place":
        """The place with that pane as large as the screen, or taken back."""
        return replace(self, wanted=showing, is_zoomed=not self.is_zoomed)

    def showing(self, state: RunState) -> Showing:
        """What the one pane shows."""
        if self.wanted is not None:
            return self.wanted
        status = state.status(self.selected)
        is_command = isinstance(state.items.get(self.selected), CommandState)
        speaks = is_command and status in {Status.RUNNING, Status.FAILED}
        return Showing.OUTPUT if speaks and not state.rehearsed(self.selected) else Showing.ITEM

    def watched(self, runbook: Runbook, state: RunState) -> str:
        """The command whose output is shown: the selected one, else the last of the step that ran."""
        if isinstance(runbook.item(self.selected), CommandItem):
            return self.selected
        step = runbook.step(self.step)
        ran = [
            item.id
            for item in (step.items if step else ())
            if isinstance(state.items.get(item.id), CommandState)
        ]
        running = list(state.running)
        return (ran or running or [""])[-1]
