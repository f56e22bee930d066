"""`blobs compare`: sums on stdout, all names in a file of its own, and an exit code for scripts."""

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.recovery.target import MediaLayout
from tests.cli.test_backup import run
from tests.recovery.small_cluster import Installation

pytestmark = pytest.mark.postgres


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_all_there(installation: Installation) -> None:
    """Exit code 0; an empty listing says that it was looked."""
    listing = installation.root / "listing"
    done = run(installation, "blobs", "compare", "--listing", str(listing))
    assert (done.returncode, done.stdout.startswith("passed: 7 blobs")) == (0, True)
    assert listing.read_text() == ""
    assert listing.stat().st_mode & 0o777 == 0o600


def test_something_missing(installation: Installation) -> None:
    """Exit code 1, the sums as JSON, the names in the listing, also those that no row has."""
    (installation.blobs / "1/blob-4.bin").unlink()
    (installation.blobs / "more").write_text("12")
    listing = installation.root / "listing"
    done = run(installation, "blobs", "compare", "--json", "--listing", str(listing))
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert told["observation"]["verdict"] == "failed"
    assert (told["references"]["missing"], told["references"]["unreferenced_size"]) == (1, 2)
    assert {(line["kind"], line["path"]) for line in _lines(listing)} == {
        ("missing", "1/blob-4.bin"),
        ("unreferenced", "more"),
    }


def test_what_cannot_be_known(installation: Installation) -> None:
    """Exit code 4 without SQL for the references; a listing that cannot be written is said at once."""
    unknown = msgspec.structs.replace(installation.target, media=MediaLayout())
    installation = replace(installation, target=unknown)
    done = run(installation, "blobs", "compare")
    assert (done.returncode, "unproven" in done.stdout, "[media]" in done.stderr) == (4, True, True)
    listing = installation.root / "listing"
    listing.write_text("of yesterday\n")
    done = run(installation, "blobs", "compare", "--listing", str(listing))
    assert (done.returncode, listing.read_text()) == (4, "of yesterday\n")
    done = run(installation, "blobs", "compare", "--listing", "/no/such/folder/listing")
    assert done.returncode == 1
    assert "/no/such/folder" in done.stderr


def test_what_could_not_be_compared_is_no_damage(installation: Installation) -> None:
    """No database, no statement that works: exit code 4, and the listing of yesterday is left alone."""
    listing = installation.root / "listing"
    listing.write_text("of yesterday\n")
    broken = msgspec.structs.replace(
        installation.target, media=MediaLayout(references="SELECT path, size FROM hum.media")
    )
    done = run(replace(installation, target=broken), "blobs", "compare", "--listing", str(listing))
    assert (done.returncode, done.stdout.startswith("unknown: ")) == (4, True)
    assert "2 columns instead of 3" in done.stdout
    installation.write_env(AIHUMMER_DATABASE_URL="postgres://nobody@%2Fno%2Fsuch/x")
    done = run(installation, "blobs", "compare", "--json", "--listing", str(listing))
    told = json.loads(done.stdout)
    assert (done.returncode, told["observation"]["verdict"], told["listing"]) == (4, "unknown", None)
    assert listing.read_text() == "of yesterday\n"
