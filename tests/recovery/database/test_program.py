"""A program's words reach the listener whole, in order, and to the last."""

import sys

import pytest

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.database.connection import program_environment
from aihummer_drtui.recovery.database.program import Ended, run_program


def _run(program: str, heard: list[str]) -> Ended:
    return run_program(
        [sys.executable, "-c", program],
        environment=program_environment(),
        descriptors=(),
        heard=heard.append,
        interval=0.01,
    )


def test_every_line_is_heard_however_many() -> None:
    """Far more than the end that `words` keeps; the first is not lost."""
    heard: list[str] = []
    ended = _run("for n in range(200000): print('line', n)", heard)
    assert (len(heard), heard[0], heard[-1]) == (200_000, "line 0", "line 199999")
    assert "line 0\n" not in ended.words
    assert ended.last_line == "line 199999"


def test_a_line_without_an_end_and_a_hostile_one_are_heard() -> None:
    """Cut at a bound, cleaned, and not waited for."""
    heard: list[str] = []
    _run("import sys; sys.stdout.write('x' * 200000 + '\\n\\x1b[2J')", heard)
    assert [len(line) <= 65_536 for line in heard] == [True, True]
    assert heard[-1] == "\\x1b[2J"


def test_a_listener_that_raises_ends_the_program() -> None:
    """At the first fatal word, hours before its own end."""

    def refuse(line: str) -> None:
        raise FailedError(line, hint="none")

    with pytest.raises(FailedError, match="bad news"):
        run_program(
            [sys.executable, "-c", "import time; print('bad news', flush=True); time.sleep(600)"],
            environment=program_environment(),
            descriptors=(),
            heard=refuse,
            interval=0.01,
        )
