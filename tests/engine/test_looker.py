"""Looks at checks: which, when, and what of them reaches the journal."""

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pytest

from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.looker import RECORD_EVERY, Looker, due_in_step
from aihummer_drtui.run import events as e
from aihummer_drtui.run.fold import fold
from aihummer_drtui.run.outdating import outdated_by
from aihummer_drtui.run.settled import settled
from aihummer_drtui.run.state import ObservedState, RunState, Status
from aihummer_drtui.run.verdict import Verdict
from aihummer_drtui.runbook.model import CheckItem, Runbook
from aihummer_drtui.testing import Script, ScriptedCatalogue, ScriptedCheck
from tests.run.story import Story, a_check, a_command, a_runbook, a_step, an_input

BOOK = a_runbook(
    a_step("brief", an_input("brief/PLACE"), a_check("brief/tools")),
    a_step(
        "work",
        a_check("work/one"),
        a_command("work/first"),
        a_check("work/two"),
        a_command("work/second"),
        a_check("work/three"),
    ),
)
NAMES = ("tools", "one", "two", "three")


class HandClock(SystemClock):
    """A clock that a test sets."""

    now = 1000.0

    def boottime(self) -> float:
        """Give what was set."""
        return self.now


@dataclass
class Scene:
    """A looker over a story that its observations are added to."""

    path: Path
    runbook: Runbook = BOOK
    story: Story = field(default_factory=Story)
    clock: HandClock = field(default_factory=HandClock)
    has_room: bool = True
    """Whether the journal takes what is seen."""

    def __post_init__(self) -> None:
        self.world = ScriptedCatalogue(self.path / "world.json")
        self.tell()
        self.news = asyncio.Event()
        self.looker = Looker(
            catalogue=self.world,
            clock=self.clock,
            record=self.record,
            situation=lambda: (self.runbook, self.state),
        )

    def tell(self, **checks: ScriptedCheck) -> None:
        """Every check passes but for these."""
        self.world.tell(Script(checks={name: ScriptedCheck() for name in NAMES} | checks))

    def record(self, event: e.CheckObserved) -> bool:
        """What the engine does."""
        if self.has_room:
            self.story.add(event)
        self.news.set()
        return self.has_room

    @property
    def state(self) -> RunState:
        """What the journal folds to."""
        return fold(self.story.records)

    def show(self, step: str) -> None:
        """Open a step."""
        self.story.add(e.StepShown(step=step))

    def item(self, name: str) -> CheckItem:
        """A check of the step `work`."""
        item = self.runbook.item(f"work/{name}")
        assert isinstance(item, CheckItem)
        return item

    def looked(self) -> list[str]:
        """The names of the looks so far."""
        return [one.check for one in self.world.looked()]

    async def quiet(self) -> None:
        """Wait until no look is under way."""
        while tasks := list(self.looker._under_way.values()):
            await asyncio.wait(tasks)
            await asyncio.sleep(0)

    async def heard(self) -> None:
        """Wait for an observation."""
        async with asyncio.timeout(20):
            await self.news.wait()
        self.news.clear()

    def run(self, command: str) -> None:
        """A command ran well."""
        self.story.intend(command, outdates=outdated_by(self.runbook, command)).end(command)


