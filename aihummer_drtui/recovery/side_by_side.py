"""Several looks side by side, each in a thread of its own: one that hangs holds no other up."""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeAlias, TypeVar

from aihummer_drtui.errors import DrtuiError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Came(Generic[T]):
    """A look gave this."""

    what: T


@dataclass(frozen=True, kw_only=True)
class Over:
    """A look came to its end, or nobody waits for it any more."""

    place: str
    why: str = ""
    """What could not be seen; empty = all was."""


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """Nothing came for a while, and looks are still under way."""


News: TypeAlias = Came[T] | Over | Quiet


def side_by_side(
    looks: Mapping[str, Callable[[], Iterable[T]]], seconds: float, *, quiet: float
) -> Iterator[News[T]]:
    """What the looks give, as it comes, for so many seconds; `Over` comes once for each of them.

    `quiet` is after how many seconds without anything `Quiet` is given. The names of `looks` are told.
    """
    deadline = time.monotonic() + seconds
    arriving: queue.SimpleQueue[Came[T] | Over] = queue.SimpleQueue()
    for place, look in looks.items():
        threading.Thread(target=partial(_look, place, look, arriving.put), daemon=True).start()
    waiting = list(looks)
    while waiting and (left := deadline - time.monotonic()) > 0:
        try:
            news = arriving.get(timeout=min(left, quiet))
        except queue.Empty:
            yield Quiet()
            continue
        if isinstance(news, Over):
            waiting.remove(news.place)
        yield news
    for place in waiting:
        yield Over(place=place, why=f"{place}: no answer within {seconds:.0f} s")


def _look(place: str, look: Callable[[], Iterable[T]], tell: Callable[[Came[T] | Over], object]) -> None:
    try:
        for one in look():
            tell(Came(what=one))
    except DrtuiError as error:
        tell(Over(place=place, why=f"{place}: {error.what}"))
    except Exception as error:  # noqa: BLE001 - a look that breaks must be seen, and stop nothing
        # The class only: the message of an unforeseen error may carry a secret.
        tell(Over(place=place, why=f"{place}: the look itself broke: {type(error).__qualname__}"))
    else:
        tell(Over(place=place))
