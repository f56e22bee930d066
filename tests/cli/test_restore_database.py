"""`restore database`, `restore blobs` and `probe` as they are typed and as a runbook runs them."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.cli.test_backup import run
from tests.recovery.recorded_programs import record_programs
from tests.recovery.small_cluster import Installation

pytestmark = pytest.mark.postgres


def _backup(installation: Installation) -> str:
    made = run(installation, "backup", "create")
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def _phrase(installation: Installation) -> str:
    return f"{os.uname().nodename}/{installation.name}"


def test_the_whole_way_by_commands(installation: Installation) -> None:
    """Probe: not done, restore, probe: done, for both parts; a second time is a precondition."""
    place = _backup(installation)
    for part, word in (("database", "2009 rows"), ("blobs", "7 blobs")):
        assert run(installation, "probe", f"restore-{part}", "--backup-set", place).returncode == 1
        done = run(installation, "restore", part, "--backup-set", place, "--confirm", _phrase(installation))
        assert done.returncode == 0, done.stderr
        assert word in done.stdout
        probed = run(installation, "probe", f"restore-{part}", "--backup-set", place)
        assert (probed.returncode, probed.stdout[:5]) == (0, "done:")
        again = run(installation, "restore", part, "--backup-set", place, "--confirm", _phrase(installation))
        assert again.returncode == 3
        assert "already restored" in again.stderr


def test_what_was_done_is_told_in_json(installation: Installation) -> None:
    """With the names under which the old ones are kept."""
    place = _backup(installation)
    words = ("--backup-set", place, "--confirm", _phrase(installation), "--json")
    database = json.loads(run(installation, "restore", "database", *words).stdout)
    assert (database["rows"], database["kept_as"] in installation.databases()) == (2009, True)
    blobs = json.loads(run(installation, "restore", "blobs", *words).stdout)
    assert (blobs["blobs"], Path(blobs["kept_as"]).is_dir()) == (7, True)


@pytest.mark.parametrize("part", ["database", "blobs"])
def test_d12_without_a_terminal_the_exact_words_are_named(installation: Installation, part: str) -> None:
    """A script that forgot --confirm learns what to write, and nothing has happened."""
    place = _backup(installation)
    for confirm in ([], ["--confirm", ""], ["--confirm", "other/db"]):
        done = run(installation, "restore", part, "--backup-set", place, *confirm)
        assert done.returncode == 3
        assert _phrase(installation) in done.stderr
    assert installation.databases() == [installation.name]


def test_a_restore_is_undone_and_the_rest_dropped_by_commands(installation: Installation) -> None:
    """Each behind the gate, each with its probe, each telling what it acts upon and until when."""
    place = _backup(installation)
    gate = ("--confirm", _phrase(installation))
    done = run(installation, "restore", "database", "--backup-set", place, *gate)
    assert "until you drop it (not before" in done.stderr
    assert run(installation, "probe", "restore-undo", "--backup-set", place).returncode == 1
    undone = run(installation, "restore", "database", "--undo", *gate)
    assert undone.returncode == 0, undone.stderr
    assert f"undone: {installation.name} is again" in undone.stdout
    assert "back in place comes" in undone.stderr
    assert run(installation, "probe", "restore-undo", "--backup-set", place).returncode == 0
    early = run(installation, "restore", "database", "--drop-old", *gate)
    assert early.returncode == 3
    assert "to be dropped:" in early.stderr
    assert run(installation, "probe", "drop-old").returncode == 1
    dropped = run(installation, "restore", "database", "--drop-old", "--early", *gate)
    assert (dropped.returncode, dropped.stdout[:8]) == (0, "dropped:")
    assert run(installation, "probe", "drop-old").returncode == 0
    nothing = run(installation, "restore", "database", "--drop-old", *gate)
    assert (nothing.returncode, "nothing to drop" in nothing.stdout) == (0, True)
    for more in (("--undo",), ("--drop-old", "--json")):
        told = run(installation, "restore", "database", *more, *gate)
        assert told.returncode == (3 if more == ("--undo",) else 0)
    assert installation.databases() == [installation.name]


@pytest.mark.parametrize(
    "options", [("--undo", "--drop-old"), ("--undo", "--again"), ("--drop-old", "--jobs=2"), ("--early",), ()]
)
def test_options_that_do_not_belong_together_are_refused(
    installation: Installation, options: tuple[str, ...]
) -> None:
    """Exit code 2, before anything is looked at; so is a restore of no set."""
    assert run(installation, "restore", "database", *options).returncode == 2


def test_a_probe_that_cannot_know_says_so(installation: Installation) -> None:
    """Unreachable server: the exit code is none of done, not done and partial."""
    place = _backup(installation)
    installation.write_env(AIHUMMER_DATABASE_URL=f"postgres://x@%2Fnonexistent/{installation.name}")
    probed = run(installation, "probe", "restore-database", "--backup-set", place)
    assert probed.returncode == 4
    assert probed.stdout.startswith("unknown:")


def test_at_a_terminal_the_facts_are_shown_and_the_name_is_typed(installation: Installation) -> None:
    """The operator sees what is there and how to undo it before anything is typed."""
    place = _backup(installation)
    command = [
        *(sys.executable, "-m", "aihummer_drtui", "--target", str(installation.write_target())),
        *("restore", "database", "--backup-set", place),
    ]
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, cwd=Path(__file__).parents[2]
    )
    os.close(theirs)
    shown = _read_until(ours, b"to go on")
    assert b"2,009 rows in 3 tables" in shown
    assert b"blobs: 7 files" in shown
    assert b"undo:" in shown
    os.write(ours, f"{_phrase(installation)}\n".encode())
    _read_until(ours, b"--drop-old")
    out, _ = child.communicate(timeout=30)
    os.close(ours)
    assert child.returncode == 0
    assert b"2009 rows in 3 tables" in out


def _read_until(terminal: int, words: bytes) -> bytes:
    shown = b""
    deadline = time.monotonic() + 30
    while words not in shown:
        ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, shown
        shown += os.read(terminal, 4096)
    return shown


def test_d05_a_client_with_a_known_hole_is_named_before_the_restore(installation: Installation) -> None:
    """Where nobody looked at the check: hole and way out stand above the question for the identity."""
    place = _backup(installation)
    stubs = record_programs(installation.root / "stubs", installation.cluster.bin, version="17.5")
    installation = replace(
        installation, target=msgspec.structs.replace(installation.target, postgres_bin=stubs.folder)
    )
    done = run(installation, "restore", "database", "--backup-set", place)
    assert done.returncode == 3
    assert "warning: pg_dump and pg_restore 17.5: CVE-2025-8714, CVE-2025-8715 (" in done.stderr
    assert "update to 17.6 or later" in done.stderr.split("--confirm")[0]
    assert stubs.started() == []
    done = run(installation, "restore", "database", "--backup-set", place, "--confirm", _phrase(installation))
    assert done.returncode == 0, done.stderr
    assert "CVE-2025-8714" in done.stderr
    assert stubs.started()