async def hanging(pipe: Path) -> BinaryIO:
    """Wait until a look hangs on the pipe; it goes on when this is closed."""
    return await asyncio.to_thread(pipe.open, "wb")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A scene."""
    return Scene(tmp_path)


async def test_only_what_stands_before_the_next_command_is_looked_at(scene: Scene) -> None:
    """What verifies a command says nothing before it ran; after it passed it is looked at at once."""
    scene.looker.poll()
    scene.show("work")
    scene.looker.poll()
    await scene.quiet()
    assert scene.looked() == ["one"]
    scene.run("work/first")
    scene.looker.verify_after(scene.runbook.steps[1], "work/first")
    await scene.quiet()
    assert scene.looked() == ["one", "two"]
    scene.clock.now += 100
    scene.looker.poll()
    await scene.quiet()
    assert scene.looked() == ["one", "two", "two"], "what was the precondition of a pass has served"
    scene.looker.verify_after(scene.runbook.steps[1], "work/gone-from-the-runbook")
    await scene.quiet()
    assert scene.looked() == ["one", "two", "two"]


async def test_precondition_of_a_running_command_is_no_alarm(scene: Scene) -> None:
    """It has served; should the command fail, it is looked at again before the next attempt."""
    assert [item.id for item in due_in_step(scene.state, BOOK.steps[1])] == ["work/one"]
    scene.story.intend("work/first")
    assert due_in_step(scene.state, BOOK.steps[1]) == ()
    scene.story.end("work/first", code=1)
    assert [item.id for item in due_in_step(scene.state, BOOK.steps[1])] == ["work/one"]


async def test_check_of_a_value_waits_for_the_value(scene: Scene) -> None:
    """A check behind an input is about its value; before it is given there is nothing to see."""
    assert due_in_step(scene.state, BOOK.steps[0]) == ()
    scene.story.give("brief/PLACE")
    assert [item.id for item in due_in_step(scene.state, BOOK.steps[0])] == ["brief/tools"]


async def test_skipped_check_is_not_due(scene: Scene) -> None:
    """What the operator left out costs nobody time."""
    scene.story.add(e.ItemSkipped(item="work/one", reason="x"))
    scene.run("work/first")
    scene.run("work/second")
    assert [item.id for item in due_in_step(scene.state, BOOK.steps[1])] == ["work/two", "work/three"]


async def test_looks_come_at_their_interval_and_the_journal_does_not_grow_by_them(scene: Scene) -> None:
    """Hours of polling leave a readable journal: news at once, the same again once a minute."""
    scene.show("work")
    scene.looker.poll()
    await scene.quiet()
    records = len(scene.story.records)
    for _ in range(20):
        scene.clock.now += 4.9
        scene.looker.poll()
        await scene.quiet()
        scene.clock.now += 0.1
        scene.looker.poll()
        await scene.quiet()
    assert len(scene.looked()) == 21
    assert len(scene.story.records) == records + int(100 / RECORD_EVERY)
    scene.tell(one=ScriptedCheck(verdict=Verdict.FAILED, observed="gone"))
    scene.clock.now += 5
    scene.looker.poll()
    await scene.quiet()
    assert scene.state.status("work/one") is Status.DRIFTED


async def test_asked_for_look_is_journalled_whatever_it_saw(scene: Scene) -> None:
    """Who asks is answered, also when nothing is new."""
    scene.show("work")
    scene.looker.poll()
    await scene.quiet()
    records = len(scene.story.records)
    scene.looker.look_at([scene.item("one")])
    await scene.quiet()
    assert len(scene.story.records) == records + 1


async def test_costly_check_is_looked_at_once(scene: Scene) -> None:
    """Interval 0: once, and again only when it is out of date or asked for; not because somebody attaches."""
    scene.tell(one=ScriptedCheck(interval=0.0))
    scene.show("work")
    for _ in range(3):
        scene.clock.now += 1000
        scene.looker.poll()
        await scene.quiet()
    assert scene.looked() == ["one"]
    scene.story.sit()
    scene.looker.look_again_at_what_stood()
    scene.looker.poll()
    await scene.quiet()
    assert scene.looked() == ["one"]
    scene.looker.look_at([scene.item("one")])
    await scene.quiet()
    assert scene.looked() == ["one", "one"]


async def test_new_engine_looks_again_at_what_is_costly_and_holds_nothing_up(
    scene: Scene, tmp_path: Path
) -> None:
    """What an engine saw that is gone stands meanwhile, and has drifted when it is otherwise."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    scene.tell(one=ScriptedCheck(interval=0.0))
    scene.looker.look_at([scene.item("one")])
    await scene.quiet()
    scene.story.sit()
    place = tmp_path / "again"
    place.mkdir()
    again = Scene(place, story=scene.story)
    again.tell(one=ScriptedCheck(interval=0.0, waits_for=str(pipe), verdict=Verdict.FAILED))
    again.looker.look_again_at_what_stood()
    held = await hanging(pipe)
    assert settled(again.state, again.item("one"))
    held.close()
    await again.quiet()
    assert again.state.status("work/one") is Status.DRIFTED


async def test_hanging_look_is_unknown_in_its_time_and_never_piles_up(scene: Scene, tmp_path: Path) -> None:
    """A world that does not answer costs one thread, blocks no other look, and is told."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    scene.tell(one=ScriptedCheck(waits_for=str(pipe), time_out=0.05, interval=0.01))
    scene.show("work")
    scene.looker.poll()
    await scene.heard()
    await scene.quiet()
    known = scene.state.items["work/one"]
    assert isinstance(known, ObservedState)
    assert known.status is Status.UNKNOWN
    assert known.observation.observed == "no answer within 0 s"
    for _ in range(10):
        scene.clock.now += 10
        scene.looker.poll()
        scene.looker.look_at([scene.item("two")])
        await scene.quiet()
    assert scene.looked().count("one") == 1
    assert scene.looked().count("two") == 10
    scene.story.sit()
    scene.looker.poll()
    assert scene.looker._answers["work/one"].done() is False
    assert isinstance(now := scene.state.items["work/one"], ObservedState)
    assert now.fresh, "a new sitting is told that it hangs still"
    (await hanging(pipe)).close()
    await scene.looker._answers["work/one"]
    scene.tell()
    scene.clock.now += 10
    scene.looker.poll()
    await scene.quiet()
    assert scene.state.status("work/one") is Status.PASSED


async def test_engine_does_not_wait_long_for_a_hanging_look(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that is to end ends, whatever a look waits for."""
    monkeypatch.setattr("aihummer_drtui.engine.looker._GRACE", 0.05)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    await scene.looker.close()
    scene.tell(one=ScriptedCheck(waits_for=str(pipe)))
    scene.looker.look_at([scene.item("one")])
    held = await hanging(pipe)
    await scene.looker.close()
    await scene.quiet()
    assert scene.state.status("work/one") is Status.PENDING
    held.close()


