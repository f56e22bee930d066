"""Which zone the people at this host read."""

import time
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from aihummer_drtui.recovery.point_in_time import host_clock as module
from aihummer_drtui.recovery.point_in_time.host_clock import host_clock


@pytest.fixture(autouse=True)
def _no_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ", raising=False)


@pytest.mark.parametrize("told", ["Europe/Berlin", ":Europe/Berlin"])
def test_tz_names_the_region(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    """As tzset(3) reads it."""
    monkeypatch.setenv("TZ", told)
    clock = host_clock()
    assert clock.zone_name == "Europe/Berlin"
    assert clock.now.tzinfo is UTC
    assert clock.now.astimezone(clock.zone).utcoffset() in {timedelta(hours=1), timedelta(hours=2)}


def test_the_link_of_the_host_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As localtime(5) has it, through links of links."""
    region = tmp_path / "usr" / "zoneinfo" / "Asia" / "Kolkata"
    region.parent.mkdir(parents=True)
    region.touch()
    (tmp_path / "other").symlink_to(region)
    (tmp_path / "localtime").symlink_to(tmp_path / "other")
    monkeypatch.setattr(module, "_LOCALTIME", tmp_path / "localtime")
    assert host_clock().zone_name == "Asia/Kolkata"


@pytest.mark.parametrize("told", ["UTC", "Etc/UTC", "GMT", "Etc/Zulu"])
def test_utc_is_one_zone_under_many_names(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    """It is then not shown twice."""
    monkeypatch.setenv("TZ", told)
    assert host_clock().zone_name == "UTC"


@pytest.mark.parametrize("told", ["CET-1CEST", "Nowhere/Atall", "../../etc/passwd"])
def test_what_names_no_region_is_the_present_offset(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    """POSIX rules and slips: the offset that the C library has is better than none."""
    clock = host_clock(zone=told)
    assert clock.zone_name.startswith("here, ")
    assert clock.now.astimezone(clock.zone).utcoffset() == timedelta(seconds=time.localtime().tm_gmtoff)
