"""A real server whose backups another keeper takes: rows at known moments, and what was laid out, started."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from aihummer_drtui.sandbox.account import Account, server_account

DEBIAN = Path("/usr/lib/postgresql")


def needed_programs(*names: str, package: str) -> None:
    """Skip, with the reason, where a program or PostgreSQL's server package is missing."""
    for name in names:
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed (Debian package {package})")
    if not any(DEBIAN.glob("*/bin/postgres")):
        pytest.skip("no server package of PostgreSQL is installed (Debian package postgresql)")


def newest_binaries() -> Path:
    """The folder of the newest server package's programs."""
    return max(DEBIAN.glob("*/bin"), key=lambda folder: int(re.sub(r"\D", "", folder.parent.name) or 0))


def account_of(name: str) -> Account:
    """An account by its name; the present one where we are not root."""
    if os.geteuid() != 0:
        return server_account()
    entry = pwd.getpwnam(name)
    return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)


def run(account: Account, *arguments: str | Path, time_out: float = 120) -> str:
    """Run a program as an account and give what it wrote; it must succeed."""
    done = account.run(arguments, time_out=time_out)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout


@dataclass(frozen=True, kw_only=True)
class KeptServer:
    """A running server that only its socket in `folder` reaches."""

    folder: Path
    bin: Path
    account: Account

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.folder / "data"

    def connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        """A superuser's connection, autocommit."""
        return psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True)

    def row(self, number: int) -> datetime:
        """Commit a row; give a moment after its commit and before whatever comes next."""
        with self.connect() as connection:
            connection.execute("INSERT INTO message VALUES (%s)", (number,))
        return datetime.now(UTC)

    def restore_point(self, name: str) -> None:
        """Make a named restore point."""
        with self.connect() as connection:
            connection.execute("SELECT pg_create_restore_point(%s)", (name,))

    def position(self) -> int:
        """Where the write-ahead log is now."""
        with self.connect() as connection:
            row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
        assert row
        return int(str(row[0]))

    def control(self, *arguments: str) -> None:
        """Run pg_ctl on it."""
        log = self.folder / "log"
        run(self.account, self.bin / "pg_ctl", "-D", self.data, "-l", log, "-w", *arguments)

    def new_folder(self, name: str) -> Path:
        """An empty folder of the server's account, as the recovery gives one to be filled."""
        folder = self.folder / name
        folder.mkdir(mode=0o700)
        self.account.own(folder)
        return folder

    def rows_in(self, laid: Path) -> list[int]:
        """Start what was laid out on a socket of its own, let it recover, and give the rows that it has."""
        sockets = Path(tempfile.mkdtemp(prefix="k-", dir=self.folder))
        sockets.chmod(0o700)
        self.account.own(sockets)
        control = (self.bin / "pg_ctl", "-D", laid, "-l", sockets / "log", "-w")
        # Off: it is beside the live one, and must not add to its archive.
        options = f"-k {sockets} -c archive_mode=off"
        started = self.account.run([*control, "-o", options, "start"], time_out=90)
        assert started.returncode == 0, (sockets / "log").read_text()
        try:
            with recovered(sockets) as connection:
                return [int(str(row[0])) for row in connection.execute("SELECT id FROM message ORDER BY id")]
        finally:
            run(self.account, *control, "-m", "immediate", "stop")


def recovered(sockets: Path) -> "psycopg.Connection[tuple[object, ...]]":
    """A connection to a server that has taken over after its recovery."""
    deadline = time.monotonic() + 60
    while True:
        connection = psycopg.connect(host=str(sockets), user="postgres", dbname="postgres", autocommit=True)
        # Half way it answers already, to readers.
        if connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,):
            return connection
        connection.close()
        assert time.monotonic() < deadline, "the recovery does not end"


@contextmanager
def kept_server(place: Path, *settings: str) -> Iterator[KeptServer]:
    """Start a server in `place` with these lines in its configuration."""
    account = account_of("postgres")
    server = KeptServer(folder=place, bin=newest_binaries(), account=account)
    place.chmod(0o755)
    account.own(place)
    options = ("-Upostgres", "-Atrust", "-EUTF8", "--locale=C", "-N")
    run(account, server.bin / "initdb", "-D", server.data, *options)
    lines = (
        "listen_addresses = ''",
        f"unix_socket_directories = '{place}'",
        "shared_buffers = 16MB",
        "fsync = off",
        *settings,
    )
    with (server.data / "postgresql.conf").open("a") as file:
        file.write("\n".join(("", *lines, "")))
    server.control("start")
    try:
        with server.connect() as connection:
            connection.execute("CREATE TABLE message (id int PRIMARY KEY)")
        yield server
    finally:
        server.control("-m", "immediate", "stop")


def everything_owned_by(account: Account, folder: Path) -> bool:
    """Whether the folder and all in it belong to the account."""
    uid = os.geteuid() if account.uid is None else account.uid
    return all(path.lstat().st_uid == uid for path in (folder, *folder.rglob("*")))


def copied(source: Path, copy: Path) -> Path:
    """A copy with owners and times, to be damaged."""
    subprocess.run(["cp", "-a", source, copy], check=True)
    return copy


def overwrite(file: Path, *, at: int, count: int = 20) -> None:
    """Damage a file in place."""
    with file.open("r+b") as opened:
        opened.seek(at)
        former = opened.read(count)
        opened.seek(at)
        opened.write(bytes(byte ^ 0xFF for byte in former))


def single(found: Sequence[Path]) -> Path:
    """The one path that there is."""
    assert len(found) == 1, found
    return found[0]
