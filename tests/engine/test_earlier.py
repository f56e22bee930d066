"""Earlier runs, read from real journals."""

from pathlib import Path

from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.declare import declare_run
from aihummer_drtui.engine.earlier import earlier_runs
from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.engine.journal import Journal
from aihummer_drtui.engine.journal_reading import read_journal
from aihummer_drtui.run import events as e
from aihummer_drtui.run.fold import fold
from aihummer_drtui.runbook.model import RecoveryLevel
from tests.engine.engine_house import a_declaration, book, command

BOOK = book(command("work/do", "true"))


def a_run(
    state: Path, *, mode: e.Mode = e.Mode.DRILL, took: float | None = 5.0, target_key: str = "k"
) -> RunFolder:
    """A run in which the command took so long; None = it is not finished."""
    folder = declare_run(state, a_declaration(BOOK, mode=mode, target_key=target_key), SystemClock())
    journal = Journal.open(folder.path, SystemClock())
    if took is None:
        journal.close()
        return folder
    for what in (
        e.CommandIntended(item="work/do", attempt=1, script="true", values={}),
        e.CommandEnded(item="work/do", attempt=1, kind=e.EndKind.EXITED, code=0, took=took),
        e.RunFinished(level=RecoveryLevel.NONE, with_exceptions=True, unproven=()),
    ):
        journal.append(what, "anna")
    journal.close()
    return folder


def state_in(tmp_path: Path) -> Path:
    """A state folder."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    return state


def took(folder: RunFolder) -> list[float]:
    """What the earlier runs of this one tell of its command, sorted."""
    declared = fold(read_journal(folder.path)).declared
    return sorted(one.took["work/do"] for one in earlier_runs(folder, declared))


def test_finished_runs_of_the_same_mode_are_told(tmp_path: Path) -> None:
    """Not the run itself, not a real one beside drills, not one that is under way."""
    state = state_in(tmp_path)
    a_run(state, took=3.0)
    a_run(state, took=7.0)
    a_run(state, mode=e.Mode.TRAINING, took=99.0)
    assert took(a_run(state, took=None)) == [3.0, 7.0]


def test_a_run_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    """Cut, overwritten, gone, a folder in its place: the others are told all the same."""
    state = state_in(tmp_path)
    a_run(state, took=3.0)
    a_run(state, took=4.0).journal.write_bytes(b"\xff" * 300)
    a_run(state, took=5.0).journal.unlink()
    broken = a_run(state, took=6.0)
    broken.journal.unlink()
    broken.journal.mkdir()
    assert took(a_run(state, took=None)) == [3.0]


def test_a_journal_that_is_far_too_long_is_not_read(tmp_path: Path) -> None:
    """Nobody waits for a briefing because of one run of a year ago."""
    state = state_in(tmp_path)
    a_run(state, took=3.0)
    long = a_run(state, took=4.0)
    with long.journal.open("ab") as file:
        file.truncate(40_000_000)
    assert took(a_run(state, took=None)) == [3.0]


def test_only_the_newest_are_taken(tmp_path: Path) -> None:
    """Ten of them, however many there are."""
    state = state_in(tmp_path)
    for _ in range(12):
        a_run(state)
    folder = a_run(state, took=None)
    assert len(took(folder)) == 10


def test_where_no_runs_can_be_listed_there_are_none(tmp_path: Path) -> None:
    """A state folder that is a file breaks nothing."""
    folder = a_run(state_in(tmp_path), took=None)
    declared = fold(read_journal(folder.path)).declared
    (tmp_path / "runs").write_text("")
    assert earlier_runs(RunFolder(path=tmp_path / "runs" / "r"), declared) == ()
