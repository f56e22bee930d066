"""Words that may be typed at any prompt."""

import pytest

from aihummer_drtui.plain.verbs import EXPLAINED, Spoken, Verb, also, command_named, parse_verb, request_of
from aihummer_drtui.run import requests as r
from tests.run.story import RECOVERY


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
    assert parse_verb(typed) == spoken


@pytest.mark.parametrize(
    ("typed", "request_made"),
    [
        ("note hello", r.WriteNote(text="hello")),
        ("go database", r.ShowStep(step="database")),
        ("skip why", r.Skip(item="a/b", reason="why")),
        ("override why", r.Override(item="a/b", reason="why")),
        ("stop", r.StopCommand(item="a/b")),
        ("abandon why", r.Abandon(reason="why")),
        ("give BACKUP_SET  /b c", r.GiveInput(item="brief/BACKUP_SET", value="/b c")),
    ],
)
def test_a_verb_asks_for(typed: str, request_made: r.Request) -> None:
    """Each about the item in question, or the run."""
    spoken = parse_verb(typed)
    assert spoken is not None
    assert request_of(spoken, "a/b", RECOVERY) == request_made


@pytest.mark.parametrize(
    ("typed", "told"), [("give", "BACKUP_SET"), ("give KEY x", "BACKUP_SET"), ("list", "asks nothing")]
)
def test_a_verb_that_asks_for_nothing_says_so(typed: str, told: str) -> None:
    """A variable that is not there is answered with those that are."""
    spoken = parse_verb(typed)
    assert spoken is not None
    said = request_of(spoken, "a/b", RECOVERY)
    assert isinstance(said, str)
    assert told in said


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
    assert all(verb.typed in EXPLAINED for verb in Verb)
    assert also(Verb.SKIP) == "skip REASON, help, quit"
