"""N02: a network to PostgreSQL that is slow, breaks, or swallows everything in the middle of a restore."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from aihummer_drtui.recovery.backup.create import create_backup
from aihummer_drtui.recovery.backup.set import BackupSet
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.database.ready import look_at_reach
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.run.verdict import Verdict
from tests.cli.calling import PROGRAM
from tests.recovery.lossy_network import Network, lossy_network
from tests.recovery.proxy import Proxy, proxy_to
from tests.recovery.small_cluster import PASSWORD, Cluster, Installation, install, running_cluster

pytestmark = pytest.mark.postgres

WITHIN = 30.0
_LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = %s"
QUICK = "keepalives_idle=1&keepalives_interval=1&keepalives_count=2&tcp_user_timeout=3000"


@pytest.fixture
def backup(installation: Installation) -> BackupSet:
    """Give a set whose restore waits in the middle while there is a role called `hold_…`."""
    return held_backup(installation)


def held_backup(installation: Installation) -> BackupSet:
    """Make such a set."""
    with installation.connect() as connection:
        connection.execute(
            "CREATE FUNCTION hum.hold() RETURNS boolean LANGUAGE plpgsql AS"
            " $$BEGIN WHILE EXISTS (SELECT FROM pg_catalog.pg_roles"
            f" WHERE rolname = 'hold_{installation.name}')"
            " LOOP PERFORM pg_catalog.pg_sleep(0.05); END LOOP; RETURN true; END$$"
        )
        connection.execute("CREATE TABLE hum.zz_held (id int CHECK (hum.hold()))")
        connection.execute("INSERT INTO hum.zz_held VALUES (1)")
    return create_backup(installation.target, installation.root / "backups", Reporter.silent())


@contextmanager
def held(installation: Installation) -> Iterator[None]:
    """Within the block a restore of that set waits in the middle."""
    with installation.cluster.admin() as admin:
        admin.execute(f"CREATE ROLE hold_{installation.name}".encode())
        try:
            yield
        finally:
            admin.execute(f"DROP ROLE hold_{installation.name}".encode())


def through(installation: Installation, port: int, more: str = "") -> None:
    """Have gateway.env lead to the database over TCP."""
    url = f"postgres://{installation.name}:{quote(PASSWORD)}@127.0.0.1:{port}/{installation.name}"
    installation.write_env(AIHUMMER_DATABASE_URL=f"{url}?sslmode=disable&gssencmode=disable&{more}")


def start(
    installation: Installation, backup: BackupSet, inside: Callable[..., list[str]] = lambda *words: [*words]
) -> "subprocess.Popen[str]":
    """Start `restore database` by its command line."""
    target = installation.write_target()
    words = ("--target", target, "restore", "database", "--backup-set", backup.path)
    phrase = owner_of(installation.target).phrase
    return subprocess.Popen(
        inside(str(PROGRAM), *map(str, words), "--confirm", phrase),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def await_the_middle(installation: Installation) -> None:
    """Wait until pg_restore fills the held table."""
    seen = _until(
        lambda: _number(
            installation,
            "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE %s AND wait_event = 'PgSleep'",
            f"{installation.name}_restoring%",
        )
    )
    assert seen, "the restore never came to the held table"


def _number(installation: Installation, query: str, value: str) -> int:
    with installation.cluster.admin() as admin:
        row = admin.execute(query.encode(), (value,)).fetchone()
    assert row
    return int(row[0])


def _until(what: Callable[[], object], seconds: float = WITHIN) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.05)
    return False


def _socket(cluster: Cluster) -> Path:
    return cluster.folder / ".s.PGSQL.5432"


@pytest.fixture
def proxy(installation: Installation) -> Iterator[Proxy]:
    """Give a proxy that gateway.env leads through."""
    with proxy_to(_socket(installation.cluster)) as made:
        through(installation, made.port)
        yield made


def test_n02_a_slow_line_takes_its_time(installation: Installation, backup: BackupSet, proxy: Proxy) -> None:
    """Every piece a fiftieth of a second late: it ends, and well."""
    proxy.delay = 0.02
    child = start(installation, backup)
    out, err = child.communicate(timeout=120)
    assert child.returncode == 0, err
    assert "as sealed" in out
    assert proxy.passed > 100


def test_n02_a_connection_that_is_reset_in_the_middle_is_told(
    installation: Installation, backup: BackupSet, proxy: Proxy
) -> None:
    """RST on every connection: a failure in words, the live database whole; mended, the next ends well."""
    with held(installation):
        child = start(installation, backup)
        await_the_middle(installation)
        proxy.reset()
        _, err = child.communicate(timeout=WITHIN)
    assert child.returncode == 1
    assert "server closed the connection" in err or "Connection reset" in err
    assert "Traceback" not in err
    assert installation.rows() == 2000
    proxy.mend()
    child = start(installation, backup)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert not [name for name in installation.databases() if "_restoring" in name]


def test_n02_a_server_that_takes_the_connection_and_is_silent_is_no_answer(
    installation: Installation,
) -> None:
    """A host that hangs, a firewall that swallows: told within the time of the look."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        through(installation, silent.getsockname()[1])
        began = time.monotonic()
        seen = look_at_reach(Scene(target=installation.target, values={}))
        took = time.monotonic() - began
    assert seen.verdict is not Verdict.PASSED
    assert "timeout" in seen.observed
    assert took < 8


