"""The journal of a complete drill, cut at every byte and with its bits flipped."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.journal import Journal
from aihummer_drtui.engine.journal_reading import JOURNAL, read_journal
from aihummer_drtui.engine.record import Chain, Clean, Corrupt, Torn, decode_all
from aihummer_drtui.errors import CorruptJournalError, ExitCode
from aihummer_drtui.run import events as e
from aihummer_drtui.run.fold import fold
from aihummer_drtui.run.state import Living, Status
from aihummer_drtui.runbook.model import RecoveryLevel
from tests.conftest import short_folder
from tests.faults.small_drill import a_small_drill

Property = Callable[[str, object], None]
CLOCK = SystemClock()
NOTE = e.NoteWritten(text="on")


@dataclass(frozen=True, kw_only=True)
class Whole:
    """What a complete drill left."""

    data: bytes
    records: tuple[e.Record, ...]
    chains: tuple[Chain, ...]
    """How far the journal had come after so many records; nothing after none."""

    def whole_before(self, cut: int) -> int:
        """How many records end at or before that byte."""
        return max(number for number, chain in enumerate(self.chains) if chain.offset <= cut)


@pytest.fixture(scope="module")
def whole() -> Whole:
    """The journal of a drill that came to its end."""
    with short_folder() as place, a_small_drill(place) as drill:
        drill.run()
        drill.judge()
        data = drill.house.folder.journal.read_bytes()
    chains = [Chain()]
    records: list[e.Record] = []
    for line in data.splitlines(keepends=True):
        read = decode_all(line, chains[-1])
        assert read.tail == Clean()
        chains.append(read.chain)
        records += read.records
    return Whole(data=data, records=tuple(records), chains=tuple(chains))


def test_j03_cut_at_every_byte_of_a_drill_leaves_what_was_whole(
    whole: Whole, record_property: Property
) -> None:
    """A follower that comes after the cut sees an exact prefix and a torn tail, never anything else."""
    for cut in range(len(whole.data) + 1):
        count = whole.whole_before(cut)
        # From the record before: what lies further ahead is read as it always is.
        begun = whole.chains[max(0, count - 1)]
        read = decode_all(whole.data[begun.offset : cut], begun)
        assert read.records == whole.records[max(0, count - 1) : count]
        assert read.chain == whole.chains[count]
        assert read.tail == (Clean() if read.chain.offset == cut else Torn())
    record_property("injections", len(whole.data) + 1)


@pytest.mark.slow
def test_j03_cut_at_every_byte_of_a_drill_is_taken_up(whole: Whole, record_property: Property) -> None:
    """Each is taken up and written on: the torn bytes kept, the repair recorded, the rest as it was."""
    first = whole.chains[1].offset
    with short_folder() as place:
        for cut in range(first, len(whole.data) + 1):
            (place / JOURNAL).write_bytes(whole.data[:cut])
            (place / JOURNAL).chmod(0o600)
            journal = Journal.open(place, CLOCK)
            journal.append(NOTE, "anna")
            journal.close()
            _is_continued(place, whole, cut)
    record_property("injections", len(whole.data) + 1 - first)


def _is_continued(place: Path, whole: Whole, cut: int) -> None:
    count = whole.whole_before(cut)
    begun = whole.chains[count]
    data = (place / JOURNAL).read_bytes()
    assert data[: begun.offset] == whole.data[: begun.offset]
    added = [one.what for one in decode_all(data[begun.offset :], begun).records]
    if begun.offset == cut:
        assert added == [NOTE]
        return
    repaired = e.JournalRepaired(bytes_cut=cut - begun.offset, copy="journal.broken.1")
    assert added == [repaired, NOTE]
    kept = place / repaired.copy
    assert kept.read_bytes() == whole.data[begun.offset : cut]
    kept.unlink()


def test_j06_any_flipped_bit_of_a_drill_is_corrupt(whole: Whole, record_property: Property) -> None:
    """No flipped bit changes what happened: each is told with its record, and nothing is cut off for it."""
    flips = 0
    data = bytearray(whole.data)
    for number, begun in enumerate(whole.chains[:-1]):
        end = whole.chains[number + 1].offset
        for at in range(begun.offset, end):
            for bit in range(8):
                data[at] ^= 1 << bit
                # A few bytes of the next record, so that this one is not the torn last.
                read = decode_all(bytes(data[begun.offset : end + 100]), begun)
                data[at] ^= 1 << bit
                assert isinstance(read.tail, Corrupt), (number, at, bit, read.tail)
                assert (read.tail.record, read.tail.offset) == (number + 1, begun.offset)
                assert not read.records
                flips += 1
    record_property("injections", flips)


@pytest.mark.parametrize("bit", range(8))
def test_j06_flipped_bit_stops_every_use_and_changes_nothing(whole: Whole, tmp_path: Path, bit: int) -> None:
    """A corrupt drill is neither taken up nor shown as if it were whole, and its file stays as it is."""
    middle = whole.chains[len(whole.records) // 2].offset + 40 + bit
    data = bytearray(whole.data)
    data[middle] ^= 1 << bit
    (tmp_path / JOURNAL).write_bytes(data)
    (tmp_path / JOURNAL).chmod(0o600)
    for use in (lambda: Journal.open(tmp_path, CLOCK), lambda: read_journal(tmp_path)):
        with pytest.raises(CorruptJournalError) as caught:
            use()
        assert caught.value.exit_code is ExitCode.CORRUPT
    assert [path.name for path in tmp_path.iterdir()] == [JOURNAL]
    assert (tmp_path / JOURNAL).read_bytes() == data


def test_j03_no_prefix_of_a_drill_is_greener_than_its_end(whole: Whole) -> None:
    """Cut anywhere, a run that had not ended goes on, and at the level that had been seen by then."""
    for count in range(1, len(whole.records)):
        state = fold(whole.records[:count])
        kinds = [type(record.what) for record in whole.records[:count]]
        assert isinstance(state.ending, Living) == (e.RunFinished not in kinds)
        assert (state.level is RecoveryLevel.PROVEN) == (e.LevelReached in kinds)
        for item in ("work/prepare", "work/swap"):
            ended = [one.what for one in whole.records[:count] if isinstance(one.what, e.CommandEnded)]
            assert (state.status(item) is Status.PASSED) == any(one.item == item for one in ended)
