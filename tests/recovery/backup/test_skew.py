"""How far database and blobs of a recovery point lie apart."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from aihummer_drtui.recovery.backup.manifest import Fact
from aihummer_drtui.recovery.backup.skew import SetSkew, set_skew, window_skew
from aihummer_drtui.recovery.point_in_time.model import BaseBackup, Keeper, Window
from tests.recovery.sealing import MANIFEST_OF_TESTS

COPIED = datetime.fromisoformat(MANIFEST_OF_TESTS.blobs.copied_at)
BASE = BaseBackup(
    label="a",
    keeper=Keeper.ARCHIVE,
    system_identifier=1,
    server_major=17,
    timeline=1,
    start_lsn=1,
    end_lsn=2,
    started=COPIED,
    ended=COPIED,
    size=1,
    verified=None,
)


def window(latest: datetime | None) -> Window:
    """A window with that end."""
    return Window(base=BASE, earliest=BASE.ended, latest=latest, latest_lsn=3, timeline=1, gap="")


@pytest.mark.parametrize(
    ("changes", "skew"),
    [
        (
            {"count": 7, "referenced": 9, "referenced_missing": 3},
            SetSkew(rows_without_blob=3, blobs_without_row=1),
        ),
        ({"count": 7, "referenced": 20}, SetSkew(rows_without_blob=0, blobs_without_row=0)),
        ({"count": 7, "referenced": 0}, None),
        ({"active": False, "count": 0, "referenced": 0}, None),
    ],
)
def test_of_a_set_it_is_what_was_counted(changes: dict[str, int], skew: SetSkew | None) -> None:
    """Rows without their blob, and blobs without a row; not counted is not zero."""
    blobs = msgspec.structs.replace(MANIFEST_OF_TESTS.blobs, **changes)
    assert set_skew(msgspec.structs.replace(MANIFEST_OF_TESTS, blobs=blobs)) == skew


def test_of_a_set_without_blobs_it_is_not_known() -> None:
    """A dump that was sealed alone."""
    assert set_skew(msgspec.structs.replace(MANIFEST_OF_TESTS, unproven=(Fact.BLOBS,))) is None


def test_of_a_window_it_is_the_time_since_the_newest_copy() -> None:
    """The newest set counts; without one, or without an end, it is not known."""
    older = msgspec.structs.replace(
        MANIFEST_OF_TESTS.blobs, copied_at=(COPIED - timedelta(days=1)).isoformat()
    )
    sets = [MANIFEST_OF_TESTS, msgspec.structs.replace(MANIFEST_OF_TESTS, blobs=older)]
    assert window_skew(window(COPIED + timedelta(minutes=3)), sets) == 180
    assert window_skew(window(COPIED - timedelta(minutes=3)), sets) == -180
    assert window_skew(window(None), sets) is None
    assert window_skew(window(datetime.now(UTC)), []) is None
    for text in ("nonsense", "2024-01-01T00:00:00"):
        odd = msgspec.structs.replace(MANIFEST_OF_TESTS.blobs, copied_at=text)
        manifest = msgspec.structs.replace(MANIFEST_OF_TESTS, blobs=odd)
        assert window_skew(window(datetime.now(UTC)), [manifest]) is None
