"""The rules a runbook must keep beside its form: what must be true of it before anybody relies on it."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

import msgspec

from aihummer_drtui.runbook.findings import Findings, in_order, quoted
from aihummer_drtui.runbook.model import CheckItem, CommandItem, InputItem, Place, Problem, Runbook, Step
from aihummer_drtui.runbook.reader import GUIDANCE, Draft, read_draft
from aihummer_drtui.runbook.scripts import judge_scripts

MOST_ITEMS: Final = 9
"""Items of one step: what fits a screen of 24 lines, and the digits 1 to 9."""


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """A runbook with what is wrong with it."""

    runbook: Runbook | None
    """None if a problem stops a run."""
    stopping: tuple[Problem, ...]
    """With these nobody may run it."""
    advice: tuple[Problem, ...]
    """These make it worse to follow, not unsafe: in an outage it is still better than none."""


def judge(text: str, *, known_checks: frozenset[str]) -> Judgement:
    """Read a runbook and hold it against every rule."""
    draft = read_draft(text)
    _judge_ids(draft)
    _judge_needs(draft)
    _judge_levels(draft)
    _judge_checks(draft, known_checks)
    _judge_commands(draft)
    judge_scripts(draft)
    _advise_steps(draft)
    findings = draft.findings
    return Judgement(
        runbook=None if findings.stopping else draft.runbook,
        stopping=in_order(findings.stopping),
        advice=in_order(findings.advice),
    )


def lint(text: str, *, known_checks: frozenset[str]) -> tuple[Problem, ...]:
    """Every problem of a runbook, those that stop a run and advice alike, in the order of the text."""
    judgement = judge(text, known_checks=known_checks)
    return in_order([*judgement.stopping, *judgement.advice])


def _judge_ids(draft: Draft) -> None:
    seen: dict[str, int] = {}
    asked: dict[str, int] = {}
    for step in draft.runbook.steps:
        if step.id:
            _once(seen, step.id, step.place, "the id", draft.findings)
        for item in step.items:
            if step.id:
                _once(seen, item.id, item.place, "the item", draft.findings)
            if isinstance(item, InputItem):
                _once(asked, item.variable, item.place, "the value", draft.findings)


def _once(seen: dict[str, int], name: str, place: Place, what: str, findings: Findings) -> None:
    if name in seen:
        first = seen[name]
        findings.stop(
            place,
            f"{what} {quoted(name)} is used twice",
            f"line {first} has it already: a run could not tell the two apart",
        )
    seen.setdefault(name, place.line)


def _judge_needs(draft: Draft) -> None:
    steps = draft.runbook.steps
    position = {step.id: index for index, step in reversed(list(enumerate(steps)))}
    needs = {step.id: step.needs for step in reversed(steps)}
    for index, step in enumerate(steps):
        place = draft.places.get((step.id, "needs"), step.place)
        for name in step.needs:
            if name not in position:
                hint = _nearest(name, frozenset(position))
                draft.findings.stop(place, f"needs the step {quoted(name)}, which does not exist", hint)
            elif position[name] >= index:
                circle = _path(name, step.id, needs)
                told = " -> ".join(quoted(part) for part in (step.id, *circle))
                what = f"needs form a circle: {told}" if circle else f"needs the later step {quoted(name)}"
                draft.findings.stop(place, what, "a step needs only steps above it; move one of them")


def _path(start: str, end: str, needs: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The steps from `start` to `end` along what each needs; empty if there is no such way."""
    came_from: dict[str, str] = {start: ""}
    waiting = [start]
    for name in waiting:
        if name == end:
            way = [name]
            while came_from[way[-1]]:
                way.append(came_from[way[-1]])
            return tuple(reversed(way))
        fresh = [other for other in needs.get(name, ()) if other not in came_from]
        came_from.update(dict.fromkeys(fresh, name))
        waiting.extend(dict.fromkeys(fresh))
    return ()


def _judge_levels(draft: Draft) -> None:
    items = {item.id: item for item in draft.runbook.items}
    for proof in draft.runbook.levels:
        place = draft.level_places[proof.level]
        for name in proof.items:
            if name not in items:
                what = f"the level `{proof.level}` names no item with {quoted(name)}"
                draft.findings.stop(place, what, _nearest(name, frozenset(items)))
            elif isinstance(items[name], InputItem):
                what = f"the level `{proof.level}` rests on the input {quoted(name)}"
                draft.findings.stop(
                    place, what, "a value that was typed proves nothing: name checks and commands"
                )


def _judge_checks(draft: Draft, known_checks: frozenset[str]) -> None:
    for item in draft.runbook.items:
        if isinstance(item, CheckItem) and item.check not in known_checks:
            hint = _nearest(item.check, known_checks)
            draft.findings.stop(item.place, f"there is no check {quoted(item.check)}", hint)


def _judge_commands(draft: Draft) -> None:
    findings = draft.findings
    for item in draft.runbook.items:
        if not isinstance(item, CommandItem):
            continue
        if not item.probe:
            findings.stop(
                item.place,
                "the command has no `probe`",
                "if nobody sees how it ends, only a read-only probe can tell whether it may be run again",
            )
        if not item.expect:
            findings.advise(
                item.place, "the command does not say what to `expect`", "one line: how success looks"
            )
        for key, words in (("destroys", item.destroys), ("undo", item.undo)):
            if item.destructive and not words:
                findings.stop(
                    item.place, f"the destructive command has no `{key}`", "say it before it is run"
                )
        if item.destroys and not item.destructive:
            findings.stop(
                draft.places.get((item.id, "destroys"), item.place),
                "`destroys` without `destructive = true`",
                "say that it is destructive, so that it is gated; or leave this out",
            )


def _advise_steps(draft: Draft) -> None:
    for number, step in enumerate(draft.runbook.steps, start=1):
        findings = draft.findings
        if draft.numbers.get(step.id) != number:
            findings.advise(
                step.place, f"the step is not numbered {number}", f"write `## {number}. {step.title}`"
            )
        missing = tuple(_missing_guidance(step))
        if missing:
            findings.advise(
                step.place, f"the step has no {', '.join(missing)}", "a paragraph of its own for each"
            )
        if not step.items:
            findings.advise(step.place, "the step has no checklist", "without an item nobody sees it done")
        if len(step.items) > MOST_ITEMS:
            what = f"the step has {len(step.items)} items, more than {MOST_ITEMS}"
            findings.advise(step.items[MOST_ITEMS].place, what, "make two steps of it")


def _missing_guidance(step: Step) -> Iterator[str]:
    written = (step.why, step.expect, step.time, step.undo, step.call)
    return (f"`**{label}.**`" for label, words in zip(GUIDANCE, written, strict=True) if not words)


def _nearest(name: str, known: frozenset[str]) -> str:
    # Comparing is slow, and nobody gives 200 names by hand: a hostile text is not worth it.
    near = get_close_matches(name[:80], sorted(known), n=1) if len(known) <= 200 else []
    if near:
        return f"did you mean {quoted(near[0])}?"
    return "known: " + ", ".join(sorted(known)) if 0 < len(known) <= 30 else "look at its spelling"
