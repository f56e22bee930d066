"""Work is shared out whole, once, and ends when one fails or somebody says so."""

import threading
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as some

from aihummer_drtui.recovery.blobs.crew import Crew, Stopped, in_batches
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.run.progress import Parts


class _Counting:
    """A worker that adds what it is given to one list, and fails at a number."""

    def __init__(self, into: list[int], fails_at: int = -1) -> None:
        self.done = 0
        self.stopped = False
        self.closed = False
        self._into = into
        self._fails_at = fails_at

    def work(self, batch: Sequence[int]) -> None:
        for number in batch:
            if number == self._fails_at:
                raise ValueError(number)
            self._into.append(number)
            self.done += number

    def close(self) -> None:
        self.closed = True


@given(some.lists(some.integers(0, 20_000_000), max_size=300))
def test_batches_hold_everything_in_its_order_and_not_much_each(sizes: list[int]) -> None:
    """Nothing is lost or turned round; a large thing ends its batch."""
    batches = list(in_batches(sizes, lambda size: size))
    assert [size for batch in batches for size in batch] == sizes
    assert all(len(batch) <= 64 and sum(batch[:-1]) < 8 << 20 for batch in batches)


def test_each_thing_is_dealt_with_once() -> None:
    """By whichever thread; the sum told is the sum done."""
    done: list[int] = []
    workers: list[_Counting] = []

    def hire() -> _Counting:
        workers.append(_Counting(done))
        return workers[-1]

    Crew(in_batches(range(10_000), lambda _: 1), hire, Reporter.silent()).work()
    assert sorted(done) == list(range(10_000))
    assert sum(worker.done for worker in workers) == sum(range(10_000))
    assert all(worker.closed for worker in workers)


def test_the_first_failure_ends_the_work_and_is_told() -> None:
    """What comes long after it is not begun."""
    done: list[int] = []
    with pytest.raises(ValueError, match="70"):
        Crew(in_batches(range(1_000_000), lambda _: 1), lambda: _Counting(done, 70), Reporter.silent()).work()
    assert len(done) < 900_000


def test_a_list_that_breaks_is_told_like_a_worker_that_does() -> None:
    """The batches are read by the threads."""

    def breaking() -> Iterator[list[int]]:
        yield [1]
        raise ValueError("line 2")

    done: list[int] = []
    with pytest.raises(ValueError, match="line 2"):
        Crew(breaking(), lambda: _Counting(done), Reporter.silent()).work()
    assert done == [1]


def test_being_told_to_end_leaves_no_thread_behind() -> None:
    """Ctrl-C in the midst of a large blob: every thread has left when the interrupt goes on."""

    class Endless(_Counting):
        def work(self, batch: Sequence[int]) -> None:  # noqa: ARG002
            while not self.stopped:
                threading.Event().wait(0.001)
            raise Stopped

    class Interrupting(Reporter):
        def reached(self, done: int, *, total: int | None = None, parts: Parts | None = None) -> None:  # noqa: ARG002
            raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        Crew(iter([[1], [2]]), lambda: Endless([]), Interrupting(None)).work()
    assert threading.active_count() == before
