"""SIGKILL at every write and every sync of a complete small drill, which then goes on to its end."""

from collections.abc import Callable

import pytest

from tests.conftest import short_folder
from tests.faults.injecting import Fault, needs_strace, until_none_comes
from tests.faults.small_drill import a_small_drill

Record = Callable[[str, object], None]
BEFORE = "error=EINTR:signal=KILL"
"""Ended before the call did anything."""
AT = "signal=KILL"


def killed_at(number: int, *, call: str, what: str, on_journal: bool) -> bool:
    """A whole drill whose first engine is killed at its call of that number; False when it had none."""
    with short_folder() as place, a_small_drill(place) as drill:
        fault = Fault(
            call=call,
            what=what,
            when=str(number),
            log=place / "strace",
            paths=(drill.house.folder.journal,) if on_journal else (),
            threads=not on_journal,
        )
        drill.run(*fault.words)
        drill.judge()
        return fault.came


@pytest.mark.slow
@needs_strace
@pytest.mark.parametrize(
    ("call", "what", "on_journal", "least"),
    [
        # Some records depend on the pace: how often a check was looked at until its item came to its turn.
        ("write", BEFORE, True, 15),
        ("fdatasync", AT, True, 15),
        # The locks', the ballast's and the folders' syncs, and those that come before a command starts.
        ("fsync", AT, False, 9),
        ("rename", BEFORE, False, 4),
        ("mkdir", BEFORE, False, 2),
    ],
    ids=["write", "fdatasync", "fsync", "rename", "mkdir"],
)
def test_j01_j02_drill_survives_a_kill_at_every_call(
    record_property: Record, call: str, what: str, on_journal: bool, least: int
) -> None:
    """However the engine dies, the drill ends: nothing lost or done twice, nothing green unseen."""
    kills = until_none_comes(lambda number: killed_at(number, call=call, what=what, on_journal=on_journal))
    assert kills >= least
    record_property("injections", kills)
