"""Many blobs shared out among threads: as many as cores, and more where the disk is waited for.

hashlib and the system calls leave Python's lock while they work. What costs is passing it on, so a
thread takes blobs by the batch, and nothing is locked in between.
"""

import os
import resource
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Generic, Protocol, TypeVar

from aihummer_drtui.recovery.reporting import Reporter

BLOCK: Final = 1 << 17
"""Bytes read at a time: measured, a block that stays in the core's cache is hashed fastest."""
_AT_ONCE: Final = 64
_BYTES_AT_ONCE: Final = 8 << 20
"""A batch: few enough that all threads end at nearly the same time."""
_TICK: Final = 0.1
"""Seconds between looks at how it goes."""
_DISK_BLOCK: Final = 512  # getrusage(2), ru_inblock

Thing = TypeVar("Thing")
Taken_contra = TypeVar("Taken_contra", contravariant=True)


class Stopped(Exception):  # noqa: N818 - no error: another thread's is the one to tell
    """The others have stopped: leave what you are at."""


class Worker(Protocol[Taken_contra]):
    """What one thread has for itself: open folders, a buffer, counts."""

    done: int
    """Bytes dealt with; others look at it while it grows."""
    stopped: bool
    """Set from outside: raise Stopped soon."""

    def work(self, batch: Sequence[Taken_contra]) -> None:
        """Deal with a batch. What it raises ends the work of all."""

    def close(self) -> None:
        """Give back what is open."""


def in_batches(things: Iterable[Thing], size_of: Callable[[Thing], int]) -> Iterator[list[Thing]]:
    """Give `things` in lists that are some work, but not much."""
    batch: list[Thing] = []
    size = 0
    for thing in things:
        batch.append(thing)
        size += size_of(thing)
        if len(batch) >= _AT_ONCE or size >= _BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class Crew(Generic[Thing]):
    """Threads that share one stream of batches."""

    def __init__(
        self, batches: Iterator[Sequence[Thing]], hire: Callable[[], Worker[Thing]], reporter: Reporter
    ) -> None:
        self._batches = batches
        self._hire = hire
        self._reporter = reporter
        self._lock = threading.Lock()
        self._error: BaseException | None = None
        self._workers: list[Worker[Thing]] = []
        self._threads: list[threading.Thread] = []

    def work(self) -> None:
        """Work all batches off, telling the bytes; raises what the first worker that failed raised."""
        cores = os.cpu_count() or 1
        try:
            self._more(cores)
            self._watch(most=4 * cores)
        finally:
            # Also when we are told to end: no thread writes on after this.
            self._stop()
            for thread in self._threads:
                thread.join()
            for worker in self._workers:
                worker.close()
        if self._error is not None:
            raise self._error
        self._reporter.reached(self._done)

    @property
    def _done(self) -> int:
        return sum(worker.done for worker in self._workers)

    def _watch(self, *, most: int) -> None:
        done, asked = 0, _read_from_disk()
        while any(thread.is_alive() for thread in self._threads):
            for thread in self._threads:
                if thread.is_alive():
                    thread.join(_TICK)
                    break
            now_done, now_asked = self._done, _read_from_disk()
            self._reporter.reached(now_done)
            # A tenth came from the disk: threads wait for it, and further ones would find a free core.
            waiting = (now_asked - asked) * _DISK_BLOCK * 10 > now_done - done
            if waiting and now_asked > asked and len(self._threads) < most:
                self._more(1)
            done, asked = now_done, now_asked

    def _more(self, count: int) -> None:
        for _ in range(count):
            worker = self._hire()
            self._workers.append(worker)
            thread = threading.Thread(target=self._run, args=(worker,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, worker: Worker[Thing]) -> None:
        try:
            # One that is hired after a failure does not begin.
            while not worker.stopped and self._error is None:
                with self._lock:
                    batch = next(self._batches, None)
                if batch is None:
                    return
                worker.work(batch)
                self._reporter.reached(self._done)
        except Stopped:
            return
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits for us
            with self._lock:
                self._error = self._error or error
            self._stop()

    def _stop(self) -> None:
        for worker in self._workers:
            worker.stopped = True


def _read_from_disk() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_inblock
