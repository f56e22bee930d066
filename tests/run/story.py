"""Runs told in tests: a small runbook of every kind of item, and a journal that writes itself."""

from dataclasses import dataclass, field

from aihummer_drtui.run import events as e
from aihummer_drtui.run.fold import fold
from aihummer_drtui.run.state import RunState
from aihummer_drtui.run.verdict import Answer, Observation, ProbeResult, ToldOutcome, Verdict
from aihummer_drtui.runbook.model import (
    CheckItem,
    CommandItem,
    ConfirmItem,
    InputItem,
    Item,
    LevelProof,
    Place,
    RecoveryLevel,
    Runbook,
    Step,
)

PLACE = Place(line=1)


def a_check(item: str) -> CheckItem:
    """A check of that id."""
    return CheckItem(id=item, check=item.partition("/")[2], text=item, place=PLACE)


def a_command(item: str, *, script: str = "true", destructive: bool = False) -> CommandItem:
    """A command of that id."""
    return CommandItem(
        id=item,
        name=item.partition("/")[2],
        text=item,
        place=PLACE,
        script=script,
        time_out=60.0,
        estimate=None,
        expect="ok",
        probe="exit 1",
        destructive=destructive,
        destroys="the database" if destructive else "",
        undo="rename it back" if destructive else "",
    )


def a_confirm(item: str) -> ConfirmItem:
    """A confirm of that id."""
    return ConfirmItem(id=item, text=item, place=PLACE)


def an_input(item: str) -> InputItem:
    """An input whose variable is the second half of its id."""
    return InputItem(id=item, variable=item.partition("/")[2], text=item, place=PLACE)


def a_step(step: str, *items: Item, needs: tuple[str, ...] = ()) -> Step:
    """A step of these items."""
    return Step(
        id=step,
        title=step,
        place=PLACE,
        needs=needs,
        estimate=None,
        prose="",
        why="w",
        expect="e",
        time="t",
        undo="u",
        call="c",
        items=items,
    )


def a_runbook(*steps: Step, levels: tuple[LevelProof, ...] = ()) -> Runbook:
    """A runbook of these steps."""
    return Runbook(
        id="book",
        title="Book",
        version="1",
        owner="team",
        reviewed="2025-01-01",
        rto=3600.0,
        rpo=86_400.0,
        levels=levels,
        prose="",
        steps=steps,
        sha256="0" * 64,
    )


RECOVERY = a_runbook(
    a_step("brief", an_input("brief/BACKUP_SET"), a_confirm("brief/confirm-1"), a_check("brief/tools")),
    a_step(
        "database",
        a_check("database/dump-intact"),
        a_command("database/restore", script='restore "$BACKUP_SET"', destructive=True),
        a_check("database/restored"),
        needs=("brief",),
    ),
    a_step("side", a_check("side/mail"), a_command("side/mail-up")),
    a_step(
        "proof",
        a_command("proof/up"),
        a_check("proof/healthz"),
        a_command("proof/prove"),
        a_confirm("proof/confirm-1"),
        needs=("database",),
    ),
    levels=(
        LevelProof(level=RecoveryLevel.UP, items=("proof/healthz",)),
        LevelProof(level=RecoveryLevel.SERVING, items=("proof/healthz", "database/restored")),
        LevelProof(level=RecoveryLevel.PROVEN, items=("proof/healthz", "proof/prove", "proof/confirm-1")),
    ),
)


def seen(verdict: Verdict) -> Observation:
    """A look with that verdict."""
    return Observation(verdict=verdict, expected="x", observed=str(verdict))


def declared(mode: e.Mode = e.Mode.DRILL, incident_at: str = "2025-06-01T00:00:00+00:00") -> e.RunDeclared:
    """The first event of a journal."""
    return e.RunDeclared(
        run="r1",
        mode=mode,
        target="t",
        target_key="k",
        runbook="book",
        runbook_version="1",
        runbook_sha256="0" * 64,
        runbook_source="",
        incident_at=incident_at,
        program_version="0",
    )


