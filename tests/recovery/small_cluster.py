"""A real PostgreSQL server of a few megabytes, and a small installation on it, for this room's tests."""

import hashlib
import os
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from aihummer_drtui.recovery.target import MediaLayout, Target
from aihummer_drtui.sandbox.account import Account, server_account
from aihummer_drtui.sandbox.postgres_binaries import find_binaries

PASSWORD = "pa:ss\\wörd 'x"
"""Hard on purpose: everything that a password file or a connection string must escape."""
MASTER_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
MEDIA_SECRET = "media-token-secret-of-the-tests"
SCHEMA = """
    CREATE EXTENSION pgcrypto;
    CREATE SCHEMA hum;
    CREATE TABLE hum.messages (id bigint PRIMARY KEY, body text NOT NULL);
    CREATE INDEX ON hum.messages (body);
    CREATE TABLE hum."Odd name" (id int);
    CREATE TABLE hum.media (path text PRIMARY KEY, size bigint NOT NULL, sha256 text);
    INSERT INTO hum.messages SELECT n, md5(n::text) FROM generate_series(1, 2000) n;
    INSERT INTO hum."Odd name" VALUES (1), (2);
"""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A running server that only its Unix socket reaches."""

    folder: Path
    bin: Path
    account: Account

    def admin(self, database: str = "postgres") -> "psycopg.Connection[tuple[Any, ...]]":
        """A superuser's connection, autocommit."""
        return psycopg.connect(
            host=str(self.folder), user="postgres", dbname=database, autocommit=True, connect_timeout=5
        )

    def control(self, *arguments: str) -> None:
        """Run pg_ctl on this server."""
        data = self.folder / "data"
        log = self.folder / "log"
        done = self.account.run([self.bin / "pg_ctl", "-D", data, "-l", log, "-w", *arguments], time_out=60)
        assert done.returncode == 0, done.stdout + done.stderr + (log.read_text() if log.exists() else "")

    def kill(self) -> None:
        """End the server by SIGKILL, as the kernel does when memory is short."""
        first = (self.folder / "data" / "postmaster.pid").read_text().splitlines()[0]
        os.kill(int(first), signal.SIGKILL)

    def start_again(self) -> None:
        """Start after `kill`, as soon as the last orphaned backend is gone."""
        deadline = time.monotonic() + 20
        while True:
            try:
                self.control("start")
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
                continue
            return

    def databases(self) -> list[str]:
        """Names of all databases but the built-in ones."""
        with self.admin() as connection:
            rows = connection.execute(
                "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1"
            )
            return [row[0] for row in rows]


@contextmanager
def running_cluster(bin_folder: Path | None = None) -> Iterator[Cluster]:
    """Start a server (default: the one the sandbox would take) and end it with the block."""
    account = server_account()
    folder = Path(tempfile.mkdtemp(prefix="drtui-pg-"))
    folder.chmod(0o755)
    account.own(folder)
    try:
        found = find_binaries(account, named=bin_folder, copy_to=folder / "postgres")
        cluster = Cluster(folder=folder, bin=found.folder, account=account)
        made = account.run(
            [found.folder / "initdb", *f"-D{folder}/data -Upostgres -Atrust -EUTF8 --locale=C -N".split()],
            time_out=60,
        )
        assert made.returncode == 0, made.stdout + made.stderr
    except AssertionError:
        shutil.rmtree(folder)
        raise
    yield from _started(cluster)


