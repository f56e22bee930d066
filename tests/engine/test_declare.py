"""Declaring runs: one live run per target, nothing half begun."""

import subprocess
import sys
import zlib
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.declare import declare_run
from aihummer_drtui.engine.folder import list_runs
from aihummer_drtui.engine.journal import Journal
from aihummer_drtui.engine.lock import Holder, take_target_lock
from aihummer_drtui.engine.runbook_text import runbook_file, text_in_force
from aihummer_drtui.engine.standing_runs import state_of, unfinished_runs
from aihummer_drtui.errors import LockedError
from aihummer_drtui.run.events import RunAbandoned
from tests.engine.engine_house import a_declaration, book, command, text_of

PLAIN = book(command("work/swap", "true"))
CLOCK = SystemClock()


def test_declared_run_holds_its_runbook_and_its_first_record(tmp_path: Path) -> None:
    """What was declared is on disk before anybody is told its name."""
    folder = declare_run(tmp_path, a_declaration(PLAIN), CLOCK)
    state = state_of(folder)
    assert state is not None
    assert state.declared.run == folder.id
    assert state.declared_by == "anna"
    assert text_in_force(folder, state) == text_of(PLAIN)
    assert runbook_file(folder, state.runbook_sha256).stat().st_mode & 0o077 == 0
    assert [one.declared.run for one in unfinished_runs(tmp_path)] == [folder.id]


def test_one_unfinished_run_per_target(tmp_path: Path) -> None:
    """A second one is refused with what to do; another target is free; an ended run frees its own."""
    folder = declare_run(tmp_path, a_declaration(PLAIN), CLOCK)
    with pytest.raises(LockedError, match=rf"resume {folder.id}[^$]*abandon {folder.id}"):
        declare_run(tmp_path, a_declaration(PLAIN), CLOCK)
    declare_run(tmp_path, a_declaration(PLAIN, target_key="other"), CLOCK)
    journal = Journal.open(folder.path, CLOCK)
    journal.append(RunAbandoned(reason="x"), "anna")
    journal.close()
    declare_run(tmp_path, a_declaration(PLAIN), CLOCK)
    assert len(unfinished_runs(tmp_path)) == 2


@pytest.mark.parametrize(
    ("version", "why"), [(1, "its journal is corrupt"), (2, "by a newer aihummer-drtui")]
)
def test_run_that_cannot_be_read_to_its_end_has_a_way_out(tmp_path: Path, version: int, why: str) -> None:
    """It keeps its target, for its commands may run; it is not to be resumed, but to be moved away."""
    folder = declare_run(tmp_path, a_declaration(PLAIN), CLOCK)
    second = msgspec.json.encode({"version": version})
    with folder.journal.open("ab") as journal:
        journal.write(b"%08x %08x %s\n" % (len(second), zlib.crc32(second), second))
    with pytest.raises(LockedError) as refused:
        declare_run(tmp_path, a_declaration(PLAIN), CLOCK)
    assert why in refused.value.hint
    assert f"move (`mv`) {folder.path} out of {tmp_path / 'runs'}" in refused.value.hint
    assert "resume" not in refused.value.hint
    folder.path.rename(tmp_path / "away")
    assert declare_run(tmp_path, a_declaration(PLAIN), CLOCK).id != folder.id


def test_target_that_an_engine_holds_is_refused(tmp_path: Path) -> None:
    """A live engine has its target even where its run has ended."""
    holder = Holder.this_process(run="r1", operator="engine", clock=CLOCK)
    with take_target_lock(tmp_path, "sandbox-1", holder), pytest.raises(LockedError, match="run r1"):
        declare_run(tmp_path, a_declaration(PLAIN), CLOCK)
    assert list_runs(tmp_path) == ()


def test_j08_no_room_for_the_runbook_is_told(tmp_path: Path) -> None:
    """A run that cannot keep its runbook is not begun."""
    program = (
        "import sys, resource\n"
        "from pathlib import Path\n"
        "from aihummer_drtui.errors import PreconditionError\n"
        "from tests.engine.test_declare import CLOCK, a_declaration, book, command, declare_run\n"
        "big = a_declaration(book(command('work/swap', 'true' * 5000)))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))\n"
        "try: declare_run(Path(sys.argv[1]), big, CLOCK)\n"
        "except PreconditionError as error: print(error)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True, cwd=root
    )
    assert "the runbook cannot be kept with the run: File too large" in done.stdout
    assert unfinished_runs(tmp_path) == ()
    assert list_runs(tmp_path) == ()
