"""The journal's file: what it refuses, repairs, and leaves as it is."""

import os
import stat
import time
from pathlib import Path

import pytest

from aihummer_drtui.engine.ballast import BALLAST, BALLAST_BYTES
from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.journal import Journal, JournalUnhealthyError
from aihummer_drtui.engine.journal_reading import JOURNAL, inspect_journal, read_journal
from aihummer_drtui.engine.record import Chain, Corrupt, Torn, encode
from aihummer_drtui.errors import CorruptJournalError, DrtuiError, ExitCode, PreconditionError, UsageError
from aihummer_drtui.run.events import JournalRepaired
from tests.engine.makers import DECLARED, ENDED, INTENDED, journal_with, note, record

CLOCK = SystemClock()


def test_new_journal_is_private_and_has_its_ballast(tmp_path: Path) -> None:
    """Nobody else reads what was done, and room for the outcomes is taken at once."""
    journal = Journal.create(tmp_path, CLOCK)
    for name in (JOURNAL, BALLAST):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert (tmp_path / BALLAST).stat().st_blocks * 512 >= BALLAST_BYTES
    journal.close()
    journal.close()


def test_appended_records_are_found_again_and_continued(tmp_path: Path) -> None:
    """A resume knows everything that was recorded and goes on with the next number."""
    journal = Journal.create(tmp_path, CLOCK)
    first = journal.append(DECLARED, "anna")
    second = journal.append(INTENDED, "engine")
    journal.close()
    again = Journal.open(tmp_path, CLOCK)
    assert again.found == (first, second) == read_journal(tmp_path)
    third = again.append(ENDED, "engine")
    again.close()
    assert third.sequence == 3
    assert third.boot_id == CLOCK.boot_id()
    assert read_journal(tmp_path) == (first, second, third)


def test_s05_descriptor_is_not_inherited(tmp_path: Path) -> None:
    """No child can write to the journal."""
    journal = Journal.create(tmp_path, CLOCK)
    target = str(tmp_path / JOURNAL)
    held = [int(one.name) for one in Path("/proc/self/fd").iterdir() if _link(one) == target]
    assert held
    assert not any(os.get_inheritable(descriptor) for descriptor in held)
    journal.close()


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except FileNotFoundError:
        return ""


def test_closed_journal_takes_nothing(tmp_path: Path) -> None:
    """After the end nothing can be recorded by mistake."""
    journal = Journal.create(tmp_path, CLOCK)
    journal.close()
    with pytest.raises(JournalUnhealthyError, match="closed"):
        journal.append(DECLARED, "anna")


def test_second_creation_leaves_the_first_alone(tmp_path: Path) -> None:
    """A journal is never begun over another one."""
    data = journal_with(tmp_path, INTENDED)
    with pytest.raises(PreconditionError, match="File exists"):
        Journal.create(tmp_path, CLOCK)
    assert (tmp_path / JOURNAL).read_bytes() == data


def test_j03_cut_at_every_byte_is_repaired_and_a_copy_kept(tmp_path: Path) -> None:
    """The records before a torn one stand, its bytes are kept, the repair is itself recorded."""
    data = journal_with(tmp_path, INTENDED, ENDED)
    whole = data.rindex(b"\n", 0, -1) + 1
    for number, cut in enumerate(range(whole + 1, len(data)), start=1):
        (tmp_path / JOURNAL).write_bytes(data[:cut])
        assert len(read_journal(tmp_path)) == 2
        journal = Journal.open(tmp_path, CLOCK)
        journal.close()
        copy = f"journal.broken.{number}"
        assert [one.what for one in journal.found] == [
            DECLARED,
            INTENDED,
            JournalRepaired(bytes_cut=cut - whole, copy=copy),
        ]
        assert (tmp_path / copy).read_bytes() == data[whole:cut]
        assert (tmp_path / JOURNAL).read_bytes().startswith(data[:whole])
        assert read_journal(tmp_path) == journal.found


def test_j04_zeroed_last_sector_is_repaired(tmp_path: Path) -> None:
    """A sector that a power cut left empty does not stop the resume."""
    data = journal_with(tmp_path, *(note(str(number)) for number in range(9)))
    (tmp_path / JOURNAL).write_bytes(data[:-512] + bytes(512))
    read = inspect_journal(tmp_path)
    assert isinstance(read.tail, Torn)
    journal = Journal.open(tmp_path, CLOCK)
    assert journal.found[:-1] == read.records
    assert isinstance(journal.found[-1].what, JournalRepaired)
    assert journal.append(ENDED, "engine").sequence == len(journal.found) + 1
    journal.close()
    assert len(read_journal(tmp_path)) == len(journal.found) + 1


def test_j06_damage_is_told_with_its_place_and_nothing_is_changed(tmp_path: Path) -> None:
    """A corrupt journal is neither cut nor continued, and what is sound can still be read."""
    data = bytearray(journal_with(tmp_path, INTENDED, ENDED))
    begin = data.rindex(b"\n", 0, -1) + 1
    data[-20] ^= 1
    (tmp_path / JOURNAL).write_bytes(data)
    for use in (lambda: Journal.open(tmp_path, CLOCK), lambda: read_journal(tmp_path)):
        with pytest.raises(CorruptJournalError) as caught:
            use()
        assert caught.value.where == str(tmp_path / JOURNAL)
        assert f"record 3, byte {begin}: " in caught.value.what
        assert caught.value.hint
        assert caught.value.exit_code == ExitCode.CORRUPT
    assert (tmp_path / JOURNAL).read_bytes() == data
    read = inspect_journal(tmp_path)
    assert isinstance(read.tail, Corrupt)
    assert len(read.records) == 2


