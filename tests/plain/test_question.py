"""What is asked for each suggestion, and what each answer asks for: by tables."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from aihummer_drtui.errors import ExitCode, FailedError, PreconditionError
from aihummer_drtui.plain.answers import Answers
from aihummer_drtui.plain.asking import Question
from aihummer_drtui.plain.question import question_of
from aihummer_drtui.run import requests as r
from aihummer_drtui.run import suggestion as s
from aihummer_drtui.run.leftovers import Leftovers
from aihummer_drtui.run.recovery_set import RecoverySets
from aihummer_drtui.run.verdict import Choice, Observation, ProbeResult, TargetIdentity, Verdict
from tests.run.story import Story, a_check, a_command, a_confirm, an_input

NOBODY = Answers()


@dataclass
class KnownFacts:
    """A target as a test wants it."""

    suggested: str | None = None
    known: bool = True
    there: tuple[Choice, ...] = ()
    readable: bool = True

    def suggestion(self, variable: str) -> str | None:
        """The likely value of BACKUP_SET."""
        return self.suggested if variable == "BACKUP_SET" else None

    def choices(self, variable: str) -> tuple[Choice, ...]:
        """The sets of BACKUP_SET, if they can be seen."""
        if not self.readable:
            raise PreconditionError("is no public key", where="/keys/a.pub", hint="restore the key")
        return self.there if variable == "BACKUP_SET" else ()

    def recovery_sets(self, seconds: float) -> Iterator[RecoverySets]:  # noqa: ARG002
        """None."""
        yield RecoverySets()

    def recovery_point(self, text: str) -> Observation:
        """Within reach."""
        return Observation(verdict=Verdict.PASSED, expected="a point", observed=text)

    def leftovers(self, seconds: float) -> Leftovers:  # noqa: ARG002
        """None."""
        return Leftovers()

    def identity(self) -> TargetIdentity:
        """The target, if it is known."""
        if not self.known:
            raise FailedError("no answer from the server", hint="start it")
        return TargetIdentity(host="h", database="d", facts=("3 \x1b[2Jrows",))


def asked(
    suggestion: s.Suggestion,
    story: Story | None = None,
    *,
    answers: Answers = NOBODY,
    facts: KnownFacts | None = None,
    output: tuple[str, ...] = (),
) -> Question:
    """The question; there must be one."""
    state = (story or Story()).state
    question = question_of(suggestion, state, answers, facts or KnownFacts(), list(output))
    assert question is not None
    return question


INPUT = s.GiveValue(item=an_input("brief/BACKUP_SET"))
CONFIRM = s.StateIt(item=a_confirm("brief/confirm-1"))
CHECK = s.MendCheck(item=a_check("brief/tools"))
PLAIN = s.Start(item=a_command("proof/up"))
GATE = s.Start(item=a_command("database/restore", destructive=True))
FAILED = s.StartAgain(item=a_command("proof/up"))
FAILED_GATE = s.StartAgain(item=a_command("database/restore", destructive=True))
LOST = s.ResolveUnknown(item=a_command("proof/up"))


@pytest.mark.parametrize(
    ("suggestion", "typed", "request_made"),
    [
        (INPUT, "/b", r.GiveInput(item="brief/BACKUP_SET", value="/b")),
        (CONFIRM, "", r.Confirm(item="brief/confirm-1", statement="yes")),
        (CONFIRM, "YES", r.Confirm(item="brief/confirm-1", statement="yes")),
        (CHECK, "", r.LookAgain(item="brief/tools")),
        (CHECK, "again", r.LookAgain(item="brief/tools")),
        (PLAIN, "", r.StartCommand(item="proof/up")),
        (PLAIN, "start", r.StartCommand(item="proof/up")),
        (GATE, "h/d", r.StartCommand(item="database/restore", confirmation="h/d")),
        (FAILED, "again", r.StartCommand(item="proof/up")),
        (FAILED_GATE, "h/d", r.StartCommand(item="database/restore", confirmation="h/d")),
        (LOST, "", r.ProbeOutcome(item="proof/up")),
        (LOST, "done I saw it", r.SettleOutcome(item="proof/up", done=True, reason="I saw it")),
        (LOST, "Not done no file", r.SettleOutcome(item="proof/up", done=False, reason="no file")),
    ],
)
def test_an_answer_asks_for(suggestion: s.Suggestion, typed: str, request_made: r.Request) -> None:
    """Each answer that a prompt names does what it says."""
    assert asked(suggestion).parse(typed) == request_made


@pytest.mark.parametrize(
    ("suggestion", "typed", "told"),
    [
        (INPUT, "", "A value is needed"),
        (CONFIRM, "no", "skip REASON"),
        (CHECK, "yes", "override REASON"),
        (PLAIN, "no", "Type start"),
        (GATE, "", "Enter does not pass"),
        (GATE, "yes", "nothing was started"),
        (GATE, "start", "nothing was started"),
        (FAILED, "", "Type again"),
        (FAILED, "start", "Type again"),
        (FAILED_GATE, "", "Enter does not pass"),
        (FAILED_GATE, "again", "nothing was started"),
        (LOST, "done", "give your reason"),
        (LOST, "not done", "give your reason"),
        (LOST, "donew", "Type probe"),
    ],
)
def test_what_is_no_answer_is_told_how_to_answer(suggestion: s.Suggestion, typed: str, told: str) -> None:
    """Nothing is asked of the engine."""
    said = asked(suggestion).parse(typed)
    assert isinstance(said, str)
    assert told in said


@pytest.mark.parametrize(
    ("probe", "typed", "agrees"),
    [
        (ProbeResult.DONE, "done", True),
        (ProbeResult.NOT_DONE, "not done", True),
        (ProbeResult.DONE, "not done", False),
        (ProbeResult.PARTIAL, "done", False),
        (ProbeResult.UNKNOWN, "not done", False),
    ],
)
def test_a_decision_needs_no_reason_only_where_the_probe_says_the_same(
    probe: ProbeResult, typed: str, agrees: bool
) -> None:
    """A reason is never made up for a person who decides against what was seen."""
    parsed = asked(LOST, Story().lose("proof/up", probe=probe)).parse(typed)
    assert isinstance(parsed, r.SettleOutcome) is agrees


@pytest.mark.parametrize("suggestion", [INPUT, CONFIRM, CHECK, PLAIN, GATE, FAILED, FAILED_GATE, LOST])
def test_every_question_names_itself_its_answers_and_the_ways_out(suggestion: s.Suggestion) -> None:
    """Item first; answers; help and quit; and what to give where nobody answers."""
    question = asked(suggestion)
    assert question.item in question.lines[0]
    assert question.answers
    assert "help" in question.also
    assert "quit" in question.also
    assert question.hint


@pytest.mark.parametrize(
    ("suggestion", "beforehand"),
    [
        (INPUT, "/s"),
        (CONFIRM, "yes"),
        (PLAIN, "start"),
        (GATE, None),
        (FAILED, None),
        (CHECK, None),
        (LOST, None),
    ],
)
def test_yes_answers_what_can_be_taken_back(suggestion: s.Suggestion, beforehand: str | None) -> None:
    """Suggested values, confirms, reversible commands; no gate, no failure, no unknown outcome."""
    question = asked(suggestion, answers=Answers(yes=True), facts=KnownFacts(suggested="/s"))
    assert question.beforehand == beforehand


def test_a_value_is_typed_where_what_there_is_cannot_be_seen() -> None:
    """One key that cannot be read does not end the sitting; why, and what helps, stands in the question."""
    question = asked(INPUT, facts=KnownFacts(readable=False))
    assert question.lines[-2].endswith("cannot be seen: /keys/a.pub: is no public key")
    assert question.lines[-1] == "HINT: restore the key"
    assert question.parse("1") == r.GiveInput(item="brief/BACKUP_SET", value="1")
    assert question.parse("/b") == r.GiveInput(item="brief/BACKUP_SET", value="/b")


def test_yes_gives_no_value_that_nobody_suggests() -> None:
    """There is nothing to accept."""
    assert asked(INPUT, answers=Answers(yes=True)).beforehand is None


@pytest.mark.parametrize(
    ("suggestion", "item"),
    [
        (INPUT, "brief/BACKUP_SET"),
        (CONFIRM, "brief/confirm-1"),
        (CHECK, "brief/tools"),
        (PLAIN, "proof/up"),
        (GATE, "database/restore"),
        (LOST, "outcome:proof/up"),
    ],
)
def test_an_answers_file_answers_by_item(suggestion: s.Suggestion, item: str) -> None:
    """What is written for the item, whatever it is."""
    assert asked(suggestion, answers=Answers(by_item={item: "x"})).beforehand == "x"


def test_confirm_answers_the_gate_only() -> None:
    """Its words are nothing to any other question."""
    answers = Answers(confirm="h/d")
    assert asked(GATE, answers=answers).beforehand == "h/d"
    assert asked(PLAIN, answers=answers).beforehand is None
    assert asked(FAILED_GATE, answers=answers).beforehand is None


def test_the_gate_shows_what_it_acts_on_and_how_to_go_back() -> None:
    """Host, database, facts (made harmless), what is destroyed, undo; never the words to be typed."""
    question = asked(GATE)
    text = "\n".join(question.lines)
    assert "host h, database d" in text
    assert "3 \\x1b[2Jrows" in text
    assert "It destroys: the database" in text
    assert "Undo: rename it back" in text
    assert "h/d" not in text
    assert question.example == "--confirm h/d"


def test_a_target_that_cannot_be_identified_is_told_at_the_gate() -> None:
    """The engine refuses it then; the operator sees why before typing."""
    text = "\n".join(asked(GATE, facts=KnownFacts(known=False)).lines)
    assert "cannot be identified: no answer from the server" in text
    assert "HINT: start it" in text


@pytest.mark.parametrize(
    ("suggestion", "code"),
    [(CONFIRM, ExitCode.PRECONDITION), (CHECK, ExitCode.FAILED), (FAILED, ExitCode.FAILED), (LOST, 4)],
)
def test_without_an_answer_the_exit_code_says_why(suggestion: s.Suggestion, code: int) -> None:
    """3: somebody must answer. 1: it is red. 4: nobody knows."""
    assert asked(suggestion).without_answer == code


def test_a_failed_command_shows_its_end_and_its_output() -> None:
    """Last lines first; a silent one is called silent."""
    story = Story().ran("proof/up", code=3)
    assert asked(FAILED, story, output=("  | no room",)).lines[:3] == (
        "FAILED proof/up: exit code 3 after 2 s.",
        "Its last lines:",
        "  | no room",
    )
    assert "It has written nothing." in asked(FAILED, story).lines


def test_a_red_check_shows_what_was_seen() -> None:
    """The look stands in the question itself."""
    assert any("x failed" in line for line in asked(CHECK, Story().look("brief/tools", Verdict.FAILED)).lines)


@pytest.mark.parametrize(
    "suggestion", [s.AwaitCommand(item=a_command("proof/up")), s.AwaitCheck(item=a_check("brief/tools"))]
)
def test_while_something_is_waited_for_no_answer_is_taken(suggestion: s.Suggestion) -> None:
    """Words like stop and quit are; anything else is told so."""
    said = asked(suggestion).parse("yes")
    assert isinstance(said, str)
    assert "nothing is asked now" in said


@pytest.mark.parametrize("suggestion", [s.FinishRun(), s.NothingLeft()])
def test_some_suggestions_ask_nothing(suggestion: s.Suggestion) -> None:
    """The dialogue does them by itself."""
    assert question_of(suggestion, Story().state, NOBODY, KnownFacts(), []) is None


SETS = (
    Choice(value="/b/new", told=("3 h ago; verified", "a hostile \x1b[2Jline")),
    Choice(value="/b/old", told=("27 h ago; never verified",)),
)


def test_an_input_shows_what_there_is_to_choose_from() -> None:
    """Each choice has a number, its value and what it means; nothing foreign reaches the terminal raw."""
    lines = asked(INPUT, facts=KnownFacts(there=SETS)).lines
    assert "  1. /b/new" in lines
    assert "   - 27 h ago; never verified" in lines
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize(
    ("typed", "value"), [("1", "/b/new"), ("2", "/b/old"), ("", "/b/new"), ("/b/2", "/b/2"), ("0x1", "0x1")]
)
def test_a_number_chooses_and_anything_else_is_the_value(typed: str, value: str) -> None:
    """A number means the line it stands before; Enter takes the suggestion; the rest is taken as typed."""
    question = asked(INPUT, facts=KnownFacts(suggested="/b/new", there=SETS))
    assert question.parse(typed) == r.GiveInput(item="brief/BACKUP_SET", value=value)


@pytest.mark.parametrize("typed", ["0", "3", "99999999999999999999"])
def test_a_number_that_is_not_in_the_list_chooses_nothing(typed: str) -> None:
    """It is told which there are; no value is made of it."""
    said = asked(INPUT, facts=KnownFacts(there=SETS)).parse(typed)
    assert isinstance(said, str)
    assert "1 to 2" in said


def test_a_number_without_a_list_is_a_value() -> None:
    """Where nothing is offered, an input may well be a number."""
    assert asked(INPUT).parse("7") == r.GiveInput(item="brief/BACKUP_SET", value="7")


@pytest.mark.parametrize("kind", [s.Start, s.StartAgain])
def test_a_command_shows_the_values_it_will_run_with(kind: type[s.Start] | type[s.StartAgain]) -> None:
    """At a gate the operator must see which set and which moment; others of the run would only distract."""
    script = 'aihummer-drtui restore --backup-set "$BACKUP_SET" --confirm "$DRTUI_CONFIRM"'
    command = a_command("database/restore", script=script, destructive=True)
    story = Story().give("brief/BACKUP_SET", "/b/new").give("brief/KEY_FILE", "/k")
    lines = asked(kind(item=command), story).lines
    assert "  with BACKUP_SET = /b/new" in lines
    assert not [line for line in lines if "KEY_FILE" in line or "DRTUI_CONFIRM =" in line]
