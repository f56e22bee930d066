"""What the journal's events make of a run."""

from types import MappingProxyType

import pytest

from aihummer_drtui.run import events as e
from aihummer_drtui.run.fold import begin, fold
from aihummer_drtui.run.state import (
    Abandoned,
    CheckState,
    CommandState,
    Finished,
    InputState,
    ItemState,
    LeftOutState,
    Lost,
    Outcome,
    Probed,
    RunState,
    Settled,
    Status,
    Underway,
)
from aihummer_drtui.run.verdict import ProbeResult, Verdict
from aihummer_drtui.runbook.model import RecoveryLevel
from tests.run.story import Story, a_record, declared, through_database

CHECK = "database/restored"
COMMAND = "database/restore"


def check_of(state: RunState, item: str = CHECK) -> CheckState:
    """The check's state."""
    found = state.items[item]
    assert isinstance(found, CheckState)
    return found


def command_of(state: RunState, item: str = COMMAND) -> CommandState:
    """The command's state."""
    found = state.items[item]
    assert isinstance(found, CommandState)
    return found


def test_an_empty_journal_is_no_run() -> None:
    """A journal without its first record says so instead of giving an empty run."""
    with pytest.raises(ValueError, match="empty"):
        fold([])


def test_a_journal_begins_with_its_declaration() -> None:
    """A journal that begins with anything else is refused."""
    with pytest.raises(ValueError, match="not with NoteWritten"):
        begin(a_record(1, e.NoteWritten(text="x")))


def test_a_second_declaration_is_refused() -> None:
    """Two declarations are two runs; nobody may mix them up."""
    with pytest.raises(ValueError, match="second run-declared at record 2"):
        _ = Story().add(declared()).state


def test_what_only_the_record_keeps_changes_nothing_else() -> None:
    """Notes, repairs and takeovers move the clock and the sequence number only."""
    before = Story().look(CHECK).state
    after = (
        Story()
        .look(CHECK)
        .add(
            e.NoteWritten(text="n"),
            e.JournalRepaired(bytes_cut=3, copy="journal.broken"),
            e.LockTaken(holder="9", reason="gone"),
        )
        .state
    )
    assert after.items == before.items
    assert after.sequence == before.sequence + 3
    assert after.latest.boottime == 5.0


@pytest.mark.parametrize(
    ("first", "then", "status"),
    [
        (None, Verdict.PASSED, Status.PASSED),
        (None, Verdict.FAILED, Status.FAILED),
        (None, Verdict.UNPROVEN, Status.UNPROVEN),
        (None, Verdict.UNKNOWN, Status.UNKNOWN),
        (Verdict.PASSED, Verdict.FAILED, Status.DRIFTED),
        (Verdict.PASSED, Verdict.UNKNOWN, Status.UNKNOWN),
        (Verdict.FAILED, Verdict.PASSED, Status.PASSED),
        (Verdict.UNKNOWN, Verdict.FAILED, Status.FAILED),
    ],
)
def test_a_check_stands_where_its_last_look_saw_it(
    first: Verdict | None, then: Verdict, status: Status
) -> None:
    """Only a look that passed is green; what passed once and fails has drifted."""
    story = Story() if first is None else Story().look(CHECK, first)
    assert story.look(CHECK, then).state.status(CHECK) is status


def test_a_new_sitting_puts_every_look_in_doubt_until_it_is_repeated() -> None:
    """After a resume the world may have changed: a pass is shown, but does not count yet."""
    story = through_database().sit()
    assert story.state.status(CHECK) is Status.PASSED
    assert not check_of(story.state).fresh
    assert check_of(story.look(CHECK).state).fresh


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("boot", ["b", "another"])
def test_a_costly_look_stands_until_it_is_repeated_but_not_after_a_restart(
    verdict: Verdict, boot: str
) -> None:
    """Whoever attaches waits for no hours of hashing; what stood in the way is in doubt all the same."""
    story = Story().look(CHECK, verdict, costly=True)
    sitting = e.SittingOpened(sitting="1", operator="ada", host="h", front_end="plain")
    story.records.append(a_record(len(story.records) + 1, sitting, boot=boot))
    stands = boot == "b" and verdict in {Verdict.PASSED, Verdict.UNPROVEN}
    assert check_of(story.state).fresh is stands
    assert check_of(story.look(CHECK, costly=True).state).fresh


