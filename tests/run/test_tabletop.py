"""A tabletop: what is told counts as told, drives what comes next, and proves nothing."""

import pytest

from aihummer_drtui.errors import ExitCode
from aihummer_drtui.run import events as e
from aihummer_drtui.run import suggestion as s
from aihummer_drtui.run import words
from aihummer_drtui.run.closing import closing_lines, exit_code
from aihummer_drtui.run.events import Mode
from aihummer_drtui.run.objectives import clocks, told_to_take
from aihummer_drtui.run.outdating import outdated_by
from aihummer_drtui.run.settled import level_of, settled, told_level_of
from aihummer_drtui.run.state import AnsweredState, CommandState, RunState, Status, Told
from aihummer_drtui.run.tabletop import Words, belongs, is_tabletop, words_of
from aihummer_drtui.run.told_words import level_text, told_event, told_mark
from aihummer_drtui.run.unattended import next_unattended
from aihummer_drtui.run.verdict import Answer, ProbeResult, ToldOutcome
from aihummer_drtui.runbook.model import CheckItem, CommandItem, RecoveryLevel
from tests.run.story import RECOVERY, Story

RESTORE = "database/restore"


def table() -> Story:
    """A tabletop that has just begun."""
    return Story(mode=Mode.TABLETOP)


def command(item: str) -> CommandItem:
    """That command of the runbook."""
    found = RECOVERY.item(item)
    assert isinstance(found, CommandItem)
    return found


def check(item: str) -> CheckItem:
    """That check of the runbook."""
    found = RECOVERY.item(item)
    assert isinstance(found, CheckItem)
    return found


def briefed() -> Story:
    """The first step gone through, the database's shown, its precondition answered."""
    story = table().give("brief/BACKUP_SET").add(e.ItemConfirmed(item="brief/confirm-1", statement="yes"))
    return story.answer("brief/tools").add(e.StepShown(step="database")).answer("database/dump-intact")


def gone_through() -> Story:
    """Every item done, as told."""
    story = briefed().rehearse(RESTORE, outdates=outdated_by(RECOVERY, RESTORE))
    story.tell(RESTORE, would_take=1200.0).answer("database/restored").answer("side/mail")
    for item in ("side/mail-up", "proof/up"):
        story.rehearse(item).tell(item, would_take=60.0 if item == "proof/up" else None)
    story.answer("proof/healthz").rehearse("proof/prove").tell("proof/prove")
    return story.add(e.ItemConfirmed(item="proof/confirm-1", statement="yes"))


@pytest.mark.parametrize(
    ("story", "item", "status", "mark"),
    [
        (table().answer("side/mail"), "side/mail", Status.PASSED, "answered"),
        (table().answer("side/mail", Answer.FAILED), "side/mail", Status.FAILED, "answered"),
        (table().answer("side/mail", Answer.UNPROVEN), "side/mail", Status.UNPROVEN, "answered"),
        (
            table().answer("side/mail").answer("side/mail", Answer.FAILED),
            "side/mail",
            Status.DRIFTED,
            "answered",
        ),
        (table().rehearse(RESTORE), RESTORE, Status.RUNNING, "rehearsed"),
        (table().rehearse(RESTORE).tell(RESTORE), RESTORE, Status.PASSED, "told"),
        (table().rehearse(RESTORE).tell(RESTORE, ToldOutcome.FAILED), RESTORE, Status.FAILED, "told"),
        (table().rehearse(RESTORE).tell(RESTORE, ToldOutcome.PARTLY), RESTORE, Status.FAILED, "told"),
        (table().rehearse(RESTORE).tell(RESTORE, ToldOutcome.UNKNOWN), RESTORE, Status.UNKNOWN, "told"),
    ],
)
def test_what_is_told_is_marked_as_told(story: Story, item: str, status: Status, mark: str) -> None:
    """In the state, and wherever the checklist is shown."""
    state = story.state
    assert state.status(item) is status
    assert told_mark(state.items[item]) == mark
    found = RECOVERY.item(item)
    assert found is not None
    assert words.status_word(state, found) == f"{words.GLYPHS[status]} {status}, {mark}"
    assert state.executing == ()


def test_what_is_seen_bears_no_mark() -> None:
    """Of a drill nothing was told."""
    state = Story().look("side/mail").ran("side/mail-up").state
    assert [told_mark(state.items.get(item)) for item in ("side/mail", "side/mail-up", "brief/tools")] == [
        "",
        "",
        "",
    ]


