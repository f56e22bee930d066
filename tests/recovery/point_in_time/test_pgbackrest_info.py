"""What pgBackRest 2.45 really said, and what nobody should say, read into structs."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.point_in_time.pgbackrest_info import (
    base_of,
    read_info,
    read_listing,
    read_verify,
)

INFO: dict[str, Any] = {
    "archive": [
        {
            "database": {"id": 1, "repo-key": 1},
            "id": "15-1",
            "max": "000000010000000000000005",
            "min": "000000010000000000000001",
        }
    ],
    "backup": [
        {
            "archive": {"start": "000000010000000000000002", "stop": "000000010000000000000002"},
            "backrest": {"format": 5, "version": "2.45"},
            "database": {"id": 1, "repo-key": 1},
            "error": False,
            "info": {
                "delta": 23213824,
                "repository": {"delta": 2827316, "size": 2827316},
                "size": 23213824,
            },
            "label": "20261124-203110F",
            "lsn": {"start": "0/2000028", "stop": "0/2000100"},
            "prior": None,
            "reference": None,
            "timestamp": {"start": 1795552270, "stop": 1795552271},
            "type": "full",
        }
    ],
    "cipher": "none",
    "db": [{"id": 1, "repo-key": 1, "system-id": 7711838272062186692, "version": "15"}],
    "name": "main",
    "repo": [{"cipher": "none", "key": 1, "status": {"code": 0, "message": "ok"}}],
    "status": {"code": 0, "lock": {"backup": {"held": False}}, "message": "ok"},
}
"""Recorded: `pgbackrest --stanza=main --output=json info`."""
FILE = "0000000100000000/000000010000000000000004-8898d61a42fb078d5f958aa9311c887e0b5f12bb.zst"
VERIFY = f"""\
2026-11-24 20:39:26.706 P00   INFO: verify command begin 2.45: --config=/etc/p.conf --stanza=main --verbose
2026-11-24 20:39:26.751 P01   INFO: invalid checksum '15-1/{FILE}'
2026-11-24 20:39:26.767 P01   INFO: file missing '20261124-203110F/pg_data/base/1/1249.zst'
2026-11-24 20:39:26.791 P00   INFO: stanza: main
                                    status: error
                                      archiveId: 15-1, total WAL checked: 4, total valid WAL: 3
stanza: main
status: error
  archiveId: 15-1, total WAL checked: 4, total valid WAL: 3
    missing: 0, checksum invalid: 1, size invalid: 0, other: 0
  backup: 20261124-203110F, status: invalid, total files checked: 964, total valid files: 962
    missing: 1, checksum invalid: 1, size invalid: 0, other: 0