def test_sittings_end_with_their_connection_and_with_their_engine() -> None:
    """Nobody is shown as attached who is gone."""
    story = Story().sit("1").sit("2").add(e.SittingClosed(sitting="1", reason="left"))
    assert [one.id for one in story.state.sittings] == ["2"]
    assert story.state.sittings_opened == 2
    assert Story().sit().add(e.EngineStarted(pid=1, start_ticks=1)).state.sittings == ()
    assert Story().sit().add(e.EngineStopped(reason="idle")).state.sittings == ()


def test_an_accepted_runbook_is_in_force_and_a_deviation() -> None:
    """An edited runbook never replaces the declared one without a trace."""
    state = Story().add(e.RunbookAccepted(sha256="1" * 64, difference="- a", reason="typo")).state
    assert state.runbook_sha256 == "1" * 64
    assert [one.what for one in state.deviations] == ["runbook changed"]


def test_the_life_of_a_command() -> None:
    """Intended is running already, the process is known once it was seen, the end is the true end."""
    story = Story().add(e.CommandIntended(item=COMMAND, attempt=1, script="s", values={"A": "1"}))
    attempt = command_of(story.state).attempts[0]
    assert attempt.end == Underway(pid=0)
    assert attempt.values == {"A": "1"}
    assert story.state.running == (COMMAND,)
    assert story.state.first_command == story.state.latest
    story.add(e.CommandStarted(item=COMMAND, attempt=1, pid=7, start_ticks=1, boot_id="b"))
    assert command_of(story.state).attempts[0].end == Underway(pid=7)
    assert command_of(story.end(COMMAND, code=3).state).attempts[0].end == Outcome(
        kind=e.EndKind.EXITED, code=3, took=2.0
    )
    again = story.ran(COMMAND, attempt=2).state
    assert again.status(COMMAND) is Status.PASSED
    assert [one.number for one in command_of(again).attempts] == [1, 2]
    assert again.first_command is not None
    assert again.first_command.boottime == 2.0


@pytest.mark.parametrize("kind", list(e.EndKind))
@pytest.mark.parametrize("code", [0, 1])
def test_only_an_exit_with_zero_is_green(kind: e.EndKind, code: int) -> None:
    """A signal, a time-out, a stop or a program that did not start is never a pass, whatever its number."""
    green = Story().intend(COMMAND).end(COMMAND, code=code, kind=kind).state.status(COMMAND) is Status.PASSED
    assert green == (kind is e.EndKind.EXITED and code == 0)


def test_a_lost_outcome_is_unknown_until_it_is_settled() -> None:
    """Neither the loss nor the probe decides: the operator does."""
    story = Story().lose(COMMAND, probe=ProbeResult.DONE)
    assert story.state.status(COMMAND) is Status.UNKNOWN
    assert story.state.lost == (COMMAND,)
    assert command_of(story.state).attempts[0].end == Lost(
        why="power cut", probed=Probed(result=ProbeResult.DONE, observed="looked")
    )


@pytest.mark.parametrize(
    ("probe", "done", "status", "deviates"),
    [
        (ProbeResult.DONE, True, Status.PASSED, False),
        (ProbeResult.DONE, False, Status.PENDING, False),
        (ProbeResult.PARTIAL, True, Status.PASSED, True),
        (ProbeResult.NOT_DONE, True, Status.PASSED, True),
        (ProbeResult.UNKNOWN, True, Status.PASSED, True),
        (ProbeResult.NOT_DONE, False, Status.PENDING, False),
        (None, True, Status.PASSED, True),
    ],
)
def test_counting_a_lost_outcome_as_done_against_the_probe_is_a_deviation(
    probe: ProbeResult | None, done: bool, status: Status, deviates: bool
) -> None:
    """What the probe did not see done is only done on the operator's word, and the record says so."""
    story = Story().lose(COMMAND, probe=probe)
    state = story.add(e.OutcomeSettled(item=COMMAND, attempt=1, done=done, reason="saw it")).state
    assert state.status(COMMAND) is status
    assert bool(state.deviations) is deviates
    assert command_of(state).attempts[0].end == Settled(done=done, reason="saw it")


