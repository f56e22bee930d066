"""What front ends say, told by tables: states, looks, ends, progress, closings."""

from datetime import datetime

import msgspec
import pytest

from aihummer_drtui.errors import ExitCode
from aihummer_drtui.run import events as e
from aihummer_drtui.run import words
from aihummer_drtui.run.closing import closing_lines, exit_code, loss_lines, next_lines
from aihummer_drtui.run.fold import fold
from aihummer_drtui.run.leftovers import Leftovers
from aihummer_drtui.run.progress import Parts, Progress
from aihummer_drtui.run.state import RunState, Status
from aihummer_drtui.run.verdict import Brought, Observation, Part, Verdict
from aihummer_drtui.runbook.model import RecoveryLevel
from tests.run.story import RECOVERY, Story, declared


def a_progress(done: int, total: int, *, elapsed: float = 10.0, unit: str = "bytes") -> Progress:
    """A moment of a phase `copying`."""
    return Progress(phase="copying", done=done, total=total, unit=unit, elapsed=elapsed)


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (
            a_progress(5_000_000, 10_000_000),
            "copying: 5 MB of 10 MB (50 %), 500 kB/s, about 10 s left",
        ),
        (a_progress(0, 100, unit="blobs"), "copying: 0 blobs of 100 blobs (0 %)"),
        (
            a_progress(100, 100, unit="blobs"),
            "copying: 100 blobs of 100 blobs (99 %), 10 blobs/s, about 0 s left",
        ),
        (a_progress(7, 0, unit="tables", elapsed=0.0), "copying: 7 tables"),
        (a_progress(0, 0), "copying"),
        (
            msgspec.structs.replace(a_progress(340, 1100), parts=Parts(done=12, total=40, unit="tables")),
            "copying: 12 of 40 tables, 340 B of 1.1 kB (30 %), 34 B/s, about 22 s left",
        ),
    ],
)
def test_progress_names_phase_count_rate_and_rest(progress: Progress, text: str) -> None:
    """And never claims 100 % of what still runs."""
    assert words.progress_text(progress) == text


def test_a_phase_with_a_foreign_name_is_cleaned() -> None:
    """A child names its phases; it does not steer the terminal."""
    assert "\x1b" not in words.progress_text(Progress(phase="\x1b[2J", done=0, total=0, unit="", elapsed=0))


@pytest.mark.parametrize(
    ("kind", "code", "text"),
    [
        (e.EndKind.EXITED, 0, "exit code 0 after 1 min 05 s"),
        (e.EndKind.SIGNALLED, 9, "ended by signal 9 (SIGKILL) after 1 min 05 s"),
        (e.EndKind.SIGNALLED, 200, "ended by signal 200 (of no name) after 1 min 05 s"),
        (e.EndKind.TIMED_OUT, 15, "did not end in its time and was ended after 1 min 05 s"),
        (e.EndKind.STOPPED, 15, "stopped by the operator after 1 min 05 s"),
        (e.EndKind.NOT_STARTED, 2, "was not started; no instruction of it was run"),
    ],
)
def test_every_end_of_a_command_has_its_words(kind: e.EndKind, code: int, text: str) -> None:
    """A signal, a time-out and a stop are told apart."""
    assert words.ending(e.CommandEnded(item="a/b", attempt=1, kind=kind, code=code, took=65)) == text


def test_every_status_has_a_glyph_of_its_own() -> None:
    """Two that look alike could be taken for each other where there is no colour."""
    assert set(words.GLYPHS) == set(Status)
    assert len(set(words.GLYPHS.values())) == len(Status)


@pytest.mark.parametrize("mode", list(e.Mode))
def test_every_mode_has_its_banner(mode: e.Mode) -> None:
    """The first line says whether this is for real."""
    assert words.BANNERS[mode]


def look(verdict: Verdict, observed: str = "3 of 4", **more: object) -> Observation:
    """A look with a hint."""
    return msgspec.structs.replace(
        Observation(verdict=verdict, expected="4", observed=observed, hint="add one"), **more
    )


