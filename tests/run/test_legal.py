"""What the engine accepts and refuses, and why."""

import pytest

from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.legal import refusal
from aihummer_drtui.run.verdict import Answer, ProbeResult, ToldOutcome, Verdict
from aihummer_drtui.runbook.model import RecoveryLevel
from tests.run.story import RECOVERY, Story, a_command, a_runbook, a_step, through_database, to_the_end

RESTORE = "database/restore"
LONG = "x" * 4_001


def table() -> Story:
    """A tabletop that has just begun."""
    return Story(mode=e.Mode.TABLETOP)


ACCEPTED: list[tuple[str, Story, r.Request]] = [
    ("attach", Story(), r.Attach(operator="ada", host="h", front_end="plain")),
    (
        "attach to a finished run",
        to_the_end().add(e.RunAbandoned(reason="x")),
        r.Attach(operator="ada", host="h", front_end="plain"),
    ),
    ("show", Story(), r.ShowStep(step="proof")),
    ("look", Story(), r.LookAgain(item="database/restored")),
    ("give", Story(), r.GiveInput(item="brief/BACKUP_SET", value="/backups/2025 06")),
    (
        "give a first value while something runs",
        Story().intend("side/mail-up"),
        r.GiveInput(item="brief/BACKUP_SET", value="v"),
    ),
    (
        "give the same value while something runs",
        through_database().intend("side/mail-up"),
        r.GiveInput(item="brief/BACKUP_SET", value="v1"),
    ),
    (
        "correct a value that was given after the start of what runs",
        Story().intend("side/mail-up").lose(RESTORE).give("brief/BACKUP_SET"),
        r.GiveInput(item="brief/BACKUP_SET", value="v2"),
    ),
    ("give another value", through_database(), r.GiveInput(item="brief/BACKUP_SET", value="v2")),
    ("confirm", Story(), r.Confirm(item="brief/confirm-1", statement="done")),
    ("start", through_database().look("side/mail"), r.StartCommand(item="side/mail-up")),
    ("start after its needs", through_database(), r.StartCommand(item="proof/up")),
    ("start a failed one again", through_database().ran("proof/up", code=1), r.StartCommand(item="proof/up")),
    (
        "start a skipped one after all",
        through_database().add(e.ItemSkipped(item="proof/up", reason="x")),
        r.StartCommand(item="proof/up"),
    ),
    (
        "start again what is settled as not done",
        through_database()
        .lose("proof/up")
        .add(e.OutcomeSettled(item="proof/up", attempt=1, done=False, reason="x")),
        r.StartCommand(item="proof/up"),
    ),
    (
        "start again what passed, when its verification fails",
        through_database().look("database/restored", Verdict.FAILED),
        r.StartCommand(item=RESTORE),
    ),
    (
        "start again what passed, when a later command fails",
        to_the_end().ran("proof/prove", attempt=2, code=1),
        r.StartCommand(item="proof/up"),
    ),
    (
        "start again what ran with another value",
        through_database()
        .intend(RESTORE, attempt=2, script="$BACKUP_SET", BACKUP_SET="v1")
        .end(RESTORE, attempt=2)
        .give("brief/BACKUP_SET", "v2")
        .look("brief/tools")
        .look("database/dump-intact"),
        r.StartCommand(item=RESTORE),
    ),
    (
        "start after an overridden check",
        Story().look("side/mail", Verdict.FAILED).add(e.ItemOverridden(item="side/mail", reason="x")),
        r.StartCommand(item="side/mail-up"),
    ),
    (
        "start after an unproven check",
        Story().look("side/mail", Verdict.UNPROVEN),
        r.StartCommand(item="side/mail-up"),
    ),
    ("stop", Story().intend(RESTORE), r.StopCommand(item=RESTORE)),
    ("probe", Story().lose(RESTORE), r.ProbeOutcome(item=RESTORE)),
    ("settle", Story().lose(RESTORE), r.SettleOutcome(item=RESTORE, done=True, reason="rows are there")),
    ("skip", Story(), r.Skip(item="side/mail", reason="no mail here")),
    ("skip what failed", Story().look("side/mail", Verdict.FAILED), r.Skip(item="side/mail", reason="r")),
    ("override", Story().look("side/mail", Verdict.UNKNOWN), r.Override(item="side/mail", reason="r")),
    (
        "override a pass of an earlier sitting",
        Story().look("side/mail").sit(),
        r.Override(item="side/mail", reason="r"),
    ),
    ("note", Story(), r.WriteNote(text="called the owner")),
    ("accept", Story(), r.AcceptRunbook(text="# new", reason="typo mended")),
    ("finish", to_the_end(), r.Finish()),
    ("abandon", Story().lose(RESTORE), r.Abandon(reason="other site took over")),
    ("answer", table(), r.AnswerCheck(item="side/mail", answer=Answer.PASSED)),
    (
        "answer otherwise",
        table().answer("side/mail"),
        r.AnswerCheck(item="side/mail", answer=Answer.FAILED, said="the disk is full"),
    ),
    ("rehearse", table().answer("side/mail"), r.StartCommand(item="side/mail-up")),
    (
        "tell",
        table().rehearse("side/mail-up"),
        r.TellOutcome(item="side/mail-up", outcome=ToldOutcome.PARTLY, would_take=60.0),
    ),
    (
        "answer the probe",
        table().rehearse(RESTORE).tell(RESTORE, ToldOutcome.UNKNOWN),
        r.AnswerProbe(item=RESTORE, result=ProbeResult.PARTIAL),
    ),
    ("abandon a talk", table().rehearse(RESTORE), r.Abandon(reason="time is over")),
]

