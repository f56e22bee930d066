"""`wal status`, `backup base`, base backups in `backup list` and `backup verify`, as they are typed."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import short_folder
from tests.recovery.point_in_time.archiving import Archiving, archiving

pytestmark = pytest.mark.postgres


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in a child."""
    return subprocess.run(
        [sys.executable, "-m", "aihummer_drtui", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def write_target(made: Archiving, path: Path, *, wal: bool = True) -> Path:
    """Write a target.toml of the archiving server."""
    folder = made.cluster.folder
    text = (
        f'gateway-env = "{path.parent}/gateway.env"\npostgres-bin = "{made.cluster.bin}"\n'
        f'backup-places = ["{path.parent}"]\n'
        f'[postgres]\nadmin = "host={folder} user=postgres"\ndata-directory = "{folder}/data"\n'
    )
    if wal:
        text += f'[wal]\narchive = "{folder}/wal"\nbase-places = ["{folder}/base"]\n'
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def made() -> Iterator[Archiving]:
    """Give an archiving server."""
    with archiving() as one:
        yield one


@pytest.fixture
def target(made: Archiving) -> Iterator[Path]:
    """Give its target.toml; base backups are gone afterwards."""
    with short_folder() as folder:
        yield write_target(made, folder / "target.toml")
    for path in made.bases.iterdir():
        shutil.rmtree(path)


def test_a_base_backup_opens_a_window_that_every_command_shows(made: Archiving, target: Path) -> None:
    """From `backup base` on: status ends with 0, list and verify know it, the check passes."""
    none = run("--target", target, "wal", "status")
    assert none.returncode == 1
    assert "there is no base backup" in none.stdout
    taken = run("--target", target, "backup", "base", "--json")
    assert taken.returncode == 0, taken.stderr
    path = Path(json.loads(taken.stdout)["path"])
    assert path.parent == made.bases
    made.write("a row")
    made.archived()
    status = run("--target", target, "wal", "status")
    assert status.returncode == 0, status.stdout + status.stderr
    assert f"base {path.name}" in status.stdout
    assert "(RPO now)" in status.stdout
    assert max(len(line) for line in status.stdout.splitlines()) <= 80
    told = json.loads(run("--target", target, "wal", "status", "--json").stdout)
    assert (told["keeper"], told["problems"], told["unknown"]) == ("archive", [], [])
    assert told["archiver"]["archive_command"] == "set"
    assert told["windows"][0]["latest"] > told["windows"][0]["earliest"]
    nagios = run("--target", target, "wal", "status", "--nagios")
    assert (nagios.returncode, nagios.stdout.startswith("OK - last moment ")) == (0, True)
    listed = run("--target", target, "backup", "list")
    assert listed.returncode == 0
    assert path.name in listed.stdout
    windows = json.loads(run("--target", target, "backup", "list", "--json").stdout)["windows"]
    assert [(one["base"], one["gap"], one["blobs_older_seconds"]) for one in windows] == [
        (path.name, "", None)
    ]
    verified = run("--target", target, "backup", "verify", path)
    assert (verified.returncode, verified.stdout) == (0, f"sound: {path}\n")
    assert json.loads(run("--target", target, "backup", "verify", path, "--json").stdout)["recorded"]
    assert run("--target", target, "check", "wal-reach").stdout.startswith("[+] passed")


def test_a_plain_base_backup_says_what_it_opens(target: Path) -> None:
    """The folder on stdout, the rest on stderr, a doubt where no key could be compared."""
    taken = run("--target", target, "backup", "base")
    assert taken.returncode == 0, taken.stderr
    assert Path(taken.stdout.strip()).is_dir()
    assert "every moment from" in taken.stderr
    assert "no usable master key" in taken.stderr


def test_a_gap_is_critical(made: Archiving, target: Path) -> None:
    """Exit code 1, 2 for monitoring; the missing file is named."""
    assert run("--target", target, "backup", "base").returncode == 0
    for number in range(2):
        made.write(f"row {number}")
        if number == 0:
            missing = made.archived()
    made.archived()
    (made.wal / missing).rename(made.cluster.folder / "taken away")
    try:
        gone = run("--target", target, "wal", "status")
        assert gone.returncode == 1
        assert f"WAL file {missing} is missing" in gone.stdout
        nagios = run("--target", target, "wal", "status", "--nagios")
        assert (nagios.returncode, nagios.stdout.startswith("CRITICAL")) == (2, True)
        assert run("--target", target, "check", "wal-reach").returncode == 1
    finally:
        (made.cluster.folder / "taken away").rename(made.wal / missing)


def test_a_failing_archiver_is_told(made: Archiving, target: Path) -> None:
    """Whatever the windows say: nothing more reaches the archive."""
    assert run("--target", target, "backup", "base").returncode == 0
    with made.cluster.admin() as connection:
        connection.execute("ALTER SYSTEM SET archive_command = 'false'")
        connection.execute("SELECT pg_reload_conf()")
    made.write("a row that is not archived")
    try:
        until = time.monotonic() + 60
        failing = {"last_failed_at": None}
        with made.cluster.admin() as connection:
            connection.execute("SELECT pg_switch_wal()")
        while not failing["last_failed_at"]:
            assert time.monotonic() < until
            told = run("--target", target, "wal", "status", "--json")
            failing = json.loads(told.stdout)["archiver"]
        assert told.returncode == 1
        assert "archiving fails" in json.loads(told.stdout)["problems"][0]
        assert json.loads(told.stdout)["archiver"]["waiting"] >= 1
    finally:
        with made.cluster.admin() as connection:
            connection.execute("ALTER SYSTEM RESET archive_command")
            connection.execute("SELECT pg_reload_conf()")


def test_what_cannot_be_seen_is_unknown(made: Archiving, target: Path) -> None:
    """No keeper in target.toml, no archive; two keepers, and both options at once, are no call to make."""
    with short_folder() as folder:
        none = write_target(made, folder / "target.toml", wal=False)
        status = run("--target", none, "wal", "status")
        assert (status.returncode, "nothing is known of base backups" in status.stdout) == (4, True)
        nagios = run("--target", none, "wal", "status", "--nagios")
        assert (nagios.returncode, nagios.stdout.startswith("UNKNOWN - no window")) == (3, True)
        passed = run("--target", none, "check", "wal-reach")
        assert (passed.returncode, "only backup sets" in passed.stdout) == (4, True)
        assert "wal-reach" not in run("--target", none, "check").stdout
        no_place = run("--target", none, "backup", "base")
        assert (no_place.returncode, "no place for a base backup" in no_place.stderr) == (3, True)
    text = target.read_text().replace(f'archive = "{made.wal}"', 'archive = "/nonexistent"')
    target.write_text(text)
    assert run("--target", target, "backup", "base").returncode == 0
    assert run("--target", target, "check", "wal-reach").returncode == 4
    listed = run("--target", target, "backup", "list")
    assert (listed.returncode, "base backups and WAL are not listed" in listed.stderr) == (0, True)
    target.write_text(text + '[barman]\nserver = "main"\n')
    both = run("--target", target, "wal", "status")
    assert (both.returncode, "WAL has one keeper" in both.stderr) == (2, True)
    assert run("--target", target, "wal", "status", "--json", "--nagios").returncode == 2


def test_a_damaged_base_backup_fails_its_verification(target: Path) -> None:
    """Exit code 1, with the file that pg_verifybackup names."""
    path = Path(run("--target", target, "backup", "base").stdout.strip())
    (path / "data" / "PG_VERSION").write_text("1\n")
    verified = run("--target", target, "backup", "verify", path)
    assert verified.returncode == 1
    assert "PG_VERSION" in verified.stderr