@pytest.mark.parametrize(
    "happened",
    [
        e.CheckAnswered(item="side/mail", answer=Answer.PASSED, said=""),
        e.CommandRehearsed(item=RESTORE, attempt=1, script="x", values={}),
        e.OutcomeTold(item=RESTORE, attempt=1, outcome=ToldOutcome.DONE, said=""),
        e.ProbeAnswered(item=RESTORE, attempt=1, result=ProbeResult.DONE, said=""),
        e.LevelTold(level=RecoveryLevel.PROVEN),
    ],
)
def test_what_is_told_counts_in_a_tabletop_only(happened: e.Event) -> None:
    """In the journal of any other run it changes nothing, whoever wrote it there."""
    assert belongs(happened, Mode.TABLETOP)
    for mode in (Mode.REAL, Mode.DRILL, Mode.TRAINING):
        assert not belongs(happened, mode)
        before = Story(mode=mode).intend(RESTORE)
        assert before.add(happened).state.items == Story(mode=mode).intend(RESTORE).state.items


def test_what_is_seen_counts_in_no_tabletop() -> None:
    """A tabletop's record cannot be read as an observation."""
    state = table().look("side/mail").ran("side/mail-up").lose(RESTORE, probe=ProbeResult.DONE).state
    assert dict(state.items) == {}
    assert table().add(e.LevelReached(level=RecoveryLevel.PROVEN)).state.level is RecoveryLevel.NONE


def test_what_was_told_stays_told_when_somebody_sits_down() -> None:
    """A facilitator who attaches does not undo the answers; a command and a value do."""
    story = table().give("brief/BACKUP_SET").answer("brief/tools").sit().sit("2")
    assert settled(story.state, check("brief/tools"))
    story.give("brief/BACKUP_SET", "v2")
    assert not settled(story.state, check("brief/tools"))
    after = briefed().answer("database/restored").rehearse(RESTORE, outdates=("database/restored",))
    assert not settled(after.state, check("database/restored"))
    assert words.status_word(after.state, check("database/restored")) == (
        "+ passed, answered (before; to be answered again)"
    )


@pytest.mark.parametrize(
    ("story", "suggested"),
    [
        (briefed(), s.Start(item=command(RESTORE))),
        (briefed().rehearse(RESTORE), s.TellEnd(item=command(RESTORE))),
        (
            briefed().rehearse(RESTORE).tell(RESTORE, ToldOutcome.UNKNOWN),
            s.SayProbe(item=command(RESTORE)),
        ),
        (
            briefed()
            .rehearse(RESTORE)
            .tell(RESTORE, ToldOutcome.UNKNOWN)
            .add(e.ProbeAnswered(item=RESTORE, attempt=1, result=ProbeResult.PARTIAL, said="")),
            s.ResolveUnknown(item=command(RESTORE)),
        ),
        (briefed().rehearse(RESTORE).tell(RESTORE, ToldOutcome.FAILED), s.StartAgain(item=command(RESTORE))),
        (briefed().rehearse(RESTORE).tell(RESTORE), s.AnswerIt(item=check("database/restored"))),
        (
            briefed().rehearse(RESTORE).tell(RESTORE).answer("database/restored", Answer.FAILED),
            s.AnswerIt(item=check("database/restored")),
        ),
    ],
)
def test_the_sensible_next_thing_is_to_tell(story: Story, suggested: s.Suggestion) -> None:
    """Nothing is waited for that nobody looks at; without a person, too, but for the runbook's own order."""
    assert s.sensible(RECOVERY, story.state) == suggested
    if not isinstance(suggested, s.AnswerIt):
        assert next_unattended(RECOVERY, story.state) == suggested


def test_a_rehearsed_command_of_another_step_is_told_of_before_the_end() -> None:
    """Where nobody is there to choose, its step is gone back to."""
    story = briefed().rehearse(RESTORE).add(e.StepShown(step="side")).answer("side/mail")
    story.rehearse("side/mail-up").tell("side/mail-up")
    assert next_unattended(RECOVERY, story.state) == s.OpenStep(step=RECOVERY.steps[1])
    assert s.sensible(RECOVERY, story.state) == s.OpenStep(step=RECOVERY.steps[1])


def test_a_settled_unknown_is_a_deviation_where_the_probe_was_not_answered_so() -> None:
    """As in a real run."""
    story = briefed().rehearse(RESTORE).tell(RESTORE, ToldOutcome.UNKNOWN, said="the session was cut")
    story.add(e.OutcomeSettled(item=RESTORE, attempt=1, done=True, reason="rows are there"))
    state = story.state
    assert state.status(RESTORE) is Status.PASSED
    assert [one.what for one in state.deviations] == ["counted as done although the probe did not see it"]
    assert told_mark(state.items[RESTORE]) == "told"


def ended(story: Story) -> RunState:
    """The story finished, as the engine does."""
    told = told_level_of(RECOVERY, story.state)
    story.add(e.LevelTold(level=told))
    return story.add(
        e.RunFinished(level=level_of(RECOVERY, story.state), with_exceptions=False, unproven=())
    ).state


