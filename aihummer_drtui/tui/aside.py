"""What the screens ask of the target's facts: it may block, so it is asked beside the event loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

from aihummer_drtui.engine.aside import NoThreadError, aside, begin_thread
from aihummer_drtui.errors import DrtuiError, PreconditionError

T = TypeVar("T")


async def asked(question: Callable[[], T]) -> T | DrtuiError:
    """The answer, or why there is none."""
    try:
        return await aside(question)
    except DrtuiError as error:
        return error
    except NoThreadError:
        return _no_thread()


def _no_thread() -> DrtuiError:
    return PreconditionError(
        "this host gives the screens no thread to look with",
        hint="raise the limit of processes (ulimit -u, TasksMax) or end some, then look again",
    )


async def told(question: Callable[[], Iterator[T]]) -> AsyncIterator[T | DrtuiError]:
    """Everything that the question gives, each as it comes; an error that ends it comes last.

    Of several that came while nobody took them the last alone is given: each holds all of those before.
    """
    loop = asyncio.get_running_loop()
    latest: list[T | DrtuiError | BaseException] = []
    news = asyncio.Event()
    is_over = False

    def hear(one: T | DrtuiError | BaseException) -> None:
        latest[:] = [one]
        news.set()

    def end() -> None:
        nonlocal is_over
        is_over = True
        news.set()

    def say(tell: Callable[[], None]) -> None:
        # The loop may have ended meanwhile; then nobody is there to hear of it.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(tell)

    def ask() -> None:
        try:
            for one in question():
                say(lambda one=one: hear(one))  # type: ignore[misc]
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            caught = error
            say(lambda: hear(caught))
        say(end)

    try:
        begin_thread(ask)
    except NoThreadError:
        yield _no_thread()
        return
    while not is_over or latest:
        await news.wait()
        news.clear()
        if latest:
            one = latest.pop()
            if isinstance(one, BaseException) and not isinstance(one, DrtuiError):
                raise one
            yield one
