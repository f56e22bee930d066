"""The bridge: floods become few messages, requests are answered after the view, engines are replaced."""

import os
import queue
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pytest

from aihummer_drtui.engine.session import Growth, Session
from aihummer_drtui.errors import DrtuiError, FailedError, PreconditionError, UnknownOutcomeError
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.requests import Accepted, Refused
from aihummer_drtui.run.state import Status
from aihummer_drtui.tui.away import Away
from aihummer_drtui.tui.bridge import PERIOD, TAIL, Answered, Bridge, Broken, Moved, Told, Unreachable
from aihummer_drtui.tui.view import Connection, View
from tests.engine.engine_house import WITHIN, House, a_house, book, command, fifo, gone
from tests.faults.injecting import Fault, needs_strace

M = TypeVar("M", bound=Told)


class Screens:
    """Stands where the screens stand: hears the messages, and takes views."""

    def __init__(self) -> None:
        self.heard: queue.Queue[Told] = queue.Queue()
        self.news: list[Growth] = []
        self.moved = 0

    def next(self, bridge: Bridge, kind: type[M]) -> M:
        """The next message of that kind; views are taken on the way, as screens do."""
        deadline = time.monotonic() + WITHIN
        while True:
            message = self.heard.get(timeout=max(0.0, deadline - time.monotonic()))
            if isinstance(message, Moved):
                self.moved += 1
                self.news += bridge.take()[1]
            if isinstance(message, kind):
                return message

    def view(self, bridge: Bridge) -> View:
        """The next view."""
        while True:
            self.next(bridge, Moved)
            view, news = bridge.take()
            self.news += news
            if view is not None:
                return view


@contextmanager
def following(house: House, point: str = "") -> Iterator[tuple[Bridge, Screens]]:
    """A bridge to the house's run, its first view taken."""
    screens = Screens()
    bridge = Bridge(lambda away: house.sit(point=point, on_record=away.hear))
    bridge.listen(screens.heard.put)
    bridge.start()
    try:
        screens.view(bridge)
        yield bridge, screens
    finally:
        bridge.close()


def asked(bridge: Bridge, screens: Screens, request: r.Request) -> object:
    """Ask, and give what came of it."""
    bridge.ask(request)
    return screens.next(bridge, Answered).reply


def until(bridge: Bridge, screens: Screens, status: Status, item: str) -> View:
    """Take views until that item stands like that."""
    view, _ = bridge.take()
    while view is None or view.state.status(item) is not status:
        view = screens.view(bridge)
    return view


def test_an_answer_comes_after_the_view_it_leads_to(tmp_path: Path) -> None:
    """Whoever hears `accepted` finds it in the state; a refusal says why."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house, following(house) as (bridge, screens):
        assert isinstance(asked(bridge, screens, r.ShowStep(step="brief")), Accepted)
        view, _ = bridge.take()
        assert view is not None
        assert (view.state.step, view.connection) == ("brief", Connection.LIVE)
        assert isinstance(asked(bridge, screens, r.ShowStep(step="nowhere")), Refused)


def test_j11_a_refusal_over_which_the_engine_ends_is_told(tmp_path: Path) -> None:
    """The reason why nothing can be recorded reaches whoever asked; then a new engine is had."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house, following(house) as (bridge, screens):
        engine = house.engine()
        with house.folder.journal.open("ab") as journal:
            journal.write(b"0000")
        reply = asked(bridge, screens, r.WriteNote(text="x"))
        assert isinstance(reply, Refused)
        assert "could not be written" in reply.reason
        gone(engine)
        # The bridge may not have noticed yet; then the next request tells it.
        replies = (asked(bridge, screens, r.WriteNote(text="a new engine goes on")) for _ in range(2))
        assert any(isinstance(reply, Accepted) for reply in replies)


def last_line(view: View) -> str:
    """Of what is kept of the output; empty where there is none."""
    return view.output.lines[-1] if view.output is not None and view.output.lines else ""


def test_a_flood_of_output_becomes_a_few_messages(tmp_path: Path) -> None:
    """At most five a second and one that waits; what is kept of the output is bounded."""
    way = fifo(tmp_path, "way")
    flood = f"seq 1 200000; cat {way}"
    with a_house(tmp_path, book(command("work/do", flood))) as house, following(house) as (bridge, screens):
        walk(bridge, screens)
        bridge.watch("work/do")
        began, before = time.monotonic(), screens.moved
        asked(bridge, screens, r.StartCommand(item="work/do"))
        # The last view may have been taken while the answer was waited for: begin with the latest.
        view, _ = bridge.take()
        while view is None or last_line(view) != "200000":
            view = screens.view(bridge)
        took = time.monotonic() - began
        assert view.output is not None
        assert screens.moved - before <= took / PERIOD + 5
        assert sum(len(line) + 1 for line in view.output.lines) <= TAIL
        assert view.output.size > TAIL
        assert view.output.is_part
        way.write_text("")
        until(bridge, screens, Status.PASSED, "work/do")


