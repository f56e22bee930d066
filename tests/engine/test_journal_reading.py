"""What a journal tells whoever reads it. What is refused to writers as well is in `test_journal`."""

from pathlib import Path

import pytest

from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.journal import Journal
from aihummer_drtui.engine.journal_reading import JOURNAL, inspect_journal, read_first, read_journal
from aihummer_drtui.engine.record import Corrupt
from aihummer_drtui.errors import CorruptJournalError, PreconditionError
from tests.engine.makers import DECLARED, ENDED, INTENDED, journal_with

CLOCK = SystemClock()


def test_what_is_sound_can_be_inspected_and_a_torn_end_is_read_over(tmp_path: Path) -> None:
    """A spectator reads up to what is being written; damage is told to who reads, and shown to who lists."""
    data = journal_with(tmp_path, INTENDED, ENDED)
    path = tmp_path / JOURNAL
    path.write_bytes(data[:-1])
    assert [one.what for one in read_journal(tmp_path)] == [DECLARED, INTENDED]
    path.write_bytes(data[:-9] + b"X" + data[-8:])
    with pytest.raises(CorruptJournalError, match=r"record 3[^$]*move \(`mv`\) its folder out of `runs`"):
        read_journal(tmp_path)
    read = inspect_journal(tmp_path)
    assert isinstance(read.tail, Corrupt)
    assert [one.what for one in read.records] == [DECLARED, INTENDED]


def test_the_first_record_is_read_without_the_rest(tmp_path: Path) -> None:
    """What a run is stands at the beginning of a journal, however long or broken it is behind."""
    journal = Journal.create(tmp_path, CLOCK)
    with pytest.raises(PreconditionError, match=r"record"):
        read_first(tmp_path)
    first = journal.append(INTENDED, "anna")
    journal.append(ENDED, "engine")
    journal.close()
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(b"no record at all\n")
    assert read_first(tmp_path) == first
    (tmp_path / JOURNAL).write_bytes(b"x" * 40 + b"\n")
    with pytest.raises(CorruptJournalError, match="record 1"):
        read_first(tmp_path)
    with pytest.raises(PreconditionError, match="cannot be read"):
        read_first(tmp_path / "nowhere")
