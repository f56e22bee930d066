"""Telling a run event by event, at times of one's own, as an engine would have recorded it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PosixPath

from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.engine.record import Chain, encode
from aihummer_drtui.run import events as e
from aihummer_drtui.run.fold import fold
from aihummer_drtui.run.outdating import outdated_by
from aihummer_drtui.run.settled import latest_attempt, level_of
from aihummer_drtui.run.state import ObservedState, RunState
from aihummer_drtui.run.verdict import Brought, Observation, ProbeResult, Verdict
from aihummer_drtui.runbook.model import CommandItem, Runbook

DECLARED = datetime(2026, 11, 22, 3, 12, tzinfo=UTC)
BOOT = "8b0c6a2e-5f0e-4c0a-9a55-3c8e1f0d7a11"
_UP = 900.0
"""Seconds for which the replacement host had been up when the run was declared."""


@dataclass(frozen=True, kw_only=True)
class StillClock:
    """A clock that stands: so many seconds after the declaration."""

    seconds: float

    def boot_id(self) -> str:
        """One boot for all of the run."""
        return BOOT

    def boottime(self) -> float:
        """Seconds since the boot."""
        return _UP + self.seconds

    def wall(self) -> str:
        """The moment in UTC."""
        moment = DECLARED + timedelta(seconds=self.seconds)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(kw_only=True)
class Telling:
    """A run so far. Every word moves its clock to `at`, in seconds since the declaration."""

    runbook: Runbook
    operator: str
    seconds: float = 0.0
    records: list[e.Record] = field(default_factory=list)

    @property
    def state(self) -> RunState:
        """What the records fold to."""
        return fold(self.records)

    def say(self, at: float, *happened: e.Event, actor: str = "") -> "Telling":
        """Record that these happened then; a level that follows from it is recorded as an engine does."""
        assert at >= self.seconds
        self.seconds = at
        for what in happened:
            self._record(what, actor or self.operator)
            if len(self.records) > 1:
                level = level_of(self.runbook, self.state)
                if level is not self.state.level:
                    self._record(e.LevelReached(level=level), "engine")
        return self

    def _record(self, what: e.Event, actor: str) -> None:
        clock = StillClock(seconds=self.seconds)
        self.records.append(
            e.Record(
                version=1,
                sequence=len(self.records) + 1,
                previous="0" * 64,
                boot_id=clock.boot_id(),
                boottime=clock.boottime(),
                wall=clock.wall(),
                actor=actor,
                what=what,
            )
        )

    def step(self, at: float, step: str) -> "Telling":
        """The operator opens a step."""
        return self.say(at, e.StepShown(step=step))

    def state_it(self, at: float, *items: str) -> "Telling":
        """The operator states what they saw."""
        return self.say(at, *(e.ItemConfirmed(item=item, statement="yes") for item in items))

    def give(self, at: float, item: str, value: str) -> "Telling":
        """The operator gives a value."""
        return self.say(at, e.InputGiven(item=item, variable=item.partition("/")[2], value=value))

    def see(
        self,
        at: float,
        item: str,
        observed: str,
        expected: str = "",
        *,
        verdict: Verdict = Verdict.PASSED,
        hint: str = "",
        brings: tuple[Brought, ...] = (),
    ) -> "Telling":
        """A check is looked at."""
        seen = Observation(verdict=verdict, expected=expected, observed=observed, hint=hint, brings=brings)
        return self.say(at, e.CheckObserved(item=item, observation=seen), actor="engine")

    def see_all_again(self, at: float) -> "Telling":
        """Every check is looked at again and is as it was: what follows when somebody sits down anew."""
        seen = [(item, known) for item, known in self.state.items.items() if isinstance(known, ObservedState)]
        looks = [e.CheckObserved(item=item, observation=known.observation) for item, known in seen]
        return self.say(at, *looks, actor="engine")

    def start(self, at: float, item: str) -> "Telling":
        """A command is started."""
        command = self.runbook.item(item)
        assert isinstance(command, CommandItem)
        before = latest_attempt(self.state, item)
        number = 1 if before is None else before.number + 1
        intent = e.CommandIntended(
            item=item,
            attempt=number,
            script=command.script,
            values=dict(self.state.values),
            outdates=outdated_by(self.runbook, item),
        )
        self.say(at, intent)
        started = e.CommandStarted(item=item, attempt=number, pid=4_711, start_ticks=1, boot_id=BOOT)
        return self.say(at, started, actor="engine")

    def end(self, at: float, item: str, code: int = 0) -> "Telling":
        """The running command ends by itself."""
        running = latest_attempt(self.state, item)
        assert running is not None
        took = at - (running.at.boottime - _UP)
        ended = e.CommandEnded(
            item=item, attempt=running.number, kind=e.EndKind.EXITED, code=code, took=round(took, 3)
        )
        return self.say(at, ended, actor="engine")

    def lose(self, at: float, item: str, why: str, probe: ProbeResult, observed: str) -> "Telling":
        """Nobody sees how the running command ends; its probe looks."""
        return self.say(
            at,
            e.OutcomeLost(item=item, attempt=1, why=why),
            e.OutcomeProbed(item=item, attempt=1, result=probe, observed=observed),
            actor="engine",
        )

    def written(self, place: Path, shown: str) -> RunFolder:
        """Write the journal below `place`, in a run's folder that calls itself `shown`."""
        folder = RunFolder(path=_path_below(place)(shown))
        place.joinpath(shown.lstrip("/")).mkdir(parents=True, mode=0o700)
        chain, data = Chain(), b""
        for record in self.records:
            line, chain = encode(_following(record, chain), chain)
            data += line
        place.joinpath(shown.lstrip("/"), folder.journal.name).write_bytes(data)
        return folder


def _following(record: e.Record, chain: Chain) -> e.Record:
    return e.Record(
        version=record.version,
        sequence=record.sequence,
        previous=chain.digest,
        boot_id=record.boot_id,
        boottime=record.boottime,
        wall=record.wall,
        actor=record.actor,
        what=record.what,
    )


def _path_below(place: Path) -> type[PosixPath]:
    """Paths that are shown as they are written, and lie below `place`: pictures name no temporary folder."""

    class Below(PosixPath):
        def __fspath__(self) -> str:
            return f"{place}{self}"

    return Below
