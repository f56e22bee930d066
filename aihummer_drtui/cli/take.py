"""`take RUN`: free a run from an engine that holds it and answers nobody."""

import sys

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.errors import PreconditionError, UsageError
from aihummer_drtui.foreign import cleaned_line


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--reason", required=True, help="Why; it goes into the record.")
@click.option("--lock", "typed", default="", metavar="ID", help="The lock's id, where there is no terminal.")
@click.option("--operator", default="", help="Who takes it over (default: the login name).")
@click.option("--json", "as_json", is_flag=True, help="What was done as one object.")
@click.pass_obj
def take(settings: Settings, run_id: str, reason: str, typed: str, operator: str, as_json: bool) -> None:
    """Take a run over from an engine that stands still: end it, and put that on record.

    A run whose engine answers needs none of this: `resume` sits down beside whoever is there. Commands
    that run are not touched; the next engine takes them up.
    """
    from aihummer_drtui.cli.run import operator_name
    from aihummer_drtui.cli.run_folder import run_folder
    from aihummer_drtui.engine.clock import SystemClock
    from aihummer_drtui.engine.takeover import holder_that_stands_still, take_over

    if not reason.strip():
        raise UsageError("no reason is given", where="--reason", hint="say in a few words why")
    folder = run_folder(settings, run_id)
    holder = holder_that_stands_still(folder)
    click.echo(
        f"Run {folder.id} is held by {cleaned_line(holder.operator, 60)}, process {holder.process.pid}, "
        f"since {cleaned_line(holder.since, 40)}, and answers nobody. Its lock is {holder.lock}.\n"
        "To take it over ends that process: it is asked to end, and killed after 10 s. Commands go on.",
        err=True,
    )
    if (typed or _typed()) != holder.lock:
        raise PreconditionError(
            "that is not the lock that is held: nothing was done",
            where=str(folder.lock),
            hint=f"type its id by hand: {holder.lock}, or say --lock {holder.lock}",
        )
    take_over(folder, holder, operator=operator_name(operator), reason=reason, clock=SystemClock())
    if as_json:
        click.echo(json_text({"run": folder.id, "taken_from": holder.process.pid, "lock": holder.lock}))
    else:
        click.echo(f"Run {folder.id} is free, and it is on record. `aihummer-drtui resume {folder.id}`")


def _typed() -> str:
    """The id as it is typed at a terminal; empty where there is none."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return ""
    typed: str = click.prompt("type the lock's id (Ctrl-C leaves all as it is)", err=True)
    return typed.strip()
