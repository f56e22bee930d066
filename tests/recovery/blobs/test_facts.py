"""What stands at the gate of the blobs: recognisable, bounded, and never in the way."""

import os
from pathlib import Path

import pytest

from aihummer_drtui.recovery.blobs import facts
from aihummer_drtui.recovery.blobs.facts import blob_facts
from aihummer_drtui.recovery.target import Target


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """Give a target whose blob folder is not there yet."""
    env = tmp_path / "gateway.env"
    env.write_text(f"AIHUMMER_BLOB_DIR={tmp_path}/blobs\n")
    return Target(gateway_env=env)


def _blob(target: Target, name: str, size: int, moment: float) -> None:
    path = target.gateway_env.parent / "blobs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"b" * size)
    os.utime(path, (moment, moment))


def test_what_would_be_replaced_is_recognisable(target: Target) -> None:
    """Place, count, size and the last write: is this the folder I mean?"""
    _blob(target, "a", 1000, 1_700_000_000)
    _blob(target, "deep/b", 500, 1_750_000_000)
    (told,) = blob_facts(target)
    place = target.gateway_env.parent / "blobs"
    assert told == f"blob folder {place}: 2 files, 1.5 kB, last write 2025-06-15T15:06:40+00:00"


def test_nothing_is_said_to_be_nothing(target: Target) -> None:
    """No folder, an empty one, and a media service that is off are three things."""
    assert "nothing is replaced" in blob_facts(target)[0]
    (target.gateway_env.parent / "blobs").mkdir()
    assert blob_facts(target)[0].endswith(": empty")
    target.gateway_env.write_text("X=1\n")
    assert "inactive" in blob_facts(target)[0]


def test_millions_of_blobs_keep_nobody_waiting(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not counted is said to be more."""
    monkeypatch.setattr(facts, "_COUNTED_UP_TO", 1)
    for name in "ab":
        _blob(target, name, 10, 1_700_000_000)
    assert "more than 1 files, more than 10 B" in blob_facts(target)[0]


def test_b07_a_link_in_its_place_is_told_and_not_followed(target: Target) -> None:
    """The gate still opens its mouth; whether it may be replaced is for the restore to judge."""
    (target.gateway_env.parent / "blobs").symlink_to("/etc")
    assert "no link is followed" in blob_facts(target)[0]
