"""What a command makes out of date, and what has served by it."""

import pytest

from aihummer_drtui.run.outdating import outdated_by, rests_on, stated_after
from tests.run.story import RECOVERY, a_check, a_command, a_confirm, a_runbook, a_step, an_input


@pytest.mark.parametrize(
    ("command", "outdates"),
    [
        (
            "database/restore",
            ("database/restored", "proof/up", "proof/healthz", "proof/prove", "proof/confirm-1"),
        ),
        ("side/mail-up", ()),
        ("proof/up", ("proof/healthz", "proof/prove", "proof/confirm-1")),
        ("proof/prove", ("proof/confirm-1",)),
        ("proof/nothing", ()),
        ("nowhere/nothing", ()),
    ],
)
def test_what_comes_after_a_command_and_speaks_of_the_world(command: str, outdates: tuple[str, ...]) -> None:
    """A precondition before it has served; a step that does not need it is left alone."""
    assert outdated_by(RECOVERY, command) == outdates


def test_a_later_restore_stays_and_steps_that_need_each_other_come_to_an_end() -> None:
    """A new key does not undo a restored database; a circle of needs is walked once."""
    book = a_runbook(
        a_step("key", a_command("key/restore"), needs=("proof",)),
        a_step("database", a_command("database/restore", destructive=True), needs=("key",)),
        a_step("look", a_check("look/all"), needs=("key", "database")),
        a_step("proof", a_confirm("proof/confirm-1"), needs=("look",)),
    )
    assert outdated_by(book, "key/restore") == ("look/all", "proof/confirm-1")


@pytest.mark.parametrize(
    ("command", "preconditions"),
    [
        ("database/restore", ("database/dump-intact",)),
        ("side/mail-up", ("side/mail",)),
        ("proof/up", ()),
        ("proof/nothing", ()),
        ("nowhere/nothing", ()),
        # The check before it is one that a level rests on: it must be true at the end.
        ("proof/prove", ()),
    ],
)
def test_what_stands_before_a_command_is_what_it_rests_on(
    command: str, preconditions: tuple[str, ...]
) -> None:
    """Its own step's checks; what other steps brought about is not used up by it."""
    assert rests_on(RECOVERY, command) == preconditions


def test_statements_after_an_input_may_be_about_its_value() -> None:
    """What was stated before the value was asked for, or in another step, is not about it."""
    book = a_runbook(
        a_step(
            "brief",
            a_confirm("brief/confirm-1"),
            an_input("brief/POINT"),
            a_check("brief/point"),
            a_confirm("brief/confirm-2"),
        ),
        a_step("host", a_confirm("host/confirm-1"), needs=("brief",)),
    )
    assert stated_after(book, "brief/POINT") == ("brief/confirm-2",)
    assert stated_after(book, "brief/NONE") == ()
    assert stated_after(book, "none/NONE") == ()
