"""Following a journal: everything once, nothing before it is whole."""

from pathlib import Path

import pytest

from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.follower import JournalFollower, journal_records
from aihummer_drtui.engine.journal import Journal
from aihummer_drtui.engine.journal_reading import JOURNAL, read_journal
from aihummer_drtui.errors import CorruptJournalError, PreconditionError
from tests.engine.makers import DECLARED, ENDED, INTENDED, journal_with, note


def test_each_record_is_given_once(tmp_path: Path) -> None:
    """A front end that polls sees what the engine appends, in order, without doubles."""
    journal = Journal.create(tmp_path, SystemClock())
    follower = JournalFollower(tmp_path)
    assert follower.poll() == []
    first = journal.append(DECLARED, "anna")
    assert follower.poll() == [first]
    assert follower.poll() == []
    more = [journal.append(what, "engine") for what in (INTENDED, ENDED)]
    assert follower.poll() == more
    journal.close()


def test_record_written_byte_by_byte_appears_when_it_is_whole(tmp_path: Path) -> None:
    """A half-written record is never shown, and never missed."""
    data = journal_with(tmp_path, INTENDED)
    whole = read_journal(tmp_path)
    path = tmp_path / JOURNAL
    follower = JournalFollower(tmp_path)
    seen = []
    for end in range(len(data) + 1):
        path.write_bytes(data[:end])
        seen.extend(follower.poll())
        assert len(seen) == data[:end].count(b"\n")
    assert tuple(seen) == whole


def test_a_long_journal_is_given_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes to a long run need not hold all of it; nothing is missed, and nothing given twice."""
    data = journal_with(tmp_path, *(note(f"note {number}") for number in range(50)), INTENDED, ENDED)
    longest = max(len(line) for line in data.splitlines()) + 1
    for piece in (longest, longest + 1, 1_000, len(data), len(data) + 1):
        monkeypatch.setattr("aihummer_drtui.engine.follower.PIECE", piece)
        follower = JournalFollower(tmp_path)
        pieces = [follower.poll()]
        while follower.stopped_short:
            pieces.append(follower.poll())
        assert [one for part in pieces for one in part] == list(read_journal(tmp_path))
        assert all(part for part in pieces[:-1])
        assert list(journal_records(tmp_path)) == list(read_journal(tmp_path))


def test_damage_that_no_piece_shows_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record whose end was overwritten is not waited for for ever, however much comes after it."""
    data = journal_with(tmp_path, INTENDED, ENDED, note(), note())
    ends = [at for at, byte in enumerate(data) if byte == ord("\n")]
    (tmp_path / JOURNAL).write_bytes(data[: ends[0]] + b" " + data[ends[0] + 1 :])
    monkeypatch.setattr("aihummer_drtui.engine.follower.PIECE", ends[0])
    with pytest.raises(CorruptJournalError, match="record 1"):
        JournalFollower(tmp_path).poll()


def test_repair_is_followed(tmp_path: Path) -> None:
    """A spectator who saw a torn journal goes on after the engine has repaired it."""
    data = journal_with(tmp_path, INTENDED, ENDED)
    (tmp_path / JOURNAL).write_bytes(data[:-7])
    follower = JournalFollower(tmp_path)
    seen = follower.poll()
    journal = Journal.open(tmp_path, SystemClock())
    journal.append(note(), "anna")
    journal.close()
    seen += follower.poll()
    assert tuple(seen) == read_journal(tmp_path)


def test_sound_records_are_given_before_the_damage_is_told(tmp_path: Path) -> None:
    """What can be known is shown; then the damage is said, again at every look."""
    data = bytearray(journal_with(tmp_path, INTENDED))
    data[-9] ^= 4
    (tmp_path / JOURNAL).write_bytes(data)
    follower = JournalFollower(tmp_path)
    assert [one.what for one in follower.poll()] == [DECLARED]
    for _ in range(2):
        with pytest.raises(CorruptJournalError, match="record 2"):
            follower.poll()


def test_journal_that_is_gone_is_said(tmp_path: Path) -> None:
    """A removed run is an error with a place, not an eternal silence."""
    with pytest.raises(PreconditionError, match="cannot be read"):
        JournalFollower(tmp_path).poll()
