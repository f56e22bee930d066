"""Line mode's briefing and its end, by the real command line: time, identity, losses, leftovers, sets."""

from datetime import UTC, datetime, timedelta

import msgspec

from aihummer_drtui.run.leftovers import Leftover, Leftovers
from aihummer_drtui.run.recovery_set import RecoverySets
from aihummer_drtui.run.verdict import Brought, Part
from aihummer_drtui.testing import Script, ScriptedCheck
from tests.cli.desk import PHRASE, Desk, linear, passing
from tests.run.test_set_words import SET

UNATTENDED = ("--yes", "--confirm", PHRASE, "--operator", "ada")
OUTAGE = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def test_a_run_is_briefed_and_ends_with_what_is_left(desk: Desk) -> None:
    """The second run knows how long the first one took."""
    brings = (
        Brought(part=Part.DATABASE, moment=OUTAGE - timedelta(hours=3)),
        Brought(part=Part.BLOBS, moment=OUTAGE - timedelta(hours=2)),
    )
    left = Leftover(
        kind="old database",
        name="old_x",
        size=None,
        since=None,
        until=None,
        undo="restore database --undo",
        drop="restore database --drop-old",
    )
    script = passing(gateway_env=ScriptedCheck(interval=0.2, brings=brings))
    desk.world.tell(_with(script, leftovers=Leftovers(found=(left,))))
    first = desk.sit(desk.run_words(*UNATTENDED, "--incident-at", OUTAGE.isoformat()))
    assert first.end() == 0
    told = " ".join(first.text.split())
    assert "Objectives: back within 2 h of the incident, at most 1 d of data lost" in told
    assert "The target answers as host db.example, database aihummer: 3 tenants" in told
    assert "Nothing says how long it takes." in told
    assert "1. Look Call: The team." in told
    assert "RPO, database: back as of" in told
    assert "lost: 3 h, within the RPO of 1 d" in told
    assert "Skew: the blobs are 1 h younger than the database" in told
    assert "Left over: old database old_x, kept until you drop it" in told
    assert f"--target {desk.target} restore database --undo" in told
    assert "Next: give somebody the task, with a day, to drop what is left over." in told
    assert linear(first.text)
    again = desk.sit(desk.run_words(*UNATTENDED))
    assert again.end() == 0
    second = " ".join(again.text.split())
    assert "(from 1 earlier recovery); its commands about 0 s (from 1 earlier recovery)." in second
    assert second.count("RPO of 1 d") == 2


def test_the_sets_are_told_at_any_prompt(desk: Desk) -> None:
    """As the screen has them, a line each; the question stays open."""
    desk.world.tell(_with(passing(), sets=RecoverySets(sets=(SET,))))
    terminal = desk.sit(desk.run_words())
    assert "Also: sets" in terminal.answer("INPUT look/BACKUP_SET", "sets")
    told = terminal.expect("Still open:")
    assert "s1 2026-11-24 01:00Z" in told
    assert "database dump of aihummer" in told
    terminal.answer("Answers:", "quit")
    assert terminal.end() == 3


def test_a_target_that_cannot_be_asked_stops_nothing(desk: Desk) -> None:
    """On a lost host there is nothing to identify, and nothing to look for afterwards."""
    desk.world.tell(_with(passing(), host=""))
    terminal = desk.sit(desk.run_words())
    terminal.expect("The target cannot be identified now: the database does not say who it is")
    terminal.answer("INPUT look/BACKUP_SET", "quit")
    assert terminal.end() == 3


def _with(script: Script, **changes: object) -> Script:
    """The world, but for that."""
    return msgspec.structs.replace(script, **changes)
