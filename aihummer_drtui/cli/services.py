"""`wait-ready`, `smoke`, `prove`: from a started gateway to a proven one."""

from pathlib import Path
from typing import Final

import click

from aihummer_drtui.cli.ca_file import ca_file_option, with_ca_file
from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.errors import ExitCode
from aihummer_drtui.foreign import cleaned

PROOFS: Final = ("readyz", "master-key", "vault-opens", "blobs-referenced", "media-token")
"""What makes a recovery proven, beyond a green probe."""


@click.command("wait-ready")
@click.option(
    "--time-out", type=click.FloatRange(1, 86_400), default=120.0, show_default=True, help="Seconds."
)
@ca_file_option
@click.option("--json", "as_json", is_flag=True, help="Print the last answer as one JSON object.")
@click.pass_obj
def wait_ready(settings: Settings, time_out: float, ca_file: Path | None, as_json: bool) -> None:
    """Wait until /readyz is green twice in a row."""
    from aihummer_drtui.recovery.gateway import services
    from aihummer_drtui.recovery.reporting import Reporter
    from aihummer_drtui.recovery.target_file import load_target

    target = with_ca_file(load_target(settings.target_path), ca_file)
    with Reporter.from_environment() as reporter:
        answer = services.wait_ready(target, time_out, reporter)
    click.echo(json_text(answer) if as_json else f"ready: {answer.url}: {answer.in_words}")


@click.command()
@click.option(
    "--time-out", type=click.FloatRange(1, 86_400), default=300.0, show_default=True, help="Seconds."
)
@click.option("--json", "as_json", is_flag=True, help="Print its end and output as one JSON object.")
@click.pass_context
def smoke(context: click.Context, time_out: float, as_json: bool) -> None:
    """Run the installation's smoke test; only its exit code 0 counts as a pass."""
    from aihummer_drtui.recovery.children import ChildEnd
    from aihummer_drtui.recovery.gateway.services import run_smoke
    from aihummer_drtui.recovery.target_file import load_target

    settings: Settings = context.obj
    target = load_target(settings.target_path)
    _say(f"running {target.smoke} (at most {time_out:.0f} s)")
    result = run_smoke(target, seconds=time_out)
    if as_json:
        click.echo(json_text(result))
    else:
        click.echo(result.output, nl=not result.output.endswith("\n"))
    _say(f"{target.smoke}: {result.ending}, {result.took:.1f} s")
    if result.succeeded:
        return
    if result.end is ChildEnd.NOT_STARTED:
        _say("HINT: install it with AiHummer, make it executable, or name it as `smoke` in target.toml")
    lost = result.end is ChildEnd.TIMED_OUT
    context.exit(ExitCode.UNKNOWN_OUTCOME if lost else ExitCode.FAILED)


@click.command()
@click.option(
    "--backup-set", envvar="BACKUP_SET", help="The backup set to compare with (default: the newest)."
)
@ca_file_option
@click.option("--accept-unproven", is_flag=True, help="End with 0, too, when something is only unproven.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as one JSON list.")
@click.pass_context
def prove(
    context: click.Context,
    backup_set: str | None,
    ca_file: Path | None,
    accept_unproven: bool,
    as_json: bool,
) -> None:
    """Prove that AiHummer is back: its vault opens, its blobs are there, its old media URLs work.

    Ends with 0 only when all of it passed, 1 when something failed, 4 when something could not be proven.
    With --accept-unproven what this host's configuration does not describe is named and ends with 0; a
    look that gave no answer still ends with 4.
    """
    from aihummer_drtui.cli.check import run_values, say_as_json, say_each, verdict_code
    from aihummer_drtui.recovery.catalogue import Catalogue
    from aihummer_drtui.recovery.looking import look_at_each
    from aihummer_drtui.recovery.target_file import load_target
    from aihummer_drtui.run.verdict import Verdict

    settings: Settings = context.obj
    catalogue = Catalogue(with_ca_file(load_target(settings.target_path), ca_file))
    values = run_values(catalogue, backup_set, None)
    say = say_as_json if as_json else say_each
    looked = say(look_at_each(catalogue, PROOFS, values))
    code = verdict_code(looked)
    unproven = [one.check.name for one in looked if one.observation.verdict is Verdict.UNPROVEN]
    unknown = any(one.observation.verdict is Verdict.UNKNOWN for one in looked)
    if accept_unproven and code is ExitCode.UNKNOWN_OUTCOME and not unknown:
        _say(f"nothing failed; unproven: {', '.join(unproven)}")
        return
    words = {ExitCode.OK: "proven", ExitCode.FAILED: "not proven: something failed"}
    _say(words.get(code, "not proven: something could not be seen here"))
    context.exit(code)


def _say(text: str) -> None:
    click.echo(cleaned(text), err=True)
