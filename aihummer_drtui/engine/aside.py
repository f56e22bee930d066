"""A blocking call in a thread of its own, which nobody has to wait for.

The event loop's own pool has few threads, and the interpreter waits for them before it ends. A look
that hangs would in time stop every other one, and keep alive an engine that was asked to end.
"""

import asyncio
import contextlib
import errno
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


class NoThreadError(OSError):
    """The host gives no new thread (pids.max, RLIMIT_NPROC): its fault, as for a process, and not ours."""

    def __init__(self) -> None:
        super().__init__(errno.EAGAIN, "no thread could be started")


def begin_thread(work: Callable[[], None]) -> None:
    """Begin the work in a new thread that nobody waits for. Raises NoThreadError."""
    try:
        threading.Thread(target=work, daemon=True).start()
    except RuntimeError:
        raise NoThreadError from None


def aside(work: Callable[[], T]) -> "asyncio.Future[T]":
    """Begin the work in a new thread and give the future of its result or its exception.

    Where the host has no thread for it, that is a NoThreadError.
    """
    future, run = _promised(work)
    try:
        begin_thread(run)
    except NoThreadError as error:
        future.set_exception(error)
    return future


class OneByOne:
    """A thread that does one thing after the other; it begins with the first. Nobody waits for its end."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Callable[[], None]] | None = None

    def aside(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """As the function of that name; where there is no thread for it, nothing waits to be done later."""
        future, run = _promised(work)
        try:
            queue = self._begun() if self._queue is None else self._queue
        except NoThreadError as error:
            future.set_exception(error)
        else:
            queue.put(run)
        return future

    def _begun(self) -> "SimpleQueue[Callable[[], None]]":
        queue: SimpleQueue[Callable[[], None]] = SimpleQueue()

        def serve() -> None:
            while True:
                queue.get()()

        begin_thread(serve)
        self._queue = queue
        return queue


def _promised(work: Callable[[], T]) -> "tuple[asyncio.Future[T], Callable[[], None]]":
    """The future of the work, and what a thread has to do for it."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def tell(result: Callable[[], None]) -> None:
        # The loop may have ended meanwhile; then nobody is there to hear of it.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: None if future.done() else result())

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - it is raised where the future is awaited
            caught = error
            tell(lambda: future.set_exception(caught))
        else:
            tell(lambda: future.set_result(result))

    return future, run


async def seen_through(work: "asyncio.Future[T]") -> T:
    """Give the result of what `aside` began; who is cancelled meanwhile waits for its end all the same."""
    try:
        await asyncio.wait({work})
    except asyncio.CancelledError:
        await asyncio.wait({work})
        raise
    return work.result()
