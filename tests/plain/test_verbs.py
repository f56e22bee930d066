"""Words that may be typed at any prompt."""

import msgspec
import pytest

from aihummer_drtui.plain.verbs import (
    Spoken,
    Verb,
    also,
    command_meant,
    command_named,
    explained,
    parse_verb,
    request_of,
)
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from tests.run.story import RECOVERY, Story


@pytest.mark.parametrize(
    ("typed", "spoken"),
    [
        ("skip  no network ", Spoken(verb=Verb.SKIP, rest="no network")),
        ("QUIT", Spoken(verb=Verb.QUIT, rest="")),
        ("?", Spoken(verb=Verb.HELP, rest="")),
        ("  list", Spoken(verb=Verb.LIST, rest="")),
        ("skipped it", None),
        ("start", None),
        ("yes", None),
        ("", None),
        ("/backups/note", None),
    ],
)
def test_a_line_that_begins_with_a_verb(typed: str, spoken: Spoken | None) -> None:
    """Only whole words count, in any case of letters."""
    assert parse_verb(typed, tabletop=False) == spoken


@pytest.mark.parametrize(
    ("typed", "request_made"),
    [
        ("note hello", r.WriteNote(text="hello")),
        ("go side", r.ShowStep(step="side")),
        ("go", r.ShowStep(step="brief")),
        ("skip why", r.Skip(item="a/b", reason="why")),
        ("override why", r.Override(item="a/b", reason="why")),
        ("stop", r.StopCommand(item="side/mail-up")),
        ("stop mail-up", r.StopCommand(item="side/mail-up")),
        ("stop proof/up", r.StopCommand(item="proof/up")),
        ("abandon why", r.Abandon(reason="why")),
        ("give BACKUP_SET  /b c", r.GiveInput(item="brief/BACKUP_SET", value="/b c")),
    ],
)
def test_a_verb_asks_for(typed: str, request_made: r.Request) -> None:
    """Each about the item in question, or the run."""
    spoken = parse_verb(typed, tabletop=False)
    assert spoken is not None
    assert request_of(spoken, "a/b", RECOVERY, Story().intend("side/mail-up").state) == request_made


@pytest.mark.parametrize(
    ("typed", "told", "story"),
    [
        ("give", "BACKUP_SET", Story()),
        ("give KEY x", "BACKUP_SET", Story()),
        ("list", "asks nothing", Story()),
        ("go proof", "REFUSED: step `proof` needs what is not done yet: `database`", Story()),
        ("go", "nowhere else to go", Story().add(e.StepShown(step="side")).give("brief/BACKUP_SET")),
        ("stop", "Nothing is running. To name a command, type: stop COMMAND", Story()),
        ("stop", "Running: side/mail-up, proof/up", Story().intend("side/mail-up").intend("proof/up")),
        ("stop reboot", "Type: stop COMMAND. The commands: database/restore", Story().intend("proof/up")),
    ],
)
def test_a_verb_that_asks_for_nothing_says_so(typed: str, told: str, story: Story) -> None:
    """With what is missing, or with the names of those that are there."""
    spoken = parse_verb(typed, tabletop=False)
    assert spoken is not None
    story.add(
        e.ItemSkipped(item="brief/confirm-1", reason="x"), e.ItemSkipped(item="brief/tools", reason="x")
    )
    book = msgspec.structs.replace(RECOVERY, steps=RECOVERY.steps[:1]) if typed == "go" else RECOVERY
    said = request_of(spoken, "a/b", book, story.state)
    assert isinstance(said, str)
    assert told in said


@pytest.mark.parametrize(
    ("typed", "item", "story", "meant"),
    [
        ("output", "proof/up", Story().ran("proof/up").intend("side/mail-up"), "proof/up"),
        ("output", "proof/up", Story().intend("side/mail-up"), "side/mail-up"),
        ("output", "brief/BACKUP_SET", Story().intend("side/mail-up"), "side/mail-up"),
        ("output restore", "proof/up", Story().intend("side/mail-up"), "database/restore"),
        ("stop", "proof/up", Story().ran("proof/up").intend("side/mail-up"), "side/mail-up"),
    ],
)
def test_the_command_that_is_meant(typed: str, item: str, story: Story, meant: str) -> None:
    """The one named, else the one in question, else the only one that runs."""
    spoken = parse_verb(typed, tabletop=False)
    assert spoken is not None
    command = command_meant(spoken, item, RECOVERY, story.state)
    assert not isinstance(command, str)
    assert command.id == meant


@pytest.mark.parametrize("name", ["database/restore", "restore"])
def test_a_command_is_named_by_id_or_name(name: str) -> None:
    """As the checklist shows it, or shorter."""
    found = command_named(Spoken(verb=Verb.RERUN, rest=name), RECOVERY)
    assert not isinstance(found, str)
    assert found.id == "database/restore"


def test_an_unknown_command_is_answered_with_the_known() -> None:
    """So that it can be typed right the second time."""
    said = command_named(Spoken(verb=Verb.RERUN, rest="reboot"), RECOVERY)
    assert isinstance(said, str)
    assert "database/restore" in said


def test_help_explains_every_verb() -> None:
    """And a prompt always names help and quit."""
    both = explained(tabletop=False) + explained(tabletop=True)
    assert all(verb.typed in both for verb in Verb)
    assert also(Verb.SKIP) == "skip REASON, help, quit"


def test_a_tabletop_has_verbs_of_its_own() -> None:
    """What is executed is none of it; what is told is no verb elsewhere, so it answers the question."""
    told, seen = explained(tabletop=True), explained(tabletop=False)
    assert "answer [CHECK]" in told
    assert "tell [COMMAND]" in told
    assert "stop [COMMAND]" not in told
    assert "output [COMMAND]" not in told
    assert "tell [COMMAND]" not in seen
    assert parse_verb("tell them", tabletop=False) is None
    assert parse_verb("tell up done", tabletop=True) == Spoken(verb=Verb.TELL, rest="up done")
    assert parse_verb("stop", tabletop=True) is None