def test_j21_newer_journal_is_not_touched(tmp_path: Path) -> None:
    """An older program never writes into a newer one's journal."""
    data = journal_with(tmp_path)
    chain = inspect_journal(tmp_path).chain
    data += encode(record(chain, ENDED, version=9), chain)[0]
    (tmp_path / JOURNAL).write_bytes(data)
    with pytest.raises(PreconditionError, match=r"newer .*version 9"):
        Journal.open(tmp_path, CLOCK)
    assert (tmp_path / JOURNAL).read_bytes() == data
    assert len(inspect_journal(tmp_path).records) == 1


@pytest.mark.parametrize("beginning", [b"", b"000001"], ids=["empty", "torn first record"])
def test_journal_without_a_record_is_no_run(tmp_path: Path, beginning: bytes) -> None:
    """A run that died before it was declared is told as such, not continued without a beginning."""
    Journal.create(tmp_path, CLOCK).close()
    (tmp_path / JOURNAL).write_bytes(beginning)
    assert read_journal(tmp_path) == ()
    with pytest.raises(PreconditionError, match="never declared"):
        Journal.open(tmp_path, CLOCK)


def test_missing_journal_is_said(tmp_path: Path) -> None:
    """A run's folder without a journal gives one clear message."""
    for use in (lambda: Journal.open(tmp_path, CLOCK), lambda: read_journal(tmp_path)):
        with pytest.raises(PreconditionError, match="No such file"):
            use()
    with pytest.raises(PreconditionError, match="No such file"):
        Journal.create(tmp_path / "missing", CLOCK)


def test_j20_link_fifo_and_folder_are_refused(tmp_path: Path) -> None:
    """Something that only looks like the journal is neither followed nor waited for."""
    real = tmp_path / "real"
    real.mkdir()
    journal_with(real)
    path = tmp_path / JOURNAL
    path.symlink_to(real / JOURNAL)
    _refused(tmp_path, "symbolic link")
    path.unlink()
    os.mkfifo(path, 0o600)
    _refused(tmp_path, "no regular file")
    path.unlink()
    path.mkdir()
    with pytest.raises(PreconditionError):
        Journal.open(tmp_path, CLOCK)


def test_j20_file_that_others_may_write_is_refused(tmp_path: Path) -> None:
    """A journal that somebody else could have written is no truth."""
    journal_with(tmp_path)
    (tmp_path / JOURNAL).chmod(0o620)
    _refused(tmp_path, "other accounts may write")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another account")
def test_j20_other_owner_is_refused_for_writing_only(tmp_path: Path) -> None:
    """Only the owner's engine writes; a spectator may read."""
    journal_with(tmp_path)
    os.chown(tmp_path / JOURNAL, 65534, 65534)
    with pytest.raises(PreconditionError, match="owned by user 65534"):
        Journal.open(tmp_path, CLOCK)
    assert len(read_journal(tmp_path)) == 1


def _refused(folder: Path, why: str) -> None:
    for use in (lambda: Journal.open(folder, CLOCK), lambda: read_journal(folder)):
        with pytest.raises(PreconditionError, match=why):
            use()


def test_unwritable_event_leaves_the_journal_healthy(tmp_path: Path) -> None:
    """An event that cannot be a record is refused by itself, and the run goes on."""
    journal = Journal.create(tmp_path, CLOCK)
    journal.append(DECLARED, "anna")
    for text in ("\ud800", "x" * (1 << 21)):
        with pytest.raises(UsageError, match="cannot be recorded"):
            journal.append(note(text), "anna")
    assert journal.unhealthy is None
    assert journal.append(note(), "anna").sequence == 2
    journal.close()


def test_lost_ballast_is_taken_again_before_anything_begins(tmp_path: Path) -> None:
    """Nothing is started while there would be no room to record its end."""
    journal = Journal.create(tmp_path, CLOCK)
    (tmp_path / BALLAST).unlink()
    journal.append(ENDED, "engine")
    assert not (tmp_path / BALLAST).exists()
    journal.append(INTENDED, "engine")
    assert (tmp_path / BALLAST).stat().st_size == BALLAST_BYTES
    journal.close()


def test_second_writer_latches_the_first(tmp_path: Path) -> None:
    """A journal that grew by another hand is not written over; the run stops instead."""
    journal = Journal.create(tmp_path, CLOCK)
    journal.append(DECLARED, "anna")
    other = Journal.open(tmp_path, CLOCK)
    other.append(INTENDED, "engine")
    data = (tmp_path / JOURNAL).read_bytes()
    for _ in range(2):
        with pytest.raises(JournalUnhealthyError, match="somebody else"):
            journal.append(note(), "anna")
    assert journal.unhealthy
    assert (tmp_path / JOURNAL).read_bytes() == data
    journal.close()
    other.close()


def test_j22_hundred_thousand_records_open_within_two_seconds(tmp_path: Path) -> None:
    """A long run resumes at once."""
    Journal.create(tmp_path, CLOCK).close()
    chain = Chain()
    with (tmp_path / JOURNAL).open("ab") as file:
        for _ in range(100_000):
            line, chain = encode(record(chain, ENDED), chain)
            file.write(line)
    began = time.process_time()
    journal = Journal.open(tmp_path, CLOCK)
    took = time.process_time() - began
    journal.close()
    assert len(journal.found) == 100_000
    assert took < 2


def test_errors_are_of_the_one_tree() -> None:
    """Whatever the journal raises, a command line can show and give an exit code for."""
    assert issubclass(JournalUnhealthyError, DrtuiError)
    assert JournalUnhealthyError.exit_code == ExitCode.PRECONDITION