async def test_new_sitting_looks_again_at_what_nobody_could_prove(scene: Scene) -> None:
    """An unproven check stood in nobody's way; until it is seen anew it is not settled."""
    scene.story.look("brief/tools", Verdict.UNPROVEN).look("work/two", Verdict.FAILED)
    tools = scene.runbook.item("brief/tools")
    assert tools is not None
    assert settled(scene.state, tools)
    scene.story.sit()
    assert not settled(scene.state, tools)
    scene.tell(tools=ScriptedCheck(verdict=Verdict.UNPROVEN))
    scene.looker.look_again_at_what_stood()
    await scene.quiet()
    assert scene.looked() == ["tools"]
    assert settled(scene.state, tools)


async def test_look_asked_for_during_a_look_is_a_second_look(scene: Scene, tmp_path: Path) -> None:
    """Somebody mended the cause while a long look read the old state: what counts is what is seen then."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    scene.tell(one=ScriptedCheck(verdict=Verdict.FAILED, waits_for=str(pipe)))
    scene.show("work")
    scene.looker.poll()
    held = await hanging(pipe)
    scene.looker.poll()
    scene.tell()
    scene.looker.look_at([scene.item("one")])
    held.close()
    await scene.quiet()
    assert scene.looked() == ["one", "one"]
    assert scene.state.status("work/one") is Status.PASSED


async def test_polling_during_a_long_look_asks_for_no_second_one(scene: Scene, tmp_path: Path) -> None:
    """Else a look that takes longer than its interval would be repeated without end."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    scene.tell(one=ScriptedCheck(waits_for=str(pipe)))
    scene.show("work")
    scene.looker.poll()
    held = await hanging(pipe)
    scene.clock.now += 10_000
    scene.looker.poll()
    held.close()
    await scene.quiet()
    assert scene.looked() == ["one"]


async def test_cheap_look_does_not_queue_behind_costly_ones(scene: Scene, tmp_path: Path) -> None:
    """Hours of hashing hold up no precondition that is seen again before a start."""
    pipes = [tmp_path / name for name in ("a", "b", "c")]
    for pipe in pipes:
        os.mkfifo(pipe)
    costly = {
        name: ScriptedCheck(interval=0.0, waits_for=str(pipe))
        for name, pipe in zip(("tools", "two", "three"), pipes, strict=True)
    }
    scene.tell(**costly)
    tools = scene.runbook.item("brief/tools")
    assert isinstance(tools, CheckItem)
    scene.looker.look_at([tools, scene.item("two"), scene.item("three")])
    held = [await hanging(pipe) for pipe in pipes[:2]]
    await scene.looker.renew([scene.item("one")], older_than=0)
    assert scene.looked().count("one") == 1
    assert scene.state.status("work/one") is Status.PASSED
    for each in held:
        each.close()
    (await hanging(pipes[2])).close()
    await scene.quiet()
    assert sorted(scene.looked()) == ["one", "three", "tools", "two"]


async def test_new_sitting_looks_again_at_all_that_passed(scene: Scene) -> None:
    """On resume nothing counts as passed that was not seen again: it passes anew or has drifted."""
    scene.story.look("brief/tools").look("work/one").look("work/two", Verdict.FAILED).sit()
    scene.tell(one=ScriptedCheck(verdict=Verdict.FAILED))
    scene.looker.look_again_at_what_stood()
    await scene.quiet()
    assert sorted(scene.looked()) == ["one", "tools"]
    assert scene.state.status("brief/tools") is Status.PASSED
    assert scene.state.status("work/one") is Status.DRIFTED


async def test_new_value_makes_every_look_out_of_date(scene: Scene) -> None:
    """What was seen with another value is looked at again with the new one."""
    scene.tell(one=ScriptedCheck(observed="in {PLACE}"))
    scene.story.give("brief/PLACE", "/a")
    scene.looker.look_at([scene.item("one")])
    await scene.quiet()
    scene.story.give("brief/PLACE", "/b")
    scene.looker.look_again_at_everything()
    await scene.quiet()
    assert isinstance(known := scene.state.items["work/one"], ObservedState)
    assert known.observation.observed == "in /b"


