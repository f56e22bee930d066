"""What Barman 3.4.0 really said, and what nobody should say, read into structs."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.point_in_time.barman_show import (
    base_of,
    read_backup,
    read_backups,
    read_files,
    read_talk,
)

COPY: dict[str, Any] = {
    "begin_lsn": "0/7000028",
    "begin_time": "2026-11-24 21:36:16.508893+01:00",
    "begin_wal": "000000010000000000000007",
    "disk_usage_bytes": 23482678,
    "end_lsn": "0/8000000",
    "end_time": "2026-11-24 20:36:16.600956+00:00",
    "end_wal": "000000010000000000000007",
    "number_of_workers": 1,
    "timeline": 1,
}
SHOWN: dict[str, Any] = {
    "backup_id": "20261124T203616",
    "base_backup_information": COPY,
    "pgdata_directory": "/var/lib/postgresql/15/main",
    "postgresql_version": 150020,
    "status": "DONE",
    "tablespaces": [{"location": "/srv/big", "name": "big", "oid": 16385}],
    "wal_information": {"last_available": "000000010000000000000009", "no_of_files": 2},
}
LISTED = [
    {"backup_id": "20261124T203617", "status": "FAILED"},
    {"backup_id": "20261123T010000", "end_time": "Mon Nov 23 01:00:09 2026", "status": "DONE"},
    {"backup_id": "20261124T203616", "status": "WAITING_FOR_WALS", "tablespaces": []},
    {"backup_id": "--option", "status": "DONE"},
]


def shown(**changes: object) -> bytes:
    """The recorded `show-backup`, its copy changed."""
    return json.dumps({"main": {**SHOWN, "base_backup_information": {**COPY, **changes}}}).encode()


def test_whole_backups_are_listed_the_newest_first() -> None:
    """A failed copy is no base backup, and an id that is none becomes no word of a command."""
    data = json.dumps({"main": LISTED}).encode()
    assert read_backups(data, "main") == ("20261124T203616", "20261123T010000")


def test_a_recorded_backup_gives_the_base_backup() -> None:
    """Times keep their zone."""
    base = base_of(read_backup(shown(), "main"), system_identifier=7)
    assert base.started == datetime(2026, 11, 24, 20, 36, 16, 508893, tzinfo=UTC)
    assert base.ended == datetime(2026, 11, 24, 20, 36, 16, 600956, tzinfo=UTC)
    assert (base.start_lsn, base.end_lsn, base.timeline) == (0x7000028, 0x8000000, 1)
    assert (base.server_major, base.size, base.system_identifier) == (15, 23482678, 7)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"begin_time": "2026-11-24 20:36:16"}, "has no time zone"),
        ({"begin_time": "yesterday"}, "not understood"),
        ({"end_lsn": "8000000"}, "is no position"),
        ({"timeline": 0}, "not understood"),
        ({"disk_usage_bytes": -1}, "not understood"),
        ({"begin_wal": None}, "not understood"),
    ],
)
def test_what_is_not_understood_is_refused(changes: dict[str, object], words: str) -> None:
    """A time without a zone is never taken for one in this host's."""
    with pytest.raises(PreconditionError, match=words):
        base_of(read_backup(shown(**changes), "main"), system_identifier=7)


def test_a_complaint_is_told_in_barmans_words() -> None:
    """Recorded, but for the control characters."""
    with pytest.raises(PreconditionError, match="Unknown server 'nope'") as told:
        read_backups(b'{"_ERROR": ["Unknown server \'nope\'\\u001b[2J"]}', "nope")
    assert "\x1b" not in told.value.what
    with pytest.raises(PreconditionError, match="not named in it"):
        read_backups(b'{"other": []}', "main")


def test_wal_files_are_named_with_their_places() -> None:
    """`get-wal --peek` gives names alone; anything else in the list is no WAL file."""
    said = {
        "_INFO": [
            "/b/main/wals/0000000100000000/000000010000000000000007",
            "000000010000000000000008",
            "/b/main/wals/00000002.history",
            "Processing xlog segments from streaming for main",
            "/b/main/wals/0000000100000000/000000010000000000000009.partial",
        ]
    }
    found = read_files(json.dumps(said).encode())
    assert [*found] == ["000000010000000000000007", "000000010000000000000008", "00000002.history"]
    assert str(found["00000002.history"]) == "/b/main/wals/00000002.history"


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=300)
    | st.dictionaries(
        st.sampled_from(["main", "_INFO", "_ERROR", "_EXCEPTION"]),
        st.none()
        | st.lists(st.text(max_size=9), max_size=3)
        | st.dictionaries(st.sampled_from([*SHOWN]), st.none() | st.integers() | st.text(max_size=9)),
    ).map(lambda value: json.dumps(value).encode())
)
def test_anything_at_all_is_read_or_refused(data: bytes) -> None:
    """Never a traceback at an operator."""
    assert isinstance(read_talk(data).complaint, str)
    read_files(data)
    for read in (lambda: read_backups(data, "main"), lambda: read_backup(data, "main")):
        with suppress(PreconditionError):
            read()