2026-11-24 20:39:26.791 P00   INFO: verify command end: completed successfully (87ms)
"""


def info(**changes: object) -> bytes:
    """The recorded answer, its only stanza changed."""
    return json.dumps([{**INFO, **changes}]).encode()


def test_a_recorded_answer_gives_the_base_backup() -> None:
    """Times are epoch seconds; the end is put behind the second in which it lies."""
    stanza = read_info(info(), "main")
    base = base_of(stanza, stanza.backup[0])
    assert base is not None
    assert base.label == "20261124-203110F"
    assert (base.start_lsn, base.end_lsn, base.timeline) == (0x2000028, 0x2000100, 1)
    assert base.started == datetime(2026, 11, 24, 20, 31, 10, tzinfo=UTC)
    assert base.ended == datetime(2026, 11, 24, 20, 31, 12, tzinfo=UTC)
    assert (base.server_major, base.size) == (15, 23213824)
    assert base.system_identifier == 7711838272062186692
    assert stanza.archive_of(stanza.backup[0]) == "15-1"


def test_a_stanza_without_a_backup_is_no_fault() -> None:
    """Status 2, `no valid backups`: there is nothing to list."""
    empty = {"code": 2, "message": "no valid backups"}
    assert read_info(info(backup=[], status=empty), "main").backup == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "other"}, "not named in the answer"),
        ({"backup": [], "status": {"code": 1, "message": "missing stanza path"}}, "missing stanza path"),
        ({"backup": [{"label": 3}]}, "not understood"),
        ({"db": None}, "not understood"),
        ({"backup": [{**INFO["backup"][0], "timestamp": {"start": -1, "stop": 1 << 60}}]}, "not understood"),
        ({"backup": [{**INFO["backup"][0], "info": {"size": -5}}]}, "not understood"),
    ],
)
def test_what_is_no_answer_is_refused_in_words(changes: dict[str, object], words: str) -> None:
    """Never a default where pgBackRest did not speak."""
    with pytest.raises(PreconditionError, match=words):
        read_info(info(**changes), "main")


@pytest.mark.parametrize(
    "changes",
    [
        {"label": "../../etc"},
        {"label": "--set=x"},
        {"archive": {"start": None, "stop": None}},
        {"lsn": {"start": None, "stop": None}},
        {"lsn": {"start": "x", "stop": "0/1"}},
        {"database": {"id": 9, "repo-key": 1}},
    ],
)
def test_a_backup_that_tells_too_little_is_no_base_backup(changes: dict[str, object]) -> None:
    """Taken offline, of a version that is gone, or with a label that pgBackRest would not write."""
    stanza = read_info(info(backup=[{**INFO["backup"][0], **changes}]), "main")
    assert base_of(stanza, stanza.backup[0]) is None


def test_pgbackrests_words_are_cleaned() -> None:
    """What it says may come from a repository that others write."""
    status = {"code": 99, "message": "\x1b]0;owned\x07 bad\nmore"}
    with pytest.raises(PreconditionError) as told:
        read_info(info(backup=[], status=status), "main")
    assert "\x1b" not in told.value.what


def test_wal_and_history_files_are_listed_by_their_own_names() -> None:
    """Partial files, labels and folders are none; the folder belongs to the place."""
    listed = {
        ".": {"type": "path"},
        FILE: {"type": "file", "size": 987, "time": 1795552272},
        "0000000100000000/000000010000000000000002.00000028.backup": {"type": "file"},
        "0000000100000000/000000010000000000000006.partial-" + "0" * 40 + ".gz": {"type": "file"},
        "00000002.history": {"type": "file"},
        "0000000100000000/000000010000000000000007-" + "a" * 40: {"type": "path"},
        "../../000000010000000000000008-" + "a" * 40: {"type": "file"},
    }
    assert read_listing(json.dumps(listed).encode()) == {
        "000000010000000000000004": FILE,
        "00000002.history": "00000002.history",
    }
    with pytest.raises(PreconditionError, match="not understood"):
        read_listing(b"[]")


def test_a_recorded_verify_names_what_is_damaged() -> None:
    """The exit code was 0."""
    seen = read_verify(VERIFY.encode(), "20261124-203110F", "15-1")
    assert (seen.status, seen.checked, seen.bad) == ("invalid", 4, 1)
    assert seen.wal == {"000000010000000000000004": f"invalid checksum '15-1/{FILE}'"}
    assert seen.backup == ("file missing '20261124-203110F/pg_data/base/1/1249.zst'",)


def test_a_verify_of_other_things_says_nothing_of_this_one() -> None:
    """Silence is not `valid`."""
    seen = read_verify(VERIFY.encode(), "20261125-000000F", "15-2")
    assert (seen.status, seen.checked, seen.bad, seen.wal, seen.backup) == ("", 0, 0, {}, ())


@given(
    st.binary(max_size=300)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*INFO, "id"]), inner, max_size=4)
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode())
)
def test_anything_at_all_is_read_or_refused(data: bytes) -> None:
    """Never a traceback at an operator."""
    for read in (lambda: read_info(data, "main"), lambda: read_listing(data)):
        with suppress(PreconditionError):
            read()
    read_verify(data, "20261124-203110F", "15-1")
