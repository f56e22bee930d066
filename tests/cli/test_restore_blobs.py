"""A disk that takes no more: what was being written goes, what was there stays."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_backup import run
from tests.recovery.small_cluster import Installation

pytestmark = pytest.mark.postgres


def _run_with_small_files(
    installation: Installation, *arguments: str, limit: int
) -> "subprocess.CompletedProcess[str]":
    """Run the command line where no file may grow over `limit` bytes: the nearest to a full disk."""
    return subprocess.run(
        [sys.executable, "-m", "aihummer_drtui", "--target", str(installation.write_target()), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[2],
        env={name: value for name, value in os.environ.items() if not name.startswith(("DRTUI_", "COV"))},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )


def test_blobs_that_cannot_be_written_leave_the_live_folder(installation: Installation) -> None:
    """Exit code 1, one message, the live folder as it was; with room the next try completes."""
    place = run(installation, "backup", "create").stdout.strip()
    (installation.blobs / "new").write_bytes(b"written after the backup")
    confirm = ("--backup-set", place, "--confirm", f"{os.uname().nodename}/{installation.name}")
    done = _run_with_small_files(installation, "restore", "blobs", *confirm, limit=6500)
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert (installation.blobs / "new").exists()
    assert run(installation, "probe", "restore-blobs", "--backup-set", place).returncode == 10
    beside = [path for path in installation.root.glob("blobs.restoring*/**/*") if path.is_file()]
    sealed = {path.name: path.stat().st_size for path in Path(place, "blobs").rglob("*.bin")}
    # Which blobs were whole before the largest stopped it is up to the threads and the file system.
    whole = [path for path in beside if path.stat().st_size == sealed.get(path.name)]
    again = run(installation, "restore", "blobs", *confirm)
    assert again.returncode == 0, again.stderr
    assert ("from an earlier try" in again.stdout) == bool(whole)


def test_a_backup_that_cannot_be_written_leaves_nothing(installation: Installation) -> None:
    """Neither a dump that was cut by a signal nor a blob that did not fit becomes a set."""
    dump_too_large = _run_with_small_files(installation, "backup", "create", limit=4_000)
    assert dump_too_large.returncode == 1
    assert "pg_dump" in dump_too_large.stderr
    (installation.blobs / "huge").write_bytes(os.urandom(2_000_000))
    blob_too_large = _run_with_small_files(installation, "backup", "create", limit=1_000_000)
    assert blob_too_large.returncode == 1
    assert "File too large" in blob_too_large.stderr
    assert list((installation.root / "backups").iterdir()) == []


def test_a_restore_is_taken_back_and_the_old_folder_dropped(installation: Installation) -> None:
    """As it is typed: kept until is shown, the undo says what is in place, the drop wants --early."""
    place = run(installation, "backup", "create").stdout.strip()
    confirm = ("--confirm", f"{os.uname().nodename}/{installation.name}")
    done = run(installation, "restore", "blobs", "--backup-set", place, *confirm)
    assert (done.returncode, "at least until 2" in done.stderr) == (0, True), done.stderr
    undone = run(installation, "restore", "blobs", "--undo", *confirm)
    assert (undone.returncode, undone.stdout.startswith("undone: ")) == (0, True), undone.stderr
    assert "back in place comes blobs.replaced-" in undone.stderr
    soon = run(installation, "restore", "blobs", "--drop-old", *confirm)
    assert (soon.returncode, "--early" in soon.stderr) == (3, True)
    assert run(installation, "probe", "drop-old-blobs").returncode == 4
    gone = run(installation, "restore", "blobs", "--drop-old", "--early", *confirm)
    assert (gone.returncode, gone.stdout.startswith("removed: ")) == (0, True), gone.stderr
    assert run(installation, "probe", "drop-old-blobs").returncode == 0


@pytest.mark.parametrize("options", [["--undo", "--drop-old"], ["--undo", "--again"], ["--early"], []])
def test_options_that_do_not_belong_together_are_refused(
    installation: Installation, options: list[str]
) -> None:
    """Exit code 2, before anything is asked."""
    assert run(installation, "restore", "blobs", *options).returncode == 2