REFUSED: list[tuple[str, Story, r.Request]] = [
    ("looks at nothing", table(), r.LookAgain(item="side/mail")),
    ("probes nothing", table().rehearse(RESTORE), r.ProbeOutcome(item=RESTORE)),
    ("executes nothing", table().rehearse(RESTORE), r.StopCommand(item=RESTORE)),
    ("side/mail comes before it and is pending", table(), r.StartCommand(item="side/mail-up")),
    ("is running already", table().rehearse("side/mail-up"), r.StartCommand(item="side/mail-up")),
    ("this is a drill run", Story(), r.AnswerCheck(item="side/mail", answer=Answer.PASSED)),
    ("this is a drill run", Story().intend(RESTORE), r.TellOutcome(item=RESTORE, outcome=ToldOutcome.DONE)),
    ("this is a drill run", Story().lose(RESTORE), r.AnswerProbe(item=RESTORE, result=ProbeResult.DONE)),
    ("no check `side/mail-up`", table(), r.AnswerCheck(item="side/mail-up", answer=Answer.PASSED)),
    (
        "what was said of 4001 characters",
        table(),
        r.AnswerCheck(item="side/mail", answer=Answer.PASSED, said=LONG),
    ),
    ("no command `side/mail`", table(), r.TellOutcome(item="side/mail", outcome=ToldOutcome.DONE)),
    ("is not under way", table(), r.TellOutcome(item=RESTORE, outcome=ToldOutcome.DONE)),
    (
        "is not under way",
        table().rehearse(RESTORE).tell(RESTORE),
        r.TellOutcome(item=RESTORE, outcome=ToldOutcome.FAILED),
    ),
    *(
        (
            "that is no duration",
            table().rehearse(RESTORE),
            r.TellOutcome(item=RESTORE, outcome=ToldOutcome.DONE, would_take=seconds),
        )
        for seconds in (-1.0, float("nan"), float("inf"), 31 * 86_400.0)
    ),
    (
        "what was said",
        table().rehearse(RESTORE),
        r.TellOutcome(item=RESTORE, outcome=ToldOutcome.DONE, said=LONG),
    ),
    ("no command `side/mail`", table(), r.AnswerProbe(item="side/mail", result=ProbeResult.DONE)),
    ("is not in doubt", table().rehearse(RESTORE), r.AnswerProbe(item=RESTORE, result=ProbeResult.DONE)),
    (
        "what was said",
        table().rehearse(RESTORE).tell(RESTORE, ToldOutcome.UNKNOWN),
        r.AnswerProbe(item=RESTORE, result=ProbeResult.DONE, said=LONG),
    ),
    ("is still running", table().rehearse(RESTORE), r.Skip(item=RESTORE, reason="x")),
    (
        "the run is finished",
        Story().add(e.RunFinished(level=RecoveryLevel.NONE, with_exceptions=False, unproven=())),
        r.WriteNote(text="late"),
    ),
    (
        "side/mail-up and proof/up are still running",
        through_database().intend("side/mail-up").intend("proof/up"),
        r.Abandon(reason="enough"),
    ),
    ("the run was abandoned: gone", Story().add(e.RunAbandoned(reason="gone")), r.Finish()),
    (r"abandoned: \x1b[2Jgone", Story().add(e.RunAbandoned(reason="\x1b[2Jgone")), r.Finish()),
    ("no step `nowhere`", Story(), r.ShowStep(step="nowhere")),
    ("no check `brief/confirm-1`", Story(), r.LookAgain(item="brief/confirm-1")),
    ("no input `brief/tools`", Story(), r.GiveInput(item="brief/tools", value="v")),
    ("value is empty", Story(), r.GiveInput(item="brief/BACKUP_SET", value="")),
    ("value is empty, too long", Story(), r.GiveInput(item="brief/BACKUP_SET", value=LONG)),
    *(
        ("holds control characters", Story(), r.GiveInput(item="brief/BACKUP_SET", value=f"a{bad}b"))
        for bad in ("\n", "\t", "\x00", "\x1b", "\x7f", "\x9b", "\u202e", "\u200b")
    ),
    (
        "side/mail-up is running with another value of BACKUP_SET",
        Story().give("brief/BACKUP_SET").intend("side/mail-up", BACKUP_SET="v1"),
        r.GiveInput(item="brief/BACKUP_SET", value="v2"),
    ),
    (
        "nobody saw how it ended",
        Story()
        .give("brief/BACKUP_SET")
        .intend(RESTORE, BACKUP_SET="v1")
        .add(e.OutcomeLost(item=RESTORE, attempt=1, why="power cut")),
        r.GiveInput(item="brief/BACKUP_SET", value="v2"),
    ),
    ("no confirm `brief/tools`", Story(), r.Confirm(item="brief/tools", statement="x")),
    ("a statement is missing", Story(), r.Confirm(item="brief/confirm-1", statement=" \n")),
    ("a statement of 4001 characters", Story(), r.Confirm(item="brief/confirm-1", statement=LONG)),
    ("no command `brief/tools`", Story(), r.StartCommand(item="brief/tools")),
    ("is running already", through_database().intend("proof/up"), r.StartCommand(item="proof/up")),
    ("nobody saw how the last attempt", through_database().lose("proof/up"), r.StartCommand(item="proof/up")),
    ("has passed", through_database(), r.StartCommand(item=RESTORE)),
    (
        "has passed",
        through_database().look("database/restored", Verdict.FAILED).sit(),
        r.StartCommand(item=RESTORE),
    ),
    ("needs step `brief`", Story(), r.StartCommand(item=RESTORE)),
    ("needs step `database`", through_database().sit(), r.StartCommand(item="proof/up")),
    ("side/mail comes before it and is pending", Story(), r.StartCommand(item="side/mail-up")),
    (
        "side/mail comes before it and is unknown",
        Story().look("side/mail", Verdict.UNKNOWN),
        r.StartCommand(item="side/mail-up"),
    ),
    (
        "side/mail comes before it and is drifted",
        Story().look("side/mail").look("side/mail", Verdict.FAILED),
        r.StartCommand(item="side/mail-up"),
    ),
    (
        "side/mail comes before it and is passed",
        Story().look("side/mail").sit(),
        r.StartCommand(item="side/mail-up"),
    ),
    (
        "side/mail comes before it and is failed",
        Story()
        .look("side/mail", Verdict.UNKNOWN)
        .add(e.ItemOverridden(item="side/mail", reason="x"))
        .look("side/mail", Verdict.FAILED),
        r.StartCommand(item="side/mail-up"),
    ),
    ("no command `side/mail`", Story(), r.StopCommand(item="side/mail")),
    ("is not running", through_database(), r.StopCommand(item=RESTORE)),
    ("no command `side/mail`", Story(), r.ProbeOutcome(item="side/mail")),
    ("is not in doubt", Story().intend(RESTORE), r.ProbeOutcome(item=RESTORE)),
    ("no command `side/mail`", Story(), r.SettleOutcome(item="side/mail", done=True, reason="x")),
    ("is not in doubt", Story(), r.SettleOutcome(item=RESTORE, done=True, reason="x")),
    ("a reason is missing", Story().lose(RESTORE), r.SettleOutcome(item=RESTORE, done=True, reason="")),
    ("no item `side/nothing`", Story(), r.Skip(item="side/nothing", reason="x")),
    ("is still running", Story().intend(RESTORE), r.Skip(item=RESTORE, reason="x")),
    ("outcome of database/restore is unknown", Story().lose(RESTORE), r.Skip(item=RESTORE, reason="x")),
    ("is settled already", through_database(), r.Skip(item=RESTORE, reason="x")),
    ("a reason is missing", Story(), r.Skip(item=RESTORE, reason="")),
    ("no item `side/nothing`", Story(), r.Override(item="side/nothing", reason="x")),
    ("is still running", Story().intend(RESTORE), r.Override(item=RESTORE, reason="x")),
    ("outcome of database/restore is unknown", Story().lose(RESTORE), r.Override(item=RESTORE, reason="x")),
    (
        "is settled already",
        Story().look("side/mail", Verdict.UNPROVEN),
        r.Override(item="side/mail", reason="x"),
    ),
    ("a reason is missing", Story(), r.Override(item=RESTORE, reason="")),
    ("a note is missing", Story(), r.WriteNote(text="")),
    ("a note of 4001 characters", Story(), r.WriteNote(text=LONG)),
    ("a reason is missing", Story(), r.AcceptRunbook(text="x", reason="")),
    ("11 items are not settled", Story().give("brief/BACKUP_SET"), r.Finish()),
    ("items are not settled: brief/tools", to_the_end().sit(), r.Finish()),
    ("a reason is missing", Story(), r.Abandon(reason="")),
    ("is still running", Story().intend(RESTORE), r.Abandon(reason="x")),
]


