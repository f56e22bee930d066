"""`drill`: build a private sandbox, lose its host, and walk through its recovery."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aihummer_drtui.cli.run import answers_of, operator_name, sit_down, sitting_of, sitting_options
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned
from aihummer_drtui.run.events import Mode

if TYPE_CHECKING:
    from aihummer_drtui.sandbox.status import Status


@click.command()
@click.option("--dir", "folder", type=click.Path(path_type=Path), help="The sandbox's folder.")
@click.option("--size", type=click.Choice(["small", "medium", "large"]), default="small", show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--postgres-bin", type=click.Path(path_type=Path), help="Folder of PostgreSQL's programs.")
@click.option("--wal", is_flag=True, help="On a sandbox with archived WAL: lose the whole server.")
@click.option("--training", is_flag=True, help="Record it as a training run.")
@click.option("--runbook", type=click.Path(path_type=Path), help="A runbook of your own.")
@sitting_options
@click.pass_obj
def drill(settings: Settings, /, **options: Any) -> int:
    """Build a sandbox, destroy it, and recover it by the runbook until it is proven back.

    The sandbox is a training stand-in, not AiHummer. An unfinished drill on it is gone on with;
    after the drill the sandbox stays for a look around: `sandbox down` removes it.
    """
    from aihummer_drtui.cli.declaring import declare
    from aihummer_drtui.cli.runbook_file import load_runbook

    sitting = sitting_of(options)
    answers = answers_of(sitting)  # first: nothing is broken for answers that cannot be read
    if options["runbook"] is not None:
        load_runbook(options["runbook"])
    found = _sandbox(settings, options)
    on_sandbox = replace(settings, target_path=found.target)
    unfinished = _unfinished(on_sandbox)
    if unfinished is not None:
        click.echo(f"A drill on this sandbox is not finished: going on with run {unfinished}.", err=True)
        return sit_down(on_sandbox, unfinished, answers, **sitting)
    _lose_the_host(found)
    folder = declare(
        on_sandbox,
        mode=Mode.TRAINING if options["training"] else Mode.DRILL,
        runbook=options["runbook"],
        incident_at=datetime.now(UTC).isoformat(timespec="seconds"),
        operator=operator_name(options["operator"]),
    )
    return sit_down(on_sandbox, folder.id, answers, **sitting)


def _sandbox(settings: Settings, options: dict[str, Any]) -> "Status":
    """The sandbox, built or started."""
    from aihummer_drtui.cli.sandbox import build_sandbox, sandbox_folder

    return build_sandbox(
        sandbox_folder(settings, options["folder"], make=True),
        size=options["size"],
        seed=options["seed"],
        postgres_bin=options["postgres_bin"],
        wal=options["wal"],
    )


def _unfinished(settings: Settings) -> str | None:
    """The run on this sandbox that is not finished, if there is one."""
    from aihummer_drtui.cli.target_key import target_key
    from aihummer_drtui.engine.folder import state_dir
    from aihummer_drtui.engine.standing_runs import unfinished_on
    from aihummer_drtui.recovery.target_file import load_target

    return unfinished_on(state_dir(settings.state_dir), target_key(load_target(settings.target_path)))


def _lose_the_host(found: "Status") -> None:
    """Lose the stand-in's host, whether it was whole or recovered by an earlier drill."""
    from aihummer_drtui.sandbox.lifecycle import break_host
    from aihummer_drtui.sandbox.status import Condition

    if not found.backups:
        raise PreconditionError(
            "the sandbox has no backup, so its loss could not be recovered",
            where=str(found.root),
            hint=f"`aihummer-drtui sandbox down --dir {found.root}`, then drill again",
        )
    if found.wal and found.condition is Condition.WHOLE:
        _write_before_loss(found.root)
    break_host(found.root)
    click.echo("The sandbox's host is lost: no database, no blobs, no gateway.env, no service.", err=True)


def _write_before_loss(root: Path) -> None:
    """Have messages written, so that there are moments to recover to and some that no backup holds."""
    from aihummer_drtui.sandbox.traffic import write_before_loss

    last = write_before_loss(root)
    if last is None:
        click.echo(
            "This sandbox archives no WAL since its last recovery: nothing after its backups can come back. "
            "`aihummer-drtui sandbox down`, then `drill --wal`, has such moments again.",
            err=True,
        )
        return
    click.echo(cleaned(f"The last message whose WAL was archived: {last.archived.body}"), err=True)
    click.echo(cleaned(f"The last of all, lost with the host: {last.written.body}"), err=True)