def test_a_look_that_is_not_green_says_what_should_be_and_what_to_do() -> None:
    """What, expected, hint; a green one needs no hint, but its warnings."""
    red = words.observation_lines("a/b", "x failed", look(Verdict.FAILED))
    assert red == ["  x failed: a/b: 3 of 4", "  expected: 4", "  hint: add one"]
    green = words.observation_lines("a/b", "+ passed", look(Verdict.PASSED, warnings=("RLS is off",)))
    assert green == ["  + passed: a/b: 3 of 4", "  warning: RLS is off"]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (look(Verdict.PASSED, "3 s ago"), look(Verdict.PASSED, "4 s ago"), False),
        (look(Verdict.PASSED), look(Verdict.FAILED), True),
        (look(Verdict.FAILED, "no answer"), look(Verdict.FAILED, "refused"), True),
        (look(Verdict.PASSED), look(Verdict.PASSED, warnings=("RLS is off",)), True),
    ],
)
def test_only_what_is_new_about_a_check_is_news(before: Observation, after: Observation, told: bool) -> None:
    """An age that grows is not; another verdict, another reason, another warning is."""
    story = Story().add(e.CheckObserved(item="brief/tools", observation=before))
    first = story.state
    story.add(e.CheckObserved(item="brief/tools", observation=after))
    assert bool(words.news_lines(first, story.state, story.records[-1])) is told


def news(story: Story) -> list[str]:
    """What is told of a story's last record."""
    return words.news_lines(fold(story.records[:-1]), story.state, story.records[-1])


@pytest.mark.parametrize(
    ("story", "line"),
    [
        (Story().intend("proof/up"), "  > running: proof/up, attempt 1, process 7"),
        (Story().ran("proof/up", code=3), "  x failed: proof/up: exit code 3 after 2 s"),
        (Story().lose("proof/up"), "  ? unknown: proof/up: nobody saw how it ended: power cut"),
        (Story().sit(), "  ada attached from h"),
        (Story().add(e.LevelReached(level=RecoveryLevel.UP)), "  recovery level: up"),
        (
            Story().add(e.JournalRepaired(bytes_cut=7, copy="journal.broken.1")),
            "  the journal's torn end (7 bytes) was cut off; a copy is in journal.broken.1",
        ),
    ],
)
def test_news_of_each_kind(story: Story, line: str) -> None:
    """What happened elsewhere is told in one line."""
    assert news(story) == [line]


def test_what_the_operator_did_is_no_news() -> None:
    """They have just typed it."""
    assert news(Story().give("brief/BACKUP_SET")) == []


@pytest.mark.parametrize(
    ("story", "status"),
    [
        (Story().look("brief/tools").sit(), "+ passed (before; being looked at again)"),
        (Story().look("brief/tools"), "+ passed"),
        (
            Story().look("brief/tools", Verdict.FAILED).add(e.ItemOverridden(item="brief/tools", reason="r")),
            "x failed (overridden)",
        ),
        (Story().add(e.ItemSkipped(item="brief/tools", reason="r")), "- skipped"),
        (Story(), ". pending"),
    ],
)
def test_the_checklist_tells_status_and_what_is_odd_about_it(story: Story, status: str) -> None:
    """A pass of an earlier sitting and an override do not look like a pass of now."""
    step = RECOVERY.steps[0]
    line = words.checklist(story.state, step, {item.id: "words" for item in step.items})[2]
    assert line == f"  3. {status}: check brief/tools: words"


def finished(level: RecoveryLevel, *, with_exceptions: bool = False) -> RunState:
    """A run that came to its end."""
    story = Story().add(e.LevelReached(level=level))
    unproven = () if level is RecoveryLevel.PROVEN else ("proof/healthz",)
    return story.add(e.RunFinished(level=level, with_exceptions=with_exceptions, unproven=unproven)).state


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (finished(RecoveryLevel.PROVEN), ExitCode.OK),
        (finished(RecoveryLevel.SERVING), ExitCode.FAILED),
        (Story().add(e.RunAbandoned(reason="r")).state, ExitCode.FAILED),
        (Story().state, ExitCode.FAILED),
    ],
)
def test_only_proven_is_success(state: RunState, code: ExitCode) -> None:
    """A script may rely on 0."""
    assert exit_code(state) is code


