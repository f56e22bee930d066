"""A disk that takes its time to store a record: who waits for an answer is told what it waits for."""

import os
import signal
import threading
from pathlib import Path

import pytest

from aihummer_drtui.engine import client
from aihummer_drtui.engine.journal_reading import read_journal
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from tests.conftest import short_folder
from tests.engine.engine_house import accepted
from tests.faults.injecting import Fault, needs_strace
from tests.faults.small_drill import a_small_drill

pytestmark = needs_strace
ENGINE_AND_SITTING = 2
"""Records that a new engine stores before the first request."""


def slow(place: Path, journal: Path, *, seconds: int, when: int) -> Fault:
    """One sync of the journal that takes so long."""
    what = f"delay_enter={seconds}s"
    return Fault(call="fdatasync", what=what, when=str(when), log=place / "strace", paths=(journal,))


def test_j18_who_asks_is_told_while_the_disk_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The word comes while it lasts, and the answer only once the record is on the disk."""
    monkeypatch.setattr(client, "TOLD_EVERY", 0.1)
    with short_folder() as place, a_small_drill(place) as drill:
        fault = slow(place, drill.house.folder.journal, seconds=1, when=ENGINE_AND_SITTING + 2)
        session = drill.sit(*fault.words)
        told: list[float] = []
        accepted(session, r.ShowStep(step="brief"))
        reply = session.ask(r.WriteNote(text="stored slowly"), told.append)
        assert isinstance(reply, r.Accepted)
        assert len(told) >= 3
        assert told == sorted(told)
        assert read_journal(drill.house.folder.path)[-1].what == e.NoteWritten(text="stored slowly")
        told.clear()
        assert isinstance(session.ask(r.WriteNote(text="stored at once"), told.append), r.Accepted)
        assert told == []


def test_j18_engine_that_stands_still_is_no_slow_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is not blamed for an answer that waits for something else."""
    monkeypatch.setattr(client, "TOLD_EVERY", 0.05)
    with short_folder() as place, a_small_drill(place) as drill:
        session = drill.sit()
        engine = drill.house.engine()
        os.kill(engine.pid, signal.SIGSTOP)
        threading.Timer(0.4, os.kill, (engine.pid, signal.SIGCONT)).start()
        told: list[float] = []
        assert isinstance(session.ask(r.ShowStep(step="nowhere"), told.append), r.Refused)
        assert told == []