@pytest.mark.parametrize("asked_again", [True, False])
async def test_answer_to_an_outdated_question_gets_nowhere(
    scene: Scene, tmp_path: Path, asked_again: bool
) -> None:
    """A value given, while a look with the old one is under way, is never proven by the old answer."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    scene.tell(one=ScriptedCheck(observed="in {PLACE}", waits_for=str(pipe)))
    scene.story.give("brief/PLACE", "/a")
    scene.show("work")
    scene.looker.poll()
    held = await hanging(pipe)
    scene.story.give("brief/PLACE", "/b")
    scene.tell(one=ScriptedCheck(observed="in {PLACE}"))
    if asked_again:
        scene.looker.look_at([scene.item("one")])
    held.close()
    await scene.quiet()
    if not asked_again:
        assert scene.state.status("work/one") is Status.PENDING
        scene.looker.poll()
        await scene.quiet()
    assert isinstance(known := scene.state.items["work/one"], ObservedState)
    assert known.observation.observed == "in /b"
    assert [one.values["PLACE"] for one in scene.world.looked()] == ["/a", "/b"]


async def test_look_begun_before_a_command_does_not_verify_it(scene: Scene, tmp_path: Path) -> None:
    """What was seen while the world was being changed proves nothing about the change."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    scene.tell(two=ScriptedCheck(waits_for=str(pipe)))
    scene.looker.look_at([scene.item("two")])
    held = await hanging(pipe)
    scene.run("work/first")
    scene.tell(two=ScriptedCheck(verdict=Verdict.FAILED))
    scene.looker.verify_after(scene.runbook.steps[1], "work/first")
    held.close()
    await scene.quiet()
    assert scene.state.status("work/two") is Status.FAILED
    assert scene.looked() == ["two", "two"]
    assert Verdict.PASSED not in [
        one.what.observation.verdict for one in scene.story.records if isinstance(one.what, e.CheckObserved)
    ]


async def test_renewing_waits_for_cheap_old_looks_only(scene: Scene) -> None:
    """Before what is irreversible, old greens are seen again; a costly proof is not repeated."""
    scene.tell(two=ScriptedCheck(interval=0.0))
    items = [scene.item("one"), scene.item("two")]
    await scene.looker.renew(items, older_than=30)
    assert scene.looked() == ["one"]
    scene.clock.now += 29
    await scene.looker.renew(items, older_than=30)
    assert scene.looked() == ["one"]
    scene.clock.now += 2
    await scene.looker.renew(items, older_than=30)
    assert scene.looked() == ["one", "one"]


async def test_look_that_could_not_be_recorded_is_no_look(scene: Scene) -> None:
    """Before an irreversible command it is looked again, however short ago that was."""
    scene.show("work")
    scene.looker.poll()
    await scene.quiet()
    scene.tell(one=ScriptedCheck(verdict=Verdict.FAILED))
    scene.has_room = False
    scene.looker.look_at([scene.item("one")])
    await scene.quiet()
    scene.has_room = True
    assert scene.state.status("work/one") is Status.PASSED
    await scene.looker.renew([scene.item("one")], older_than=3600.0)
    assert scene.state.status("work/one") is Status.DRIFTED


async def test_look_that_breaks_is_unknown(scene: Scene) -> None:
    """A fault of a check is told as such, without what its message may hold."""
    scene.tell(one=ScriptedCheck(breaks=True))
    scene.looker.look_at([scene.item("one")])
    await scene.quiet()
    assert isinstance(known := scene.state.items["work/one"], ObservedState)
    assert known.status is Status.UNKNOWN
    assert known.observation.observed == "the look itself broke: RuntimeError"


async def test_look_that_gets_no_thread_is_no_fault_of_the_check(scene: Scene, no_threads: None) -> None:
    """The host is short of processes: unknown, with what to do about it."""
    scene.looker.look_at([scene.item("one")])
    await scene.quiet()
    assert isinstance(known := scene.state.items["work/one"], ObservedState)
    assert known.status is Status.UNKNOWN
    assert known.observation.observed == "this host gives the engine no thread to look with"


async def test_check_that_is_not_there_is_unknown(scene: Scene) -> None:
    """A runbook that names what this program does not have is answered, not stuck."""
    scene.world.tell(Script())
    scene.looker.look_at([scene.item("one")])
    await scene.quiet()
    assert scene.state.status("work/one") is Status.UNKNOWN
    assert scene.world.names() == frozenset()