def test_the_closing_tells_clocks_against_objectives() -> None:
    """Level, time since the incident against the RTO, deviations, what stayed unproven."""
    text = "\n".join(closing_lines(RECOVERY, finished(RecoveryLevel.SERVING, with_exceptions=True)))
    assert "COMPLETED, WITH EXCEPTIONS. Recovery level: SERVING" in text
    assert "NOT proven" in text
    assert "within the RTO of 1 h" in text
    assert "Serving after:" in text
    assert "Unproven: proof/healthz" in text


def test_an_rto_that_was_missed_is_said_aloud() -> None:
    """OVER, in capitals."""
    story = Story()
    story.records[0] = msgspec.structs.replace(
        story.records[0], what=declared(incident_at="2024-01-01T00:00:00+00:00")
    )
    story.add(e.RunFinished(level=RecoveryLevel.PROVEN, with_exceptions=False, unproven=()))
    assert "OVER the RTO" in "\n".join(closing_lines(RECOVERY, story.state))


def told_losses(**moments: str) -> list[str]:
    """What the end says of the RPO; the outage began at midnight of 1 June."""
    brings = tuple(
        Brought(part=Part(part), moment=datetime.fromisoformat(text)) for part, text in moments.items()
    )
    seen = Observation(verdict=Verdict.PASSED, expected="x", observed="y", brings=brings)
    return loss_lines(RECOVERY, Story().add(e.CheckObserved(item="brief/tools", observation=seen)).state)


def test_the_loss_of_each_part_is_held_against_the_rpo() -> None:
    """With the skew between them; what nobody saw is not zero."""
    assert told_losses(database="2025-05-31T20:00:00+00:00", blobs="2025-05-30T20:00:00Z") == [
        "RPO, blobs: back as of 2025-05-30 20:00:00 UTC; lost: 1 d 4 h, OVER the RPO of 1 d",
        "RPO, database: back as of 2025-05-31 20:00:00 UTC; lost: 4 h, within the RPO of 1 d",
        "Skew: the blobs are 1 d older than the database",
    ]
    assert told_losses() == [
        "RPO, database: not known: no check told which moment came back",
        "RPO, blobs: not known: no check told of blobs, or the media service was off",
    ]


def test_what_people_still_have_to_do_is_told() -> None:
    """What is unproven, what was passed over, what is left over; nothing of a run that goes on."""
    left = Leftovers(unseen=("old databases: no answer",))
    told = "\n".join(next_lines(RECOVERY, finished(RecoveryLevel.SERVING), left))
    assert "prove by hand, by a day that is set: proof/healthz: proof/healthz" in told
    assert "drop what is left over" in told
    story = Story().add(e.ItemSkipped(item="side/mail", reason="r"))
    skipped = story.add(e.RunFinished(level=RecoveryLevel.NONE, with_exceptions=True, unproven=("gone/x",)))
    told = "\n".join(next_lines(RECOVERY, skipped.state, Leftovers()))
    assert "it was passed over: side/mail: side/mail" in told
    assert "by a day that is set: gone/x\n" in told
    assert "left over" not in told
    assert next_lines(RECOVERY, Story().state, left) == []
    assert "begins anew" in next_lines(RECOVERY, Story().add(e.RunAbandoned(reason="x")).state, left)[0]


@pytest.mark.parametrize(
    ("story", "text"),
    [(Story(), "not finished"), (Story().add(e.RunAbandoned(reason="a\x1bb")), r"ABANDONED: a\x1bb ***")],
)
def test_other_ends_have_their_line(story: Story, text: str) -> None:
    """One sentence each."""
    assert text in closing_lines(RECOVERY, story.state)[0]
