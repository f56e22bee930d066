"""A real server that archived its WAL, with a base backup and a history of commits, to be brought back.

Made once per test process and PostgreSQL, then copied for each test: paths in its configuration are
relative to the data directory.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.point_in_time.beside import end_left_over
from aihummer_drtui.recovery.point_in_time.model import BaseBackup, ByTime, Keeper, Point, Window
from aihummer_drtui.recovery.point_in_time.points import Clock, spelled
from aihummer_drtui.recovery.point_in_time.segments import parse_lsn
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Postgres, Target
from aihummer_drtui.sandbox.account import Account, server_account
from aihummer_drtui.sandbox.postgres_binaries import find_binaries

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
SEGMENT = 1_048_576
"""Bytes of a WAL segment here: small, so that copies are."""
TICKS = 8
_CONFIGURATION = """
listen_addresses = ''
unix_socket_directories = '../run'
fsync = off
shared_buffers = 16MB
max_connections = 20
autovacuum = off
archive_mode = on
archive_command = 'test ! -f ../archive/%f && cp %p ../archive/%f'
track_commit_timestamp = on
dynamic_shared_memory_type = mmap
timezone = 'UTC'
"""


@dataclass(frozen=True, kw_only=True)
class PlainKeeper:
    """A keeper as simple as can be: one folder for the base backup, one for WAL, a window that was noted."""

    base: Path
    archive: Path
    account: Account
    window: Window
    keeper: Keeper = Keeper.ARCHIVE
    gate: Path | None = None
    """The server waits for WAL that is not there until this file is, as for a slow archive."""

    def windows(self) -> tuple[Window, ...]:
        """The one."""
        return (self.window,)

    def prove(self, window: Window, point: Point, reporter: Reporter) -> None:
        """Look that every segment is there, whatever the point."""
        del point
        reporter.phase("proving the WAL")
        there = {path.name for path in self.archive.iterdir()}
        for number in range(window.base.start_lsn // SEGMENT, (window.latest_lsn - 1) // SEGMENT + 1):
            name = f"{window.timeline:08X}{number // 4096:08X}{number % 4096:08X}"
            if name not in there:
                raise PreconditionError(
                    f"WAL file {name} is missing", where=str(self.archive), hint="look for it"
                )

    def lay(self, window: Window, point: Point, folder: Path, reporter: Reporter) -> None:
        """Copy it, and write what the recovery is to do."""
        assert window == self.window
        reporter.phase("laying the base backup out", total=1, unit="folders")
        target = {
            # An offset, for abbreviations like Z are not known yet where this setting is read.
            "time": f"recovery_target_time = '{spelled(point).removesuffix('Z')}+00'",
            "lsn": f"recovery_target_lsn = '{spelled(point).removeprefix('lsn:')}'",
            "name": f"recovery_target_name = '{spelled(point).removeprefix('name:')}'",
            "latest": "",
        }["time" if isinstance(point, ByTime) else spelled(point).partition(":")[0]]
        copied = self.account.run(["cp", "-a", f"{self.base}/.", folder], time_out=60)
        assert copied.returncode == 0, copied.stderr
        with (folder / "postgresql.auto.conf").open("a") as file:
            file.write(f"restore_command = '{self._restore_command()}'\n{target}\n")
            if self.gate is not None:
                # Reading ahead would wait at the gate with what was read not replayed yet.
                file.write("recovery_prefetch = off\n")
        (folder / "recovery.signal").touch()
        self.account.own(folder / "recovery.signal")
        reporter.reached(1)

    def _restore_command(self) -> str:
        copy = f"cp {self.archive}/%f %p"
        if self.gate is None:
            return copy
        wait = f"while ! test -e {self.gate}; do sleep 0.05; done"
        return f"case %f in *.history) exit 1;; esac; test -f {self.archive}/%f || {wait}; {copy}"


@dataclass(frozen=True, kw_only=True)
class LostHost:
    """The server, its base backup and its WAL, in one folder."""

    folder: Path
    bin: Path
    account: Account
    window: Window = field(default=None)  # type: ignore[assignment]
    commits: tuple[datetime, ...] = ()
    """When each of the ticks was committed."""
    positions: tuple[int, ...] = ()
    """Of the log, after each of these commits."""

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "main"

    @property
    def target(self) -> Target:
        """The installation."""
        return Target(
            name="lost",
            gateway_env=self.folder / "gateway.env",
            postgres_bin=self.bin,
            postgres=Postgres(data_directory=self.data),
        )

    @property
    def keeper(self) -> PlainKeeper:
        """Who keeps base backup and WAL."""
        return PlainKeeper(
            base=self.folder / "base",
            archive=self.folder / "archive",
            account=self.account,
            window=self.window,
        )

    @property
    def clock(self) -> Clock:
        """Now, in UTC."""
        return Clock(now=datetime.now(UTC), zone=UTC, zone_name="UTC")

    @property
    def phrase(self) -> str:
        """What the operator types."""
        return f"{os.uname().nodename}/hum"

    def between(self, tick: int) -> ByTime:
        """A moment after this tick's commit and before the next one's."""
        before, after = self.commits[tick - 1], self.commits[tick]
        return ByTime(moment=before + (after - before) / 2)

    def connect(self, user: str = "hum", database: str = "hum") -> "psycopg.Connection[tuple[Any, ...]]":
        """A connection, autocommit."""
        return psycopg.connect(
            host=str(self.folder / "run"), user=user, dbname=database, autocommit=True, connect_timeout=5
        )

    def ticks(self) -> list[int]:
        """The rows of the history that the live server holds."""
        with self.connect() as connection:
            return [row[0] for row in connection.execute("SELECT id FROM ticks ORDER BY 1")]

    def control(self, *arguments: str, data: Path | None = None) -> None:
        """Run pg_ctl."""
        done = self.account.run(
            [
                self.bin / "pg_ctl",
                "-D",
                data or self.data,
                "-l",
                self.folder / "run" / "log",
                "-w",
                *arguments,
            ],
            time_out=60,
        )
        log = self.folder / "run" / "log"
        assert done.returncode == 0, done.stdout + done.stderr + (log.read_text() if log.exists() else "")

    def runs(self) -> bool:
        """Whether a server runs on the live data directory."""
        return self.account.run([self.bin / "pg_ctl", "-D", self.data, "status"], time_out=20).returncode == 0

    def names(self) -> list[str]:
        """What lies beside the data directory and belongs to a recovery."""
        return sorted(path.name for path in self.folder.iterdir() if path.name.startswith("main"))

    def write_target(self) -> Path:
        """Write target.toml for the command line, and give its place."""
        path = self.folder / "target.toml"
        path.write_text(
            f'name = "lost"\ngateway-env = "{self.folder}/gateway.env"\npostgres-bin = "{self.bin}"\n'
            f'[postgres]\ndata-directory = "{self.data}"\n'
            f'[wal]\narchive = "{self.folder}/archive"\nbase-places = ["{self.folder}/bases"]\n'
        )
        return path


@contextmanager
def made_host(bin_folder: Path | None) -> Iterator[LostHost]:
    """A stopped server with its history, to be copied; gone with the block."""
    account = server_account()
    with _folder(account) as folder:
        found = find_binaries(account, named=bin_folder, copy_to=folder / "postgres")
        host = LostHost(folder=folder, bin=found.folder, account=account)
        for name in ("run", "archive"):
            (folder / name).mkdir()
            account.own(folder / name)
        flags = ["-Upostgres", "-Atrust", "-EUTF8", "--locale=C", "-N", "--wal-segsize=1"]
        made = account.run([host.bin / "initdb", "-D", host.data, *flags], time_out=60)
        assert made.returncode == 0, made.stderr
        with (host.data / "postgresql.conf").open("a") as file:
            file.write(_CONFIGURATION)
        host.control("start")
        try:
            host = _with_history(host)
        finally:
            host.control("stop", "-m", "fast")
        yield host


@contextmanager
def copied_host(made: LostHost) -> Iterator[LostHost]:
    """A running copy for one test, which may do to it what it likes."""
    with _folder(made.account) as folder:
        for name in ("main", "base", "archive", "run"):
            copied = made.account.run(["cp", "-a", made.folder / name, folder / name], time_out=60)
            assert copied.returncode == 0, copied.stderr
        host = replace(made, folder=folder)
        (folder / "gateway.env").write_text(
            f"AIHUMMER_DATABASE_URL=postgres://hum@{str(folder / 'run').replace('/', '%2F')}/hum\n"
            f"AIHUMMER_DB_APP_URL=postgres://hum_app@{str(folder / 'run').replace('/', '%2F')}/hum\n"
        )
        host.control("start")
        try:
            yield host
        finally:
            for left in folder.glob("main.restoring-*"):
                # Of a recovery that the test killed and did not end: its server is ending by itself.
                end_left_over(left)
                shutil.rmtree(f"/tmp/drtui-{left.name.rpartition('-')[2]}", ignore_errors=True)
            for data in folder.glob("main*/postmaster.pid"):
                host.control("stop", "-m", "immediate", data=data.parent)


def _with_history(host: LostHost) -> LostHost:
    with host.connect("postgres", "postgres") as connection:
        connection.execute("CREATE ROLE hum LOGIN CREATEDB")
        connection.execute("CREATE ROLE hum_app LOGIN")
        connection.execute("CREATE DATABASE hum OWNER hum")
    with host.connect() as owned:
        owned.execute("CREATE TABLE ticks (id int PRIMARY KEY)")
    base, took = host.folder / "base", datetime.now(UTC)
    flags = ["-Upostgres", "-c", "fast", "-Xnone", "--no-sync"]
    done = host.account.run(
        [host.bin / "pg_basebackup", "-h", host.folder / "run", "-D", base, *flags], time_out=60
    )
    assert done.returncode == 0, done.stderr
    label = dict(
        line.split(": ", 1) for line in (base / "backup_label").read_text().splitlines() if ": " in line
    )
    with host.connect("postgres", "hum") as connection:
        ended = datetime.now(UTC)
        positions: list[int] = []
        for number in range(1, TICKS + 1):
            connection.execute("INSERT INTO ticks VALUES (%s)", (number,))
            positions.append(parse_lsn(_one(connection, "SELECT pg_current_wal_insert_lsn()::text")) or 0)
            if number == TICKS // 2:
                connection.execute("SELECT pg_create_restore_point('half-way')")
        rows = connection.execute("SELECT pg_xact_commit_timestamp(xmin) FROM ticks ORDER BY id").fetchall()
        end = closed_segment(host, connection)
        start = parse_lsn(label["START WAL LOCATION"].split(" ")[0])
        system = int(_one(connection, "SELECT system_identifier::text FROM pg_control_system()"))
    assert start is not None
    window = Window(
        base=BaseBackup(
            label="base",
            keeper=Keeper.ARCHIVE,
            system_identifier=system,
            server_major=int((base / "PG_VERSION").read_text()),
            timeline=1,
            start_lsn=start,
            end_lsn=start + 1,
            started=took,
            ended=ended,
            size=40_000_000,
            verified=None,
        ),
        earliest=ended,
        latest=rows[-1][0] + timedelta(microseconds=1),
        latest_lsn=end,
        timeline=1,
        gap="",
    )
    return replace(host, window=window, commits=tuple(row[0] for row in rows), positions=tuple(positions))


def closed_segment(host: LostHost, connection: "psycopg.Connection[tuple[Any, ...]]") -> int:
    """Close the segment that is written; give the end of the log once the archiver has taken it."""
    segment = _one(connection, "SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
    end = _one(connection, "SELECT pg_switch_wal()::text")
    wait_for(host.folder / "archive" / segment)
    return parse_lsn(end) or 0


def wait_for(path: Path) -> None:
    """Wait until another process has made a file."""
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not come"
        time.sleep(0.01)


def _one(connection: "psycopg.Connection[tuple[Any, ...]]", query: str) -> str:
    row = connection.execute(query.encode()).fetchone()
    assert row
    return str(row[0])


@contextmanager
def _folder(account: Account) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="pt-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    folder.chmod(0o755)
    account.own(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def with_target(host: LostHost, **changes: Any) -> Target:
    """The host's target with other `[postgres]` settings."""
    return msgspec.structs.replace(
        host.target, postgres=msgspec.structs.replace(host.target.postgres, **changes)
    )
