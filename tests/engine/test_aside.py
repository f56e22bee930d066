"""Work in a thread of its own: what it gives, that it may not begin, and that its end may be waited for."""

import asyncio
import errno
import threading

import pytest

from aihummer_drtui.engine.aside import OneByOne, aside, seen_through


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


def test_one_thing_is_done_after_the_other_in_one_thread() -> None:
    """An error of one is its own; the next is done all the same."""

    async def ask() -> None:
        hand = OneByOne()
        threads = [hand.aside(threading.get_ident) for _ in range(3)]
        with pytest.raises(ZeroDivisionError):
            await hand.aside(lambda: 1 // 0)
        assert len({await thread for thread in threads} | {await hand.aside(threading.get_ident)}) == 1
        assert await hand.aside(threading.get_ident) != threading.get_ident()

    asyncio.run(ask())


@pytest.mark.usefixtures("no_threads")
def test_what_got_no_thread_is_not_done_later_either() -> None:
    """It was told as not done: a thread that comes with the next thing does that alone."""
    done: list[str] = []

    async def ask() -> None:
        hand = OneByOne()
        with pytest.raises(OSError, match="no thread could be started"):
            await hand.aside(lambda: done.append("first"))
        threading.stack_size(0)
        await hand.aside(lambda: done.append("second"))

    asyncio.run(ask())
    assert done == ["second"]
