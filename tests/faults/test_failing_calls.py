"""The n-th system call of an engine fails, for all n, in every way a disk has of failing."""

from collections.abc import Callable

import pytest

from tests.conftest import short_folder
from tests.faults.injecting import Fault, needs_strace, until_none_comes
from tests.faults.small_drill import a_small_drill

Property = Callable[[str, object], None]


def failed_at(number: int, *, call: str, error: str, on_journal: bool) -> bool:
    """A whole drill whose first engine's call of that number fails; False when it had none."""
    with short_folder() as place, a_small_drill(place) as drill:
        fault = Fault(
            call=call,
            what=f"error={error}",
            when=str(number),
            log=place / "strace",
            paths=(drill.house.folder.journal,) if on_journal else (),
            threads=not on_journal,
        )
        drill.run(*fault.words)
        drill.judge()
        log = drill.house.folder.engine_log.read_text()
        assert "Traceback" not in log, log
        return fault.came


@pytest.mark.slow
@needs_strace
@pytest.mark.parametrize(
    ("call", "error", "on_journal", "least"),
    [
        ("write", "EIO", True, 16),
        ("write", "ENOSPC", True, 16),
        ("fdatasync", "EIO", True, 16),
        ("fdatasync", "ENOSPC", True, 16),
        ("fsync", "EIO", False, 9),
        ("rename", "EROFS", False, 4),
        ("mkdir", "ENOSPC", False, 2),
        ("fallocate", "ENOSPC", False, 1),
    ],
)
def test_j08_j11_j13_drill_goes_on_after_any_failed_call(
    record_property: Property, call: str, error: str, on_journal: bool, least: int
) -> None:
    """Whatever call fails, the drill ends with nothing lost or done twice, and nobody meets a traceback."""
    failures = until_none_comes(
        lambda number: failed_at(number, call=call, error=error, on_journal=on_journal)
    )
    assert failures >= least
    record_property("injections", failures)


@needs_strace
def test_j08_interrupted_calls_are_made_again(record_property: Property) -> None:
    """A signal in the middle of a write is no failure: nobody hears of it, and no record is there twice."""
    with short_folder() as place, a_small_drill(place) as drill:
        journal = drill.house.folder.journal
        fault = Fault(call="write", what="error=EINTR", when="1+2", log=place / "strace", paths=(journal,))
        drill.run(*fault.words)
        drill.judge()
        assert drill.errors == []
        record_property("injections", fault.hits)
