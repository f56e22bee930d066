"""A runbook as plain text for paper or any terminal: whole, or what remains of a run."""

import shlex
import textwrap
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, assert_never

from aihummer_drtui.foreign import cleaned
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.runbook.model import (
    CheckItem,
    CommandItem,
    ConfirmItem,
    InputItem,
    Item,
    Runbook,
    Step,
)
from aihummer_drtui.runbook.names import CONFIRM
from aihummer_drtui.runbook.prose import plain_prose, plain_words, wrapped
from aihummer_drtui.runbook.shell import script_facts

WIDTH: Final = 80
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_MARKS: Final = {"passed": "x", "skipped": "-", "pending": " "}
"""What stands in an item's box; any other status is open work and shows as `!`."""
_BELOW: Final = " " * 6
_CODE: Final = " " * 8


def render_plain(runbook: Runbook) -> str:
    """The whole runbook as plain text, 80 columns wide, every box empty."""
    return render(runbook, statuses=_NOTHING, values=_NOTHING)


def render(runbook: Runbook, *, statuses: Mapping[str, str], values: Mapping[str, str]) -> str:
    """What remains of a run as plain text, 80 columns wide.

    `statuses` gives an item's status by its id (none = pending), `values` the inputs by variable.
    A step with every item passed or skipped becomes one line; commands carry the values they use.
    """
    parts = [_head(runbook)]
    if runbook.prose:
        parts.append(plain_prose(runbook.prose, width=WIDTH))
    for number, step in enumerate(runbook.steps, start=1):
        parts.append(_step(number, step, statuses, values))
    parts.append(_levels(runbook, statuses))
    return cleaned("\n\n".join(parts)) + "\n"


def _head(runbook: Runbook) -> str:
    title = wrapped(plain_words(runbook.title).upper(), width=WIDTH)
    facts = (
        f"Version {runbook.version}, reviewed {runbook.reviewed}, kept by {runbook.owner}. "
        f"Objectives: back within {duration_text(runbook.rto)}, "
        f"at most {duration_text(runbook.rpo)} of data lost."
    )
    return f"{title}\n{'=' * WIDTH}\n{wrapped(facts, width=WIDTH)}"


def _step(number: int, step: Step, statuses: Mapping[str, str], values: Mapping[str, str]) -> str:
    title = f"{number}. {plain_words(step.title)}"
    found = [statuses.get(item.id, "pending") for item in step.items]
    if found and all(status in ("passed", "skipped") for status in found):
        skipped = found.count("skipped")
        note = f"done, {skipped} of {len(found)} skipped" if skipped else "done"
        return wrapped(f"{title}: {note}", width=WIDTH, first=f"[{'-' if skipped else 'x'}] ", rest="    ")
    parts = [f"{wrapped(title, width=WIDTH)}\n{'-' * WIDTH}"]
    guidance = "\n".join(_guidance(step))
    if guidance:
        parts.append(guidance)
    if step.prose:
        parts.append(plain_prose(step.prose, width=WIDTH))
    parts.extend(_item(item, statuses.get(item.id, "pending"), values) for item in step.items)
    return "\n\n".join(parts)


def _guidance(step: Step) -> Iterator[str]:
    needs = ", ".join(step.needs)
    for label, words in (
        ("Why", step.why),
        ("Expect", step.expect),
        ("Time", step.time),
        ("Undo", step.undo),
        ("Call", step.call),
        ("Needs", f"done before: {needs}" if needs else ""),
    ):
        if words:
            yield wrapped(plain_words(words), width=WIDTH, first=f"{label + ':':8}", rest=" " * 8)


def _item(item: Item, status: str, values: Mapping[str, str]) -> str:
    box = f"  [{_MARKS.get(status, '!')}] "
    state = "" if status == "pending" else f" ({status})"
    paragraphs = [plain_words(" ".join(part.split())) for part in item.text.split("\n\n")]
    first = f"{_name(item)}{paragraphs[0]}{state}".strip()
    lines = [wrapped(first, width=WIDTH, first=box, rest=_BELOW)]
    if status in ("passed", "skipped"):
        return lines[0]
    lines += [_below(words) for words in paragraphs[1:]]
    if isinstance(item, CommandItem):
        lines += _command(item, values)
    elif isinstance(item, InputItem):
        lines.append(_CODE + _export(item.variable, values))
    return "\n".join(lines)


def _name(item: Item) -> str:
    match item:
        case CheckItem():
            return f"CHECK {item.check}: "
        case CommandItem():
            return f"RUN {item.name}: "
        case InputItem():
            return f"WRITE DOWN {item.variable}: "
        case ConfirmItem():
            return ""
        case _:
            assert_never(item)


def _command(item: CommandItem, values: Mapping[str, str]) -> Iterator[str]:
    """What it destroys and how to undo it stand before the script, for whoever reads line by line."""
    if item.destructive:
        yield _below("DESTROYS: " + plain_words(item.destroys))
    if item.undo:
        yield _below("UNDO: " + plain_words(item.undo))
    used = dict.fromkeys(
        use.variable for text in (item.script, item.probe) for use in script_facts(text).uses
    )
    given = [name for name in used if name in values]
    exports = [_export(name, values) for name in given]
    if CONFIRM in used:
        exports.append(f"# by hand, what is replaced: export {CONFIRM}=HOST/DATABASE")
    yield textwrap.indent("\n".join(["", *exports, item.script, ""]), _CODE)
    if item.expect:
        yield _below("Expect: " + plain_words(item.expect))
    estimate = f"about {duration_text(item.estimate)}, " if item.estimate else ""
    yield _below(f"Time: {estimate}given up after {duration_text(item.time_out)}.")
    if item.probe:
        yield _below("If nobody saw how it ended, look (0 done, 1 not done, 10 partly, else unknown):")
        yield textwrap.indent(item.probe, _CODE)


def _below(words: str) -> str:
    return wrapped(" ".join(words.split()), width=WIDTH, first=_BELOW, rest=_BELOW)


def _export(variable: str, values: Mapping[str, str]) -> str:
    if variable not in values:
        return f"export {variable}=" + "_" * 40
    value = values[variable]
    if cleaned(value) != value or "\n" in value:
        return f"# {variable} holds characters that cannot be printed: set it by hand"
    return f"export {variable}={shlex.quote(value)}"


def _levels(runbook: Runbook, statuses: Mapping[str, str]) -> str:
    lines = ["How far it has come", "-" * WIDTH]
    reached = True
    for proof in runbook.levels:
        reached = reached and all(statuses.get(name) == "passed" for name in proof.items)
        names = f"{proof.level}: when {', '.join(proof.items)} passed"
        lines.append(wrapped(names, width=WIDTH, first=f"  [{'x' if reached else ' '}] ", rest=_BELOW))
    return "\n".join(lines)
