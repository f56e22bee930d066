"""Could we recover today? Sets, escrow, programs, runbook and drills looked at, and the answer told."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aihummer_drtui.cli.moment import typed_moment
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.looking import begun
from aihummer_drtui.recovery.readiness.answer import Answer, Row, answer
from aihummer_drtui.run.verdict import Observation

if TYPE_CHECKING:
    from aihummer_drtui.recovery.backup.points import RecoveryPoint
    from aihummer_drtui.recovery.readiness.limits import Limits
    from aihummer_drtui.recovery.readiness.practice import Exercise
    from aihummer_drtui.recovery.readiness.sets import Candidate
    from aihummer_drtui.recovery.target import Target
    from aihummer_drtui.runbook.model import Runbook

TIME_OUT: Final = 15.0
"""Seconds for the sets, and then for all other looks together, whatever server or disk hangs."""
FROM_THE_CATALOGUE: Final = (("postgres-tools", "tools"), ("space", "space"), ("wal-reach", "wal"))
"""Checks that are part of the answer, and the names of their rows."""
_MAY_STAY_OPEN: Final = frozenset({"space"})
"""A database server on another host never tells how much room it has."""
_WITH_A_KEEPER: Final = frozenset({"wal-reach"})
"""Asked only where target.toml tells who keeps WAL."""
_RUNS: Final = 200
"""The newest runs that are looked through for a drill."""


@dataclass(frozen=True, kw_only=True)
class _Look:
    """One row that is still to be looked at."""

    name: str
    title: str
    expected: str
    see: Callable[[], Observation]
    may_stay_open: bool = False


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """What was seen at one moment."""

    at: datetime
    limits: "Limits"
    rows: tuple[Row, ...]
    chosen: "Candidate | None"
    answer: Answer


def look(settings: Settings, *, now: datetime, runbook_path: Path | None, key_file: str | None) -> Readiness:
    """Look at everything that the answer needs. Raises DrtuiError where target or runbook cannot be read."""
    from aihummer_drtui.cli.runbook_file import load_runbook
    from aihummer_drtui.recovery.readiness.limits import limits_of
    from aihummer_drtui.recovery.target_file import load_target

    target = load_target(settings.target_path)
    _, runbook = load_runbook(runbook_path or target.readiness.runbook)
    limits = limits_of(target, runbook)
    sets = _Sets(target=target, limits=limits, now=now)
    rows = sets.rows()
    looks = (
        *_looks_at_things(target, sets.chosen, key_file),
        *_looks_at_practice(settings, runbook, limits, now),
    )
    # All are begun before the first is waited for: what hangs costs its time once.
    ends = [(one, begun(one.see, expected=one.expected, time_out=TIME_OUT)) for one in looks]
    rows += [
        Row(name=one.name, title=one.title, observation=ended(), may_stay_open=one.may_stay_open)
        for one, ended in ends
    ]
    told = answer(rows, sets.chosen, limits)
    return Readiness(at=now, limits=limits, rows=tuple(rows), chosen=sets.chosen, answer=told)


def _looks_at_things(target: "Target", chosen: "Candidate | None", key_file: str | None) -> Iterator[_Look]:
    from aihummer_drtui.recovery.catalogue import Catalogue
    from aihummer_drtui.recovery.point_in_time.keepers import names_keeper

    yield _Look(
        name="escrow",
        title="Master key escrow",
        expected="an escrow of the set's key",
        see=partial(_escrow, target, chosen, key_file),
    )
    catalogue = Catalogue(target)
    values = {"BACKUP_SET": str(chosen.point.path)} if chosen is not None else {}
    for check, name in FROM_THE_CATALOGUE:
        described = catalogue.describe(check)
        if described is None or (check in _WITH_A_KEEPER and not names_keeper(target)):
            continue
        yield _Look(
            name=name,
            title=described.title,
            expected=described.proves,
            see=partial(catalogue.look, check, values),
            may_stay_open=check in _MAY_STAY_OPEN,
        )


def _looks_at_practice(
    settings: Settings, runbook: "Runbook", limits: "Limits", now: datetime
) -> Iterator[_Look]:
    from aihummer_drtui.recovery.readiness.practice import judge_drill, judge_review

    yield _Look(
        name="runbook",
        title="Review of the runbook",
        expected="a runbook that was reviewed lately",
        see=partial(judge_review, runbook, limits, now),
    )
    yield _Look(
        name="drill",
        title="Last drill",
        expected="a drill that ended proven lately",
        see=lambda: judge_drill(_exercises(settings, runbook, now), limits, now),
    )


class _Sets:
    """The look at the backup sets: two rows, and the set that all other rows compare with."""

    def __init__(self, *, target: "Target", limits: "Limits", now: datetime) -> None:
        self._target = target
        self._limits = limits
        self._now = now
        self.chosen: Candidate | None = None
        self._points: list[RecoveryPoint] = []

    def rows(self) -> list[Row]:
        """The newest verified set against the RPO, and its signature where the target trusts keys."""
        from aihummer_drtui.recovery.readiness.sets import judge_signature

        seen = begun(self._recovery_point, expected="a verified set within the RPO", time_out=TIME_OUT)()
        rows = [Row(name="recovery-point", title="Newest verified backup set", observation=seen)]
        if self._target.trusted_keys and self._points:
            signed = judge_signature(self._points, self.chosen)
            rows.append(Row(name="signature", title="Signature of the set", observation=signed))
        return rows

    def _recovery_point(self) -> Observation:
        from aihummer_drtui.recovery.backup.points import recovery_points
        from aihummer_drtui.recovery.backup.signature import trusted_keys
        from aihummer_drtui.recovery.readiness.sets import best, candidates, judge_recovery_point

        trusted = trusted_keys(self._target)
        points, unreadable = [], []
        for place in self._target.backup_places:
            try:
                points += recovery_points(place, fingerprint="", now=self._now, trusted=trusted)
            except DrtuiError as error:
                unreadable.append(cleaned_line(error.where_and_what, 200))
        found = candidates(points, signed_only=bool(self._target.trusted_keys))
        self._points, self.chosen = points, best(found)
        return judge_recovery_point(found, self._limits, self._now, unreadable=tuple(unreadable))


def _escrow(target: "Target", chosen: "Candidate | None", key_file: str | None) -> Observation:
    import msgspec

    from aihummer_drtui.recovery.key.keeping import dangers_of
    from aihummer_drtui.recovery.readiness.escrow import judge_escrow, see_escrow

    source = key_file or target.inputs.get("KEY_FILE", "")
    sealed = chosen.manifest if chosen is not None else None
    seen = judge_escrow(see_escrow(source) if source else None, sealed)
    dangers = dangers_of(Path(source), target) if source else ()
    return msgspec.structs.replace(seen, warnings=(*seen.warnings, *dangers))


def _exercises(settings: Settings, runbook: "Runbook", now: datetime) -> "list[Exercise]":
    """The drills and recoveries by this runbook that were gone through to their end, up to that moment."""
    from aihummer_drtui.engine.folder import list_runs, state_to_read
    from aihummer_drtui.engine.standing_runs import state_of
    from aihummer_drtui.recovery.readiness.practice import Exercise
    from aihummer_drtui.run.events import Mode
    from aihummer_drtui.run.state import Finished

    found = []
    for folder in list_runs(state_to_read(settings.state_dir))[-_RUNS:]:
        state = state_of(folder)
        if state is None or state.declared.runbook != runbook.id:
            continue
        ending = state.ending
        if state.declared.mode in {Mode.DRILL, Mode.REAL} and isinstance(ending, Finished):
            ended = datetime.fromisoformat(ending.at.wall)
            if ended <= now:
                found.append(
                    Exercise(
                        run=state.declared.run,
                        ended=ended,
                        level=ending.level,
                        with_exceptions=ending.with_exceptions,
                    )
                )
    return found


def moment_of(text: str) -> datetime:
    """The moment to judge by; empty = now. Raises UsageError."""
    if not text:
        return datetime.now(UTC)
    return typed_moment(text, option="--at", hint="such as 2026-11-24T06:00:00Z").astimezone(UTC)
