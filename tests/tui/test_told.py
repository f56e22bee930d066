"""What the screens say of a run, told by tables: the palette, the timeline, the print, the copy."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.run import events as e
from aihummer_drtui.run.fold import fold
from aihummer_drtui.run.state import RunState
from aihummer_drtui.run.verdict import ProbeResult, Verdict
from aihummer_drtui.tui.describing import output_lines
from aihummer_drtui.tui.gantt import EVENTS_KEPT, gantt_lines, read_happened
from aihummer_drtui.tui.legal_acts import legal_acts
from aihummer_drtui.tui.place import Place, Showing
from aihummer_drtui.tui.printing import copied_of, step_text
from aihummer_drtui.tui.view import Connection, Output, View
from aihummer_drtui.tui.widgets.banner import clock_text
from aihummer_drtui.tui.widgets.pane import Line, fitted
from tests.run.story import (
    RECOVERY,
    Story,
    a_command,
    a_record,
    a_runbook,
    a_step,
    declared,
    through_database,
)


def at(step: str, story: Story) -> RunState:
    """The state with that step shown."""
    return story.add(e.StepShown(step=step)).state


def words(state: RunState) -> list[str]:
    """The palette."""
    return [entry.words for entry in legal_acts(RECOVERY, state)]


def test_the_palette_holds_what_is_legal_and_nothing_else() -> None:
    """A running command can be stopped from anywhere, a lost one decided."""
    running = words(at("brief", Story().intend("side/mail-up")))
    assert "stop side/mail-up" in running
    assert "start side/mail-up" not in running
    assert any(one.startswith("go to step 3") for one in running)
    assert "finish the run" not in running
    lost = words(at("brief", Story().intend("side/mail-up").lose("side/mail-up", probe=ProbeResult.DONE)))
    assert "decide what became of side/mail-up" in lost
    assert not any(one.startswith("skip side/mail-up") for one in lost)


def test_an_input_and_a_red_check_have_their_words() -> None:
    """Give, look again, override; what was never seen is skipped, not overridden."""
    brief = words(at("brief", Story()))
    assert any(one.startswith("give ") for one in brief)
    check = next(item.id for item in RECOVERY.items if "check" in type(item).__name__.lower())
    step = check.partition("/")[0]
    assert f"override {check} (a deviation)" not in words(at(step, Story()))
    red = words(at(step, Story().look(check, Verdict.FAILED)))
    assert {
        f"look at {check} again",
        f"override {check} (a deviation)",
        f"skip {check} (a deviation)",
    } <= set(red)


def test_the_timeline_of_a_long_run_shows_its_bars_and_its_latest_events() -> None:
    """What is drawn does not grow with the journal, and what is left out is told."""
    story = through_database()
    for number in range(EVENTS_KEPT + 50):
        story.add(e.NoteWritten(text=f"note {number}"))
    happened = read_happened(RECOVERY, story.records)
    told = [line.text for line in gantt_lines(RECOVERY, story.state, happened, story.state.latest, 80)]
    assert len(told) < EVENTS_KEPT + 50
    assert any("note 1049" in line for line in told)
    assert not any("note 0" in line for line in told)
    (left_out,) = [line for line in told if "earlier events are not shown" in line]
    assert int(left_out.split()[0]) > 50
    assert any("=" in line for line in told if line.strip().startswith("restore"))


def test_the_timeline_draws_commands_along_the_time() -> None:
    """A bar for each step that was shown and each command that ran; then the events."""
    happened: list[e.Event] = [
        declared(),
        e.StepShown(step="side"),
        e.CommandIntended(item="side/mail-up", attempt=1, script="up", values={}),
        e.CommandEnded(item="side/mail-up", attempt=1, kind=e.EndKind.EXITED, code=1, took=2.0),
        e.StepShown(step="brief"),
        e.ItemSkipped(item="side/mail-up", reason="no \x1b[2J need"),
        e.NoteWritten(text="[bold]noted[/]"),
        e.OutcomeLost(item="side/mail-up", attempt=1, why="killed"),
        e.OutcomeSettled(item="side/mail-up", attempt=1, done=True, reason="seen"),
        e.ItemOverridden(item="brief/x", reason="why"),
    ]
    records = [a_record(number, what, at=float(number)) for number, what in enumerate(happened, 1)]

    state = fold(records)
    lines = [
        line.text
        for line in gantt_lines(RECOVERY, state, read_happened(RECOVERY, tuple(records)), state.latest, 80)
    ]
    bars = {line[:24].strip(): line[24:] for line in lines if line.strip()}
    assert "=" in bars["mail-up"]
    assert "." in bars["3. side"]
    assert "!" in bars["deviations"]
    told = "\n".join(lines)
    for text in (
        "x side/mail-up: exit code 1",
        "no \\x1b[2J need",
        "[bold]noted[/]",
        "counts as done: seen",
        "! overrode",
    ):
        assert text in told
    assert all(len(line) <= 80 for line in lines[:12])


def a_view(state: RunState, output: Output | None = None) -> View:
    """A view of a run that lies nowhere."""
    folder = RunFolder(path=Path("/runs/r1"))
    return View(folder=folder, runbook=RECOVERY, state=state, connection=Connection.LIVE, output=output)


OUTPUT = Output(item="side/mail-up", attempt=2, lines=("one", "two"), size=8)


@pytest.mark.parametrize(
    ("item", "wanted", "copied", "file"),
    [
        ("side/mail-up", Showing.OUTPUT, "one\ntwo", "/runs/r1/attempts/side.mail-up.2/output"),
        ("side/mail-up", Showing.ITEM, "true", "/runs/r1/attempts/side.mail-up.1/script"),
        ("nowhere", Showing.ITEM, "/runs/r1", "/runs/r1"),
    ],
)
def test_what_is_copied_and_where_it_lies(item: str, wanted: Showing, copied: str, file: str) -> None:
    """The output that is shown, else what the selected item is."""
    state = at("side", Story().intend("side/mail-up"))
    place = Place(step="side", selected=item, wanted=wanted)
    assert copied_of(a_view(state, OUTPUT), place) == (copied, file)


def test_every_kind_of_item_can_be_copied() -> None:
    """A value, an answer, a statement: none is empty."""
    state = through_database().state
    for item in RECOVERY.items:
        copied, file = copied_of(a_view(state), Place(step=item.id.partition("/")[0], selected=item.id))
        assert copied
        assert file.startswith("/runs/r1/")


def test_a_step_is_printed_with_its_output() -> None:
    """And the file in which it lies."""
    state = at("side", Story().intend("side/mail-up"))
    text = step_text(a_view(state, OUTPUT), Place(step="side", selected="side/mail-up"))
    assert "> running: command side/mail-up" in text
    assert text.endswith("(/runs/r1/attempts/side.mail-up.2/output):\none\ntwo")
    assert step_text(a_view(Story().state), Place()) == "No step is open yet."


def test_what_is_printed_is_broken_between_words() -> None:
    """A terminal breaks within them; a script keeps its lines, however long."""
    words, script = "one word after the other " * 8, f"echo {'x' * 90} {'y' * 90}"
    command = msgspec.structs.replace(a_command("side/mail-up", script=script), text=words)
    book = a_runbook(a_step("side", command))
    view = replace(a_view(at("side", Story())), runbook=book)
    printed = step_text(view, Place(step="side", selected="side/mail-up")).split("\n")
    assert script in printed
    assert [line for line in printed if len(line) > 80] == [script]
    assert " ".join(" ".join(printed).split()).count(words.strip()) == 2


def test_a_pane_with_the_whole_screen_goes_with_its_command() -> None:
    """What comes next is seen on its checklist again; a text that is being read stays."""
    state = at("side", Story().intend("side/mail-up"))
    following = Place(step="side").in_view(RECOVERY, state).selected
    other = next(item.id for item in RECOVERY.items if item.id.startswith("side/") and item.id != following)
    zoomed = Place(step="side", selected=other, wanted=Showing.OUTPUT, is_zoomed=True)
    assert not zoomed.in_view(RECOVERY, state).is_zoomed
    assert replace(zoomed, wanted=Showing.TEXT).in_view(RECOVERY, state).is_zoomed


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.9, "0:00:00"), (3_725.0, "1:02:05"), (360_000.0, "100:00:00")]
)
def test_clocks(seconds: float, text: str) -> None:
    """Hours, minutes, seconds."""
    assert clock_text(seconds) == text


def test_a_step_without_a_checklist_has_a_place() -> None:
    """It is advised against, and can be written: it is read, nothing of it is selected, arrows do nothing."""
    runbook = a_runbook(a_step("read"), a_step("work", a_command("work/do")))
    story = Story().add(e.StepShown(step="read"))
    step = runbook.step("read")
    assert step is not None
    place = Place().in_view(runbook, story.state)
    assert (place.step, place.selected) == ("read", "")
    assert place.moved(step, 1) == place.moved(step, -1) == place
    assert place.watched(runbook, story.state) == ""


@pytest.mark.parametrize(("is_part", "said"), [(True, True), (False, False)])
def test_of_a_long_output_it_is_said_that_this_is_a_part(is_part: bool, said: bool) -> None:
    """Whatever its length is once it is cleaned: an escape of one byte is shown as four letters."""
    lines = output_lines(Output(item="a/b", attempt=1, lines=("\\x1b" * 20,), size=30, is_part=is_part))
    assert any("the last part of" in line.text for line in lines) is said
    whole = output_lines(Output(item="a/b", attempt=1, lines=("no letter",), size=900, is_part=is_part))
    assert any("the last part of" in line.text for line in whole) is said


@pytest.mark.parametrize("verbatim", [True, False])
def test_nothing_that_a_line_holds_controls_the_terminal(verbatim: bool) -> None:
    """Whoever made the line, and whatever it came from."""
    rows = fitted(Line(text="a\x1b]0;title\x07 \u202eb", verbatim=verbatim), 80)
    assert [row.plain.removeprefix("| ") for row in rows] == ["a\\x1b]0;title\\x07 \\u202eb"]