@pytest.mark.parametrize(
    "out_of_place",
    [
        e.CommandStarted(item=COMMAND, attempt=1, pid=8, start_ticks=1, boot_id="b"),
        e.OutcomeLost(item=COMMAND, attempt=1, why="?"),
        e.OutcomeProbed(item=COMMAND, attempt=1, result=ProbeResult.DONE, observed="x"),
        e.OutcomeSettled(item=COMMAND, attempt=1, done=True, reason="x"),
        e.CommandEnded(item=COMMAND, attempt=1, kind=e.EndKind.EXITED, code=0, took=1.0),
        e.CommandEnded(item=COMMAND, attempt=2, kind=e.EndKind.EXITED, code=0, took=1.0),
        e.CommandEnded(item="database/other", attempt=1, kind=e.EndKind.EXITED, code=0, took=1.0),
    ],
)
def test_the_true_end_of_an_attempt_is_final(out_of_place: e.Event) -> None:
    """No event out of place turns a failed command green, or invents an attempt."""
    failed = Story().ran(COMMAND, code=1)
    before = failed.state.items
    assert failed.add(out_of_place).state.items == before


@pytest.mark.parametrize(
    "unasked",
    [
        e.OutcomeProbed(item=COMMAND, attempt=1, result=ProbeResult.DONE, observed="x"),
        e.OutcomeSettled(item=COMMAND, attempt=1, done=True, reason="x"),
    ],
)
def test_nothing_is_settled_that_was_not_in_doubt(unasked: e.Event) -> None:
    """A command that runs is not done because somebody says so."""
    assert Story().intend(COMMAND).add(unasked).state.status(COMMAND) is Status.RUNNING


def test_a_settled_outcome_is_not_lost_again() -> None:
    """What was decided stays decided, unless the true end is found."""
    story = Story().lose(COMMAND).add(e.OutcomeSettled(item=COMMAND, attempt=1, done=True, reason="x"))
    story.add(e.OutcomeLost(item=COMMAND, attempt=1, why="again"))
    assert story.state.status(COMMAND) is Status.PASSED
    assert story.end(COMMAND, code=1).state.status(COMMAND) is Status.FAILED


def test_the_true_end_of_an_earlier_attempt_does_not_speak_for_a_later_one() -> None:
    """A stored outcome that is found late is kept with its attempt and changes nothing else."""
    story = Story().lose(COMMAND).add(e.OutcomeSettled(item=COMMAND, attempt=1, done=False, reason="x"))
    state = story.intend(COMMAND, attempt=2).end(COMMAND, attempt=1).state
    assert state.status(COMMAND) is Status.RUNNING
    assert isinstance(command_of(state).attempts[0].end, Outcome)


@pytest.mark.parametrize("event", [e.ItemSkipped, e.ItemOverridden])
def test_a_deviation_is_kept_with_its_item_and_in_the_record(
    event: type[e.ItemSkipped] | type[e.ItemOverridden],
) -> None:
    """Who went past what, standing how, and why: for items seen and not seen."""
    for story in (Story(), Story().look(CHECK, Verdict.FAILED), Story().add(event(item=CHECK, reason="a"))):
        stood = story.state.status(CHECK)
        state = story.add(event(item=CHECK, reason="late")).state
        last = state.deviations[-1]
        assert (last.item, last.reason, last.actor, last.stood) == (CHECK, "late", "ada", stood)
        assert state.items[CHECK].deviation == last
        assert (state.status(CHECK) is Status.SKIPPED) == (event is e.ItemSkipped or stood is Status.SKIPPED)


def test_an_item_left_out_unseen_is_not_seen() -> None:
    """Skipping invents no look."""
    found = Story().add(e.ItemSkipped(item=CHECK, reason="r")).state.items[CHECK]
    assert isinstance(found, LeftOutState)