def test_growth_that_is_not_taken_costs_one_message(tmp_path: Path) -> None:
    """Screens that stand still (a terminal that stopped reading) are not told again and again."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house, following(house) as (bridge, screens):
        other = house.sit("bert")
        for number in range(50):
            other.ask(r.WriteNote(text=f"note {number}"))
        # The answer to a request of ours comes when all that was before it was seen.
        bridge.ask(r.WriteNote(text="last"))
        messages: list[Told] = []
        while not messages or not isinstance(messages[-1], Answered):
            messages.append(screens.heard.get(timeout=WITHIN))
        assert sum(isinstance(one, Moved) for one in messages) == 1
        _, news = bridge.take()
        notes = [one.record.what.text for one in news if isinstance(one.record.what, e.NoteWritten)]
        assert notes == [*(f"note {number}" for number in range(50)), "last"]


def test_a_new_engine_is_taken_up_when_one_was_killed(tmp_path: Path) -> None:
    """A request goes on to the new one; nothing is lost."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house, following(house) as (bridge, screens):
        asked(bridge, screens, r.ShowStep(step="brief"))
        house.end_engine(signal.SIGKILL)
        view = screens.view(bridge)
        while view.connection is not Connection.LIVE or view.state.sittings_opened < 2:
            view = screens.view(bridge)
        assert view.state.step == "brief"
        assert isinstance(asked(bridge, screens, r.WriteNote(text="still here")), Accepted)


def test_a_request_that_an_engine_took_with_it_is_answered_with_the_error(tmp_path: Path) -> None:
    """Whether it was accepted is told by the journal; the operator hears that it is not known."""
    with (
        a_house(tmp_path, book(command("work/do", "true"))) as house,
        following(house, point="before:note-written") as (bridge, screens),
    ):
        reply = asked(bridge, screens, r.WriteNote(text="lost"))
        assert isinstance(reply, FailedError)


def test_engines_that_keep_dying_are_not_started_for_ever(tmp_path: Path) -> None:
    """Then the operator is asked; until then nothing more is tried, and requests fail with the reason."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        screens = Screens()
        refused = threading.Event()

        def sit(away: Away) -> Session:
            if refused.is_set():
                raise PreconditionError("no engine can begin", hint="mend it")
            return house.sit()

        bridge = Bridge(sit)
        bridge.listen(screens.heard.put)
        bridge.start()
        screens.view(bridge)
        refused.set()
        house.end_engine(signal.SIGKILL)
        assert screens.next(bridge, Unreachable).error.what == "no engine can begin"
        lost, _ = bridge.take()
        assert lost is not None
        assert lost.connection is Connection.LOST
        refused.clear()
        bridge.reconnect()
        while screens.view(bridge).connection is not Connection.LIVE:
            pass
        bridge.close()


def test_a_reply_that_comes_too_late_is_not_taken_for_that_to_another_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was not answered in time hears that it is not known; what is asked next has its own reply."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house, following(house) as (bridge, screens):
        engine = house.engine().pid
        monkeypatch.setattr("aihummer_drtui.engine.client.REPLY_WITHIN", 0.5)
        os.kill(engine, signal.SIGSTOP)
        assert isinstance(asked(bridge, screens, r.WriteNote(text="late")), UnknownOutcomeError)
        monkeypatch.undo()
        bridge.ask(r.ShowStep(step="nowhere"))
        os.kill(engine, signal.SIGCONT)
        assert isinstance(screens.next(bridge, Answered).reply, Refused)
        assert isinstance(asked(bridge, screens, r.ShowStep(step="brief")), Accepted)
        view, _ = bridge.take()
        assert view is not None
        assert (view.state.step, view.connection) == ("brief", Connection.LIVE)
        assert house.of_kind(e.NoteWritten) == [e.NoteWritten(text="late")]


def test_what_was_asked_while_there_was_no_engine_is_not_done_later(tmp_path: Path) -> None:
    """It is refused with the reason: who asked a minute ago does not reckon with it any more."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        screens = Screens()
        refused = threading.Event()

        def sit(away: Away) -> Session:
            if refused.is_set():
                raise PreconditionError("no engine can begin", hint="mend it")
            return house.sit()

        bridge = Bridge(sit)
        bridge.listen(screens.heard.put)
        bridge.start()
        screens.view(bridge)
        refused.set()
        house.end_engine(signal.SIGKILL)
        screens.next(bridge, Unreachable)
        bridge.ask(r.WriteNote(text="meant for then"))
        refused.clear()
        bridge.reconnect()
        reply = screens.next(bridge, Answered).reply
        assert isinstance(reply, Refused)
        assert "no engine can begin" in reply.reason
        assert isinstance(asked(bridge, screens, r.WriteNote(text="meant for now")), Accepted)
        assert house.of_kind(e.NoteWritten) == [e.NoteWritten(text="meant for now")]
        bridge.close()


