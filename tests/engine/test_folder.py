"""Where runs are kept, and how they are found again."""

import os
import random
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from aihummer_drtui.engine import folder
from aihummer_drtui.engine.folder import (
    RunFolder,
    create_run,
    find_run,
    list_runs,
    new_run_id,
    state_dir,
    state_to_read,
)
from aihummer_drtui.errors import PreconditionError, UsageError

ASK = """
import sys
from pathlib import Path
from aihummer_drtui.engine.folder import state_dir
from aihummer_drtui.errors import PreconditionError
import os, platformdirs.unix  # Before the account changes: the new one may not read our libraries.
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
try:
    print(state_dir(Path(sys.argv[1]) if sys.argv[1:] else None))
except PreconditionError as error:
    print(error)
"""


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every account can reach, as pytest's own cannot be."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


def test_state_folder_is_made_private(tmp_path: Path) -> None:
    """What was done in an outage is for the operator's eyes; a second use finds the same folder."""
    wanted = tmp_path / "above" / "state"
    old = os.umask(0)
    try:
        assert state_dir(wanted) == wanted
    finally:
        os.umask(old)
    assert stat.S_IMODE(wanted.stat().st_mode) == 0o700
    assert state_dir(wanted) == wanted


def test_relative_option_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that changes its folder still finds its state."""
    monkeypatch.chdir(tmp_path)
    assert state_dir(Path("state")) == tmp_path / "state"


def test_ordinary_user_gets_the_xdg_folder(public: Path) -> None:
    """Without an option each account has its own state folder, where the desktop's rules say."""
    environment = {**os.environ, "XDG_STATE_HOME": str(public / "xdg")}
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(public / "xdg" / "aihummer-drtui")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has the system's state folder")
def test_root_gets_the_system_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's runs are where a second administrator finds them."""
    assert Path("/var/lib/aihummer-drtui") == folder.SYSTEM_STATE
    monkeypatch.setattr(folder, "SYSTEM_STATE", tmp_path / "var")
    assert state_dir(None) == tmp_path / "var"


def test_default_depends_on_the_account_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An ordinary account never writes to the system's folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert folder._default_state() == tmp_path / "aihummer-drtui"


def test_looking_makes_nothing(tmp_path: Path) -> None:
    """Where runs are only read, a state that is missing, or on a disk that takes no writes, is enough."""
    wanted = tmp_path / "missing" / "state"
    assert list_runs(state_to_read(wanted)) == ()
    assert list(tmp_path.iterdir()) == []


def test_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    """A journal that others could exchange is no truth."""
    tmp_path.chmod(0o770)
    with pytest.raises(PreconditionError, match=r"other accounts may write[^$]*--state-dir"):
        state_dir(tmp_path)


def test_file_in_its_place_is_refused(tmp_path: Path) -> None:
    """A wrong --state-dir is told as such."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PreconditionError, match="cannot be made: File exists"):
        state_dir(tmp_path / "file")
    with pytest.raises(PreconditionError, match="cannot be made"):
        state_dir(tmp_path / "file" / "below")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another account")
def test_folder_of_another_account_is_refused(tmp_path: Path) -> None:
    """Two accounts do not write one state."""
    os.chown(tmp_path, 65534, 65534)
    with pytest.raises(PreconditionError, match=r"belongs to user 65534[^$]*--state-dir"):
        state_dir(tmp_path)


def test_folder_without_the_right_to_write_is_refused(public: Path) -> None:
    """An unwritable state is found before the run and not in it."""
    mine = public / "mine"
    mine.mkdir()
    if os.geteuid() == 0:
        os.chown(mine, 65534, 65534)
    mine.chmod(0o500)
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(mine)], capture_output=True, text=True, check=True, cwd="/"
    )
    assert "the state folder is not writable" in done.stdout
    assert "--state-dir" in done.stdout


def test_run_ids_sort_by_time_and_can_be_read_aloud() -> None:
    """An id tells when the run began, in UTC whatever the zone, and holds no letter taken for another."""
    chance = random.Random(1)
    now = datetime(2026, 11, 23, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    first, second = new_run_id(now, chance), new_run_id(now, chance)
    assert re.fullmatch(r"20261122-233000-[a-km-np-z2-9]{4}", first)
    assert first != second
    assert new_run_id(datetime(2026, 11, 22, 23, 30, 1, tzinfo=UTC), chance) > max(first, second)


def test_run_folder_is_private_and_complete(tmp_path: Path) -> None:
    """Every file of a run has its one place."""
    run = create_run(tmp_path, "20261122-2330-k3f7")
    assert run.id == "20261122-2330-k3f7"
    assert stat.S_IMODE(run.path.stat().st_mode) == 0o700
    names = (run.journal, run.lock, run.socket, run.engine_log)
    assert [path.name for path in names] == ["journal", "lock", "socket", "engine.log"]
    assert run.attempt("key/restore-key", 2) == run.path / "attempts" / "key.restore-key.2"
    assert (run.path / "attempts").is_dir()
    with pytest.raises(PreconditionError, match="cannot be made"):
        create_run(tmp_path, "20261122-2330-k3f7")


def run_with_journal(state: Path, run_id: str) -> RunFolder:
    """A run that has begun."""
    run = create_run(state, run_id)
    run.journal.touch(0o600)
    return run


def test_runs_are_listed_and_found_by_prefix(tmp_path: Path) -> None:
    """A tired operator types the first letters; what has no journal is no run."""
    assert list_runs(tmp_path) == ()
    newer = run_with_journal(tmp_path, "20261122-2330-k3f7")
    older = run_with_journal(tmp_path, "20261121-0100-aaaa")
    create_run(tmp_path, "20261122-2331-zzzz")
    assert list_runs(tmp_path) == (older, newer)
    assert find_run(tmp_path, "20261122") == newer
    assert find_run(tmp_path, older.id) == older
    longer = run_with_journal(tmp_path, newer.id + "x")
    assert find_run(tmp_path, newer.id) == newer
    assert find_run(tmp_path, longer.id) == longer


@pytest.mark.parametrize(("prefix", "what"), [("2027", "no run"), ("", "no run"), ("2026", "several runs")])
def test_unclear_run_lists_what_is_known(tmp_path: Path, prefix: str, what: str) -> None:
    """An unknown id is answered with the known ones, newest first."""
    run_with_journal(tmp_path, "20261122-2330-k3f7")
    run_with_journal(tmp_path, "20261121-0100-aaaa")
    with pytest.raises(UsageError, match=what) as caught:
        find_run(tmp_path, prefix)
    assert caught.value.hint.endswith("20261122-2330-k3f7, 20261121-0100-aaaa")


def test_nothing_known_says_how_to_begin(tmp_path: Path) -> None:
    """The first user of all gets told what to type."""
    with pytest.raises(UsageError, match="aihummer-drtui run"):
        find_run(tmp_path, "../../etc")


def test_unreadable_runs_are_told(tmp_path: Path) -> None:
    """Not being able to look is not the same as there being nothing."""
    (tmp_path / "runs").write_bytes(b"")
    with pytest.raises(PreconditionError, match="cannot be listed"):
        list_runs(tmp_path)
