"""What pg_waldump says of one file, and where its stopping is an end rather than damage."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.database.account import present_account
from aihummer_drtui.recovery.point_in_time.segments import Segment
from aihummer_drtui.recovery.point_in_time.waldump import Kind, Records, Waldump

SIZE = 1 << 20
FIVE = Segment(timeline=1, number=5)
SIX = Segment(timeline=1, number=6)
ELSEWHERE = Segment(timeline=2, number=6)
LINES = r"""rmgr: Transaction len (rec/tot):     34/    34, tx:        731, lsn: 0/00500028, prev 0/004FFF98, desc: COMMIT 2026-11-24 20:31:12.633315 UTC
rmgr: Transaction len (rec/tot):     34/    34, tx:        730, lsn: 0/00500050, prev 0/00500028, desc: COMMIT 2026-11-24 20:31:12.633314 UTC; inval msgs: catcache 55
rmgr: XLOG        len (rec/tot):     98/    98, tx:          0, lsn: 0/00500078, prev 0/00500050, desc: RESTORE_POINT the lsn: 9/99999999
"""  # noqa: E501 - as recorded


def said(tmp_path: Path, script: str, following: Segment | None = None) -> Records:
    """What a program that stands in for pg_waldump is understood to say."""
    program = tmp_path / "pg_waldump"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    waldump = Waldump(program=program, account=present_account(), size=SIZE)
    return waldump.read(tmp_path, FIVE, start=5 * SIZE, following=following, kind=Kind.ALL)


def test_lines_are_read(tmp_path: Path) -> None:
    """The latest commit, though it was written first; a restore point named like a position."""
    (tmp_path / "lines").write_text(LINES)
    found = said(tmp_path, f"cat {tmp_path}/lines")
    assert found.last_lsn == 0x500078
    assert found.last_commit == datetime(2026, 11, 24, 20, 31, 12, 633315, UTC)
    assert found.restore_points == {b"the lsn: 9/99999999"}


@pytest.mark.parametrize(
    ("words", "following", "fine"),
    [
        ("could not find file 000000010000000000000006", None, True),
        ("could not find file 000000010000000000000006", ELSEWHERE, True),
        ("could not find file 000000010000000000000006", SIX, False),
        ("invalid record length at 0/5000A0: expected at least 24, got 0", None, True),
        ("invalid record length at 0/5000A0: wanted 24, got 0", None, True),
        ("invalid record length at 0/5000A0: wanted 24, got 0", SIX, False),
        ("invalid record length at 0/5000A0: wanted 24, got 0", ELSEWHERE, False),
        ("incorrect resource manager data checksum in record at 0/5000A0", None, False),
    ],
)
def test_wal_may_end_in_its_last_file_only(
    tmp_path: Path, words: str, following: Segment | None, fine: bool
) -> None:
    """Zeros in a file that others follow are a hole, as a power cut leaves it in an unsynced copy."""
    script = f"echo 'pg_waldump: error: {words}' >&2; exit 1"
    if fine:
        assert said(tmp_path, script, following).last_commit is None
        return
    with pytest.raises(FailedError, match="is damaged: pg_waldump: error"):
        said(tmp_path, script, following)


def test_a_file_that_the_account_may_not_read_is_not_called_damaged(tmp_path: Path) -> None:
    """Nor is it the end: to the server, which runs as the same account, it would look like one."""
    words = 'pg_waldump: error: could not open file "000000010000000000000005": Permission denied'
    with pytest.raises(FailedError, match="cannot be read by") as told:
        said(tmp_path, f"echo '{words}' >&2; exit 1")
    assert "let that account read" in told.value.hint


def test_endless_words_are_stopped(tmp_path: Path) -> None:
    """The temporary folder stays bounded."""
    with pytest.raises(FailedError, match="says more than"):
        said(tmp_path, "yes")
