"""The command line: it wires and does nothing else."""

import errno
import io
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from aihummer_drtui import __version__
from aihummer_drtui.errors import DrtuiError, ExitCode, FailedError
from aihummer_drtui.privacy import fault_without_values, keep_private

COMMANDS: Final = {
    "abandon": "aihummer_drtui.cli.runs:abandon",
    "backup": "aihummer_drtui.cli.backup:backup",
    "blobs": "aihummer_drtui.cli.blobs:blobs",
    "check": "aihummer_drtui.cli.check:check",
    "drill": "aihummer_drtui.cli.drill:drill",
    "engine": "aihummer_drtui.cli.engine:engine",
    "key": "aihummer_drtui.cli.key:key",
    "lint": "aihummer_drtui.cli.runbook:lint",
    "print": "aihummer_drtui.cli.runbook:print_runbook",
    "probe": "aihummer_drtui.cli.probe:probe",
    "prove": "aihummer_drtui.cli.services:prove",
    "reset-tty": "aihummer_drtui.cli.reset_tty:reset_tty",
    "restore": "aihummer_drtui.cli.restore:restore",
    "resume": "aihummer_drtui.cli.run:resume",
    "run": "aihummer_drtui.cli.run:run",
    "runs": "aihummer_drtui.cli.runs:runs",
    "sandbox": "aihummer_drtui.cli.sandbox:sandbox",
    "smoke": "aihummer_drtui.cli.services:smoke",
    "status": "aihummer_drtui.cli.runs:status",
    "take": "aihummer_drtui.cli.take:take",
    "tabletop": "aihummer_drtui.cli.tabletop:tabletop",
    "wal": "aihummer_drtui.cli.wal:wal",
    "wait-ready": "aihummer_drtui.cli.services:wait_ready",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for, so that each starts fast."""

    def __init__(self, *arguments: Any, lazy: dict[str, str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Give every name, sorted."""
        return sorted(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command of that name, or give None."""
        if cmd_name not in self._lazy:
            return None
        module, _, attribute = self._lazy[cmd_name].partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} is no command")
        return command


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": None},
)
@click.version_option(__version__, prog_name="aihummer-drtui")
@click.option(
    "--target",
    type=click.Path(path_type=Path),
    envvar="DRTUI_TARGET",
    help="The target's configuration (default: /etc/aihummer-drtui/target.toml, then the user's).",
)
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path),
    envvar="DRTUI_STATE_DIR",
    help="Where runs are kept (default: /var/lib/aihummer-drtui for root, else the XDG state folder).",
)
@click.pass_context
def cli(context: click.Context, target: Path | None, state_dir: Path | None) -> None:
    """Walk an operator through AiHummer's disaster recovery, and prove that it is back."""
    from aihummer_drtui.cli.settings import Settings

    context.obj = Settings(target_path=target, state_dir=state_dir)
    if context.invoked_subcommand is None:
        _home(context)


def _home(context: click.Context) -> None:
    """The home screen; where the terminal cannot show it, the help, with a line that says why."""
    from aihummer_drtui.tui.terminal import why_line_mode

    reason = why_line_mode()
    if reason:
        click.echo(context.get_help())
        click.echo(f"\nNo screens, because {reason}. In line mode: run, resume, drill, tabletop.", err=True)
        context.exit(ExitCode.USAGE)
    from aihummer_drtui.cli.home import stay_at_home

    stay_at_home(context, context.obj)


def main() -> None:
    """Run the command line; end with the documented exit code and never with a traceback."""
    # Every command may come to hold a secret.
    keep_private()
    _ready_streams()
    try:
        code = cli.main(standalone_mode=False)
    except DrtuiError as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        sys.exit(ExitCode.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - a fault of ours is told like any other, never as a traceback
        if _reader_is_gone(error):
            _leave_quietly()
        _say(str(_own_fault(error)))
        sys.exit(ExitCode.FAILED)
    sys.exit(code if isinstance(code, int) else ExitCode.OK)


def _own_fault(error: Exception) -> DrtuiError:
    """What to tell of a fault in this program; its traceback goes to a private file, without values."""
    import tempfile

    if isinstance(error, OSError) and error.errno is not None:
        return FailedError(
            f"the system refused: {error.strerror or type(error).__name__}",
            where=str(error.filename or ""),
            hint="mend that; what was done already is told by `status`, `probe` or `check`",
        )
    hint = "a run is safe in its journal: resume it, and report this"
    kind = f"a fault in this program: {type(error).__name__}"
    try:
        descriptor, path = tempfile.mkstemp(prefix="aihummer-drtui-fault-", suffix=".txt")
        with os.fdopen(descriptor, "w") as file:
            file.write(fault_without_values(error))
    except OSError:
        return FailedError(kind, hint=hint)
    return FailedError(kind, where=path, hint=hint)


def _ready_streams() -> None:
    """Have all three streams, and let none of them raise for a letter that the terminal lacks."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            # Closed by the caller (`>&-`): left so, the next file that is opened would get its number.
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _reader_is_gone(error: Exception) -> bool:
    """Whether a pipe's reader (`| head`) or the terminal itself (a hang-up) went away."""
    return isinstance(error, OSError) and error.filename is None and error.errno in {errno.EPIPE, errno.EIO}


def _leave_quietly() -> NoReturn:
    """End without a second error when Python flushes what nobody will read."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(devnull, descriptor)
    sys.exit(ExitCode.FAILED)


def _say(text: str) -> None:
    from aihummer_drtui.foreign import cleaned

    click.echo(cleaned(text), err=True)
