"""What the three-part set means, by tables."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.recovery_set import (
    BlobCopy,
    Dump,
    KeyMatch,
    NoBlobs,
    NoSet,
    RecoverySets,
    SealedKey,
    SealedSet,
    Signed,
    WalWindow,
)
from aihummer_drtui.run.set_words import (
    Yardstick,
    coarse_text,
    doubts_of,
    looking_text,
    loss_text,
    parts_lines,
    route_moment,
    set_head,
    set_row,
    skew_text,
    unseen_lines,
)

INCIDENT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
MOMENT = INCIDENT - timedelta(hours=2)
BLOBS = BlobCopy(
    count=7, size=1000, copied=MOMENT + timedelta(seconds=34), rows_without_blob=1, blobs_without_row=2
)
SET = SealedSet(
    value="/backups/s1",
    name="s1",
    dump=Dump(database="aihummer", size=10_800_000, moment=MOMENT),
    blobs=BLOBS,
    key=SealedKey(sealed="ab" * 8, at_hand="ab" * 8),
    size=3_040_000,
    verified=INCIDENT - timedelta(hours=1),
    signed=Signed.NONE,
    must_be_signed=False,
)
WINDOW = WalWindow(
    label="base1",
    keeper="archive",
    size=33_000_000,
    earliest=MOMENT,
    latest=INCIDENT - timedelta(minutes=5),
    verified=INCIDENT - timedelta(hours=1),
    timeline=1,
    gap="",
)
BY = Yardstick(against=INCIDENT, is_incident=True, now=INCIDENT + timedelta(minutes=10), objective=3600.0)


def changed(**changes: object) -> SealedSet:
    """The set, but for that."""
    return msgspec.structs.replace(SET, **changes)


def test_a_row_tells_moment_loss_size_verification_and_key() -> None:
    """Under its heading, column by column."""
    row = set_row(SET, BY)
    assert row.split() == ["s1", "2026-11-24", "01:00Z", "2", "h", "3.04", "MB", "1h", "ago", "same"]
    head = set_head()
    for title, cell in (("RECOVERY POINT", "2026"), ("RPO", "2 h "), ("SIZE", "3.04"), ("KEY", "same")):
        assert head.index(title) == row.index(cell)
    assert set_row(SET, BY, name="dump").startswith("dump ")
    assert "NO BACKUP" in set_row(NoSet(name="x", problem="cut off"), BY)
    assert set_row(WINDOW, BY).startswith("WAL base1")


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (changed(signed=Signed.WRONG), "SIGNATURE WRONG"),
        (changed(signed=Signed.UNKNOWN_KEY), "does not trust"),
        (changed(must_be_signed=True), "NOT SIGNED"),
        (changed(key=SealedKey(sealed="a", at_hand="b")), "the fingerprint differs"),
        (changed(key=SealedKey(sealed="a", at_hand="")), "none is at hand"),
        (changed(key=SealedKey(sealed="", at_hand="b")), "none was sealed"),
        (changed(verified=None), "never verified"),
        (changed(blobs=NoBlobs(inactive=False)), "no blobs in it"),
        (
            changed(blobs=msgspec.structs.replace(BLOBS, copied=MOMENT - timedelta(hours=3))),
            "blobs 3 h older",
        ),
        (changed(dump=Dump(database="d", size=1, moment=INCIDENT + timedelta(days=1))), "in the future"),
        (changed(doubts=("roles \x1b[2J missing",)), "roles \\x1b[2J missing"),
        (msgspec.structs.replace(WINDOW, gap="0001"), "WAL file 0001 is missing"),
        (msgspec.structs.replace(WINDOW, latest=None), "its last commit is not known"),
        (msgspec.structs.replace(WINDOW, latest=INCIDENT - timedelta(hours=4)), "ends 4 h before the outage"),
        (msgspec.structs.replace(WINDOW, verified=None), "never verified here"),
        (NoSet(name="x", problem="cut off"), "no backup: cut off"),
    ],
)
def test_every_doubt_is_said(one: SealedSet | WalWindow | NoSet, told: str) -> None:
    """In words: nothing is told by colour or by a missing word."""
    assert told in "\n".join(doubts_of(one, BY))


@pytest.mark.parametrize("one", [SET, WINDOW, changed(blobs=NoBlobs(inactive=True))])
def test_what_is_as_it_should_be_has_no_doubt(one: SealedSet | WalWindow) -> None:
    """A warning that is always there is read by nobody."""
    assert doubts_of(one, BY) == ()


def test_the_worst_doubt_comes_first() -> None:
    """A row shows no more than the beginning."""
    one = changed(signed=Signed.WRONG, verified=None, key=SealedKey(sealed="a", at_hand="b"))
    assert [doubt.partition(":")[0] for doubt in doubts_of(one, BY)] == [
        "SIGNATURE WRONG",
        "ANOTHER KEY",
        "never verified here",
    ]


def test_the_three_parts_of_a_dump() -> None:
    """Database, blobs, key; then skew and objective."""
    head, database, blobs, key, skew, seal, objective = parts_lines(SET.dump, SET, BY)
    assert seal == "set verified: 2026-11-24 02:00:00 UTC; signature: none"
    assert head.startswith("PART")
    assert "dump of aihummer" in database
    assert "2 h " in database
    assert "10.8 MB" in database
    assert "7 blobs" in blobs
    assert "1 h 59 min" in blobs
    assert "ab" * 8 in key
    assert key.endswith("same")
    assert (
        skew == "skew: blobs copied 34 s after the database's moment; 1 row without blob, 2 blobs without row"
    )
    assert objective == "objective: at most 1 h lost; database OVER (2 h), blobs OVER (1 h 59 min)"


def test_the_three_parts_of_a_window() -> None:
    """The database goes further than the blobs: the skew says what that means."""
    lines = "\n".join(parts_lines(WINDOW, SET, BY))
    assert "base1+WAL" in lines
    assert "skew: blobs 1 h 54 min older than the database: rows of that time may refer to" in lines
    assert "any moment from 2026-11-24 01:00:00 UTC (timeline 1)" in lines
    assert "to 2026-11-24 02:55:00 UTC can be typed, with its zone" in lines
    assert "database within, blobs OVER" in lines


def test_parts_that_are_not_known_say_so() -> None:
    """Never a blank, never a zero."""
    unknown = msgspec.structs.replace(WINDOW, latest=None)
    copied = changed(blobs=msgspec.structs.replace(BLOBS, copied=None))
    lines = "\n".join(parts_lines(unknown, copied, BY))
    assert lines.count("unknown") == 4
    assert "whose time is not known" in lines
    alone = parts_lines(SET.dump, None, BY)
    assert [line.split()[:5] for line in alone[2:]] == [
        ["blobs", "in", "no", "set", "that"],
        ["key", "in", "no", "set", "that"],
    ]
    assert "NO BLOBS IN IT" in "\n".join(parts_lines(SET.dump, changed(blobs=NoBlobs(inactive=False)), BY))
    unsized = msgspec.structs.replace(SET.dump, size=None)
    assert "unknown" in parts_lines(unsized, SET, BY)[1]


def test_without_a_runbook_no_objective_is_told() -> None:
    """At home there is none."""
    by = Yardstick(against=INCIDENT, is_incident=False, now=INCIDENT)
    assert not [line for line in parts_lines(SET.dump, SET, by) if "objective" in line]
    assert "as if the loss were now" in by.words
    assert "the outage, 2026-11-24 03:00:00 UTC" in BY.words


def test_skew_without_blobs() -> None:
    """Off is not the same as unknown."""
    assert "media service was off" in skew_text(MOMENT, changed(blobs=NoBlobs(inactive=True)))
    assert "not known" in skew_text(MOMENT, changed(blobs=NoBlobs(inactive=False)))


@pytest.mark.parametrize(
    ("moment", "text"),
    [(None, "unknown"), (INCIDENT, "nothing"), (INCIDENT + timedelta(hours=1), "nothing"), (MOMENT, "2 h")],
)
def test_losses(moment: datetime | None, text: str) -> None:
    """A point after the beginning of the outage loses nothing of before it."""
    assert loss_text(moment, INCIDENT) == text


def test_ages_are_coarse() -> None:
    """They fit a column."""
    assert [coarse_text(one) for one in (5, 3599, 3600, 86_399, 86_400 * 400)] == [
        "0min",
        "59min",
        "1h",
        "23h",
        "400d",
    ]


def test_an_unfinished_look_and_what_it_could_not_see_are_told() -> None:
    """With the places, cleaned."""
    seen = RecoverySets(looking=("/a\x1b", "wal"), unseen=("/b: gone",))
    assert looking_text(seen) == "looking at /a\\x1b, wal ... what is known so far"
    assert looking_text(RecoverySets()) == ""
    assert unseen_lines(seen) == ["not seen: /b: gone"]


def test_a_set_is_found_by_its_value() -> None:
    """With or without a slash at its end."""
    seen = RecoverySets(sets=(SET,))
    assert seen.named("/backups/s1/") == SET
    assert seen.named("/backups/s") is None


def test_fingerprints_compare() -> None:
    """One that is missing proves nothing."""
    matches = [
        SealedKey(sealed=a, at_hand=b).match for a, b in (("x", "x"), ("x", "y"), ("", "y"), ("x", ""))
    ]
    assert matches == [KeyMatch.SAME, KeyMatch.OTHER, KeyMatch.UNPROVEN, KeyMatch.UNPROVEN]


MOMENTS = st.datetimes(datetime(1980, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(
    st.text(max_size=90), MOMENTS, st.none() | MOMENTS, st.none() | MOMENTS, st.integers(0, 10**18), MOMENTS
)
def test_whatever_is_in_a_set_its_lines_fit_and_are_clean(
    name: str,
    moment: datetime,
    copied: datetime | None,
    verified: datetime | None,
    size: int,
    against: datetime,
) -> None:
    """A hostile name, an absurd time: one line each, no control character, no more than 80 columns."""
    by = Yardstick(against=against, is_incident=True, now=against, objective=60.0)
    one = changed(
        name=name,
        dump=Dump(database=name, size=size, moment=moment),
        blobs=msgspec.structs.replace(BLOBS, copied=copied, size=size, count=size),
        verified=verified,
        size=size,
    )
    window = msgspec.structs.replace(WINDOW, label=name, latest=copied, verified=verified, size=size)
    rows = [set_row(one, by), set_row(window, by), set_head()]
    parts = [line for route in (one.dump, window) for line in parts_lines(route, one, by)[:4]]
    assert all(len(row) <= 77 for row in rows)
    assert all(len(row) <= 78 for row in parts)
    told = (*rows, *parts, *doubts_of(one, by), *doubts_of(window, by))
    assert all(cleaned_line(text, len(text)) == text for text in told)
    assert route_moment(window) == copied


def test_a_set_that_was_found_damaged_says_so_before_all_else() -> None:
    """In its row, in what speaks against it, and beside its parts."""
    damage = "found damaged on 2026-11-25 04:00Z by gw: database.dump"
    damaged = changed(verified=None, damage=damage)
    assert "DAMAGED" in set_row(damaged, BY)
    first, *others = doubts_of(damaged, BY)
    assert first == "DAMAGED: found damaged on 2026-11-25 04:00Z by gw: database.dump"
    assert not any("never verified" in one for one in others)
    assert any("set verified: found DAMAGED" in one for one in parts_lines(damaged.dump, damaged, BY))