def test_a_request_is_answered_whatever_stopped_it(tmp_path: Path) -> None:
    """Also by a journal that cannot be read any more: nobody waits for ever, and a word is asked for."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house, following(house) as (bridge, screens):
        # Readers know it by its name; the engine goes on writing into the file that it has open.
        journal, aside = house.folder.journal, tmp_path / "aside"
        journal.rename(aside)
        journal.touch(0o600)
        journal.write_bytes(aside.read_bytes() + b"x" * 300 + b"\n")
        reply = asked(bridge, screens, r.WriteNote(text="x"))
        aside.replace(journal)
        assert isinstance(reply, DrtuiError)
        assert screens.next(bridge, Unreachable).error is reply


def test_a_bridge_that_is_closed_keeps_no_descriptor_and_takes_no_harm() -> None:
    """A screen that is drawn once more on the way out may still ask for something."""

    def sit(away: Away) -> Session:
        raise PreconditionError("no engine can begin", hint="mend it")

    before = pipes()
    bridge = Bridge(sit)
    its_own = pipes() - before
    assert its_own
    bridge.close()
    assert not its_own & pipes()
    bridge.watch("work/do")
    bridge.ask(r.Finish())
    bridge.close()


def pipes() -> set[str]:
    """The pipes that this process has open."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.add(str(descriptor.readlink()))
    return {one for one in found if one.startswith("pipe:")}


def test_a_fault_of_the_bridge_is_told(tmp_path: Path) -> None:
    """It does not end in silence, with screens that show an old state for ever."""

    def sit(away: Away) -> Session:
        raise ZeroDivisionError

    screens = Screens()
    bridge = Bridge(sit)
    bridge.listen(screens.heard.put)
    bridge.start()
    assert isinstance(screens.next(bridge, Broken).error, ZeroDivisionError)
    bridge.close()


@pytest.mark.parametrize("script", ["true", "printf 'part\\033[2Jof a line'"])
def test_what_a_command_wrote_is_cleaned(tmp_path: Path, script: str) -> None:
    """Nothing of it can control the terminal; nothing written is no output at all."""
    with a_house(tmp_path, book(command("work/do", script))) as house, following(house) as (bridge, screens):
        walk(bridge, screens)
        bridge.watch("work/do")
        asked(bridge, screens, r.StartCommand(item="work/do"))
        until(bridge, screens, Status.PASSED, "work/do")
        view, _ = bridge.take()
        assert view is not None
        assert view.output is not None
        wanted = () if script == "true" else ("part\\x1b[2Jof a line",)
        while view.output is None or view.output.lines != wanted:
            view = screens.view(bridge)


def walk(bridge: Bridge, screens: Screens) -> None:
    """Go to where `work/do` can be started."""
    for request in (
        r.ShowStep(step="brief"),
        r.GiveInput(item="brief/BACKUP_SET", value="/b"),
        r.Confirm(item="brief/confirm-1", statement="yes"),
        r.ShowStep(step="work"),
    ):
        assert isinstance(asked(bridge, screens, request), Accepted)
    until(bridge, screens, Status.PASSED, "work/before")


@needs_strace
def test_j18_screens_live_on_and_name_a_slow_journal(tmp_path: Path) -> None:
    """While the disk stores a record, views still come and say so; with the answer all is as before."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        fault = Fault(
            call="fdatasync",
            what="delay_enter=3s",
            when="3",
            log=tmp_path / "strace",
            paths=(house.folder.journal,),
        )
        screens = Screens()
        bridge = Bridge(lambda away: house.sit(before=fault.words, on_record=away.hear))
        bridge.listen(screens.heard.put)
        bridge.start()
        try:
            assert screens.view(bridge).connection is Connection.LIVE
            bridge.ask(r.ShowStep(step="brief"))
            assert screens.view(bridge).connection is Connection.SLOW
            assert isinstance(screens.next(bridge, Answered).reply, Accepted)
            view, _ = bridge.take()
            assert view is not None
            assert (view.state.step, view.connection) == ("brief", Connection.LIVE)
        finally:
            bridge.close()
