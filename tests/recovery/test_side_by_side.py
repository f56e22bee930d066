"""Several looks side by side: what comes, what breaks, what hangs."""

import os
from collections.abc import Iterator
from pathlib import Path

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.side_by_side import Came, Over, Quiet, side_by_side


def good() -> Iterator[int]:
    """Two things."""
    yield 1
    yield 2


def refused() -> Iterator[int]:
    """One thing, then an error of ours."""
    yield 3
    raise PreconditionError("not mounted", hint="mount it")


def broken() -> Iterator[int]:
    """An error that nobody foresaw."""
    raise RuntimeError("a secret")
    yield 4


def test_each_look_gives_what_it_has_and_says_how_it_ended() -> None:
    """An error of one is no error of another, and tells nothing that may be a secret."""
    news = list(side_by_side({"good": good, "refused": refused, "broken": broken}, 20.0, quiet=20.0))
    assert sorted(one.what for one in news if isinstance(one, Came)) == [1, 2, 3]
    ends = {one.place: one.why for one in news if isinstance(one, Over)}
    assert ends == {
        "good": "",
        "refused": "refused: not mounted",
        "broken": "broken: the look itself broke: RuntimeError",
    }


def test_a_look_that_hangs_holds_no_other_up(tmp_path: Path) -> None:
    """What the others saw comes at once; it is told when its time is over."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def hangs() -> Iterator[int]:
        yield 5
        pipe.read_bytes()

    news = list(side_by_side({"hangs": hangs, "good": good}, 0.5, quiet=0.05))
    assert {one.what for one in news if isinstance(one, Came)} == {1, 2, 5}
    assert Quiet() in news
    assert news[-1] == Over(place="hangs", why="hangs: no answer within 0 s")
    # Let the thread end: a pipe that is opened and closed reads as empty.
    os.close(os.open(pipe, os.O_WRONLY))


def test_no_look_gives_nothing() -> None:
    """At once."""
    assert list(side_by_side({}, 20.0, quiet=1.0)) == []
