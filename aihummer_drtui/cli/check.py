"""`check`: could we recover today? And every check of a recovery, without a run."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from click.core import ParameterSource

from aihummer_drtui.cli.ca_file import ca_file_option, with_ca_file
from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.cli.verdict_lines import verdict_lines
from aihummer_drtui.errors import DrtuiError, ExitCode, UsageError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.catalogue import Catalogue, check_names
from aihummer_drtui.recovery.looking import Looked, look_at_each
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.recovery.target_file import load_target
from aihummer_drtui.run.verdict import Observation, Verdict

IN_A_RECOVERY: Final = frozenset({"database-restored", "recovery-point"})
"""On a host that never was lost, the mark that a restore leaves is not there, and no point is chosen."""
MAKES_A_DATABASE: Final = frozenset({"vault-in-dump"})
"""Costly, and nothing to do every day to a living server."""
WITH_A_KEEPER: Final = frozenset({"wal-reach"})
"""Of use only where target.toml tells of archived WAL; without it there is nothing to reach."""


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """One check in the JSON output."""

    name: str
    title: str
    proves: str
    observation: Observation


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "every", is_flag=True, help="Look with every check of a recovery.")
@click.option("--backup-set", envvar="BACKUP_SET", help="With names: the set to compare with [newest].")
@click.option("--key-file", envvar="KEY_FILE", help="The key escrow (default: as target.toml suggests).")
@click.option("--to", "point", envvar="RECOVERY_POINT", help="With names: the recovery point [dump].")
@ca_file_option
@click.option(
    "--runbook", type=click.Path(path_type=Path), help="The runbook to judge (default: the shipped)."
)
@click.option("--at", default="", metavar="TIME", help="Judge by this moment instead of now (ISO 8601).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; with names, one list.")
@click.option("--nagios", is_flag=True, help="Print one line and end as monitoring plugins do: 0, 1, 2 or 3.")
@click.pass_context
def check(
    context: click.Context, /, names: tuple[str, ...], every: bool, as_json: bool, nagios: bool, **given: Any
) -> None:
    """Answer "could we recover today?" Changes nothing, and needs neither a run nor the gateway.

    Ends with 0: yes. 1: no. 4: not proven.

    With names or --all it looks with the checks of a recovery instead: 0 when all passed (warnings
    allowed), 1 when one failed, 4 when some could not be proven. --all leaves out
    database-restored and recovery-point, which look at what a recovery chose and left, vault-in-dump, which
    makes a scratch database while it looks, and wal-reach where target.toml tells of no archived WAL.
    """
    if as_json and nagios:
        raise UsageError("--json and --nagios exclude each other", hint="choose one")
    if names and every:
        raise UsageError("--all and names exclude each other", hint="leave one out")
    settings: Settings = context.obj
    if names or every:
        _refuse_given(context, "runbook", "at", only="without names and --all")
        context.exit(_look_with(settings, names, given, as_json=as_json, nagios=nagios))
    _refuse_given(context, "backup_set", "point", "ca_file", only="with names or --all")
    from aihummer_drtui.cli import readiness_report
    from aihummer_drtui.cli.readiness import look, moment_of

    now = moment_of(given["at"])
    try:
        seen = look(settings, now=now, runbook_path=given["runbook"], key_file=given["key_file"])
    except DrtuiError as error:
        if not nagios:
            raise
        context.exit(readiness_report.say_no_look(error))
    if nagios:
        context.exit(readiness_report.say_to_monitoring(seen))
    context.exit(readiness_report.say_as_json(seen) if as_json else readiness_report.say(seen))


def _refuse_given(context: click.Context, *options: str, only: str) -> None:
    """Raise UsageError for an option that was typed and would mean nothing here."""
    for option in options:
        if context.get_parameter_source(option) is ParameterSource.COMMANDLINE:
            name = {"point": "to"}.get(option, option).replace("_", "-")
            raise UsageError(f"--{name} has a meaning only {only}", hint="see --help")


def _look_with(
    settings: Settings, names: tuple[str, ...], given: Mapping[str, Any], *, as_json: bool, nagios: bool
) -> int:
    target = with_ca_file(load_target(settings.target_path), given["ca_file"])
    catalogue = Catalogue(target)
    values = run_values(catalogue, given["backup_set"], given["key_file"], given["point"])
    left_out = IN_A_RECOVERY | MAKES_A_DATABASE | (frozenset() if _keeps_wal(target) else WITH_A_KEEPER)
    everyday = tuple(name for name in check_names() if name not in left_out)
    looks = look_at_each(catalogue, names or everyday, values)
    if nagios:
        return _say_to_monitoring(list(looks))
    return verdict_code(say_as_json(looks) if as_json else say_each(looks))


def _keeps_wal(target: Target) -> bool:
    from aihummer_drtui.recovery.point_in_time.keepers import names_keeper

    return names_keeper(target)


def run_values(
    catalogue: Catalogue, backup_set: str | None, key_file: str | None, point: str | None = None
) -> Mapping[str, str]:
    """The values that a run would be given: as said, else as suggested."""
    wanted = {"BACKUP_SET": backup_set, "KEY_FILE": key_file, "RECOVERY_POINT": point}
    found = {name: value or catalogue.suggestion(name) for name, value in wanted.items()}
    return {name: value for name, value in found.items() if value}


def say_each(looks: Iterable[Looked]) -> list[Looked]:
    """Print each look as it comes: glyph, word, name, what was seen; hints and warnings below."""
    said = []
    for one in looks:
        said.append(one)
        for line in verdict_lines(one.check.name, one.observation):
            click.echo(line)
    return said


def say_as_json(looks: Iterable[Looked]) -> list[Looked]:
    """Print all looks as one JSON list when the last is over."""
    looked = list(looks)
    click.echo(json_text([_row(one) for one in looked]))
    return looked


def verdict_code(looked: Sequence[Looked]) -> ExitCode:
    """0 only if everything was seen to be well; one failure weighs more than anything unproven."""
    verdicts = {one.observation.verdict for one in looked}
    if Verdict.FAILED in verdicts:
        return ExitCode.FAILED
    if verdicts != {Verdict.PASSED}:
        return ExitCode.UNKNOWN_OUTCOME
    return ExitCode.OK


def _row(one: Looked) -> _Row:
    return _Row(
        name=one.check.name, title=one.check.title, proves=one.check.proves, observation=one.observation
    )


def _say_to_monitoring(looked: Sequence[Looked]) -> int:
    """One line, and the code for it (https://www.monitoring-plugins.org/doc/guidelines.html)."""
    by_verdict = {
        verdict: [one for one in looked if one.observation.verdict is verdict] for verdict in Verdict
    }
    warned = [one for one in looked if one.observation.warnings]
    ranked = (
        (2, "CRITICAL", by_verdict[Verdict.FAILED]),
        (3, "UNKNOWN", by_verdict[Verdict.UNKNOWN]),
        (1, "WARNING", [*by_verdict[Verdict.UNPROVEN], *warned]),
    )
    code, word, these = next(((c, w, t) for c, w, t in ranked if t), (0, "OK", []))
    passed = f"{len(by_verdict[Verdict.PASSED])} of {len(looked)} checks passed"
    # What stands after | is read as performance data.
    named = "; ".join(_monitoring_text(one) for one in these[:5]).replace("|", "/")
    click.echo(f"{word} - {passed}{f'; {named}' if named else ''}")
    return code


def _monitoring_text(one: Looked) -> str:
    seen = one.observation
    said = seen.warnings[0] if seen.verdict is Verdict.PASSED and seen.warnings else seen.observed
    return f"{one.check.name} {cleaned_line(said, 100)}"
