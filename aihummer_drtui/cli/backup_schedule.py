"""`backup schedule`: the timer or the cron line that makes, verifies and prunes sets every day."""

import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

import click

from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.errors import UsageError
from aihummer_drtui.foreign import cleaned

_SYSTEMD: Final = """\
# /etc/systemd/system/aihummer-backup.service
[Unit]
Description=Sealed and verified backup set of AiHummer
Wants=network-online.target
After=network-online.target postgresql.service

[Service]
Type=oneshot
UMask=0077
Nice=10
IOSchedulingClass=idle
ExecStart=/bin/sh -c {script}

# /etc/systemd/system/aihummer-backup.timer
[Unit]
Description=Daily backup set of AiHummer

[Timer]
OnCalendar=*-*-* 03:17:00
Persistent=true
RandomizedDelaySec=10min

[Install]
WantedBy=timers.target
"""
_CRON: Final = """\
# /etc/cron.d/aihummer-backup (the name of a file there has no dot)
SHELL=/bin/sh
PATH={path}
17 3 * * * root umask 077; {script}
"""
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@click.command()
@click.argument("place", type=click.Path(path_type=Path), required=False)
@click.option(
    "--print", "form", type=click.Choice(["systemd", "cron"]), required=True, help="Which of the two."
)
@click.option("--keep-daily", type=click.IntRange(min=1), default=7, show_default=True)
@click.option("--keep-weekly", type=click.IntRange(min=0), default=5, show_default=True)
@click.option("--keep-monthly", type=click.IntRange(min=0), default=12, show_default=True)
@click.pass_obj
def schedule(
    settings: Settings, place: Path | None, form: str, keep_daily: int, keep_weekly: int, keep_monthly: int
) -> None:
    """Print what makes a set in PLACE each night, verifies it, and only then prunes. Installs nothing.

    The exit code of the job tells whether there is a new, verified set: let something watch it.
    """
    from aihummer_drtui.recovery.target_file import find_target_file, load_target

    target = load_target(settings.target_path)
    file = settings.target_path or find_target_file()
    place = place or target.backup_places[0]
    program = [_program(), *(("--target", str(file.absolute())) if file else ())]
    call = shlex.join(program)
    at = shlex.quote(str(place.absolute()))
    keep = f"--keep-daily {keep_daily} --keep-weekly {keep_weekly} --keep-monthly {keep_monthly}"
    script = (
        f'made=$({call} backup create {at}) && {call} backup verify "$made" '
        f"&& {call} backup prune {at} {keep} --yes"
    )
    if cleaned(script) != script or "\n" in script or "\t" in script:
        raise UsageError("a path holds control characters", hint="give the place or the target another name")
    if form == "systemd":
        click.echo(_SYSTEMD.format(script=_systemd_quoted(script)), nl=False)
    else:
        # cron ends the command at the first % that has no backslash (crontab(5)).
        click.echo(_CRON.format(path=_PATH, script=script.replace("%", "\\%")), nl=False)


def _program() -> str:
    """This program's absolute path, as the scheduler will have to call it."""
    beside = Path(sys.executable).with_name("aihummer-drtui")
    return str(beside) if beside.exists() else shutil.which("aihummer-drtui") or "aihummer-drtui"


def _systemd_quoted(script: str) -> str:
    """One argument of ExecStart= (systemd.service(5), "Command lines")."""
    for one, other in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        script = script.replace(one, other)
    return f'"{script}"'
