"""Work in a thread of its own: what it gives, that it may not begin, and that its end may be waited for."""

import asyncio
import errno
import threading

import pytest

from aihummer_drtui.engine.aside import aside, seen_through


@pytest.mark.usefixtures("no_threads")
def test_thread_that_the_host_does_not_give_is_its_fault_and_not_ours() -> None:
    """As a process that cannot be started: an OSError, which is told as what it is, and nothing was done."""
    done: list[str] = []

    async def ask() -> None:
        await aside(lambda: done.append("done"))

    with pytest.raises(OSError, match="no thread could be started") as refused:
        asyncio.run(ask())
    assert refused.value.errno == errno.EAGAIN
    assert done == []


def test_result_and_error_are_those_of_the_work() -> None:
    """Whoever waits has what the thread came to."""

    async def ask() -> None:
        assert await seen_through(aside(lambda: 7)) == 7
        with pytest.raises(ZeroDivisionError):
            await seen_through(aside(lambda: 1 // 0))

    asyncio.run(ask())


def test_work_that_is_to_be_seen_through_ends_before_its_cancellation_does() -> None:
    """An engine that ends gives its lock back after what it had begun to start, not before."""
    begun, go_on = threading.Event(), threading.Event()
    done: list[str] = []

    def work() -> None:
        begun.set()
        assert go_on.wait(20)
        done.append("done")

    async def cancelled_meanwhile() -> None:
        asker = asyncio.create_task(seen_through(aside(work)))
        await asyncio.to_thread(begun.wait, 20)
        asker.cancel()
        await asyncio.sleep(0)
        assert not asker.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await asker
        assert done == ["done"]

    asyncio.run(cancelled_meanwhile())
