"""The recovery set by keys: read at any time, chosen from, typed; at 80x24 and wide."""

import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.run import events as e
from aihummer_drtui.run.recovery_set import NoSet, RecoverySets, SealedKey, SealedSet
from aihummer_drtui.run.verdict import Verdict
from aihummer_drtui.testing import Script, ScriptedCheck
from aihummer_drtui.tui.app import RunApp
from aihummer_drtui.tui.choices import HomeFacts
from aihummer_drtui.tui.screens.giving_set import GivingSetScreen
from aihummer_drtui.tui.screens.recovery_set import RecoverySetScreen
from aihummer_drtui.tui.screens.step import StepScreen
from tests.engine.engine_house import House, a_house
from tests.run.story import a_confirm, a_runbook, a_step, an_input
from tests.run.test_set_words import BLOBS, SET, WINDOW
from tests.tui.screens import Screens, ScriptedFacts, past_briefing, shown
from tests.tui.test_home import at_home, text_of

OUTAGE = datetime(2026, 11, 22, 23, tzinfo=UTC)
"""As the house declares it."""


def a_set(name: str, **changes: object) -> SealedSet:
    """A set of two hours before the outage."""
    moment = OUTAGE - timedelta(hours=2)
    dump = msgspec.structs.replace(SET.dump, moment=moment)
    blobs = msgspec.structs.replace(BLOBS, copied=moment + timedelta(seconds=34))
    return msgspec.structs.replace(
        SET, name=name, value=f"/backups/{name}", dump=dump, blobs=blobs, **changes
    )


SETS = RecoverySets(
    sets=(
        a_set("newest"),
        a_set("older", key=SealedKey(sealed="a", at_hand="b")),
        a_set("[bold]e\x1b[2Jvil[/]", verified=None),
    ),
    none=(NoSet(name="tampered", problem="the manifest was changed after it was sealed"),),
    windows=(
        msgspec.structs.replace(
            WINDOW, earliest=OUTAGE - timedelta(hours=1), latest=OUTAGE - timedelta(hours=3)
        ),
    ),
    keeps_wal=True,
)
CONFIRMED = ("brief/confirm-1",)
"""What is stated after both values, and anew when another one is given."""
BOOK = a_runbook(
    a_step(
        "brief", an_input("brief/BACKUP_SET"), an_input("brief/RECOVERY_POINT"), a_confirm("brief/confirm-1")
    ),
)


def tell(house: House, sets: RecoverySets, point: ScriptedCheck | None = None) -> None:
    """Say what there is to recover from, and what is seen of a point."""
    checks = {"before": ScriptedCheck(), "after": ScriptedCheck()}
    house.world.tell(Script(checks={**checks, "recovery-point": point or ScriptedCheck()}, sets=sets))


