"""`backup` as it is typed."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.recovery.small_cluster import Installation


def run(installation: Installation, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line on the installation, without a terminal."""
    target = installation.write_target()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DRTUI_")}
    return subprocess.run(
        [sys.executable, "-m", "aihummer_drtui", "--target", str(target), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
        cwd=Path(__file__).parents[2],
    )


def test_create_prints_the_folder_and_verify_takes_it(installation: Installation) -> None:
    """stdout is the set's folder and nothing else, so that a script can hand it to the next command."""
    made = run(installation, "backup", "create")
    assert made.returncode == 0, made.stderr
    folder = made.stdout.strip()
    assert Path(folder, "manifest.json").exists()
    verified = run(installation, "backup", "verify", folder, "--json")
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout)["blobs"] == 7


def test_create_speaks_json(installation: Installation) -> None:
    """--json gives the manifest with the folder."""
    made = run(installation, "backup", "create", str(installation.root / "elsewhere"), "--json")
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    assert Path(told["path"]).parent == installation.root / "elsewhere"
    assert told["manifest"]["blobs"]["count"] == 7


def test_verify_of_something_else_is_a_precondition(installation: Installation) -> None:
    """A folder that is no backup ends with exit code 3 and one message."""
    done = run(installation, "backup", "verify", str(installation.root))
    assert done.returncode == 3
    assert "not a backup" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_name_of_a_folder_cannot_speak_to_the_terminal(installation: Installation) -> None:
    """A set may come from a stranger's medium, and be called anything."""
    folder = installation.root / "title\x1b]0;gone\x07"
    made = run(installation, "backup", "create", str(folder))
    verified = run(installation, "backup", "verify", made.stdout.strip("\n"))
    assert verified.returncode == 0, verified.stderr
    assert "\x1b" not in verified.stdout + verified.stderr
    assert "\\x1b]0;gone\\x07" in verified.stdout


def test_list_tells_of_each_recovery_point(installation: Installation) -> None:
    """One line a set: when it was verified, and whether gateway.env's key is the sealed one."""
    folder = run(installation, "backup", "create").stdout.strip()
    before = run(installation, "backup", "list")
    assert before.returncode == 0, before.stderr
    heading, line = before.stdout.splitlines()
    assert heading.startswith("RECOVERY POINT")
    assert "never" in line
    assert "same" in line
    assert folder in line
    run(installation, "backup", "verify", folder)
    told = json.loads(run(installation, "backup", "list", "--json").stdout)["points"]
    assert [(point["path"], point["key"], bool(point["verified_at"])) for point in told] == [
        (folder, "same", True)
    ]


def test_list_compares_with_an_escrow_and_goes_on_without_a_place(installation: Installation) -> None:
    """A medium that is missing hides no other; all missing is a precondition."""
    run(installation, "backup", "create")
    other = installation.root / "escrow"
    other.write_text("A" * 43 + "=")
    gone = str(installation.root / "gone")
    places = (gone, str(installation.root / "backups"))
    told = run(installation, "backup", "list", *places, "--key-file", str(other))
    assert told.returncode == 0, told.stderr
    assert "other" in told.stdout.splitlines()[1]
    assert "cannot be listed" in told.stderr
    assert run(installation, "backup", "list", gone).returncode == 3


def test_seal_makes_a_set_of_a_dump_that_list_shows(installation: Installation) -> None:
    """A dump lies alone until it is sealed; then it is a recovery point whose key is unproven."""
    place = installation.root / "backups"
    place.mkdir()
    dump = place / "nightly.dump"
    folder = run(installation, "backup", "create", str(installation.root / "other")).stdout.strip()
    dump.write_bytes(Path(folder, "database.dump").read_bytes())
    sealed = run(installation, "backup", "seal", str(dump))
    assert sealed.returncode == 0, sealed.stderr
    assert "unproven: " in sealed.stderr
    told = json.loads(run(installation, "backup", "list", "--json").stdout)["points"]
    assert [(point["path"], point["sealed"], point["key"]) for point in told] == [
        (sealed.stdout.strip(), True, "unproven"),
        (str(dump), False, "unproven"),
    ]
    assert run(installation, "backup", "seal", str(dump)).returncode == 3


def test_prune_tells_first_and_removes_when_told(installation: Installation) -> None:
    """Without --yes nothing goes."""
    folders = [run(installation, "backup", "create").stdout.strip() for _ in range(2)]
    told = run(installation, "backup", "prune", "--keep-daily", "1")
    assert told.returncode == 0, told.stderr
    assert f"would remove  {folders[0]}" in told.stdout
    assert all(Path(folder).exists() for folder in folders)
    done = json.loads(run(installation, "backup", "prune", "--keep-daily", "1", "--yes", "--json").stdout)
    assert done["removed"] == [folders[0]]
    assert [Path(folder).exists() for folder in folders] == [False, True]
    assert run(installation, "backup", "prune", "--yes").returncode == 2


def test_a_folder_is_dumped_by_jobs_and_one_file_by_one(installation: Installation) -> None:
    """--jobs belongs to the directory format; both formats verify."""
    refused = run(installation, "backup", "create", "--jobs", "2")
    assert refused.returncode == 2
    made = run(installation, "backup", "create", "--format", "directory", "--jobs", "2")
    assert made.returncode == 0, made.stderr
    verified = run(installation, "backup", "verify", made.stdout.strip())
    assert verified.returncode == 0, verified.stderr


def test_a_verification_without_a_zone_is_listed(installation: Installation) -> None:
    """Written by hand or by another program: taken as UTC, and no reason to list nothing."""
    folder = run(installation, "backup", "create").stdout.strip()
    assert run(installation, "backup", "verify", folder).returncode == 0
    record = Path(folder, "verified.json")
    record.write_text(record.read_text().replace("+00:00", ""))
    listed = run(installation, "backup", "list")
    assert (listed.returncode, " ago" in listed.stdout) == (0, True), listed.stderr
