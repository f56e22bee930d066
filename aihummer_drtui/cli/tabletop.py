"""`tabletop`: talk a recovery through by the runbook, with nothing executed and nothing looked at."""

from pathlib import Path
from typing import Any

import click

from aihummer_drtui.cli.run import answers_of, moment, operator_name, sit_down, sitting_of, sitting_options
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.run.events import Mode


@click.command()
@click.option(
    "--name",
    default="",
    metavar="NAME",
    help="The installation that is talked about: the host of its gates (default: --target's, else tabletop).",
)
@click.option("--runbook", type=click.Path(path_type=Path), help="A runbook of your own.")
@click.option("--incident-at", default="", metavar="TIME", help="When the outage began (ISO 8601 with zone).")
@sitting_options
@click.pass_obj
def tabletop(settings: Settings, /, **options: Any) -> int:
    """Talk a recovery through: nothing is executed, nothing is looked at, what happens is told.

    No sandbox and no target is needed. An unfinished tabletop of the same name is gone on with: a
    facilitator types the same in a second terminal. It proves nothing, so it never ends with 0.
    """
    from aihummer_drtui.cli.declaring import declare, tabletop_target

    sitting = sitting_of(options)
    answers = answers_of(sitting)  # first: nothing is declared with answers that cannot be read
    name = tabletop_target(settings, options["name"])
    unfinished = _unfinished(settings, name)
    if unfinished is not None:
        click.echo(f"A tabletop of {name} is not finished: going on with run {unfinished}.", err=True)
        return sit_down(settings, unfinished, answers, **sitting)
    folder = declare(
        settings,
        mode=Mode.TABLETOP,
        runbook=options["runbook"],
        incident_at=moment(options["incident_at"]),
        operator=operator_name(options["operator"]),
        tabletop_name=name,
    )
    return sit_down(settings, folder.id, answers, **sitting)


def _unfinished(settings: Settings, name: str) -> str | None:
    """The tabletop of that name that is not finished, if there is one."""
    from aihummer_drtui.cli.target_key import tabletop_key
    from aihummer_drtui.engine.folder import state_dir
    from aihummer_drtui.engine.standing_runs import unfinished_on

    return unfinished_on(state_dir(settings.state_dir), tabletop_key(name))
