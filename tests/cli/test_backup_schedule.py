"""What `backup schedule` prints works as it stands."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.test_backup import run
from tests.recovery.small_cluster import Installation


def _parts(text: str) -> dict[str, str]:
    """The printed files by name."""
    parts = {}
    for part in text.split("# /etc/")[1:]:
        name, _, content = part.partition("\n")
        parts[name.split(" ")[0].rpartition("/")[2]] = content
    return parts


def test_the_cron_line_makes_verifies_and_prunes(installation: Installation) -> None:
    """Run by cron's own rules: what stands behind the account, with backslashes before % taken away."""
    place = installation.root / "it's 100% mine"
    told = run(installation, "backup", "schedule", str(place), "--print", "cron", "--keep-daily", "1")
    assert told.returncode == 0, told.stderr
    line = _parts(told.stdout)["aihummer-backup"].splitlines()[-1]
    fields = line.split(" ", 6)
    assert fields[:6] == ["17", "3", "*", "*", "*", "root"]
    for _ in range(2):
        done = subprocess.run(
            ["/bin/sh", "-c", fields[6].replace("\\%", "%")], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    (left,) = place.iterdir()
    assert (left / "verified.json").exists()


def test_systemd_takes_the_units_and_runs_the_same_script(installation: Installation, tmp_path: Path) -> None:
    """systemd itself reads them, where it is installed."""
    place = installation.root / 'a "place" of $100%'
    told = run(installation, "backup", "schedule", str(place), "--print", "systemd")
    assert told.returncode == 0, told.stderr
    units = _parts(told.stdout)
    assert sorted(units) == ["aihummer-backup.service", "aihummer-backup.timer"]
    assert "$$(" in units["aihummer-backup.service"]
    assert "100%%" in units["aihummer-backup.service"]
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    for name, text in units.items():
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in units)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert str(tmp_path) not in done.stderr, done.stderr


def test_a_place_with_control_characters_is_refused(installation: Installation) -> None:
    """A line feed would begin another line of the crontab."""
    told = run(installation, "backup", "schedule", "/a\n* * * * * root evil", "--print", "cron")
    assert told.returncode == 2
    assert not told.stdout
