"""What is told of what recoveries left."""

from datetime import UTC, datetime, timedelta

import msgspec

from aihummer_drtui.run.leftovers import Leftover, Leftovers, leftover_lines

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
KEPT = Leftover(
    kind="old database",
    name="aihummer_replaced_x",
    size=10_800_000,
    since=NOW,
    until=NOW + timedelta(days=7),
    undo="restore database --undo",
    drop="restore database --drop-old",
)


def told(*found: Leftover, unseen: tuple[str, ...] = ()) -> list[str]:
    """What is said."""
    return leftover_lines(Leftovers(found=found, unseen=unseen), NOW, "drtui --target t.toml")


def test_it_is_named_with_the_way_back_and_the_way_out() -> None:
    """And until when it is kept; both commands can be pasted."""
    assert told(KEPT) == [
        "Left over: old database aihummer_replaced_x, 10.8 MB, kept until you drop it, "
        "not before 2026-12-01 03:00 UTC (7 d more)",
        "  back to it: drtui --target t.toml restore database --undo",
        "  rid of it:  drtui --target t.toml restore database --drop-old",
    ]


def test_what_is_not_known_is_not_made_up() -> None:
    """No size, no day, no way back; a name of another's making is cleaned."""
    odd = msgspec.structs.replace(KEPT, name="/b\x1b[2J", size=None, until=None, undo="")
    first, back, _ = told(odd)
    assert first == "Left over: old database /b\\x1b[2J, kept until you drop it"
    assert back == "  back to it: by hand only"
    assert "it may go since 2026-11-24 03:00 UTC" in told(msgspec.structs.replace(KEPT, until=NOW))[0]


def test_nothing_and_not_seen_are_two_things() -> None:
    """An empty list must not look like a clean host where nobody could look."""
    assert told() == ["Left over: nothing is kept from before the recovery."]
    assert told(unseen=("old databases: no answer",)) == [
        "Left over, but not looked up: old databases: no answer"
    ]