def test_a_tabletop_that_went_well_proves_nothing() -> None:
    """The level is none, the exit code is not 0, and the closing says so in plain words."""
    state = ended(gone_through())
    assert is_tabletop(state)
    assert (state.level, state.told_level) == (RecoveryLevel.NONE, RecoveryLevel.PROVEN)
    assert exit_code(state) is ExitCode.FAILED
    text = "\n".join(closing_lines(RECOVERY, state))
    assert "*** TABLETOP GONE THROUGH ***" in text
    assert "tabletop: nothing was executed, nothing is proven" in text
    assert "Recovery level, as told: proven. It says how the talk went, and nothing of AiHummer." in text
    assert "Proven, as told, after:" in text
    assert "As told, the commands would have taken: 21 min" in text
    assert "*** COMPLETED" not in text
    assert told_to_take(state) == 1260.0
    assert level_text(state) == ("tabletop: nothing was executed, nothing is proven (level as told: proven)")


def test_an_abandoned_tabletop_says_that_it_was_one() -> None:
    """And nothing of a level."""
    state = table().add(e.RunAbandoned(reason="lunch")).state
    assert closing_lines(RECOVERY, state) == [
        "*** ABANDONED: lunch ***",
        "This was a tabletop: nothing was executed, nothing is proven.",
    ]
    assert level_text(state) == "tabletop: nothing was executed, nothing is proven"


def test_the_clocks_run_as_in_any_run() -> None:
    """From the rehearsal to the telling a command counts as under way; what it would have taken does not."""
    state = briefed().rehearse(RESTORE).add(e.NoteWritten(text="x")).tell(RESTORE, would_take=9_000.0).state
    times = clocks(state, state.latest)
    assert times.in_commands == 2.0
    assert times.to_first_command == 6.0
    latest = state.items[RESTORE]
    assert isinstance(latest, CommandState)
    assert isinstance(latest.attempts[-1].end, Told)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("", Words(said="")),
        ("all tables", Words(said="all tables")),
        ("took 20m all tables", Words(said="all tables", would_take=1200.0)),
        ("Took 1h30m", Words(said="", would_take=5400.0)),
        ("took long", Words(said="took long")),
        ("took", Words(said="took")),
    ],
)
def test_words_may_begin_with_a_duration(text: str, spoken: Words) -> None:
    """What is no duration stays somebody's words."""
    assert words_of(text) == spoken


@pytest.mark.parametrize(
    ("what", "text"),
    [
        (
            e.CheckAnswered(item="a/b", answer=Answer.FAILED, said="no\x1b room"),
            "x a/b: answered: failed: no\\x1b room",
        ),
        (
            e.CommandRehearsed(item="a/b", attempt=2, script="x", values={}),
            "> a/b, attempt 2, rehearsed: nothing is executed",
        ),
        (
            e.OutcomeTold(item="a/b", attempt=1, outcome=ToldOutcome.UNKNOWN, said=""),
            "? a/b: told: nobody saw how it ended",
        ),
        (
            e.OutcomeTold(
                item="a/b", attempt=1, outcome=ToldOutcome.PARTLY, said="two of five", would_take=90.0
            ),
            "x a/b: told: partly done: two of five; it would have taken 1 min 30 s",
        ),
        (
            e.ProbeAnswered(item="a/b", attempt=1, result=ProbeResult.NOT_DONE, said=""),
            "? a/b: the probe, as answered: not done",
        ),
    ],
)
def test_news_of_a_tabletop_say_that_it_was_told(
    what: e.CheckAnswered | e.CommandRehearsed | e.OutcomeTold | e.ProbeAnswered, text: str
) -> None:
    """And by whom; what somebody said is cleaned."""
    assert " ".join(told_event(what).split()) == text
    story = table()
    before = story.state
    story.add(what)
    assert words.news_lines(before, story.state, story.records[-1])[0].endswith(" (ada)")


def test_a_level_that_was_told_is_news() -> None:
    """With the word that it is not proven."""
    story = table()
    before = story.state
    story.add(e.LevelTold(level=RecoveryLevel.UP))
    assert words.news_lines(before, story.state, story.records[-1]) == [
        "  recovery level as told, not proven: up"
    ]
    assert [one.level for one in story.state.told_reached] == [RecoveryLevel.UP]
    assert story.state.reached == ()


def test_what_is_known_of_an_item_names_who_told_it() -> None:
    """In `status` and wherever else details are shown."""
    state = table().answer("side/mail", said="port 25 answers").rehearse(RESTORE).tell(RESTORE).state
    known = state.items["side/mail"]
    assert isinstance(known, AnsweredState)
    assert words.known_lines(known) == ["answered by ada: passed: port 25 answers"]
    assert words.known_lines(state.items[RESTORE]) == ["told by ada: done"]
    assert words.known_lines(None) == []


def test_declared_modes_are_what_decides() -> None:
    """The first record says it, for good."""
    assert [is_tabletop(Story(mode=mode).state) for mode in Mode] == [mode is Mode.TABLETOP for mode in Mode]
