"""`take`: a run is freed from an engine that stands still, by its lock's id typed by hand."""

import os
import signal
from collections.abc import Iterator

import pytest

from aihummer_drtui.engine.lock import Holder, holder_of
from aihummer_drtui.errors import ExitCode
from aihummer_drtui.run import events as e
from tests.cli.desk import Desk


@pytest.fixture
def stopped(desk: Desk) -> Iterator[Holder]:
    """A run whose engine stands still."""
    terminal = desk.sit(desk.run_words("--plain"))
    terminal.prompted("INPUT look/BACKUP_SET")
    terminal.process.kill()
    terminal.process.wait()
    holder = holder_of(desk.folder().lock)
    assert holder is not None
    os.kill(holder.process.pid, signal.SIGSTOP)
    yield holder
    if holder.process.is_alive():
        os.kill(holder.process.pid, signal.SIGCONT)


def test_s04_s08_without_the_locks_id_nothing_is_done(desk: Desk, stopped: Holder) -> None:
    """Who holds the run is told, with what to type; a wrong word ends nobody."""
    words = desk.words("take", desk.folder().id, "--reason", "it hangs")
    told = desk.call(words, code=ExitCode.PRECONDITION).stderr
    assert f"process {stopped.process.pid}" in told
    assert "answers nobody" in told
    assert f"--lock {stopped.lock}" in told
    desk.call([*words, "--lock", "ffffff"], code=ExitCode.PRECONDITION)
    assert stopped.process.is_alive()
    assert desk.of_kind(e.LockTaken) == []


def test_s04_s08_the_typed_id_frees_the_run(desk: Desk, stopped: Holder) -> None:
    """At a terminal it is asked for; afterwards the run is gone on with where it stood."""
    run = desk.folder().id
    terminal = desk.sit(desk.words("take", run, "--reason", "it hangs", "--operator", "bert"))
    terminal.expect("type the lock's id")
    terminal.type(stopped.lock)
    terminal.expect(f"Run {run} is free")
    assert terminal.end() == ExitCode.OK
    (taken,) = desk.of_kind(e.LockTaken)
    assert taken.reason == "it hangs"
    assert stopped.lock in taken.holder
    again = desk.sit(desk.words("resume", run, "--plain"))
    again.prompted("INPUT look/BACKUP_SET")


def test_s04_the_json_says_from_whom(desk: Desk, stopped: Holder) -> None:
    """For a script that was told the id."""
    words = desk.words("take", desk.folder().id, "--reason", "x", "--lock", stopped.lock, "--json")
    told = desk.call(words, code=ExitCode.OK).stdout
    assert f'"taken_from": {stopped.process.pid}' in told or f'"taken_from":{stopped.process.pid}' in told


def test_s04_nothing_is_taken_without_a_reason_or_a_run(desk: Desk) -> None:
    """The call itself is judged first."""
    desk.call(desk.words("take", "nowhere", "--reason", "x"), code=ExitCode.USAGE)
    desk.call(desk.words("take", "nowhere", "--reason", " "), code=ExitCode.USAGE)
    desk.call(desk.words("take", "nowhere"), code=ExitCode.USAGE)
