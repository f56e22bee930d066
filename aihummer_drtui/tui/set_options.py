"""What there is to choose from in the recovery set, a row each, with its table of three parts. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.recovery_set import (
    BACKUP_SET,
    LATEST,
    RECOVERY_POINT,
    THE_DUMP,
    NoSet,
    RecoverySets,
    SealedSet,
    WalWindow,
)
from aihummer_drtui.run.set_words import (
    NEVER_VERIFIED,
    Yardstick,
    doubts_of,
    parts_lines,
    set_row,
    unseen_lines,
)
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.widgets.pane import Line


class Purpose(Enum):
    """What the table is looked at for."""

    READ = "read"
    SET = BACKUP_SET
    POINT = RECOVERY_POINT


@dataclass(frozen=True, kw_only=True)
class Option:
    """One row."""

    key: str
    """By which it is found again when more has come in."""
    value: str
    """What giving it gives; empty = it cannot be given."""
    row: str
    below: tuple[str, ...]
    title: str
    """Of the table."""
    lines: tuple[Line, ...]


def options(purpose: Purpose, seen: RecoverySets, by: Yardstick, backup_set: str) -> tuple[Option, ...]:
    """The rows, the best first. `backup_set` is the value of BACKUP_SET; empty = not given yet."""
    whole = seen.named(backup_set) or next(iter(seen.sets), None)
    match purpose:
        case Purpose.READ:
            found = (
                *(_of_window(one, whole, by) for one in seen.windows),
                *(_of_set(one, by, is_chosen=one is seen.named(backup_set)) for one in seen.sets),
                *(_of_none(one, by) for one in seen.none),
            )
        case Purpose.SET:
            found = (*(_of_set(one, by) for one in seen.sets), *(_of_none(one, by) for one in seen.none))
        case Purpose.POINT:
            found = tuple(_points(seen, by, backup_set, whole))
        case _ as never:
            assert_never(never)
    return found


def nothing_lines(seen: RecoverySets) -> tuple[Line, ...]:
    """What is said where there is no row, and what could not be looked at."""
    none = "No backup set was found." if not seen.looking else "Looking ..."
    return (Line(text=none, style=paint.DOUBT), *_unseen(seen))


def _points(seen: RecoverySets, by: Yardstick, backup_set: str, whole: SealedSet | None) -> Iterator[Option]:
    dump = seen.named(backup_set)
    if dump is not None:
        yield _of_set(dump, by, value=THE_DUMP, name=THE_DUMP)
    else:
        why = "the set is not among those that were seen: what its dump brings back is not known"
        yield Option(
            key=THE_DUMP, value=THE_DUMP, row=THE_DUMP, below=(why,), title=THE_DUMP, lines=(Line(text=why),)
        )
    for number, window in enumerate(seen.windows):
        if number == 0:
            yield _of_window(window, whole, by, value=LATEST, name=LATEST)
        else:
            yield _of_window(window, whole, by)


def _of_set(
    one: SealedSet, by: Yardstick, *, value: str = "", name: str = "", is_chosen: bool = False
) -> Option:
    return Option(
        key=value or one.value,
        value=value or one.value,
        row=set_row(one, by, name=name),
        below=_doubts_below(one, by),
        title=f"PARTS{' (chosen)' if is_chosen else ''}: {cleaned_line(one.value, 200)}",
        lines=(*_table(parts_lines(one.dump, one, by)), *_doubt_lines(one, by)),
    )


def _of_window(
    one: WalWindow, whole: SealedSet | None, by: Yardstick, *, value: str = "", name: str = ""
) -> Option:
    other = "" if whole is None else f", set {cleaned_line(whole.name, 60)}"
    return Option(
        key=value or f"{one.label}@{one.timeline}",
        value=value,
        row=set_row(one, by, name=name),
        below=_doubts_below(one, by),
        title=f"PARTS: {cleaned_line(one.label, 60)}+WAL ({one.keeper}){other}",
        lines=(*_table(parts_lines(one, whole, by)), *_doubt_lines(one, by)),
    )


def _of_none(one: NoSet, by: Yardstick) -> Option:
    return Option(
        key=f"none:{one.name}",
        value="",
        row=set_row(one, by),
        below=_doubts_below(one, by),
        title=f"NO BACKUP: {cleaned_line(one.name, 100)}",
        lines=_doubt_lines(one, by),
    )


def _doubts_below(one: SealedSet | WalWindow | NoSet, by: Yardstick) -> tuple[str, ...]:
    # That it was never verified stands in its row.
    doubts = [doubt for doubt in doubts_of(one, by) if doubt != NEVER_VERIFIED]
    return (f"! {'; '.join(doubts)}",) if doubts else ()


def _doubt_lines(one: SealedSet | WalWindow | NoSet, by: Yardstick) -> tuple[Line, ...]:
    return tuple(Line(text=f"! {doubt}", style=paint.DOUBT, hang="  ") for doubt in doubts_of(one, by))


def _table(lines: list[str]) -> Iterator[Line]:
    for number, line in enumerate(lines):
        style = paint.QUIET if number == 0 else paint.BAD if " OVER " in line else ""
        yield Line(text=line, style=style, hang="      ")


def _unseen(seen: RecoverySets) -> Iterator[Line]:
    return (Line(text=line, style=paint.DOUBT) for line in unseen_lines(seen))
