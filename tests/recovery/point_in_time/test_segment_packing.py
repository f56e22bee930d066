"""WAL files unpacked, whichever way they were packed; damage and endless ones are told."""

import bz2
import gzip
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.point_in_time import segment_packing
from aihummer_drtui.recovery.point_in_time.segment_packing import unpack

DATA = os.urandom(70_000) * 20
ENVIRONMENT = {"PATH": os.environ["PATH"]}


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
    """Every packing that pgBackRest and Barman use by themselves."""
    with (tmp_path / "out").open("xb") as output:
        unpack(packed(tmp_path, suffix), suffix, output, ENVIRONMENT)
    assert (tmp_path / "out").read_bytes() == DATA


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst", ".lz4", ".rar"])
def test_damage_is_told(tmp_path: Path, suffix: str) -> None:
    """Cut, overwritten, or packed in a way that nobody knows."""
    path = packed(tmp_path, suffix)
    path.write_bytes(path.read_bytes()[:9000])
    with (tmp_path / "out").open("xb") as output, pytest.raises(FailedError, match="cannot be unpacked"):
        unpack(path, suffix, output, ENVIRONMENT)


def test_a_missing_program_is_named_with_its_package(tmp_path: Path) -> None:
    """On a fresh host zstd may not be there."""
    with (tmp_path / "out").open("xb") as output, pytest.raises(PreconditionError) as told:
        unpack(tmp_path / "segment.zst", ".zst", output, {"PATH": str(tmp_path)})
    assert told.value.hint == "apt-get install zstd"


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_an_endless_one_is_stopped(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few kilobytes may unpack to more than the disk holds."""
    path = packed(tmp_path, suffix)
    monkeypatch.setattr(segment_packing, "LARGEST_SIZE", 100_000)
    with (tmp_path / "out").open("xb") as output, pytest.raises(FailedError, match="longer than a WAL file"):
        unpack(path, suffix, output, ENVIRONMENT)