def _started(cluster: Cluster) -> Iterator[Cluster]:
    data = cluster.folder / "data"
    (data / "pg_hba.conf").write_text("local all,replication postgres trust\nlocal all all scram-sha-256\n")
    with (data / "postgresql.conf").open("a") as file:
        file.write(
            f"\nlisten_addresses = ''\nunix_socket_directories = '{cluster.folder}'\nfsync = off\n"
            "shared_buffers = 16MB\nmax_connections = 40\nautovacuum = off\n"
        )
    cluster.control("start")
    try:
        yield cluster
    finally:
        cluster.control("stop", "-m", "immediate")
        shutil.rmtree(cluster.folder)


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A small AiHummer-like target on a cluster."""

    cluster: Cluster
    root: Path
    target: Target
    name: str
    """Of the database and of its owner role."""

    @property
    def blobs(self) -> Path:
        """The blob folder."""
        return self.root / "blobs"

    def connect(self, database: str = "") -> "psycopg.Connection[tuple[Any, ...]]":
        """The owner's connection, autocommit."""
        return psycopg.connect(
            host=str(self.cluster.folder),
            user=self.name,
            password=PASSWORD,
            dbname=database or self.name,
            autocommit=True,
        )

    def databases(self) -> list[str]:
        """The databases whose names begin with ours."""
        return [name for name in self.cluster.databases() if name.startswith(self.name)]

    def rows(self) -> int:
        """How many messages the live database holds."""
        with self.connect() as connection:
            row = connection.execute("SELECT count(*) FROM hum.messages").fetchone()
            assert row
            return int(row[0])

    def write_target(self) -> Path:
        """Write target.toml and give its place."""
        path = self.root / "target.toml"
        path.write_text(
            f'name = "{self.name}"\ngateway-env = "{self.target.gateway_env}"\n'
            f'aihummer = "/nonexistent/aihummer"\nbase-url = "{self.target.base_url}"\n'
            f'backup-places = ["{self.root}/backups"]\npostgres-bin = "{self.target.postgres_bin}"\n'
            f'[media]\nreferences = "{self.target.media.references}"\n'
        )
        return path

    def write_env(self, **changes: str) -> None:
        """Write gateway.env; an empty value leaves the variable out."""
        from urllib.parse import quote

        host = quote(str(self.cluster.folder), safe="")
        values = {
            "AIHUMMER_DATABASE_URL": f"postgres://{self.name}:{quote(PASSWORD)}@{host}/{self.name}?pool_max_conns=9",
            "AIHUMMER_MASTER_KEY": MASTER_KEY,
            "AIHUMMER_MEDIA_TOKEN_SECRET": MEDIA_SECRET,
            "AIHUMMER_BLOB_DIR": str(self.blobs),
            **changes,
        }
        text = "".join(f"{name}={value}\n" for name, value in values.items() if value)
        self.target.gateway_env.write_text(text)


def put_blob(folder: Path, path: str, content: bytes) -> tuple[str, int, str]:
    """Write a blob and give its row of the media table."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)
    return path, len(content), hashlib.sha256(content).hexdigest()


def install(cluster: Cluster, root: Path) -> Installation:
    """Make role, database, blobs and gateway.env of a new installation below `root`."""
    name = f"hum_{secrets.token_hex(4)}"
    with cluster.admin() as connection:
        role = sql.Identifier(name)
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(role, sql.Literal(PASSWORD))
        )
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(f"{name}_app")))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(role, role))
    target = Target(
        name=name,
        gateway_env=root / "gateway.env",
        base_url="http://127.0.0.1:9",  # the discard port: nobody answers
        aihummer="/nonexistent/aihummer",
        backup_places=(root / "backups",),
        postgres_bin=cluster.bin,
        media=MediaLayout(references="SELECT path, size, sha256 FROM hum.media ORDER BY path"),
    )
    made = Installation(cluster=cluster, root=root, target=target, name=name)
    made.write_env()
    rows = [put_blob(made.blobs, f"{n % 3}/blob-{n}.bin", bytes([n]) * (n * 1000)) for n in range(1, 8)]
    with made.connect() as owned:
        owned.execute(SCHEMA.encode())
        owned.execute(
            sql.SQL("GRANT USAGE ON SCHEMA hum TO {0}; GRANT SELECT ON hum.messages TO {0}").format(
                sql.Identifier(f"{name}_app")
            )
        )
        owned.cursor().executemany("INSERT INTO hum.media VALUES (%s, %s, %s)", rows)
    return made
