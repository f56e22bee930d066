"""The names and the mark beside a data directory: they tell how far a recovery is, and never lead away."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.point_in_time.mark import DataMark, Stage
from aihummer_drtui.recovery.point_in_time.place import DataPlace, data_place, inode_of

MARK = DataMark(stage=Stage.RECOVERING, id="00c0ffee", point="latest", base="b1", system_identifier=7, at="")

NOW = "2026-11-24T03:12:45+00:00"


@pytest.fixture
def place(tmp_path: Path) -> DataPlace:
    """Give a place with a live data directory."""
    (tmp_path / "main").mkdir()
    (tmp_path / "main" / "old").touch()
    return data_place(tmp_path / "main")


def test_a_mark_is_read_as_it_was_written(place: DataPlace) -> None:
    """With the time of its writing; taken away it is gone."""
    assert place.read() is None
    written = place.write(MARK)
    assert datetime.fromisoformat(written.at).utcoffset() is not None
    assert place.read() == written
    assert place.write(msgspec.structs.replace(MARK, at=NOW, former=written), keep_time=True).at == NOW
    assert place.read() == msgspec.structs.replace(MARK, at=NOW, former=written)
    place.remove_mark()
    assert place.read() is None


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"{}",
        *(
            msgspec.json.encode(msgspec.structs.replace(MARK, at=at))
            for at in ("", "x", "2026-11-24T03:12:45")
        ),
        msgspec.json.encode(msgspec.structs.replace(MARK, id="../../x")),
        msgspec.json.encode(msgspec.structs.replace(MARK, kept="../main")),
        msgspec.json.encode(msgspec.structs.replace(MARK, kept="main./../../etc")),
        msgspec.json.encode(msgspec.structs.replace(MARK, kept="main")),
        msgspec.json.encode(
            msgspec.structs.replace(
                MARK, at=NOW, former=msgspec.structs.replace(MARK, at=NOW, kept="../main")
            )
        ),
    ],
)
def test_a_mark_that_would_lead_elsewhere_is_refused(place: DataPlace, bad: bytes) -> None:
    """The server's account can write there, and root acts on it; taken for none, the old server might go."""
    place.mark.write_bytes(bad)
    with pytest.raises(PreconditionError, match="cannot be read"):
        place.read()


def test_a_mark_that_is_a_link_is_refused(place: DataPlace, tmp_path: Path) -> None:
    """It is not followed."""
    (tmp_path / "elsewhere").write_bytes(msgspec.json.encode(MARK))
    place.mark.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PreconditionError, match="cannot be read"):
        place.read()


def test_which_folder_is_in_place_is_told_by_its_inode(place: DataPlace) -> None:
    """Whatever the names: exchanged, and exchanged back."""
    beside = place.beside("00c0ffee")
    beside.mkdir()
    mark = place.write(msgspec.structs.replace(MARK, inode=inode_of(beside)))
    assert not place.in_place(mark)
    place.put_in_place(beside)
    assert place.in_place(mark)
    assert (beside / "old").exists()
    place.put_in_place(beside)
    assert not place.in_place(mark)
    assert not place.in_place(MARK)


def test_where_nothing_is_in_place_the_folder_takes_the_name(place: DataPlace) -> None:
    """A lost host's replacement has no data directory."""
    beside = place.beside("00c0ffee")
    beside.mkdir()
    place.remove(place.live)
    place.put_in_place(beside)
    assert place.live.is_dir()
    assert not beside.exists()
    assert inode_of(beside) == 0


def test_what_is_put_aside_has_a_free_name_and_is_found_again(place: DataPlace) -> None:
    """A second one in the same second too; a link of that name is not taken for it."""
    moment = datetime(2026, 11, 24, 3, 12, 45, tzinfo=UTC)
    first = place.aside("replaced", moment)
    assert first.name == "main.replaced-20261124T031245Z"
    first.mkdir()
    second = place.aside("replaced", moment)
    assert second.name == "main.replaced-20261124T031245Z-2"
    mark = msgspec.structs.replace(MARK, kept=second.name)
    assert place.kept(MARK) is None
    assert place.kept(mark) is None
    place.rename(first, second)
    assert place.kept(mark) == second
    place.remove(second)
    second.symlink_to(place.live)
    assert place.kept(mark) is None
    place.remove(second)
    place.remove(second)
    assert place.live.is_dir()


def test_a_link_to_a_data_directory_is_followed_once(place: DataPlace, tmp_path: Path) -> None:
    """The folder itself is exchanged; the link goes on leading to its name."""
    (tmp_path / "link").symlink_to(place.live)
    assert data_place(tmp_path / "link") == place


def test_that_folders_can_be_exchanged_is_tried_before_anything_stops(place: DataPlace) -> None:
    """By two of their own, of which nothing stays; a place where none can be made is told."""
    place.refuse_no_exchange()
    assert [path.name for path in place.live.parent.iterdir()] == ["main"]
    with pytest.raises(PreconditionError, match="no folder can be made beside the data directory"):
        DataPlace(live=Path("/proc/main")).refuse_no_exchange()


def test_who_asks_for_the_lock_takes_it_from_nobody(place: DataPlace) -> None:
    """A probe tells of a recovery at work, and does not hold up a second probe."""
    assert not place.is_locked()
    with place.locked():
        assert place.is_locked()
    assert not place.is_locked()


def test_what_cannot_be_exchanged_is_refused(tmp_path: Path) -> None:
    """A mount point, a file, a place that is not there, tablespaces."""
    with pytest.raises(PreconditionError, match="mount point"):
        data_place(Path("/proc"))
    (tmp_path / "file").touch()
    with pytest.raises(PreconditionError, match="is no folder"):
        data_place(tmp_path / "file")
    with pytest.raises(PreconditionError, match="not there"):
        data_place(tmp_path / "missing" / "main")
    (tmp_path / "main" / "pg_tblspc").mkdir(parents=True)
    (tmp_path / "main" / "pg_tblspc" / "16401").symlink_to(tmp_path)
    with pytest.raises(PreconditionError, match="tablespaces"):
        data_place(tmp_path / "main")
