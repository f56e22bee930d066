"""The rules for the scripts of a runbook: values that exist, stay one word, and exit codes that count."""

from aihummer_drtui.runbook.findings import Findings, quoted
from aihummer_drtui.runbook.model import CommandItem, InputItem, Place
from aihummer_drtui.runbook.names import CONFIRM, GIVEN, INHERITED
from aihummer_drtui.runbook.reader import Draft
from aihummer_drtui.runbook.shell import ScriptFacts, Use, script_facts


def judge_scripts(draft: Draft) -> None:
    """Hold the script and the probe of every command against the rules."""
    later = {item.variable for item in draft.runbook.items if isinstance(item, InputItem)}
    asked: set[str] = set()
    for item in draft.runbook.items:
        if isinstance(item, InputItem):
            asked.add(item.variable)
        elif isinstance(item, CommandItem):
            _judge_command(item, draft, asked=frozenset(asked), later=frozenset(later))


def _judge_command(item: CommandItem, draft: Draft, *, asked: frozenset[str], later: frozenset[str]) -> None:
    script, probe = script_facts(item.script), script_facts(item.probe)
    confirms = any(use.variable == CONFIRM for use in script.uses)
    place = draft.places.get((item.id, "script"), item.place)
    if item.destructive and item.script and not confirms:
        draft.findings.stop(
            place,
            f"the destructive command does not use `${CONFIRM}`",
            f'pass what the operator typed on: --confirm "${CONFIRM}"',
        )
    if confirms and not item.destructive:
        draft.findings.stop(
            place, f"`${CONFIRM}` in a command that is not destructive", "only those are given what was typed"
        )
    for pipe in script.pipes:
        draft.findings.advise(
            _within(place, pipe),
            "a pipe: how the program before it ended is lost",
            "write to a file and read that, or let the second program run the first",
        )
    for hidden in script.hidden:
        draft.findings.advise(
            _within(place, hidden), "a failure is thrown away here", "let it fail, or test for it"
        )
    _judge_uses(script, place, draft.findings, asked=asked, later=later)
    probe_place = draft.places.get((item.id, "probe"), item.place)
    _judge_uses(probe, probe_place, draft.findings, asked=asked, later=later, probe=True)


def _judge_uses(
    facts: ScriptFacts,
    place: Place,
    findings: Findings,
    *,
    asked: frozenset[str],
    later: frozenset[str],
    probe: bool = False,
) -> None:
    # A probe is run after the fact, when nobody has typed anything.
    given = GIVEN - {CONFIRM} if probe else GIVEN
    told: set[str] = set()
    for use in facts.uses:
        where = place if probe else _within(place, use.place)
        if use.variable in given | asked and not use.quoted:
            findings.stop(
                where,
                f"`${use.variable}` stands outside double quotes",
                "a blank in its value would make two words of it: put it in double quotes",
            )
        if use.variable not in told and not _has_value(use, facts, asked | given):
            told.add(use.variable)
            hint = "put `input:" + use.variable + "` before it"
            if use.variable in later:
                hint += "; it is asked for only further below"
            findings.stop(where, f"nothing gives {quoted('$' + use.variable)} a value", hint)


def _has_value(use: Use, facts: ScriptFacts, given: frozenset[str]) -> bool:
    return use.excused or use.variable in facts.assigned | given | INHERITED


def _within(block: Place, place: Place) -> Place:
    """A place inside a fenced block as a place in the file: every line of it is indented alike."""
    return Place(line=block.line + place.line - 1, column=block.column + place.column - 1)