@pytest.mark.parametrize(
    ("before", "then", "covered"),
    [
        (Verdict.FAILED, Verdict.FAILED, True),
        (Verdict.FAILED, Verdict.UNKNOWN, True),
        (Verdict.UNKNOWN, Verdict.UNKNOWN, True),
        (Verdict.UNKNOWN, Verdict.UNPROVEN, True),
        (Verdict.UNKNOWN, Verdict.FAILED, False),
        (None, Verdict.FAILED, False),
        (Verdict.FAILED, Verdict.PASSED, False),
    ],
)
def test_an_override_covers_what_the_operator_saw(
    before: Verdict | None, then: Verdict, covered: bool
) -> None:
    """Going on over a time-out is not going on over a wrong key; a pass needs no excuse any more."""
    story = Story() if before is None else Story().look(CHECK, before)
    state = story.add(e.ItemOverridden(item=CHECK, reason="r")).look(CHECK, then).state
    assert (check_of(state).deviation is not None) is covered
    assert len(state.deviations) == 1


def test_a_pass_after_an_override_does_not_cover_a_later_failure() -> None:
    """What was mended and broke again is a new fact, for which nobody gave a reason."""
    story = Story().look(CHECK, Verdict.FAILED).add(e.ItemOverridden(item=CHECK, reason="r"))
    state = story.look(CHECK).look(CHECK, Verdict.FAILED).state
    assert state.status(CHECK) is Status.DRIFTED
    assert check_of(state).deviation is None


def test_a_skipped_check_stays_skipped_until_it_is_seen_to_pass() -> None:
    """Left out is left out, and yet a pass that was seen may count; the record keeps the skip."""
    story = Story().add(e.ItemSkipped(item=CHECK, reason="r")).look(CHECK, Verdict.FAILED)
    assert story.state.status(CHECK) is Status.SKIPPED
    assert story.look(CHECK, Verdict.UNKNOWN).state.status(CHECK) is Status.SKIPPED
    state = story.look(CHECK).state
    assert state.status(CHECK) is Status.PASSED
    assert len(state.deviations) == 1


def test_starting_a_skipped_command_takes_it_in_again() -> None:
    """A command that was skipped and then run stands where its run ended; the record keeps the skip."""
    state = Story().add(e.ItemSkipped(item=COMMAND, reason="r")).ran(COMMAND).state
    assert state.status(COMMAND) is Status.PASSED
    assert command_of(state).deviation is None
    assert len(state.deviations) == 1


def test_another_value_puts_every_look_in_doubt() -> None:
    """A dump that was found intact says nothing of another dump."""
    story = through_database().give("brief/BACKUP_SET", "v2")
    assert not check_of(story.state, "database/dump-intact").fresh
    assert (
        through_database().give("brief/BACKUP_SET", "v1").state.items["database/dump-intact"]
        == (through_database().state.items["database/dump-intact"])
    )


def test_a_first_value_puts_in_doubt_what_had_not_passed_without_it() -> None:
    """`unproven` for want of a value is no answer once the value is there."""
    story = Story().look("brief/tools").look("brief/set", Verdict.UNPROVEN).give("brief/BACKUP_SET")
    assert check_of(story.state, "brief/tools").fresh
    assert not check_of(story.state, "brief/set").fresh


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ('restore "$SET"', Status.DRIFTED),
        ("restore ${SET}", Status.DRIFTED),
        ('restore "${SET:-x}"', Status.DRIFTED),
        ("restore $SETTING", Status.PASSED),
        ("restore SET", Status.PASSED),
    ],
)
def test_a_command_that_ran_with_another_value_has_drifted(script: str, status: Status) -> None:
    """A database restored from one set is not restored from the other."""
    story = Story().give("brief/SET", "old").intend(COMMAND, script=script, SET="old").end(COMMAND)
    assert story.give("brief/SET", "new").state.status(COMMAND) is status


def test_a_failed_command_does_not_change_with_the_values() -> None:
    """Only a pass can drift."""
    story = Story().intend(COMMAND, script="$SET").end(COMMAND, code=1)
    assert story.give("brief/SET").state.status(COMMAND) is Status.FAILED


def test_of_two_items_that_give_one_value_the_last_counts() -> None:
    """A command sees what was typed last, wherever it was typed."""
    story = Story().give("a/SET", "1").give("b/SET", "2").give("a/SET", "3")
    assert story.state.values == {"SET": "3"}
    assert isinstance(story.state.items["a/SET"], InputState)


