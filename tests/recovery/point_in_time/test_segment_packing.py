"""WAL files unpacked, whichever way they were packed; damage and endless ones are told."""

import bz2
import gzip
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.point_in_time.segment_packing import first_bytes, unpack

DATA = os.urandom(70_000) * 20


def packed(folder: Path, suffix: str) -> Path:
    """A file of DATA, packed."""
    path = folder / f"segment{suffix}"
    if suffix == ".gz":
        path.write_bytes(gzip.compress(DATA, 1))
    elif suffix == ".bz2":
        path.write_bytes(bz2.compress(DATA, 1))
    else:
        path.write_bytes(DATA)
    if suffix in {".zst", ".lz4"}:
        program = {".zst": "zstd", ".lz4": "lz4"}[suffix]
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian package {program})")
        done = subprocess.run([program, "-q", "-c"], input=DATA, capture_output=True, check=True)
        path.write_bytes(done.stdout)
    return path


@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2", ".zst", ".lz4"])
def test_a_segment_comes_out_as_it_went_in(tmp_path: Path, suffix: str) -> None:
    """Every packing that archives have: the whole of it, or no more than its start."""
    path = packed(tmp_path, suffix)
    with path.open("rb") as file, (tmp_path / "out").open("xb") as output:
        assert unpack(file, suffix, output, name="A") == len(DATA)
    assert (tmp_path / "out").read_bytes() == DATA
    with path.open("rb") as file:
        assert first_bytes(file, suffix, 40, name="A") == DATA[:40]


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst", ".lz4", ".rar"])
def test_damage_is_told(tmp_path: Path, suffix: str) -> None:
    """Cut, overwritten, or packed in a way that nobody knows."""
    path = packed(tmp_path, suffix)
    for content in (path.read_bytes()[:-10], path.read_bytes()[:9000], b"noise"):
        path.write_bytes(content)
        with (
            path.open("rb") as file,
            (tmp_path / "out").open("wb") as output,
            pytest.raises(FailedError, match="WAL file A cannot be unpacked"),
        ):
            unpack(file, suffix, output, name="A")


def test_a_missing_program_is_named_with_its_package(tmp_path: Path) -> None:
    """On a fresh host zstd may not be there; it is looked for where the target says."""
    (tmp_path / "segment.zst").write_bytes(b"x")
    with (
        (tmp_path / "segment.zst").open("rb") as file,
        (tmp_path / "out").open("xb") as output,
        pytest.raises(PreconditionError) as told,
    ):
        unpack(file, ".zst", output, name="A", path=str(tmp_path))
    assert told.value.hint == "apt-get install zstd"


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_an_endless_one_is_stopped(tmp_path: Path, suffix: str) -> None:
    """A few kilobytes may unpack to more than the disk holds."""
    path = packed(tmp_path, suffix)
    with (
        path.open("rb") as file,
        (tmp_path / "out").open("xb") as output,
        pytest.raises(FailedError, match="longer than a WAL file"),
    ):
        unpack(file, suffix, output, name="A", limit=1_100_000)
    assert (tmp_path / "out").stat().st_size <= 1_100_000


def test_a_program_is_given_nothing_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads a stranger's bytes; a secret may stand in our environment."""
    program = tmp_path / "zstd"
    program.write_text("#!/bin/sh\nenv\n")
    program.chmod(0o755)
    (tmp_path / "segment.zst").write_bytes(b"x")
    monkeypatch.setenv("A_SECRET", "told")
    with (tmp_path / "segment.zst").open("rb") as file, (tmp_path / "out").open("xb") as output:
        unpack(file, ".zst", output, name="A", path=f"{tmp_path}:{os.environ['PATH']}")
    assert b"told" not in (tmp_path / "out").read_bytes()
    assert b"LC_ALL=C" in (tmp_path / "out").read_bytes()
