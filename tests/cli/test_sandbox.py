"""The sandbox's commands as an operator types them."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from aihummer_drtui.sandbox.status import Condition
from tests.conftest import SmallSandbox


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in a child."""
    return subprocess.run(
        [sys.executable, "-m", "aihummer_drtui", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.postgres
def test_sandbox_goes_from_whole_to_broken_to_gone(folder: Path) -> None:
    """up takes a backup, status says whole, break says broken with the backup kept, down removes all."""
    root = folder / "state" / "sandbox"
    up = run("--state-dir", folder / "state", "sandbox", "up", "--json")
    assert up.returncode == 0, up.stderr
    try:
        built = json.loads(up.stdout)
        assert (built["condition"], len(built["backups"])) == ("whole", 1)
        assert "whole" in run("sandbox", "status", "--dir", root).stdout
        broken = json.loads(run("sandbox", "break", "--dir", root, "--json").stdout)
        assert (broken["condition"], broken["backups"]) == ("broken", built["backups"])
    finally:
        down = run("sandbox", "down", "--dir", root, "--json")
    assert down.returncode == 0, down.stderr
    assert json.loads(down.stdout)["id"] == built["id"]
    assert not root.exists()


@pytest.mark.postgres
def test_backup_taken_by_up_brings_the_sandbox_back(backed_up_sandbox: SmallSandbox) -> None:
    """What `break` lost comes back by the ordinary restore commands and the stand-in's own `up`."""
    layout = backed_up_sandbox.layout
    (name,) = backed_up_sandbox.status().backups
    url = backed_up_sandbox.variables()["AIHUMMER_DATABASE_URL"]
    assert run("sandbox", "break", "--dir", layout.root).returncode == 0
    backup = layout.backups / name
    identity = f"{socket.gethostname()}/aihummer"
    for part in (
        ("key", "--from", layout.escrow),
        ("database", "--confirm", identity),
        ("blobs", "--confirm", identity),
    ):
        ended = run("--target", layout.target, "restore", *part, "--backup-set", backup)
        assert ended.returncode == 0, ended.stderr
    assert subprocess.run([layout.programs / "aihummer", "up"], check=False).returncode == 0
    assert backed_up_sandbox.status().condition is Condition.WHOLE
    assert backed_up_sandbox.variables()["AIHUMMER_DATABASE_URL"] == url


def test_no_sandbox_is_a_precondition(folder: Path) -> None:
    """status, break and down of a folder without a sandbox end with 3 and say how to make one."""
    for command in ("status", "break", "down"):
        ended = run("sandbox", command, "--dir", folder)
        assert ended.returncode == 3
        assert "there is no sandbox" in ended.stderr
        assert "HINT" in ended.stderr


def test_help_says_that_it_is_no_aihummer() -> None:
    """Nobody takes the stand-in for the product."""
    assert "It is not AiHummer" in " ".join(run("sandbox", "--help").stdout.split())


def test_folder_that_cannot_be_made_is_one_message(folder: Path) -> None:
    """A file in the folder's place is told in words, without a traceback."""
    (folder / "file").touch()
    ended = run("sandbox", "up", "--dir", folder / "file" / "s")
    assert ended.returncode == 3
    assert "Traceback" not in ended.stderr


@pytest.mark.postgres
def test_a_sandbox_with_wal_has_a_base_backup_and_takes_traffic(folder: Path) -> None:
    """up --wal takes a base backup by the ordinary command; traffic tells its first and last row."""
    root = folder / "s"
    up = run("sandbox", "up", "--dir", root, "--wal", "--json")
    assert up.returncode == 0, up.stderr
    try:
        built = json.loads(up.stdout)
        assert (built["wal"], len(built["bases"]), built["wal_files"] > 0) == (True, 1, True)
        told = json.loads(
            run("sandbox", "traffic", "--dir", root, "--seconds", "0.2", "--every", "0.1", "--json").stdout
        )
        assert told["first"]["id"] + told["count"] - 1 == told["last"]["id"]
        plain = run("sandbox", "traffic", "--dir", root, "--seconds", "0.1")
        assert plain.stdout.splitlines()[-1].startswith(
            f"last  {told['last']['id'] + 1}  traffic 1 written at"
        )
        shown = run("sandbox", "status", "--dir", root).stdout
        assert f"base backups {built['bases'][0]}" in shown
        assert run("--target", root / "target.toml", "wal", "status").returncode == 0
        broken = json.loads(run("sandbox", "break", "--dir", root, "--json").stdout)
        assert (broken["condition"], broken["bases"]) == ("broken", built["bases"])
    finally:
        assert run("sandbox", "down", "--dir", root).returncode == 0
    assert not root.exists()
