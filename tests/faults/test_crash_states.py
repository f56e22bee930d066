"""Every state that a power cut may leave of a drill's folder: nothing is lost, and what is told is true."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from aihummer_drtui.engine.attempt import Attempt
from aihummer_drtui.engine.attempt_seen import Ended, Lost, NotStarted
from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.journal import Journal
from aihummer_drtui.errors import CorruptJournalError
from aihummer_drtui.run import events as e
from aihummer_drtui.run.fold import fold
from tests.conftest import short_folder
from tests.faults.crash_states import Disk, Durable, begun_with
from tests.faults.injecting import needs_strace
from tests.faults.recorded_calls import Done, Made, Said, Synced, Written, calls_in, recording
from tests.faults.small_drill import a_small_drill

Property = Callable[[str, object], None]
_SEQUENCE = re.compile(rb'"(?:accepted|grew)","sequence":(\d+)')


@dataclass(frozen=True, kw_only=True)
class Cut:
    """One state after a cut, and what the world outside had seen by then."""

    disk: Disk
    promised: int
    """The highest sequence number that a front end was told."""
    marks: frozenset[str]
    """What the commands had really done."""


@dataclass(frozen=True, kw_only=True)
class Film:
    """A drill from its first call to its last."""

    root: str
    begun: Disk
    calls: tuple[Done, ...]
    marks: str

    def cuts(self) -> Iterator[Cut]:
        """Each state that a cut after each call may leave."""
        durable, promised, marks = Durable(self.begun.copy()), 0, set[str]()
        for done in self.calls:
            if isinstance(done, Said):
                promised = max([promised, *map(int, _SEQUENCE.findall(done.data))])
            elif isinstance(done, Written) and done.path == self.marks:
                marks.add(done.data.decode().strip())
            elif not done.path.startswith(self.root):
                continue
            durable.take(done)
            for disk in durable.after_a_cut():
                yield Cut(disk=disk, promised=promised, marks=frozenset(marks))


@pytest.fixture(scope="module")
def film() -> Film:
    """One drill, recorded; the processes of it are over."""
    with short_folder() as place, a_small_drill(place) as drill:
        begun = begun_with(drill.house.folder.path)
        drill.run(*recording(place / "calls"))
        drill.judge()
        return Film(
            root=str(drill.house.folder.path),
            begun=begun,
            calls=tuple(calls_in(place / "calls")),
            marks=str(drill.marks),
        )


@needs_strace
def test_recording_tells_all_that_is_there_at_the_end(film: Film) -> None:
    """Replayed to its end without a cut, it gives what the run's folder held."""
    disk = film.begun.copy()
    for done in film.calls:
        if not isinstance(done, Said | Synced) and done.path.startswith(film.root):
            disk.apply(done)
    journal = disk.files[f"{film.root}/journal"]
    assert journal.count(b"\n") == len(journal.splitlines())
    assert b'"run-finished"' in journal
    for name in ("prepare", "swap"):
        assert b'"exited"' in disk.files[f"{film.root}/attempts/work.{name}.1/ended.json"]


@pytest.mark.slow
@needs_strace
def test_j16_truth_is_told_after_every_power_cut_that_posix_allows(
    film: Film, record_property: Property
) -> None:
    """The journal opens with all that was promised, and of no command more or less is said than was seen."""
    states = states_judged(film)
    assert states >= 120
    record_property("injections", states)


@needs_strace
@pytest.mark.parametrize("left_out", ["journal", "attempts/work.swap.1"])
def test_syncs_that_were_left_out_would_be_found_out(film: Film, left_out: str) -> None:
    """The judge is no rubber stamp: without syncs of the journal, or of an attempt's names, it objects."""
    path = f"{film.root}/{left_out}"
    worse = replace(film, calls=tuple(one for one in film.calls if one != Synced(path=path)))
    with pytest.raises((AssertionError, CorruptJournalError)):
        states_judged(worse)


def states_judged(film: Film) -> int:
    """Lay out every state that a cut may leave, and judge it; give how many there were."""
    known: set[int] = set()
    with short_folder() as place:
        for cut in film.cuts():
            disk = (frozenset(cut.disk.files.items()), frozenset(cut.disk.folders))
            key = hash((disk, cut.promised, cut.marks))
            if key not in known:
                known.add(key)
                cut.disk.lay_out(film.root, place / "run")
                _judge(place / "run", cut)
                shutil.rmtree(place / "run")
    return len(known)


def _judge(run: Path, cut: Cut) -> None:
    journal = Journal.open(run, SystemClock())
    journal.close()
    found = [one.what for one in journal.found if not isinstance(one.what, e.JournalRepaired)]
    assert len(found) >= cut.promised
    fold(journal.found)
    for name in ("prepare", "swap"):
        item = f"work/{name}"
        intended = any(isinstance(one, e.CommandIntended) and one.item == item for one in found)
        ends = [one for one in found if isinstance(one, e.CommandEnded) and one.item == item]
        began, did = f"{name} began" in cut.marks, f"{name} done" in cut.marks
        assert intended or not began
        assert did or not any((one.kind, one.code) == (e.EndKind.EXITED, 0) for one in ends)
        if intended and not ends:
            match Attempt(run / "attempts" / f"work.{name}.1").look():
                case NotStarted():
                    assert not began
                case Ended(kind=e.EndKind.EXITED, code=0):
                    assert did
                case Lost():
                    pass
                case other:
                    raise AssertionError(other)


def test_what_was_not_synced_may_be_missing_and_what_was_may_not() -> None:
    """The model itself: names need their folder's sync, bytes their file's."""
    durable = Durable(Disk(folders=set()))
    for done in (
        Made(path="/r/a", folder=False),
        Written(path="/r/a", data=b"bytes", at=None),
        Synced(path="/r/a"),
    ):
        durable.take(done)
    assert [disk.files for disk in durable.after_a_cut()] == [{}, {"/r/a": b"bytes"}]
    durable.take(Synced(path="/r"))
    durable.take(Written(path="/r/a", data=b"more", at=None))
    left = [disk.files["/r/a"] for disk in durable.after_a_cut()]
    assert left == [b"bytes", b"bytesmore", b"bytesmo", b"bytes\0\0\0\0"]
