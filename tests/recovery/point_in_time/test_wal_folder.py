"""An archive's folder by its names: runs, gaps, strange things, many files."""

import os
import tracemalloc
from pathlib import Path

import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.point_in_time import wal_folder
from aihummer_drtui.recovery.point_in_time.segments import Segment, history_from
from aihummer_drtui.recovery.point_in_time.wal_folder import WalFolder, read_folder

SIZE = 16 << 20
ONE = history_from({}, 1)


def put(folder: Path, *numbers: int, timeline: int = 1, end: str = "") -> None:
    """Make empty files of these segments."""
    for number in numbers:
        (folder / f"{Segment(timeline=timeline, number=number).name(SIZE)}{end}").touch()


def test_runs_gaps_and_packings(tmp_path: Path) -> None:
    """Whatever the packing, numbers in a row are one run; a segment stored twice counts once."""
    put(tmp_path, 3, 4, 6, 7, 255, 256)
    put(tmp_path, 5, end=".gz")
    put(tmp_path, 5, end=".zst")
    put(tmp_path, 8, end=".partial")
    found = read_folder(tmp_path, SIZE)
    assert found.runs == {1: ((3, 7), (255, 256))}
    assert found.end_of(ONE, 3) == 8
    assert found.end_of(ONE, 2) == 2
    assert found.end_of(ONE, 8) == 8
    assert found.end_of(ONE, 255) == 257
    assert found.has_later(ONE, 8)
    assert not found.has_later(ONE, 256)
    assert [found.has(Segment(timeline=1, number=number)) for number in (2, 3, 7, 8)] == [
        False,
        True,
        True,
        False,
    ]
    place = found.find(Segment(timeline=1, number=5))
    assert place is not None
    assert place[1] == ".gz"
    assert found.find(Segment(timeline=1, number=9)) is None


def test_strange_names_links_and_folders_count_for_nothing(tmp_path: Path) -> None:
    """Only plain files with names that the server gives."""
    put(tmp_path, 1)
    strange = (
        "000000010000000000000002.xz",
        "000000010000000000000003.gz.gz",
        "00000001000000000000000a",
        "000000010000000000000100",  # no segment of 16 MB: 256 of them are one span
        "000000000000000000000001",
        "000000010000000000000004\n",
        "000000010000000000000005.00000028.backup",
        ".000000010000000000000006.partial",
        "00000002.history",
        "00000003.history",
    )
    for name in strange:
        (tmp_path / name).touch()
    (tmp_path / "00000003.history").write_text("nonsense\n")
    (tmp_path / "000000010000000000000007").mkdir()
    (tmp_path / "000000010000000000000008").symlink_to("000000010000000000000001")
    (tmp_path / "00000004.history").symlink_to("00000002.history")
    os.mkfifo(tmp_path / "000000010000000000000009")
    found = read_folder(tmp_path, SIZE)
    assert found.runs == {1: ((1, 1),)}
    assert set(found.histories) == {2}
    assert found.find(Segment(timeline=1, number=8)) is None


def test_a_run_counts_as_far_as_its_timeline_does(tmp_path: Path) -> None:
    """What the abandoned timeline wrote after the switch is no part of the newer one's history."""
    put(tmp_path, 1, 2, 3, 4, 5)
    put(tmp_path, 3, 4, timeline=2)
    (tmp_path / "00000002.history").write_text(f"1\t0/{SIZE * 3 + 5:X}\treason\n")
    found = read_folder(tmp_path, SIZE)
    assert found.end_of(found.histories[2], 1) == 5
    assert found.end_of(ONE, 1) == 6
    assert not found.has_later(found.histories[2], 5)
    put(tmp_path, 6, timeline=2)
    assert read_folder(tmp_path, SIZE).has_later(found.histories[2], 5)


def test_a_missing_first_segment_of_the_new_timeline_is_a_gap(tmp_path: Path) -> None:
    """The old timeline's file of that number is no replacement."""
    put(tmp_path, 1, 2, 3)
    put(tmp_path, 4, timeline=2)
    (tmp_path / "00000002.history").write_text(f"1\t0/{SIZE * 3 + 5:X}\treason\n")
    found = read_folder(tmp_path, SIZE)
    assert found.end_of(found.histories[2], 1) == 3
    assert found.has_later(found.histories[2], 3)


def test_many_files_are_a_few_numbers(tmp_path: Path) -> None:
    """Eight bytes each while they are read; one run afterwards."""
    for number in range(30_000):
        os.close(os.open(tmp_path / Segment(timeline=1, number=number).name(SIZE), os.O_CREAT | os.O_WRONLY))
    tracemalloc.start()
    found = read_folder(tmp_path, SIZE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.runs == {1: ((0, 29_999),)}
    assert peak < 4_000_000


def test_too_many_files_or_timelines_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not the archive of one server then."""
    put(tmp_path, 1, 2, 3)
    monkeypatch.setattr(wal_folder, "MOST_FILES", 2)
    with pytest.raises(PreconditionError, match="more files or timelines"):
        read_folder(tmp_path, SIZE)
    monkeypatch.setattr(wal_folder, "MOST_FILES", 20_000)
    for timeline in range(2, 1_003):
        put(tmp_path, 1, timeline=timeline)
    with pytest.raises(PreconditionError, match="more files or timelines"):
        read_folder(tmp_path, SIZE)


def test_no_archive_is_told(tmp_path: Path) -> None:
    """Not mounted, most likely."""
    with pytest.raises(PreconditionError, match="cannot be listed") as told:
        read_folder(tmp_path / "none", SIZE)
    assert "mount it" in told.value.hint
    assert read_folder(tmp_path, SIZE) == WalFolder(path=tmp_path, size=SIZE, runs={}, histories={})
