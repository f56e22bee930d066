"""What is said of running commands, and of what can be done meanwhile."""

import time
from pathlib import Path

import pytest

from aihummer_drtui.engine.session import Session
from aihummer_drtui.plain.running import Running, calling_lines, elsewhere, elsewhere_lines
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run import suggestion as s
from aihummer_drtui.run.state import RunState
from tests.engine.engine_house import WITHIN, a_house, accepted, command, fifo
from tests.run.story import RECOVERY, Story, a_runbook, a_step, through_database


def at(step: str, story: Story) -> RunState:
    """The state with that step shown."""
    return story.add(e.StepShown(step=step)).state


@pytest.mark.parametrize(
    ("state", "where"),
    [
        (at("brief", Story()), "side"),
        (at("side", through_database().intend("side/mail-up")), "proof"),
        (at("proof", through_database().intend("side/mail-up")), "side"),
        (at("side", Story().intend("side/mail-up")), "brief"),
        (at("side", through_database().intend("database/restore", 2)), "database"),
    ],
)
def test_go_alone_leads_elsewhere(state: RunState, where: str) -> None:
    """To work first, else to what is running."""
    step = elsewhere(RECOVERY, state)
    assert step is not None
    assert step.id == where


def test_go_alone_leads_to_a_failure_before_any_other_work() -> None:
    """Although the brief stands above it and has work too."""
    story = Story().intend("side/mail-up")
    at("brief", story)
    story.end("side/mail-up", code=1)
    step = elsewhere(RECOVERY, story.state)
    assert step is not None
    assert step.id == "side"
    assert calling_lines(RECOVERY, story.state) == [
        "Its step, step 3 (side), comes next, once you have answered here; to go there at once, type: go side"
    ]
    assert calling_lines(RECOVERY, at("side", story)) == []


def test_what_runs_beside_a_question_is_named() -> None:
    """In one line, and only when something does."""
    story = Story().intend("side/mail-up").intend("proof/up")
    assert elsewhere_lines(story.state, "proof/up") == [
        "Meanwhile side/mail-up is running; `go` leads there."
    ]
    assert "side/mail-up and proof/up are running" in elsewhere_lines(story.state, "brief/x")[0]
    assert elsewhere_lines(Story().state, "brief/x") == []


def test_two_commands_are_told_apart_and_an_offer_is_made_once(tmp_path: Path) -> None:
    """Each progress under its own name; the offer comes again only when there is another step to go to."""
    ways = {name: fifo(tmp_path, name) for name in ("one", "two")}

    def script(name: str) -> str:
        word = f'{{"phase":"{name}","done":1,"total":2,"unit":"files","elapsed":1}}'
        return f"echo '{word}' >&$DRTUI_PROGRESS_FD; cat {ways[name]}"

    book = a_runbook(
        *(a_step(name, command(f"{name}/work", script(name))) for name in ("one", "two")),
        a_step("three", command("three/work", "true")),
    )
    with a_house(tmp_path, book) as house:
        session = house.sit()
        running = Running()
        for name in ("one", "two"):
            accepted(session, r.StartCommand(item=f"{name}/work"))
        told = told_of(session, running, "one/work: one", "two/work: two")
        assert [line.split(" (")[0] for line in sorted(told)] == [
            "  > one/work: one: 1 files of 2 files",
            "  > two/work: two: 1 files of 2 files",
        ]
        accepted(session, r.ShowStep(step="one"))
        suggestion = s.sensible(book, session.state)
        assert isinstance(suggestion, s.WorkMeanwhile)
        offered = running.offer(session, suggestion)
        assert offered[0].startswith("While it runs you may type:")
        assert "step 3 (three): press Enter, or type go three" in offered[1]
        assert running.offer(session, suggestion) == []
        assert running.offer(session, s.AwaitCommand(item=suggestion.item)) == []
        assert len(running.offer(session, suggestion)) == 1
        running.step_was_opened()
        assert running.offer(session, suggestion) == offered


def told_of(session: Session, running: Running, *wanted: str) -> list[str]:
    """What is said until each of the wanted texts was."""
    told: list[str] = []
    deadline = time.monotonic() + WITHIN
    while not all(any(text in line for line in told) for text in wanted):
        assert time.monotonic() < deadline, told
        session.wait(0.1)
        told += running.lines(session)
    return told
