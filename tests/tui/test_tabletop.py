"""A tabletop on the screens: walked by keys alone at 80x24, with a facilitator, and nothing that looks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aihummer_drtui.engine.tabletop import TabletopFacts
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.events import Mode
from aihummer_drtui.run.state import Finished, Status
from aihummer_drtui.run.verdict import Answer, ProbeResult, ToldOutcome
from aihummer_drtui.runbook.model import RecoveryLevel, Runbook
from aihummer_drtui.tui.away import Away
from aihummer_drtui.tui.describing import item_lines
from aihummer_drtui.tui.gantt import Happened, gantt_lines, read_happened
from aihummer_drtui.tui.intents import RUN, STEP, in_mode
from aihummer_drtui.tui.item_acts import About, item_act
from aihummer_drtui.tui.legal_acts import legal_acts
from aihummer_drtui.tui.offer import OpenTold, offer_for
from aihummer_drtui.tui.screens.absence import absence_lines
from aihummer_drtui.tui.screens.completion import CompletionScreen
from aihummer_drtui.tui.screens.gate import GateScreen
from aihummer_drtui.tui.screens.step import StepScreen
from aihummer_drtui.tui.screens.telling import AnswerScreen, OutcomeScreen, ProbeScreen
from aihummer_drtui.tui.screens.unknown import UnknownScreen
from aihummer_drtui.tui.widgets.banner import now
from tests.engine.engine_house import House, a_house, accepted, book, command, until
from tests.run.story import RECOVERY, Story
from tests.tui.screens import Screens, shown

PHRASE = "sandbox/aihummer"


def a_book(place: Path) -> Runbook:
    """A gate and a plain command; whatever ran would leave a file behind."""
    probe = f"touch {place}/probed"
    return book(
        command("work/swap", f"touch {place}/swapped", probe=probe, destructive=True),
        command("work/do", f"touch {place}/done", probe=probe),
    )


def left_in(place: Path) -> list[str]:
    """The names of what lies there."""
    return sorted(path.name for path in place.iterdir())


@asynccontextmanager
async def at_table(place: Path, *, size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[House, Screens]]:
    """The screens of a tabletop, with what its composition root would know; nothing may have happened."""
    with a_house(place, a_book(place), mode=Mode.TABLETOP) as house:
        facts = TabletopFacts("sandbox")
        async with shown(house, size=size, facts=facts) as screens:
            yield house, screens
        assert house.world.looked() == []
        assert left_in(place) == ["state"]


async def briefed(screens: Screens) -> None:
    """Go through the first step, up to the first check of the second."""
    await screens.until_shown("BRIEFING", f"Its gates take {PHRASE}")
    await screens.press("enter")
    await screens.enter_when("give BACKUP_SET")
    await screens.until_shown("BACKUP_SET>", "Type the value.")
    await screens.write("/b")
    await screens.press("enter")
    await screens.enter_when("state that you have seen it")
    await screens.enter_when("go to step 2")
    await screens.until_shown("Enter: say what work/before finds")


async def tell(screens: Screens, letter: str, words: str = "") -> None:
    """Choose by a letter, add words, and put it on record."""
    await screens.press(letter)
    await screens.until_shown("what was said>")
    await screens.write(words)
    await screens.press("enter")


async def to_the_swap(screens: Screens) -> None:
    """Answer what comes before the gate, and pass it by hand."""
    await screens.enter_when("say what work/before finds")
    await tell(screens, "p")
    await screens.enter_when("open the gate of work/swap")
    await screens.until_shown("GATE: work/swap is IRREVERSIBLE", "It acts on host sandbox, database aihummer")
    await screens.write(PHRASE)
    await screens.press("enter")
    await screens.until_shown("Enter: say how work/swap ended")


async def test_letters_or_arrows_choose_and_enter_alone_tells_nothing(tmp_path: Path) -> None:
    """Words may be added; going back tells nothing either."""
    async with at_table(tmp_path) as (house, screens):
        await briefed(screens)
        await screens.press("enter")
        await screens.until_shown("WHAT DOES work/before FIND?", "Nobody looks", "Enter: nothing yet")
        await screens.press("enter")
        assert "Nothing is told by Enter alone" in screens.text()
        await screens.press("down", "down", "down", "down")
        await screens.until_shown("Enter: unproven")
        await screens.press("up", "up", "enter")
        await screens.until_shown("WHAT DOES work/before FIND? PASSED", "Enter: put passed on record")
        await screens.press("f3")
        await screens.until_shown("Enter: passed")
        await screens.press("enter")
        await screens.until_shown("what was said>")
        await screens.write("seen in the plan")
        await screens.press("enter")
        await screens.until_shown("+ passed   check   before [answered]")
        assert house.of_kind(e.CheckAnswered) == [
            e.CheckAnswered(item="work/before", answer=Answer.PASSED, said="seen in the plan")
        ]


async def test_a_tabletop_is_walked_by_keys_alone(tmp_path: Path) -> None:
    """The gate by hand, the rest by Enter and letters; each thing that was told stays visibly told."""
    async with at_table(tmp_path) as (house, screens):
        await briefed(screens)
        await screens.press("enter")
        await tell(screens, "p")
        await screens.enter_when("open the gate of work/swap")
        gate = await screens.until_shown("now nothing is executed:", "nobody looked at it")
        assert f"touch {tmp_path}"[:40] in gate
        await screens.press("enter")
        assert "Enter does not pass this gate" in screens.text()
        screens.now_on(GateScreen)
        await screens.write(PHRASE)
        await screens.press("enter")
        await screens.until_shown(
            "> running  command swap [rehearsed]", "as if running for", "nothing is executed"
        )
        await screens.enter_when("say how work/swap ended")
        await screens.until_shown("HOW DID work/swap END?", "d  done: it ended well", "u  unknown")
        await tell(screens, "d", "took 20m all rows")
        await screens.until_shown("+ passed   command swap [told]")
        await screens.enter_when("rehearse work/do; nothing is executed")
        await screens.enter_when("say how work/do ended")
        await tell(screens, "y")
        await screens.until_shown("x failed   command do [told]")
        await screens.enter_when("rehearse work/do")
        await screens.enter_when("say how work/do ended")
        await tell(screens, "d")
        await screens.enter_when("say what work/after finds")
        await tell(screens, "u")
        await screens.enter_when("finish the run")
        await screens.until(lambda: isinstance(screens.app.screen, CompletionScreen))
        text = await screens.until_shown(
            "*** TABLETOP GONE THROUGH ***", "nothing is proven", "Next: write down"
        )
        assert "Left over" not in text
        assert "As told, the commands would have taken: 20 min" in text
        told = house.of_kind(e.OutcomeTold)
        assert [
            (one.outcome, one.said, one.would_take) for one in told if isinstance(one, e.OutcomeTold)
        ] == [
            (ToldOutcome.DONE, "all rows", 1200.0),
            (ToldOutcome.PARTLY, "", None),
            (ToldOutcome.DONE, "", None),
        ]
        ending = house.of_kind(e.RunFinished)[0]
        assert isinstance(ending, e.RunFinished)
        assert ending.level is RecoveryLevel.NONE
    assert screens.app.view is not None
    assert isinstance(screens.app.view.state.ending, Finished)


async def test_an_unknown_outcome_is_probed_by_telling_and_settled_as_ever(tmp_path: Path) -> None:
    """The probe is answered, may be answered otherwise, and a person decides with a reason."""
    async with at_table(tmp_path) as (house, screens):
        await briefed(screens)
        await to_the_swap(screens)
        await screens.press("enter")
        await tell(screens, "u", "the session was cut")
        await screens.enter_when("say what the probe of work/swap sees")
        await screens.until_shown("WHAT DOES THE PROBE OF work/swap SEE?", "by exactly this:", "probed")
        await tell(screens, "y", "two of five")
        await screens.enter_when("decide what became of work/swap")
        text = await screens.until_shown(
            "The probe, as answered: partial: two of five", "Enter=answer the probe"
        )
        assert "Why nobody knows: it was told so: the session was cut" in text
        await screens.press("f1")
        helped = await screens.until_shown("HELP: the keys", "answer the probe otherwise")
        assert "run the probe again" not in helped
        await screens.press("f3")
        await screens.press("enter")
        await screens.until_shown("WHAT DOES THE PROBE", "Answered before: partial")
        screens.now_on(ProbeScreen)
        await tell(screens, "d")
        await screens.until_shown("The probe, as answered: done", "Safe: count it as done")
        screens.now_on(UnknownScreen)
        await screens.press("d")
        await screens.write("as the probe says")
        await screens.press("enter")
        await screens.until_shown("+ passed   command swap [told]")
        results = [one.result for one in house.of_kind(e.ProbeAnswered) if isinstance(one, e.ProbeAnswered)]
        assert results == [ProbeResult.PARTIAL, ProbeResult.DONE]


async def test_a_facilitator_is_seen_live_and_may_inject_a_fault(tmp_path: Path) -> None:
    """An open question closes when somebody else answers it; what was so is no longer so."""
    async with at_table(tmp_path) as (house, screens):
        facilitator = house.sit("finn")
        await briefed(screens)
        await screens.press("enter")
        screens.now_on(AnswerScreen)
        accepted(facilitator, r.AnswerCheck(item="work/before", answer=Answer.PASSED, said="go on"))
        await screens.until(lambda: isinstance(screens.app.screen, StepScreen))
        await screens.until_shown("+ passed   check   before [answered]")
        await screens.enter_when("open the gate of work/swap")
        await screens.write(PHRASE)
        await screens.press("enter")
        await screens.enter_when("say how work/swap ended")
        screens.now_on(OutcomeScreen)
        accepted(facilitator, r.TellOutcome(item="work/swap", outcome=ToldOutcome.DONE))
        await screens.until_shown("+ passed   command swap [told]", "Enter: rehearse work/do")
        fault = r.AnswerCheck(item="work/before", answer=Answer.FAILED, said="the disk is full")
        accepted(facilitator, fault)
        await screens.until_shown("! drifted  check   before [answered]", "the disk is full (finn)")
        await screens.enter_when("say what work/before finds")
        await screens.until_shown(
            "answered by finn: failed: the disk is full", "It may be answered otherwise"
        )
        await tell(screens, "p", "room was made")
        until(facilitator, lambda state: state.status("work/before") is Status.PASSED)


async def test_what_looks_or_executes_is_not_offered(tmp_path: Path) -> None:
    """Not in the footer, not by its key, not in the palette; the words of a tabletop are."""
    async with at_table(tmp_path) as (house, screens):
        await briefed(screens)
        await screens.until_shown("i=say it")
        assert "a=again" not in screens.text()
        await screens.press("a", "t", "exclamation_mark", "l", "o")
        screens.now_on(StepScreen)
        await screens.press("colon")
        await screens.until_shown("say what work/before finds")
        palette = screens.text()
        assert "look at" not in palette
        assert "stop" not in palette
        assert "shell" not in palette
        await screens.press("f3")
        await screens.press("f1")
        helped = await screens.until_shown("tabletop: say what the selected check finds")
        assert "end the selected command" not in helped
        assert "see what the command wrote" not in helped
        await screens.press("f3")
        await screens.press("i")
        screens.now_on(AnswerScreen)
        assert not house.of_kind(e.CheckAnswered)


async def test_the_timeline_tells_what_was_told(tmp_path: Path) -> None:
    """Each with the word, and by whom."""
    async with at_table(tmp_path, size=(100, 50)) as (_, screens):
        await briefed(screens)
        await to_the_swap(screens)
        await screens.press("enter")
        await tell(screens, "f", "no room")
        await screens.until_shown("x failed   command swap [told]")
        await screens.press("e")
        text = await screens.until_shown("TIMELINE", "x work/swap: told: failed: no room (anna)")
        assert "work/before: answered: passed (anna)" in text
        assert "> work/swap, attempt 1, rehearsed: nothing is executed" in text


async def test_whoever_comes_back_is_told_what_was_told(tmp_path: Path) -> None:
    """At the place that was left, with nothing looked at again."""
    with a_house(tmp_path, a_book(tmp_path), mode=Mode.TABLETOP) as house:
        first = house.sit("olga")
        accepted(first, r.ShowStep(step="work"))
        accepted(first, r.AnswerCheck(item="work/before", answer=Answer.PASSED))
        house.leave(first)
        async with shown(house, facts=TabletopFacts("sandbox")) as screens:
            await screens.until_shown("+ passed   check   before [answered]")
            assert "being looked at" not in screens.text()


def test_offers_and_acts_of_a_tabletop() -> None:
    """What Enter does on a selected item, and what the palette holds."""
    story = Story(mode=Mode.TABLETOP).add(e.StepShown(step="side"))
    check, up = RECOVERY.item("side/mail"), RECOVERY.item("side/mail-up")
    assert check is not None
    assert up is not None
    assert isinstance(offer_for(RECOVERY, story.state, check).act, OpenTold)
    assert item_act(About.TELL, RECOVERY, story.state, up) is None
    story.answer("side/mail").rehearse("side/mail-up")
    assert item_act(About.TELL, RECOVERY, story.state, up) == OpenTold(item=up)  # type: ignore[arg-type]
    words = [entry.words for entry in legal_acts(RECOVERY, story.state)]
    assert "say how side/mail-up ended" in words
    assert "say what side/mail finds" in words
    drill = Story().add(e.StepShown(step="side")).look("side/mail")
    assert item_act(About.TELL, RECOVERY, drill.state, check) is None
    confirm = RECOVERY.item("brief/confirm-1")
    assert confirm is not None
    assert item_act(About.TELL, RECOVERY, story.state, confirm) is None


def test_details_say_who_told_what() -> None:
    """Of a check that is out of date, too; and bars run from the rehearsal to the telling."""
    story = Story(mode=Mode.TABLETOP).add(e.StepShown(step="side"))
    mail, up = RECOVERY.item("side/mail"), RECOVERY.item("side/mail-up")
    assert mail is not None
    assert up is not None
    nothing = " ".join(line.text for line in item_lines(story.state, mail, story.state.latest))
    assert "Not answered yet. In a tabletop nobody looks" in nothing
    story.answer("side/mail", said="port 25").rehearse("side/mail-up", outdates=("side/mail",))
    text = " ".join(line.text for line in item_lines(story.state, mail, story.state.latest))
    assert "that no longer counts, it is to be answered again" in text
    assert "answered by ada: passed: port 25" in text
    rehearsed = " ".join(line.text for line in item_lines(story.state, up, story.state.latest))
    assert "rehearsed, nothing is executed; 'i' says how it ended" in rehearsed
    story.tell("side/mail-up", would_take=60.0)
    told = " ".join(line.text for line in item_lines(story.state, up, story.state.latest))
    assert "+ passed, told by ada: done; it would have taken 1 min" in told
    lines = [line.text for line in gantt_lines(RECOVERY, story.state, happened(story), now(), 80)]
    assert any(line.startswith("   mail-up") and "=" in line for line in lines)
    story.add(e.LevelTold(level=RecoveryLevel.UP))
    events = [line.text for line in gantt_lines(RECOVERY, story.state, happened(story), now(), 80)]
    assert any(line.endswith("recovery level as told, not proven: up (ada)") for line in events)


def happened(story: Story) -> Happened:
    """What its journal tells."""
    return read_happened(RECOVERY, tuple(story.records))


def test_what_happened_meanwhile_is_told_as_told() -> None:
    """And nothing is promised to be looked at again."""
    away = Away()
    story = Story(mode=Mode.TABLETOP).sit().add(e.SittingClosed(sitting="1", reason="x"))
    story.answer("side/mail", said="port 25").rehearse("side/mail-up")
    for record in story.records:
        away.hear(record)
    text = [line.text for line in absence_lines(away, tabletop=True)]
    assert any(line.endswith("side/mail: answered: passed: port 25 (ada)") for line in text)
    assert text[-1] == "What was told stays told: in a tabletop nobody looks again."


async def test_what_is_copied_and_printed_was_told(tmp_path: Path) -> None:
    """With the word beside it; a command that was only rehearsed lies in no attempt's folder."""
    async with at_table(tmp_path) as (house, screens):
        await briefed(screens)
        step = screens.now_on(StepScreen)
        assert step.copied() == ("work/before", str(house.folder.journal))
        await to_the_swap(screens)
        assert step.copied()[1] == str(house.folder.path / "runbook")
        assert "3. . pending" in step.as_text()
        assert "1. + passed, answered: check work/before" in step.as_text()
        await screens.press("up")
        assert step.copied() == ("answered by anna: passed", str(house.folder.journal))


async def test_what_is_told_too_late_is_refused(tmp_path: Path) -> None:
    """While the words were typed, somebody else told it: nothing is told twice."""
    async with at_table(tmp_path) as (house, screens):
        facilitator = house.sit("finn")
        await briefed(screens)
        await to_the_swap(screens)
        await screens.press("enter")
        await screens.press("f")
        await screens.until_shown("what was said>")
        accepted(facilitator, r.TellOutcome(item="work/swap", outcome=ToldOutcome.DONE))
        await screens.press("enter")
        await screens.until_shown("+ passed   command swap [told]", "REFUSED: work/swap is not under way")
        assert len(house.of_kind(e.OutcomeTold)) == 1


def test_help_explains_what_can_ever_be_done() -> None:
    """Neither mode's keys are those of the other."""
    told = {one.shown for one in in_mode((*STEP, *RUN), tabletop=True)}
    seen = {one.shown for one in in_mode((*STEP, *RUN), tabletop=False)}
    assert told - seen == {"i"}
    assert seen - told == {"t", "o", "f", "l", "!", "d"}