def facts_of(house: House, suggested: str = "/backups/newest") -> ScriptedFacts:
    """Facts that propose this set."""
    return ScriptedFacts(world=house.world, suggested=suggested)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A run in which set and point are asked for."""
    with a_house(tmp_path, BOOK) as made:
        tell(made, SETS)
        yield made


async def test_a_set_that_was_just_proposed_is_not_given(house: House) -> None:
    """An Enter that was on its way, or held down, chooses no backup."""
    async with shown(house, settle=3600.0, facts=facts_of(house)) as screens:
        await screens.until_shown("BRIEFING")
        await screens.press("f3")
        await screens.until_shown("Enter: give BACKUP_SET")
        await screens.press("g")
        await screens.until_shown("BACKUP_SET> /backups/newest")
        await screens.press("enter", "enter")
        screens.now_on(GivingSetScreen)
    assert not house.of_kind(e.InputGiven)


async def at_the_set(screens: Screens) -> None:
    """Go to where the set is asked for."""
    await past_briefing(screens)
    await screens.enter_when("give BACKUP_SET")
    await screens.until(lambda: isinstance(screens.app.screen, GivingSetScreen))
    await screens.until_shown("newest", "older")


async def test_what_is_typed_takes_the_place_of_what_was_proposed(house: House) -> None:
    """Whoever types means another value, not a longer one; with another key first it is edited."""
    async with shown(house, facts=facts_of(house)) as screens:
        await at_the_set(screens)
        assert screens.row("BACKUP_SET> /backups/newest")
        await screens.write("/else")
        await screens.until_shown("BACKUP_SET> /else")
        await screens.press("down")
        chosen = screens.row("BACKUP_SET> ")
        await screens.press("end")
        await screens.write("x")
        assert screens.row("BACKUP_SET> ") == f"{chosen}x"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_set_is_chosen_from_the_table_of_three_parts(house: House, size: tuple[int, int]) -> None:
    """The proposed one is selected; every doubt stands in its row, and no foreign name is markup."""
    async with shown(house, size=size, facts=facts_of(house)) as screens:
        await at_the_set(screens)
        text = screens.text()
        for part in ("database dump of aihummer", "blobs    7 blobs", "key      abababababababab", "skew: "):
            assert part in text
        assert "! ANOTHER KEY: the fingerprint differs" in text
        assert screens.row("=> newest")
        assert screens.row("BACKUP_SET> /backups/newest")
        await screens.press("down", "down")
        await screens.until_shown("=> [bold]e\\x1b[2Jvil", "! never verified here")
        assert screens.row("BACKUP_SET>") == "BACKUP_SET>"
        assert "\x1b" not in screens.text()
        await screens.press("enter")
        await screens.until_shown("Its name holds control characters")
        await screens.press("down")
        assert "no backup: the manifest was changed" in screens.text()
        await screens.press("enter")
        await screens.until_shown("It cannot be recovered from: no backup: the manifest was changed")
        await screens.press("up", "up", "enter")
        await screens.until(lambda: isinstance(screens.app.screen, StepScreen))
    assert house.of_kind(e.InputGiven) == [
        e.InputGiven(
            item="brief/BACKUP_SET", variable="BACKUP_SET", value="/backups/older", outdates=CONFIRMED
        )
    ]


async def test_the_point_is_chosen_or_typed_and_looked_at_first(house: House) -> None:
    """A time is given only after it was told what it means; a refused one can be mended."""
    tell(house, SETS, ScriptedCheck(observed="24 min before now; base backup base1"))
    async with shown(house, facts=facts_of(house)) as screens:
        await at_the_set(screens)
        await screens.press("enter")
        await screens.enter_when("give RECOVERY_POINT")
        await screens.until_shown("=> dump", "latest", "RECOVERY_POINT> dump")
        await screens.press("down")
        text = await screens.until_shown("base1+WAL", "RECOVERY_POINT> latest")
        assert "! the archived WAL ends 3 h before the outage" in text
        assert "base1+WAL (archive), set newest" in text
        await screens.press("pagedown")
        await screens.until_shown("can be typed, with its zone")
        await screens.press(*["backspace"] * 6)
        await screens.write("2026-11-24 03:12Z")
        await screens.press("enter")
        await screens.until_shown("That is 24 min before now", "Enter again gives it")
        assert len(house.of_kind(e.InputGiven)) == 1
        await screens.press("enter")
        await screens.until(lambda: len(house.of_kind(e.InputGiven)) == 2)
    assert house.of_kind(e.InputGiven)[1] == e.InputGiven(
        item="brief/RECOVERY_POINT",
        variable="RECOVERY_POINT",
        value="2026-11-24 03:12Z",
        outdates=CONFIRMED,
    )


async def test_what_is_marked_is_what_enter_gives(house: House) -> None:
    """A choice that is typed instead of gone to is marked, with its own three parts."""
    tell(house, SETS)
    async with shown(house, facts=facts_of(house)) as screens:
        await at_the_set(screens)
        await screens.press("enter")
        await screens.enter_when("give RECOVERY_POINT")
        await screens.until_shown("=> dump")
        await screens.press(*["backspace"] * 4)
        await screens.write("latest")
        await screens.until_shown("=> latest", "PARTS: base1+WAL")


async def test_a_point_out_of_reach_says_why(house: House) -> None:
    """And what was typed stays to be mended; nothing typed gives nothing."""
    out = ScriptedCheck(verdict=Verdict.FAILED, observed="2026-11-24 names no time zone")
    tell(house, SETS, out)
    async with shown(house, facts=facts_of(house)) as screens:
        await at_the_set(screens)
        await screens.press("enter")
        await screens.enter_when("give RECOVERY_POINT")
        await screens.until_shown("=> dump")
        await screens.press("down", "enter")
        await screens.until_shown("names no time zone", "gives it all the same")
        await screens.press(*["backspace"] * 6, "enter")
        await screens.until_shown("A value is needed")
        assert len(house.of_kind(e.InputGiven)) == 1


async def test_the_dump_of_a_set_that_was_not_seen_can_be_given(house: House) -> None:
    """Typed by hand, on a disk that the target does not name."""
    async with shown(house, facts=facts_of(house)) as screens:
        await at_the_set(screens)
        await screens.press("down", *["backspace"] * 20)
        await screens.write("/mnt/usb/s")
        await screens.press("enter")
        await screens.enter_when("give RECOVERY_POINT")
        await screens.until_shown("=> dump", "the set is not among those that were seen")
        await screens.press("enter")
        await screens.until(lambda: len(house.of_kind(e.InputGiven)) == 2)


async def test_it_is_read_at_any_time_in_a_run(house: House) -> None:
    """By its key, with windows first; nothing is given there."""
    async with shown(house, facts=facts_of(house)) as screens:
        await past_briefing(screens)
        await screens.until_shown("Enter: give BACKUP_SET")
        await screens.press("d")
        await screens.until(lambda: isinstance(screens.app.screen, RecoverySetScreen))
        text = await screens.until_shown("RECOVERY SET", "=> WAL base1", "RPO: from the recovery point")
        assert "base1+WAL" in text
        await screens.press("end")
        await screens.until_shown("=> tampered", "! no backup: the manifest was changed")
        await screens.press("home", "down")
        await screens.until_shown("=> newest", "objective: at most 1 d lost")
        assert "dump of aihummer" in screens.now_on(RecoverySetScreen).as_text()
        await screens.press("enter")
        await screens.until_shown("Enter: give BACKUP_SET")
        assert not house.of_kind(e.InputGiven)


async def test_reading_begins_at_what_was_chosen(house: House) -> None:
    """And says so; giving it anew begins there too."""
    async with shown(house, facts=facts_of(house)) as screens:
        await at_the_set(screens)
        await screens.press("down", "enter")
        await screens.until_shown("Enter: give RECOVERY_POINT")
        await screens.press("d")
        await screens.until_shown("=> older", "PARTS (chosen): /backups/older")
        await screens.press("q", "up", "g")
        await screens.until_shown("RECOVERY SET: give BACKUP_SET", "=> older", "BACKUP_SET> /backups/older")


async def test_a_suggestion_that_is_not_known_leaves_the_best_set(house: House) -> None:
    """When the look is over; and who went to another row is left there."""
    facts = facts_of(house)
    facts.known = ()
    facts.suggested = ""
    async with shown(house, facts=facts) as screens:
        await past_briefing(screens)
        await screens.enter_when("give BACKUP_SET")
        await screens.until_shown("=> newest", "BACKUP_SET> /backups/newest")


async def test_hundreds_of_sets_scroll(house: House) -> None:
    """The selected one is always in sight, with its parts."""
    many = tuple(a_set(f"set-{number:03}") for number in range(300))
    tell(house, RecoverySets(sets=many))
    async with shown(house, facts=facts_of(house, "/backups/set-000")) as screens:
        await past_briefing(screens)
        await screens.press("d")
        await screens.until_shown("=> set-000", "more below")
        await screens.press("end")
        await screens.until_shown("=> set-299", "PARTS: /backups/set-299")


async def test_what_cannot_be_looked_at_is_told(house: House) -> None:
    """Where the target may not be looked at, or cannot, a value can still be typed."""
    facts = facts_of(house)

    def refused(seconds: float) -> Iterator[RecoverySets]:
        raise PreconditionError("a tabletop exercise looks at nothing", hint="type it")
        yield RecoverySets()

    facts.sets = refused
    async with shown(house, facts=facts) as screens:
        await past_briefing(screens)
        await screens.press("d")
        await screens.until_shown("not seen: a tabletop exercise looks at nothing")
        await screens.press("q")
        await screens.enter_when("give BACKUP_SET")
        await screens.until_shown("REFUSED: a tabletop exercise looks at nothing. type it")
        await screens.press("enter")
        await screens.until(lambda: bool(house.of_kind(e.InputGiven)))


async def test_an_unfinished_look_shows_what_is_known(house: House) -> None:
    """Looking, and what has come so far; never an empty screen."""
    facts = facts_of(house)
    gate = threading.Event()

    def slow(seconds: float) -> Iterator[RecoverySets]:
        yield RecoverySets(looking=("/slow/place", "the keeper of WAL"))
        yield RecoverySets(sets=SETS.sets, looking=("the keeper of WAL",))
        gate.wait(20)
        yield SETS

    facts.sets = slow
    async with shown(house, facts=facts) as screens:
        await past_briefing(screens)
        await screens.press("d")
        await screens.until_shown("looking at the keeper of WAL ... what is known so far", "=> newest")
        await screens.press("down")
        gate.set()
        await screens.until_shown("RPO: from the recovery point", "WAL base1")
        # What was selected stays so, though a row came in above it.
        assert screens.row("=> older")


async def test_a_look_that_fails_takes_no_window_away(house: House) -> None:
    """A point that was seen can still be chosen."""
    facts, gate = facts_of(house), threading.Event()

    def broken(seconds: float) -> Iterator[RecoverySets]:
        yield SETS
        gate.wait(20)
        raise PreconditionError("the archive went away", hint="mount it")

    facts.sets = broken
    async with shown(house, facts=facts) as screens:
        await at_the_set(screens)
        await screens.until_shown("BACKUP_SET> /backups/newest")
        await screens.press("enter")
        await screens.enter_when("give RECOVERY_POINT")
        await screens.until_shown("=> dump", "latest")
        gate.set()
        await screens.until_shown("REFUSED: the archive went away", "latest")


async def test_other_values_keep_their_screen(tmp_path: Path) -> None:
    """Only set and point are chosen from the table."""
    with a_house(tmp_path, a_runbook(a_step("brief", an_input("brief/KEY_FILE")))) as house:
        async with shown(house) as screens:
            await past_briefing(screens)
            await screens.enter_when("give KEY_FILE")
            await screens.until_shown("WHAT IT IS FOR")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_home_shows_the_same_table_before_any_run(size: tuple[int, int]) -> None:
    """Measured by now; Enter goes back, and home is as it was."""
    facts = HomeFacts(target="Target shop", sets=lambda: iter([SETS]))
    async with at_home(facts, size=size) as (app, pilot):
        for key in ("down",) * 5 + ("enter",):
            await pilot.press(key)
            await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        text = text_of(app)
        assert "as if the loss were now" in text
        assert "=> WAL base1" in text
        assert "PARTS: base1+WAL" in text
        assert text.isascii()
        await pilot.press("n", "enter")
        await pilot.pause()
        assert "Recover for REAL" in text_of(app)


async def test_an_answer_that_comes_while_help_is_read_is_not_lost(house: House) -> None:
    """The screen that asked goes when it is shown again, and takes no keys for nothing."""
    async with shown(house, facts=facts_of(house)) as screens:
        await at_the_set(screens)
        await screens.until_shown("BACKUP_SET> /backups/newest")
        engine = house.engine().pid
        os.kill(engine, signal.SIGSTOP)
        await screens.press("enter", "f1")
        await screens.until_shown("HELP: the keys")
        os.kill(engine, signal.SIGCONT)
        app = screens.app
        assert isinstance(app, RunApp)
        await screens.until(lambda: app.asked is None, "answered")
        await screens.press("enter")
        await screens.until_shown("Enter: give RECOVERY_POINT")
