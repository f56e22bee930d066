"""Journals, records and events for the engine's tests."""

from pathlib import Path

from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.journal import Journal
from aihummer_drtui.engine.journal_reading import JOURNAL
from aihummer_drtui.engine.record import VERSION, Chain, encode
from aihummer_drtui.run.events import (
    CommandEnded,
    CommandIntended,
    EndKind,
    Event,
    Mode,
    NoteWritten,
    Record,
    RunDeclared,
)

DECLARED = RunDeclared(
    run="20261122-2330-k3f7",
    mode=Mode.DRILL,
    target="sandbox",
    target_key="sandbox-1",
    runbook="disaster-recovery",
    runbook_version="1",
    runbook_sha256="0" * 64,
    runbook_source="",
    incident_at="2026-11-22T23:00:00Z",
    program_version="0.1.0",
)
INTENDED = CommandIntended(item="key/restore-key", attempt=1, script="true\n", values={"KEY_FILE": "/k"})
ENDED = CommandEnded(item="key/restore-key", attempt=1, kind=EndKind.EXITED, code=0, took=1.5)


def note(text: str = "a word") -> NoteWritten:
    """A word for the record."""
    return NoteWritten(text=text)


def record(after: Chain, what: Event, *, version: int = VERSION) -> Record:
    """The record of that event that continues `after`."""
    return Record(
        version=version,
        sequence=after.sequence + 1,
        previous=after.digest,
        boot_id="b",
        boottime=1.0,
        wall="2026-11-22T23:30:00.000Z",
        actor="anna",
        what=what,
    )


def lines(*events: Event) -> list[bytes]:
    """The journal's lines for those events."""
    chain = Chain()
    made = []
    for event in events:
        line, chain = encode(record(chain, event), chain)
        made.append(line)
    return made


def journal_with(folder: Path, *events: Event) -> bytes:
    """Write a journal that declares a run and holds the events; give its bytes."""
    journal = Journal.create(folder, SystemClock())
    for event in (DECLARED, *events):
        journal.append(event, "anna")
    journal.close()
    return (folder / JOURNAL).read_bytes()
