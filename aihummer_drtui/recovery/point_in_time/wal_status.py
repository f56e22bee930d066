"""How far WAL reaches: the server's archiver, the keeper's windows, and what is wrong with them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.recovery.check import Check, Scene
from aihummer_drtui.recovery.point_in_time.archive import ArchiveKeeper
from aihummer_drtui.recovery.point_in_time.archiver import Archiver, archiver_of
from aihummer_drtui.recovery.point_in_time.keepers import keeper_of, names_keeper
from aihummer_drtui.recovery.point_in_time.model import Keeper, Window
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import CheckDescription, Observation, Verdict


@dataclass(frozen=True, kw_only=True)
class WalStatus:
    """What was seen at one moment."""

    now: datetime
    keeper: Keeper | None
    """None = target.toml names none, or more than one."""
    archiver: Archiver | None
    """None = the server could not be asked."""
    windows: tuple[Window, ...]
    problems: tuple[str, ...]
    """What is wrong, a sentence each."""
    unknown: tuple[str, ...]
    """What could not be found out."""
    hint: str
    oldest_needed: str
    """The first WAL file that any base backup of this program needs; empty = none, not known, or another
    keeper's."""

    @property
    def newest(self) -> Window | None:
        """The window of the newest base backup on the newest timeline."""
        return self.windows[0] if self.windows else None

    @property
    def age(self) -> float | None:
        """Seconds since the last moment that can be brought back; None = not known."""
        whole = (window for window in self.windows if window.is_whole)
        latest = max((window.latest or window.earliest for window in whole), default=None)
        return None if latest is None else (self.now - latest).total_seconds()


def wal_status(target: Target) -> WalStatus:
    """Look at archiver and windows; whatever cannot be seen is told as unknown. Raises nothing."""
    problems: list[str] = []
    unknown: list[str] = []
    hints: list[str] = []
    archiver, keeper, oldest = None, None, ""
    windows: tuple[Window, ...] = ()
    try:
        archiver = archiver_of(target)
        if archiver.problem:
            problems.append(archiver.problem)
            hints.append(archiver.hint)
    except DrtuiError as error:
        unknown.append(f"the archiver: {error.what}")
        hints.append(error.hint)
    try:
        found = keeper_of(target)
        keeper = found.keeper
        windows = found.windows()
        if isinstance(found, ArchiveKeeper):
            unknown += found.unseen()
            oldest = found.oldest_needed() if windows else ""
        problems += _window_problems(windows)
        unknown += _window_doubts(windows)
    except DrtuiError as error:
        unknown.append(f"base backups and WAL: {error.what}")
        hints.append(error.hint)
    if problems and not hints:
        hints.append("take a base backup now: `aihummer-drtui backup base` begins a new window")
    return WalStatus(
        now=datetime.now(UTC),
        keeper=keeper,
        archiver=archiver,
        windows=windows,
        problems=tuple(cleaned_line(one, 300) for one in problems),
        unknown=tuple(cleaned_line(one, 300) for one in unknown),
        hint=hints[0] if hints else "",
        oldest_needed=oldest,
    )


def _window_problems(windows: tuple[Window, ...]) -> list[str]:
    if not windows:
        return ["there is no base backup: WAL alone brings nothing back"]
    # Base backups that share a gap are told with it once, the newest of them by name.
    gaps = {window.gap: window.base.label for window in reversed(windows) if window.gap}
    return [
        f"WAL file {gap} is missing or of no use, after base backup {label}" for gap, label in gaps.items()
    ]


def _window_doubts(windows: tuple[Window, ...]) -> list[str]:
    """A window that ends with its base backup is a young one; a later end without a commit is a doubt."""
    newest = windows[0] if windows else None
    if newest is not None and not newest.is_whole:
        return [
            f"base backup {newest.base.label} brings nothing back yet: its WAL is not archived to its end"
        ]
    if newest is None or newest.latest is not None or newest.latest_lsn - newest.base.end_lsn <= 1 << 24:
        return []
    return ["the last commit in the archived WAL was not found: how far it reaches is known by position only"]


def look_at_reach(scene: Scene) -> Observation:
    """Look whether WAL is archived, and reaches from the newest base backup on without a gap."""
    expected = "WAL is archived, and follows the newest base backup without a gap"
    target = scene.target
    if not names_keeper(target):
        return Observation(
            verdict=Verdict.UNPROVEN,
            expected=expected,
            observed="target.toml names no keeper of WAL: only backup sets bring data back",
            hint="archive WAL (docs/wal.md) and add [wal], [pgbackrest] or [barman]",
        )
    status = wal_status(target)
    seen = (*status.problems, *status.unknown)
    verdict = Verdict.PASSED
    if status.problems:
        verdict = Verdict.FAILED
    elif status.unknown:
        verdict = Verdict.UNKNOWN
    return Observation(
        verdict=verdict,
        expected=expected,
        observed=cleaned_line("; ".join(seen), 400) or _summary(status),
        hint=status.hint if seen else "",
    )


def _summary(status: WalStatus) -> str:
    newest = status.newest
    assert newest is not None  # noqa: S101 - no window is a problem
    latest = newest.latest or newest.earliest
    return (
        f"{status.keeper}: from {min(window.earliest for window in status.windows):%Y-%m-%d %H:%M:%SZ} "
        f"to {latest:%Y-%m-%d %H:%M:%SZ}, {duration_text(status.age or 0)} ago"
    )


CHECKS = (
    Check(
        description=CheckDescription(
            name="wal-reach",
            title="WAL reaches from the newest base backup on",
            proves="the server archives, and its keeper's WAL has no gap; not that a recovery from it works",
            interval=300.0,
            time_out=120.0,
        ),
        look=look_at_reach,
    ),
)
