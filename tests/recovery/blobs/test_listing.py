"""The list of blobs is read a block at a time, and judged as if a stranger had written it."""

import io
import json

import pytest

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.backup.set import BlobLine
from aihummer_drtui.recovery.blobs.listing import each_block, each_line

_ZEROS = "0" * 64


def _text(paths: list[str]) -> bytes:
    return b"".join(
        json.dumps({"path": path, "size": 1, "sha256": _ZEROS}).encode() + b"\n" for path in paths
    )


def test_lines_that_cross_a_block_are_whole() -> None:
    """Thousands of lines of every length come as they stand, and every byte is handed on."""
    paths = [f"{'x' * (number % 200)}/{number}" for number in range(1, 5000) if number % 200]
    taken: list[bytes] = []
    blocks = list(each_block(io.BytesIO(_text(paths)), "here", taken.append))
    assert [line.path for block in blocks for line in block] == paths
    assert len(blocks) > 3
    assert b"".join(taken) == _text(paths)


def test_a_last_line_without_its_end_is_a_line() -> None:
    """The seal covers the bytes; a newline more or less is not ours to judge."""
    assert list(each_line(io.BytesIO(_text(["a"])[:-1]), "here")) == [
        BlobLine(path="a", size=1, sha256=_ZEROS)
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (_text(["a"]) * 700 + b"{\n", "line 701 cannot be read"),
        (b"\n", "line 1 cannot be read"),
        (b"\xff\n", "line 1 cannot be read"),
        (b"x" * 1_000_000, "line 1 cannot be read"),
        (_text(["a", "../b"]), "line 2 names no plain file"),
        (_text(["x" * 4001]), "line 1 names no plain file"),
        (_text(["a"]).replace(b"1", b"-1"), "line 1 names no plain file"),
        (_text(["a"]).replace(b"0000", b"zzzz"), "line 1 names no plain file"),
    ],
)
def test_a_bad_line_is_named_by_its_number(text: bytes, told: str) -> None:
    """No JSON, no plain path, no size, no hash, no end."""
    with pytest.raises(FailedError, match=told):
        list(each_line(io.BytesIO(text), "here"))