@dataclass
class Story:
    """A journal that grows by one record a second, and the state it folds to."""

    mode: e.Mode = e.Mode.DRILL
    records: list[e.Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.add(declared(self.mode))

    def add(self, *happened: e.Event) -> "Story":
        """Append events and give the story back."""
        for what in happened:
            self.records.append(a_record(len(self.records) + 1, what))
        return self

    def look(self, item: str, verdict: Verdict = Verdict.PASSED, *, costly: bool = False) -> "Story":
        """A check was looked at."""
        return self.add(e.CheckObserved(item=item, observation=seen(verdict), costly=costly))

    def intend(
        self,
        item: str,
        attempt: int = 1,
        outdates: tuple[str, ...] = (),
        script: str = "true",
        rests_on: tuple[str, ...] = (),
        **values: str,
    ) -> "Story":
        """A command was intended and its process seen."""
        return self.add(
            e.CommandIntended(
                item=item, attempt=attempt, script=script, values=values, outdates=outdates, rests_on=rests_on
            ),
            e.CommandStarted(item=item, attempt=attempt, pid=7, start_ticks=1, boot_id="b"),
        )

    def end(self, item: str, attempt: int = 1, code: int = 0, kind: e.EndKind = e.EndKind.EXITED) -> "Story":
        """The supervisor stored how the command ended."""
        return self.add(e.CommandEnded(item=item, attempt=attempt, kind=kind, code=code, took=2.0))

    def ran(self, item: str, attempt: int = 1, code: int = 0) -> "Story":
        """A command ran to its end."""
        return self.intend(item, attempt).end(item, attempt, code)

    def lose(self, item: str, attempt: int = 1, probe: ProbeResult | None = None) -> "Story":
        """A command's outcome was lost, and perhaps probed."""
        self.intend(item, attempt).add(e.OutcomeLost(item=item, attempt=attempt, why="power cut"))
        if probe is not None:
            self.add(e.OutcomeProbed(item=item, attempt=attempt, result=probe, observed="looked"))
        return self

    def give(self, item: str, value: str = "v1") -> "Story":
        """An input was given."""
        return self.add(e.InputGiven(item=item, variable=item.partition("/")[2], value=value))

    def answer(self, item: str, answer: Answer = Answer.PASSED, said: str = "") -> "Story":
        """Tabletop: somebody said what a check finds."""
        return self.add(e.CheckAnswered(item=item, answer=answer, said=said))

    def rehearse(
        self, item: str, attempt: int = 1, outdates: tuple[str, ...] = (), script: str = "true", **values: str
    ) -> "Story":
        """Tabletop: a command would be running."""
        return self.add(
            e.CommandRehearsed(item=item, attempt=attempt, script=script, values=values, outdates=outdates)
        )

    def tell(
        self,
        item: str,
        outcome: ToldOutcome = ToldOutcome.DONE,
        attempt: int = 1,
        said: str = "",
        would_take: float | None = None,
    ) -> "Story":
        """Tabletop: somebody said how it ended."""
        return self.add(
            e.OutcomeTold(item=item, attempt=attempt, outcome=outcome, said=said, would_take=would_take)
        )

    def sit(self, sitting: str = "1") -> "Story":
        """An operator attached."""
        return self.add(e.SittingOpened(sitting=sitting, operator="ada", host="h", front_end="plain"))

    @property
    def state(self) -> RunState:
        """What the journal folds to."""
        return fold(self.records)


def a_record(sequence: int, what: e.Event, *, boot: str = "b", at: float | None = None) -> e.Record:
    """An event as the journal keeps it, by default one a second."""
    seconds = float(sequence) if at is None else at
    return e.Record(
        version=1,
        sequence=sequence,
        previous="0" * 64,
        boot_id=boot,
        boottime=seconds,
        wall=f"2025-06-01T00:{int(seconds) // 60:02d}:{int(seconds) % 60:02d}+00:00",
        actor="ada",
        what=what,
    )


def through_database() -> Story:
    """The brief and the database step done as the runbook says."""
    story = Story().give("brief/BACKUP_SET").add(e.ItemConfirmed(item="brief/confirm-1", statement="yes"))
    story.look("brief/tools").look("database/dump-intact")
    return story.ran("database/restore").look("database/restored")


def to_the_end() -> Story:
    """Every item done."""
    story = through_database().look("side/mail").ran("side/mail-up").ran("proof/up").look("proof/healthz")
    return story.ran("proof/prove").add(e.ItemConfirmed(item="proof/confirm-1", statement="I saw it"))
