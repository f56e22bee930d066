"""The answer to "could we recover today?" on a terminal, as JSON, and for monitoring."""

import os

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.readiness import Readiness
from aihummer_drtui.cli.verdict_lines import verdict_lines
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.readiness.answer import Row, Word
from aihummer_drtui.run.verdict import Verdict


def say(seen: Readiness) -> int:
    """Print the answer, then the rows; give the exit code."""
    click.echo(seen.answer.line)
    for row in seen.rows:
        for line in verdict_lines(row.name, row.observation):
            click.echo(line)
    return seen.answer.word.exit_code


def say_as_json(seen: Readiness) -> int:
    """Print one JSON object with stable fields; give the exit code."""
    chosen = seen.chosen
    click.echo(
        json_text(
            {
                "answer": seen.answer.word.value,
                "line": seen.answer.line,
                "at": seen.at.isoformat(timespec="seconds"),
                "set": str(chosen.point.path) if chosen else None,
                "verified": chosen is not None and chosen.point.verified is not None,
                "recovery_point": chosen.moment.isoformat(timespec="seconds") if chosen else None,
                "age_seconds": round(chosen.age) if chosen else None,
                "rpo_seconds": round(seen.limits.rpo),
                "rows": [_row(row) for row in seen.rows],
            }
        )
    )
    return seen.answer.word.exit_code


def _row(row: Row) -> dict[str, object]:
    seen = row.observation
    return {
        "name": row.name,
        "title": row.title,
        "verdict": seen.verdict.value,
        "expected": seen.expected,
        "observed": seen.observed,
        "hint": seen.hint,
        "warnings": seen.warnings,
    }


def say_to_monitoring(seen: Readiness) -> int:
    """One line with performance data; 0, 1, 2 or 3 as monitoring plugins end.

    https://www.monitoring-plugins.org/doc/guidelines.html
    """
    verdicts = {row.observation.verdict for row in seen.rows}
    warnings = [warning for row in seen.rows for warning in row.observation.warnings]
    if seen.answer.word is Word.NO:
        code, word = 2, "CRITICAL"
    elif Verdict.UNKNOWN in verdicts:
        code, word = 3, "UNKNOWN"
    elif seen.answer.word is Word.NOT_PROVEN or warnings:
        code, word = 1, "WARNING"
    else:
        code, word = 0, "OK"
    warned = f"; {cleaned_line(warnings[0], 120)}" if warnings else ""
    # What stands after | is read as performance data.
    told = f"{seen.answer.line}{warned}".replace("|", "/")
    click.echo(f"{word} - {told} | {_performance(seen)}")
    return code


def say_no_look(error: DrtuiError) -> int:
    """Tell monitoring that target or runbook could not be read, so that nothing is known; gives 3."""
    click.echo(f"UNKNOWN - {cleaned_line(error.where_and_what, 300)}".replace("|", "/"))
    return 3


def _performance(seen: Readiness) -> str:
    """Age of the newest verified set, and the room where the sets lie; U is a value that is not known."""
    chosen, limits = seen.chosen, seen.limits
    verified = chosen is not None and chosen.point.verified is not None
    age = f"{chosen.age:.0f}s" if chosen is not None and verified else "U"
    data = f"age={age};{limits.rpo_warning:.0f};{limits.rpo:.0f};0"
    if chosen is None:
        return data
    try:
        room = os.statvfs(chosen.point.path)
    except OSError:
        return f"{data} free=U"
    return f"{data} free={room.f_bavail * room.f_frsize}B;;;0"
