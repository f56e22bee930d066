"""The recovery set in line mode: the same facts as on the screen, a line each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.plain.sets import set_lines
from aihummer_drtui.run import events as e
from aihummer_drtui.run.recovery_set import NoSet, RecoverySets, SealedSet
from aihummer_drtui.run.state import RunState
from tests.plain.test_question import KnownFacts
from tests.run.story import RECOVERY, Story
from tests.run.test_set_words import SET, WINDOW

OUTAGE = datetime(2025, 6, 1, tzinfo=UTC)
"""As the story declares it."""


def a_set(name: str, ago: timedelta) -> SealedSet:
    """A set of so long before the outage."""
    dump = msgspec.structs.replace(SET.dump, moment=OUTAGE - ago)
    return msgspec.structs.replace(SET, name=name, value=f"/b/{name}", dump=dump)


@dataclass
class SeenFacts(KnownFacts):
    """A target of which this is seen."""

    seen: RecoverySets | None = None

    def recovery_sets(self, seconds: float) -> Iterator[RecoverySets]:  # noqa: ARG002
        """Looking, then all; or a refusal."""
        if self.seen is None:
            raise PreconditionError("a tabletop exercise looks at nothing", hint="type it")
        yield RecoverySets(looking=("/b",))
        yield self.seen


def told(seen: RecoverySets | None, state: RunState | None = None) -> str:
    """What is said."""
    return "\n".join(set_lines(SeenFacts(seen=seen), RECOVERY, state or Story().state))


def test_every_set_is_told_with_what_speaks_against_it() -> None:
    """Then the three parts of the one that was chosen."""
    seen = RecoverySets(
        sets=(a_set("new", timedelta(hours=1)), a_set("old", timedelta(days=2))),
        none=(NoSet(name="bad", problem="cut off"),),
        windows=(WINDOW,),
        unseen=("/mnt: gone",),
    )
    state = Story().give("brief/BACKUP_SET", "/b/old").state
    text = told(seen, state)
    assert "RPO: from the recovery point to the outage, 2025-06-01 00:00:00 UTC" in text
    assert "  ! no backup: cut off" in text
    assert "The three parts, by the set that is chosen, /b/old:" in text
    assert "database dump of aihummer" in text
    assert "database OVER (2 d)" in text
    assert "not seen: /mnt: gone" in text
    assert "by the set that is proposed, /b/new:" in told(seen)


def test_a_point_in_time_is_told_by_its_window() -> None:
    """The database part is then the base backup with its WAL."""
    point = e.InputGiven(item="brief/RECOVERY_POINT", variable="RECOVERY_POINT", value="latest")
    state = Story().add(point).state
    text = told(RecoverySets(sets=(a_set("new", timedelta(hours=1)),), windows=(WINDOW,)), state)
    assert "database base1+WAL" in text


def test_hundreds_of_sets_do_not_flood_the_terminal() -> None:
    """The newest are told, and how to see all."""
    text = told(RecoverySets(sets=tuple(a_set(f"s{one}", timedelta(hours=one)) for one in range(300))))
    assert text.count("3.04 MB") == 20
    assert "... and 280 more: aihummer-drtui backup list" in text


def test_nothing_seen_is_said_so() -> None:
    """Whether there is nothing or nothing may be looked at."""
    assert told(RecoverySets()) == "No backup set was found."
    assert "cannot be seen: a tabletop exercise looks at nothing\nHINT: type it" in told(None)