@pytest.fixture
def far(tmp_path: Path) -> Iterator[tuple[Installation, Network]]:
    """Give an installation whose server is reached over a network that can be cut."""
    with lossy_network() as network, running_cluster() as cluster:
        # A client that has ended is forgotten at once, as by a host that lost its power.
        network.run("sysctl", "-qw", "net.ipv4.tcp_orphan_retries=1")
        with (cluster.folder / "data" / "pg_hba.conf").open("a") as file:
            file.write("host all all 127.0.0.1/32 scram-sha-256\n")
        cluster.control("stop", "-m", "fast")
        _start_inside(cluster, network)
        made = install(cluster, tmp_path)
        yield made, network


def _start_inside(cluster: Cluster, network: Network) -> None:
    uid = str(cluster.folder.stat().st_uid)
    options = "-c listen_addresses=127.0.0.1 -p 5432"
    subprocess.run(
        network.inside(
            *("setpriv", "--reuid", uid, "--regid", uid, "--clear-groups"),
            *(cluster.bin / "pg_ctl", "-D", cluster.folder / "data", "-l", cluster.folder / "log"),
            *("-w", "-o", options, "start"),
        ),
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
    )


@pytest.mark.slow
def test_n02_a_network_that_loses_everything_ends_the_restore_on_both_sides(
    far: tuple[Installation, Network],
) -> None:
    """No packet comes through any more: the client gives up with words, the server lets go of the lock.

    Without keepalives both would wait for hours: the restore for an answer, the next restore for the lock.
    """
    installation, network = far
    backup = held_backup(installation)
    through(installation, 5432, QUICK)
    with held(installation):
        child = start(installation, backup, network.inside)
        await_the_middle(installation)
        network.cut()
        began = time.monotonic()
        _, err = child.communicate(timeout=60)
        took = time.monotonic() - began
        assert _until(lambda: not _number(installation, _LOCKS, "advisory"))
    assert child.returncode == 1
    assert "Connection timed out" in err
    assert took < 45
    assert installation.rows() == 2000
    network.mend()
    child = start(installation, backup, network.inside)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert not [name for name in installation.databases() if "_restoring" in name]


def test_n02_a_server_that_stands_still_is_unknown(installation: Installation) -> None:
    """A stopped postmaster takes connections in its queue and answers nobody: no verdict but `not passed`."""
    first = int((installation.cluster.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(first, signal.SIGSTOP)
    try:
        seen = look_at_reach(Scene(target=installation.target, values={}))
    finally:
        os.kill(first, signal.SIGCONT)
    assert seen.verdict is not Verdict.PASSED
    assert "timeout" in seen.observed
    assert look_at_reach(Scene(target=installation.target, values={})).verdict is Verdict.PASSED
