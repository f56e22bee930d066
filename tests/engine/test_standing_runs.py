"""Where each run stands, by what can be read of it."""

from pathlib import Path

from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.declare import declare_run
from aihummer_drtui.engine.folder import create_run
from aihummer_drtui.engine.journal import Journal
from aihummer_drtui.engine.standing_runs import state_of, unfinished_runs
from aihummer_drtui.run.events import RunAbandoned
from aihummer_drtui.run.state import Abandoned
from tests.engine.engine_house import a_declaration, book, command

PLAIN = book(command("work/swap", "true"))
CLOCK = SystemClock()


def test_unfinished_are_those_that_nobody_ended(tmp_path: Path) -> None:
    """One whose journal is damaged counts as far as it is sound."""
    ended, damaged, whole = (
        declare_run(tmp_path, a_declaration(PLAIN, target_key=key), CLOCK) for key in ("a", "b", "c")
    )
    journal = Journal.open(ended.path, CLOCK)
    journal.append(RunAbandoned(reason="x"), "anna")
    journal.close()
    with damaged.journal.open("ab") as broken:
        broken.write(b"nonsense\n")
    state = state_of(ended)
    assert state is not None
    assert isinstance(state.ending, Abandoned)
    assert {one.declared.run for one in unfinished_runs(tmp_path)} == {damaged.id, whole.id}


def test_run_that_cannot_be_read_is_no_state(tmp_path: Path) -> None:
    """A broken neighbour stops nobody: it has no state, and no unfinished run."""
    empty, torn, foreign = (create_run(tmp_path, name) for name in ("r1", "r2", "r3"))
    empty.journal.touch(0o600)
    torn.journal.write_bytes(b"nonsense\n")
    foreign.journal.symlink_to("/dev/null")
    assert [state_of(one) for one in (empty, torn, foreign)] == [None, None, None]
    assert unfinished_runs(tmp_path) == ()