@pytest.mark.parametrize(("case", "story", "request_"), ACCEPTED, ids=[case for case, _, _ in ACCEPTED])
def test_what_is_legal(case: str, story: Story, request_: r.Request) -> None:
    """The engine takes what the operator may do now."""
    assert refusal(RECOVERY, story.state, request_) is None


@pytest.mark.parametrize(
    ("reason", "story", "request_"),
    REFUSED,
    ids=[f"{type(asked).__name__}: {reason}" for reason, _, asked in REFUSED],
)
def test_what_is_refused(reason: str, story: Story, request_: r.Request) -> None:
    """Every refusal names its reason and says what to do instead."""
    refused = refusal(RECOVERY, story.state, request_)
    assert refused is not None
    assert reason in refused.reason
    assert refused.hint


def test_every_kind_of_request_is_in_both_tables() -> None:
    """A request that is added gets its rules tested; attaching is the only one never refused."""
    kinds = set(r.Request.__args__)
    assert {type(asked) for _, _, asked in ACCEPTED} == kinds
    assert {type(asked) for _, _, asked in REFUSED} == kinds - {r.Attach}


def test_an_item_without_its_step_cannot_be_started() -> None:
    """A runbook put together wrongly is refused, not crashed on."""
    lost = a_runbook(a_step("one", a_command("other/run")))
    refused = refusal(lost, Story().state, r.StartCommand(item="other/run"))
    assert refused is not None
    assert "no step" in refused.reason
