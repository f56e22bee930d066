"""The stand-in's `aihummer`: version, up, backup, restore. A training stand-in, not AiHummer."""

import argparse
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import DrtuiError, FailedError, PreconditionError
from aihummer_drtui.sandbox.daemon import running_gateway, start_gateway
from aihummer_drtui.sandbox.environment import read_environment
from aihummer_drtui.sandbox.installation import read_installation

_ABOUT: Final = "A training stand-in for AiHummer, made by `aihummer-drtui sandbox up`. It is not AiHummer."


def main() -> None:
    """Run one command and end with its exit code."""
    parser = argparse.ArgumentParser(prog="aihummer", description=_ABOUT)
    parser.add_argument("--home", type=Path, required=True, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("version", help="print the version")
    commands.add_parser("up", help="start the gateway; returns once it listens")
    backup = commands.add_parser("backup", help="write a dump of the database into a folder")
    backup.add_argument("dir", type=Path, nargs="?", default=Path())
    restore = commands.add_parser("restore", help="restore the database from such a file")
    restore.add_argument("file", type=Path)
    options = parser.parse_args()
    try:
        match options.command:
            case "version":
                _say(f"aihummer {read_installation(options.home).version}")
            case "up":
                _up(options.home)
            case "backup":
                _backup(options.home, options.dir)
            case "restore":
                _restore(options.home, options.file)
    except DrtuiError as error:
        sys.stderr.write(f"aihummer: {error}\n")
        sys.exit(error.exit_code)


def _up(home: Path) -> None:
    if running_gateway(home) is not None:
        _say("gateway already running")
        return
    _database_url(home)
    process = start_gateway(home)
    _say(f"gateway started (pid {process.pid})")


def _backup(home: Path, folder: Path) -> None:
    url = _database_url(home)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"aihummer-{datetime.now(UTC).date().isoformat()}.dump"
    _run(home, "pg_dump", "--format=custom", f"--file={file}", url=url)
    _say(f"wrote {file}")


def _restore(home: Path, file: Path) -> None:
    options = ("--clean", "--if-exists", "--exit-on-error", "--single-transaction")
    _run(home, "pg_restore", *options, str(file), url=_database_url(home))
    _say(f"restored {file}")


def _database_url(home: Path) -> str:
    """The only setting that AiHummer requires. Raises PreconditionError where it is not set."""
    path = home / "etc" / "gateway.env"
    url = read_environment(path).get("AIHUMMER_DATABASE_URL", "")
    if not url:
        raise PreconditionError("AIHUMMER_DATABASE_URL is not set", where=str(path), hint="set it there")
    return url


def _run(home: Path, program: str, *options: str, url: str) -> None:
    """Run a PostgreSQL client. Raises FailedError with its exit code."""
    from psycopg.conninfo import conninfo_to_dict

    told = conninfo_to_dict(url)
    names = {
        "host": "PGHOST",
        "port": "PGPORT",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "dbname": "PGDATABASE",
    }
    # The password goes by the environment: arguments are everybody's to read.
    environment = {variable: str(told[key]) for key, variable in names.items() if told.get(key) is not None}
    target = [f"--dbname={told.get('dbname', '')}"] if program == "pg_restore" else []
    ended = subprocess.run(
        [read_installation(home).postgres_bin / program, "--no-password", *target, *options],
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", **environment},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if ended.returncode != 0:
        raise FailedError(f"{program} ended with {ended.returncode}", hint="its own words stand above")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
