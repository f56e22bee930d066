"""Pruning keeps what a recovery would need, whatever numbers it is given."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.errors import PreconditionError, UsageError
from aihummer_drtui.recovery.backup.growing import growing, held
from aihummer_drtui.recovery.backup.manifest import Fact, SealedFile
from aihummer_drtui.recovery.backup.points import newest_sealed
from aihummer_drtui.recovery.backup.prune import Judged, Keep, judge, remove_set
from aihummer_drtui.recovery.backup.set import open_set
from aihummer_drtui.recovery.backup.verified import record_verified
from tests.recovery.sealing import sealed_set

START = datetime(2024, 1, 1, 3, tzinfo=UTC)  # a Monday


def _sets(place: Path, days: list[float]) -> None:
    for day in days:
        moment = START + timedelta(days=day)
        sealed_set(place / f"{moment:%m%dT%H%M}", recovery_point=moment.isoformat(), set_id=str(day))


def _kept(judged: list[Judged]) -> list[str]:
    return [one.backup.path.name for one in judged if one.reasons]


def test_the_newest_of_each_day_week_and_month_is_kept(tmp_path: Path) -> None:
    """As many of each as was said, counted over those that have a set."""
    _sets(tmp_path, [0, 0.5, 1, 6, 7, 13, 14, 31, 40])
    assert _kept(judge(tmp_path, Keep(daily=2))) == ["0210T0300", "0201T0300"]
    assert _kept(judge(tmp_path, Keep(weekly=9))) == [
        "0210T0300",
        "0201T0300",
        "0115T0300",
        "0114T0300",
        "0107T0300",
    ]
    assert _kept(judge(tmp_path, Keep(monthly=2))) == ["0210T0300", "0115T0300"]
    assert "0101T1500" in _kept(judge(tmp_path, Keep(daily=99)))
    assert "0101T0300" not in _kept(judge(tmp_path, Keep(daily=99)))


@given(
    days=st.lists(st.floats(0, 400, allow_nan=False), min_size=1, max_size=8, unique=True),
    verified=st.integers(0, 7),
    daily=st.integers(0, 3),
    weekly=st.integers(0, 3),
)
def test_newest_and_newest_verified_always_stay(
    days: list[float], verified: int, daily: int, weekly: int
) -> None:
    """Whatever the numbers: what one would recover from now, and what was proven, is there after it."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for number, day in enumerate(days):
            moment = START + timedelta(days=day)
            sealed_set(place / str(number), recovery_point=moment.isoformat(), set_id=str(number))
        proven = place / str(verified % len(days))
        (proven / "database.dump").write_bytes(b"x")
        record_verified(open_set(proven), (proven / "database.dump").stat(), START)
        newest = newest_sealed(place)
        assert newest is not None
        kept = _kept(judge(place, Keep(daily=daily, weekly=weekly, monthly=1)))
        assert newest.path.name in kept
        assert proven.name in kept


def test_the_newest_set_with_blobs_stays_beside_newer_dumps(tmp_path: Path) -> None:
    """Sealed nightly dumps alone would bring no blob back."""
    _sets(tmp_path, [0, 1])
    for day in (2, 3):
        moment = START + timedelta(days=day)
        sealed_set(tmp_path / f"dump{day}", recovery_point=moment.isoformat(), unproven=(Fact.BLOBS,))
    assert _kept(judge(tmp_path, Keep(daily=1))) == ["dump3", "0102T0300"]


def test_what_a_restore_would_refuse_takes_no_sound_sets_place(tmp_path: Path) -> None:
    """A cut dump, no trusted signature, a moment to come: each is left alone, and the sound one stays."""
    dump = SealedFile(name="database.dump", size=4, sha256="0" * 64)
    for day, content in ((0, b"dump"), (1, b"du"), (2, None)):
        moment = (START + timedelta(days=day)).isoformat()
        folder = sealed_set(tmp_path / f"day{day}", recovery_point=moment, files=(dump,))
        if content is not None:
            (folder / "database.dump").write_bytes(content)
    sealed_set(tmp_path / "early", recovery_point=(datetime.now(UTC) + timedelta(days=1)).isoformat())
    sealed_set(tmp_path / "timeless", recovery_point="yesterday")
    judged = judge(tmp_path, Keep(daily=1))
    assert _kept(judged) == ["day0"]
    assert not any(one.goes for one in judged)
    problems = {one.backup.path.name: one.problem for one in judged if one.problem}
    assert "it was cut or changed" in problems["day1"]
    assert "is missing" in problems["day2"]
    assert "yet to come" in problems["early"]
    assert "is no time" in problems["timeless"]
    unsigned = judge(tmp_path, Keep(daily=1), trusted=frozenset({"0" * 64}))
    assert _kept(unsigned) == []
    assert all("not signed" in one.problem for one in unsigned if one.backup.path.name == "day0")


@pytest.mark.parametrize("keep", [Keep(), Keep(daily=-1, weekly=3)])
def test_a_rule_that_keeps_nothing_is_refused(tmp_path: Path, keep: Keep) -> None:
    """A forgotten option must not empty the place."""
    with pytest.raises(UsageError):
        judge(tmp_path, keep)


def test_what_is_no_set_is_not_judged(tmp_path: Path) -> None:
    """Loose dumps, unsealed or broken folders, links: pruning does not see them."""
    _sets(tmp_path, [0, 1])
    (tmp_path / "nightly.dump").write_bytes(b"PGDMP")
    (tmp_path / "unsealed").mkdir()
    (tmp_path / "unsealed" / "database.dump").touch()
    (sealed_set(tmp_path / "broken") / "manifest.json").write_text("{}")
    (tmp_path / "latest").symlink_to("0101T0300")
    sealed_set(tmp_path / ".partial-almost-named")
    assert {one.backup.path.name for one in judge(tmp_path, Keep(daily=1))} == {"0102T0300", "0101T0300"}


def test_a_removed_set_is_gone_and_the_others_are_whole(tmp_path: Path) -> None:
    """Hard links between sets, and links that lead out of them, lose nothing."""
    _sets(tmp_path, [0, 1])
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").touch()
    going, staying = tmp_path / "0101T0300", tmp_path / "0102T0300"
    (going / "blob").write_text("shared")
    os.link(going / "blob", staying / "blob")
    (going / "link").symlink_to(outside)
    remove_set(open_set(going))
    assert sorted(path.name for path in tmp_path.iterdir()) == [staying.name, "outside"]
    assert (staying / "blob").read_text() == "shared"
    assert (outside / "file").exists()


def test_what_others_left_stops_no_backup(tmp_path: Path) -> None:
    """A file of such a name, a link, a folder that somebody holds; what nobody holds is removed."""
    (tmp_path / ".partial-file").touch()
    (tmp_path / ".partial-link").symlink_to(tmp_path)
    for name in (".partial-held", ".partial-left"):
        (tmp_path / name).mkdir()
    with held(tmp_path / ".partial-held"), growing(tmp_path, START) as folder:
        (folder / "x").touch()
        there = {path.name for path in tmp_path.iterdir()} - {folder.name}
    assert there == {".partial-file", ".partial-link", ".partial-held"}


def test_a_set_that_was_exchanged_meanwhile_is_not_removed(tmp_path: Path) -> None:
    """What is removed is what was judged."""
    _sets(tmp_path, [0])
    judged = open_set(tmp_path / "0101T0300")
    sealed_set(judged.path, set_id="another")
    with pytest.raises(PreconditionError, match="another set"):
        remove_set(judged)
    assert judged.path.exists()
