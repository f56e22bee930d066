"""What another keeper's list of WAL files leads to."""

import struct
from pathlib import Path

import pytest

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.database.account import present_account
from aihummer_drtui.recovery.point_in_time.wal_archive_view import view_of
from aihummer_drtui.recovery.target import Target

PAGE = struct.pack("=HHIQI4xQII", 0xD110, 6, 1, 0x3000000, 0, 77, 1 << 20, 8192)


def test_a_damaged_sample_does_not_hide_the_other_files() -> None:
    """One of the files tells the size; only where none can be had is it a fault."""
    names = ["000000010000000000000001", "000000010000000000000002", "00000002.history"]

    def fetch(name: str, place: Path) -> bool:
        if name == names[0]:
            raise FailedError("damaged", hint="h")
        place.write_bytes(PAGE if name == names[1] else b"no history")
        return True

    account = present_account()
    view = view_of(names, sample=names[0], fetch=fetch, account=account, target=Target())
    assert (view.size, view.histories) == (1 << 20, {})
    with pytest.raises(FailedError, match="damaged"):
        view_of(names[:1], sample="", fetch=fetch, account=account, target=Target())
    gone = view_of(names, sample="", fetch=lambda _, __: False, account=account, target=Target())
    assert gone.header is None
