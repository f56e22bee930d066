"""An engine that has no descriptors left: nothing is started, nothing forgotten, and it goes on by itself."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.state import Status
from tests.conftest import short_folder
from tests.engine.conftest import MakeHouse
from tests.engine.engine_house import (
    PHRASE,
    House,
    a_house,
    accepted,
    book,
    command,
    fifo,
    logged,
    refused,
    until,
)
from tests.faults.injecting import Fault, needs_strace


@contextmanager
def no_descriptors(house: House) -> Iterator[None]:
    """The engine can open nothing more while the block lasts."""
    engine = house.engine().pid
    before = resource.prlimit(engine, resource.RLIMIT_NOFILE)
    resource.prlimit(engine, resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(engine, resource.RLIMIT_NOFILE, before)


def test_j15_nothing_starts_without_descriptors_and_all_goes_on_with_them(make_house: MakeHouse) -> None:
    """The journal's own is open already: what is asked is recorded, a refusal is told with its reason."""
    house = make_house(book(command("work/swap", "true")))
    session = house.sit()
    accepted(session, r.ShowStep(step="brief"))
    for request in (r.Skip(item="work/before", reason="x"), r.ShowStep(step="work")):
        accepted(session, request)
    with no_descriptors(house):
        accepted(session, r.WriteNote(text="recorded all the same"))
        assert "Too many open files" in refused(session, r.StartCommand(item="work/swap"))
    until(session, lambda state: state.status("work/swap") is Status.FAILED)
    (ended,) = house.of_kind(e.CommandEnded)
    assert isinstance(ended, e.CommandEnded)
    assert ended.kind is e.EndKind.NOT_STARTED
    accepted(session, r.StartCommand(item="work/swap"))
    until(session, lambda state: state.status("work/swap") is Status.PASSED)


def test_j15_end_that_could_not_be_looked_at_is_looked_at_again(
    make_house: MakeHouse, tmp_path: Path
) -> None:
    """A command that ends meanwhile has its true end once there are descriptors."""
    go = fifo(tmp_path, "go")
    house = make_house(book(command("work/swap", f"read x < {go}; exit 3")))
    session = house.sit()
    accepted(session, r.Skip(item="work/before", reason="x"))
    accepted(session, r.StartCommand(item="work/swap"))
    until(session, lambda _: house.of_kind(e.CommandStarted) != [])
    with no_descriptors(house):
        go.write_text("go\n")
        logged(house, "Too many open files")
        assert session.state.status("work/swap") is Status.RUNNING
    until(session, lambda state: state.status("work/swap") is Status.FAILED)


@needs_strace
def test_j15_command_that_cannot_be_waited_for_is_not_forgotten() -> None:
    """No descriptor for the wait itself: it is tried again, and the end is journalled."""
    with short_folder() as place:
        go = fifo(place, "go")
        with a_house(place, book(command("work/swap", f"read x < {go}"))) as house:
            fault = Fault(call="pidfd_open", what="error=EMFILE", when="1", log=place / "strace")
            session = house.sit(before=fault.words)
            accepted(session, r.Skip(item="work/before", reason="x"))
            accepted(session, r.StartCommand(item="work/swap"))
            logged(house, "Too many open files")
            os.close(os.open(go, os.O_WRONLY))
            until(session, lambda state: state.status("work/swap") in {Status.PASSED, Status.FAILED})


def test_j15_gate_that_cannot_be_looked_at_is_refused_and_the_engine_lives(make_house: MakeHouse) -> None:
    """What the target is cannot be known without a descriptor: said as what it is, and nothing has begun."""
    house = make_house(book(command("work/swap", "true", destructive=True)))
    session = house.sit()
    accepted(session, r.Skip(item="work/before", reason="x"))
    engine = house.engine()
    with no_descriptors(house):
        told = refused(session, r.StartCommand(item="work/swap", confirmation=PHRASE))
        assert "this host does not let the engine do that: Too many open files" in told
    assert house.of_kind(e.CommandIntended) == []
    accepted(session, r.StartCommand(item="work/swap", confirmation=PHRASE))
    until(session, lambda state: state.status("work/swap") is Status.PASSED)
    assert house.engine() == engine
