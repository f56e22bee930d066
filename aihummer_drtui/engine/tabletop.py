"""The hands of a tabletop exercise. They have no catalogue to look with and nothing to start a process by.

So nothing of a tabletop can touch the world, whatever is asked: what there is to see is told, and the
engine journals it as told.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, assert_never

from aihummer_drtui.engine.world import Journalling, Looks, Starts
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.leftovers import Leftovers
from aihummer_drtui.run.outdating import outdated_by
from aihummer_drtui.run.recovery_set import RecoverySets
from aihummer_drtui.run.settled import latest_attempt
from aihummer_drtui.run.state import RunState
from aihummer_drtui.run.verdict import Choice, Observation, TargetIdentity
from aihummer_drtui.runbook.model import CheckItem, CommandItem, Runbook, Step

DATABASE: Final = "aihummer"
"""The database of every tabletop's target: no target is asked which one it has."""
_FACT: Final = "tabletop: nobody looked at it; these words are for the exercise of the gate"

_NOBODY_LOOKS: Final = "a tabletop exercise looks at nothing"
_SAY_IT: Final = "say at the table what there would be"


class TabletopFacts:
    """What is known of a target that nobody looks at: the words of its gates, and nothing else."""

    def __init__(self, target: str) -> None:
        """`target` is the name that the run was declared with."""
        self._target = cleaned_line(target)

    def suggestion(self, variable: str) -> str | None:  # noqa: ARG002
        """None: what a value would be is for the people at the table to say."""
        return None

    def choices(self, variable: str) -> tuple[Choice, ...]:  # noqa: ARG002
        """None: nobody looks for backups."""
        return ()

    def recovery_sets(self, seconds: float) -> Iterator[RecoverySets]:  # noqa: ARG002
        """None. Raises PreconditionError: nobody looks for backups."""
        raise PreconditionError(_NOBODY_LOOKS, hint=_SAY_IT)

    def recovery_point(self, text: str) -> Observation:  # noqa: ARG002
        """None. Raises PreconditionError: no archive is asked."""
        raise PreconditionError(_NOBODY_LOOKS, hint=_SAY_IT)

    def leftovers(self, seconds: float) -> Leftovers:  # noqa: ARG002
        """None. Raises PreconditionError: nothing was put aside, and nobody looks."""
        raise PreconditionError(_NOBODY_LOOKS, hint=_SAY_IT)

    def identity(self) -> TargetIdentity:
        """The target by its name."""
        return TargetIdentity(host=self._target, database=DATABASE, facts=(_FACT,))


class Tabletop:
    """The world of a tabletop: there is none."""

    executes = False

    def __init__(self, target: str) -> None:
        """`target` is the name that the run was declared with."""
        self._facts = TabletopFacts(target)

    def hands(self, journalling: Journalling) -> tuple[Looks, Starts]:
        """Hands that look at nothing, and start nothing."""
        return NoLooks(), Rehearsals(record=journalling.record, situation=journalling.situation)

    def secrets(self, values: Mapping[str, str]) -> frozenset[bytes]:  # noqa: ARG002
        """None: no target is looked at, so none of its secrets is known or used."""
        return frozenset()

    def identity(self) -> TargetIdentity:
        """What is typed at the gates."""
        return self._facts.identity()


class NoLooks:
    """Looks at nothing, whoever asks."""

    def poll(self) -> None:
        """Nothing is due."""

    def look_at(self, items: Iterable[CheckItem]) -> None:
        """Nobody looks."""

    async def renew(self, items: Iterable[CheckItem], *, older_than: float) -> None:
        """What was told is as fresh as it can be."""

    def look_again_at_what_stood(self) -> None:
        """What was told stays told."""

    def look_again_at_everything(self) -> None:
        """It is answered again by whoever answered it."""

    def verify_after(self, step: Step, command: str) -> None:
        """What stands behind a command is answered, too."""

    async def close(self) -> None:
        """Nothing was begun."""


class Rehearsals:
    """Starts nothing: what would be started is journalled as rehearsed. No process is ever made."""

    def __init__(
        self,
        *,
        record: Callable[[e.Event, str], None],
        situation: Callable[[], tuple[Runbook, RunState]],
    ) -> None:
        self._record = record
        self._situation = situation

    @property
    def running(self) -> bool:
        """Nothing runs."""
        return False

    async def start(self, item: CommandItem, *, actor: str, confirmation: str) -> None:  # noqa: ARG002
        """Journal what would be started, exactly as it would be. Raises DrtuiError when that fails."""
        runbook, state = self._situation()
        before = latest_attempt(state, item.id)
        rehearsed = e.CommandRehearsed(
            item=item.id,
            attempt=1 if before is None else before.number + 1,
            script=item.script,
            values=state.values,
            outdates=outdated_by(runbook, item.id),
        )
        self._record(rehearsed, actor)

    def stop(self, item: CommandItem) -> None:
        """There is nothing to end. Raises PreconditionError."""
        raise PreconditionError(f"nothing of {item.id} is executed", hint="say how it ended")

    def take_up(self) -> None:
        """An earlier engine left nothing behind."""

    async def probe(self, item_id: str) -> None:
        """There is nothing to probe. Raises PreconditionError."""
        raise PreconditionError(f"nothing of {item_id} was executed", hint="say what the probe sees")


def told_event(request: r.AnswerCheck | r.TellOutcome | r.AnswerProbe, state: RunState) -> e.Event:
    """What a request tells, as an event of its own kind: nothing of it can be read as seen."""
    match request:
        case r.AnswerCheck(item=item, answer=answer, said=said):
            return e.CheckAnswered(item=item, answer=answer, said=said)
        case r.TellOutcome(item=item, outcome=outcome, said=said, would_take=seconds):
            number = _latest_number(state, item)
            return e.OutcomeTold(item=item, attempt=number, outcome=outcome, said=said, would_take=seconds)
        case r.AnswerProbe(item=item, result=result, said=said):
            number = _latest_number(state, item)
            return e.ProbeAnswered(item=item, attempt=number, result=result, said=said)
        case _ as never:
            assert_never(never)


def _latest_number(state: RunState, item_id: str) -> int:
    latest = latest_attempt(state, item_id)
    if latest is None:
        raise AssertionError(f"{item_id} was judged to have been rehearsed")
    return latest.number