def test_a_command_outdates_what_speaks_of_the_world_it_changes() -> None:
    """A look made before or during a command does not verify it; statements and later commands neither."""
    after = (CHECK, "proof/up", "proof/confirm-1", "brief/BACKUP_SET", "proof/never-seen")
    story = Story().give("brief/BACKUP_SET").look(CHECK).ran("proof/up")
    story.add(e.ItemConfirmed(item="proof/confirm-1", statement="fine"))
    story.intend(COMMAND, outdates=after)
    assert not check_of(story.state).fresh
    assert story.state.status("proof/up") is Status.DRIFTED
    assert story.state.status("proof/confirm-1") is Status.DRIFTED
    assert story.state.status("brief/BACKUP_SET") is Status.PASSED
    assert "proof/never-seen" not in story.state.items
    story.look(CHECK)
    assert check_of(story.state).fresh
    assert not check_of(story.end(COMMAND).state).fresh
    assert check_of(story.look(CHECK).state).fresh


def test_a_loss_outdates_like_an_end_and_a_decision_does_not() -> None:
    """Deciding what a lost outcome was changes nothing in the world."""
    story = Story().intend(COMMAND, outdates=(CHECK,)).look(CHECK)
    story.add(e.OutcomeLost(item=COMMAND, attempt=1, why="cut"))
    assert not check_of(story.state).fresh
    story.look(CHECK).add(e.OutcomeSettled(item=COMMAND, attempt=1, done=True, reason="x"))
    assert check_of(story.state).fresh


def test_levels_keep_when_they_were_reached_first() -> None:
    """Reaching a level takes in those before it; falling back keeps the first moment."""
    story = Story().add(
        e.LevelReached(level=RecoveryLevel.SERVING),
        e.LevelReached(level=RecoveryLevel.NONE),
        e.LevelReached(level=RecoveryLevel.PROVEN),
    )
    state = story.state
    assert state.level is RecoveryLevel.PROVEN
    assert [(one.level, one.at.boottime) for one in state.reached] == [
        (RecoveryLevel.UP, 2.0),
        (RecoveryLevel.SERVING, 2.0),
        (RecoveryLevel.PROVEN, 4.0),
    ]


def test_a_run_ends_finished_or_abandoned() -> None:
    """The last event says how the run ended."""
    done = e.RunFinished(level=RecoveryLevel.UP, with_exceptions=True, unproven=("a/b",))
    state = Story().add(done).state
    assert state.ending == Finished(
        level=RecoveryLevel.UP, with_exceptions=True, unproven=("a/b",), at=state.latest
    )
    given_up = Story().add(e.RunAbandoned(reason="other site")).state
    assert given_up.ending == Abandoned(reason="other site", at=given_up.latest)


def test_a_step_shown_and_an_item_confirmed() -> None:
    """The step shown last is the one to go on with."""
    state = Story().add(e.StepShown(step="brief"), e.StepShown(step="proof")).state
    assert state.step == "proof"
    assert state.status("proof/confirm-1") is Status.PENDING
    assert state.lost == ()
    items: MappingProxyType[str, ItemState] = MappingProxyType({})
    assert state.items == items


@pytest.mark.parametrize(
    ("value", "outdates", "status"),
    [
        ("v2", ("brief/confirm-1",), Status.DRIFTED),
        ("v1", ("brief/confirm-1",), Status.PASSED),
        ("v2", (), Status.PASSED),
    ],
)
def test_a_statement_made_with_another_value_in_view_is_to_be_made_again(
    value: str, outdates: tuple[str, ...], status: Status
) -> None:
    """Nobody accepted the loss that the new recovery point means."""
    story = Story().give("brief/BACKUP_SET", "v1")
    story.add(e.ItemConfirmed(item="brief/confirm-1", statement="yes"))
    story.add(e.InputGiven(item="brief/BACKUP_SET", variable="BACKUP_SET", value=value, outdates=outdates))
    assert story.state.status("brief/confirm-1") is status
    story.add(e.ItemConfirmed(item="brief/confirm-1", statement="yes"))
    assert story.state.status("brief/confirm-1") is Status.PASSED
