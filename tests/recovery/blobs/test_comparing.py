"""A blob is what it should be, or it is said what is wrong with it."""

import hashlib
import os
from pathlib import Path

import pytest

from aihummer_drtui.recovery.blobs.comparing import MISSING, BlobReader
from aihummer_drtui.recovery.blobs.crew import BLOCK, Stopped


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 5 << 20])
def test_every_byte_is_hashed(tmp_path: Path, size: int) -> None:
    """Around the size of a block too; a changed last byte is found, and all that was read is counted."""
    content = os.urandom(size)
    (tmp_path / "blob").write_bytes(content)
    reader = BlobReader(tmp_path)
    sha256 = hashlib.sha256(content).hexdigest()
    assert reader.problem("blob", size, sha256) == ""
    assert reader.problem("blob", None, sha256) == ""
    assert reader.problem("blob", size + 1, sha256) == f"has {size} bytes instead of {size + 1}"
    assert reader.done == 2 * size
    if size:
        (tmp_path / "blob").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert reader.problem("blob", size, sha256) == "has another content"
    reader.close()


def test_what_is_no_file_is_named_and_not_waited_for(tmp_path: Path) -> None:
    """A pipe, a folder, a link, nothing at all; an empty file would have the pipe's content."""
    empty = hashlib.sha256().hexdigest()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    reader = BlobReader(tmp_path)
    assert reader.problem("file", 0, empty) == ""
    assert reader.problem("pipe", 0, empty) == "is no regular file"
    assert reader.problem("folder", None, empty) == "is no regular file"
    assert reader.problem("link", 0, empty).startswith("cannot be opened")
    assert reader.problem("none", 0, empty) == MISSING
    reader.close()


def test_a_large_blob_is_left_when_somebody_says_so(tmp_path: Path) -> None:
    """Another thread has failed: two gigabytes are not read to their end."""
    (tmp_path / "blob").write_bytes(bytes(4 * BLOCK))
    reader = BlobReader(tmp_path)
    reader.stopped = True
    with pytest.raises(Stopped):
        reader.problem("blob", 4 * BLOCK, "")
    assert reader.done < 4 * BLOCK
    reader.close()
