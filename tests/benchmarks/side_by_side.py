"""What a benchmark is: contenders for the same work, run by turns, held against a baseline and goals."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One round of one contender."""

    seconds: float
    memory: int | None = None
    """Peak resident bytes of the process that did the work; None = it was not measured."""
    wire: int | None = None
    """Bytes that a terminal was sent; None = it was not measured."""


def _nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One way to do the work."""

    name: str
    run: Callable[[], Measured]
    """The work, measured. Whatever it raises ends the benchmark: a contender that fails is not fast."""
    prepare: Callable[[], None] = _nothing
    """Before every round, not measured: remove what the last one made, drop caches."""


@dataclass(frozen=True, kw_only=True)
class AtMost:
    """The contender takes at most this many times the baseline's time."""

    contender: str
    times: float
    baseline: str = ""
    """Another one than the comparison's own; empty = that."""


@dataclass(frozen=True, kw_only=True)
class Faster:
    """The contender is at least this many times faster than the baseline."""

    contender: str
    times: float
    baseline: str = ""


@dataclass(frozen=True, kw_only=True)
class MemoryUnder:
    """The contender never holds this many bytes."""

    contender: str
    size: int


@dataclass(frozen=True, kw_only=True)
class SecondsUnder:
    """The contender takes at most so many seconds, whatever another takes."""

    contender: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class WireUnder:
    """The contender never sends more bytes than this to its terminal."""

    contender: str
    size: int


Goal = AtMost | Faster | MemoryUnder | SecondsUnder | WireUnder


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Contenders for one work, the one they are measured by, and what is to be reached."""

    name: str
    baseline: str
    """The name of a contender."""
    contenders: Sequence[Contender]
    goals: Sequence[Goal] = ()
    most_rounds: int | None = None
    """For what takes minutes and varies little; None = as many as are asked for."""
    limit: str = ""
    """What bounds this work on the machine (disk, hash, PostgreSQL), a line for the reader."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A comparison after its rounds."""

    comparison: Comparison
    rounds: dict[str, tuple[Measured, ...]]
    """By contender."""

    def median(self, contender: str) -> float:
        """Seconds."""
        return statistics.median(each.seconds for each in self.rounds[contender])

    def ratio(self, contender: str, baseline: str = "") -> float:
        """The contender's median in units of the baseline's."""
        return self.median(contender) / self.median(baseline or self.comparison.baseline)

    def memory(self, contender: str) -> int | None:
        """The highest peak of all rounds; None = no round measured it."""
        known = [each.memory for each in self.rounds[contender] if each.memory is not None]
        return max(known, default=None)

    def wire(self, contender: str) -> int | None:
        """The most bytes of all rounds; None = no round measured them."""
        known = [each.wire for each in self.rounds[contender] if each.wire is not None]
        return max(known, default=None)

    def holds(self, goal: Goal) -> bool:
        """Whether the goal was reached; what was not measured was not."""
        match goal:
            case AtMost():
                return self.ratio(goal.contender, goal.baseline) <= goal.times
            case Faster():
                return self.ratio(goal.contender, goal.baseline) * goal.times <= 1
            case MemoryUnder():
                memory = self.memory(goal.contender)
                return memory is not None and memory < goal.size
            case SecondsUnder():
                return self.median(goal.contender) <= goal.seconds
            case WireUnder():
                wire = self.wire(goal.contender)
                return wire is not None and wire <= goal.size
            case _:
                assert_never(goal)

    @property
    def all_hold(self) -> bool:
        """Whether every goal was reached."""
        return all(map(self.holds, self.comparison.goals))


def run_by_turns(
    comparison: Comparison, rounds: int, tell: Callable[[str], None] = lambda _: None
) -> Outcome:
    """Run every contender `rounds` times, A B C A B C, so that what else the machine does hits all alike."""
    taken: dict[str, list[Measured]] = {each.name: [] for each in comparison.contenders}
    if comparison.baseline not in taken or len(taken) != len(comparison.contenders):
        raise ValueError(f"{comparison.name}: the baseline is no contender, or two have one name")
    rounds = min(rounds, comparison.most_rounds or rounds)
    for number in range(1, rounds + 1):
        for contender in comparison.contenders:
            contender.prepare()
            measured = contender.run()
            taken[contender.name].append(measured)
            tell(f"{comparison.name}: {contender.name}, round {number} of {rounds}: {measured.seconds:.2f} s")
    return Outcome(comparison=comparison, rounds={name: tuple(each) for name, each in taken.items()})


HEADS = ("work", "contender", "median", "least-most", "ratio", "memory", "wire", "goal", "held")


def table(outcomes: Sequence[Outcome]) -> str:
    """All outcomes as one table of text; below it, what bounds each work."""
    rows = [HEADS, *(row for outcome in outcomes for row in _rows(outcome))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    limits = [
        f"{each.comparison.name}: {each.comparison.limit}" for each in outcomes if each.comparison.limit
    ]
    return "\n".join([*lines, *([""] if limits else []), *limits])


def _rows(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    name = outcome.comparison.name
    for contender in outcome.comparison.contenders:
        goals = [goal for goal in outcome.comparison.goals if goal.contender == contender.name]
        first, *others = goals or (None,)
        seconds = [each.seconds for each in outcome.rounds[contender.name]]
        memory, wire = outcome.memory(contender.name), outcome.wire(contender.name)
        yield (
            name,
            contender.name,
            f"{_seconds(outcome.median(contender.name))} s",
            f"{_seconds(min(seconds))}-{_seconds(max(seconds))}",
            "baseline" if contender.name == outcome.comparison.baseline else _ratio(outcome, contender.name),
            "" if memory is None else f"{memory / 1e6:.0f} MB",
            "" if wire is None else f"{wire:,} B",
            *_told(outcome, first),
        )
        for goal in others:
            yield ("", "", "", "", "", "", "", *_told(outcome, goal))
        name = ""


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}" if seconds < 1 else f"{seconds:.2f}"


def _ratio(outcome: Outcome, contender: str) -> str:
    return f"{outcome.ratio(contender):.2f}x"


def _told(outcome: Outcome, goal: Goal | None) -> tuple[str, str]:
    if goal is None:
        return "", ""
    return goal_text(goal), "yes" if outcome.holds(goal) else "NO"


def goal_text(goal: Goal) -> str:
    """The goal in words: `at most 1.05x`, `at least 3x faster`, `under 100 MB`."""
    match goal:
        case AtMost():
            return f"at most {goal.times:g}x" + _of(goal.baseline)
        case Faster():
            return f"at least {goal.times:g}x faster" + (f" than {goal.baseline}" if goal.baseline else "")
        case MemoryUnder():
            return f"under {goal.size / 1e6:.0f} MB"
        case SecondsUnder():
            return f"at most {goal.seconds:g} s"
        case WireUnder():
            return f"at most {goal.size:,} B"
        case _:
            assert_never(goal)


def _of(baseline: str) -> str:
    return f" {baseline}" if baseline else ""
