"""Building, breaking and removing, with the faults that befall them."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import psycopg
import pytest

from aihummer_drtui.errors import LockedError, PreconditionError
from aihummer_drtui.sandbox import lifecycle
from aihummer_drtui.sandbox.account import server_account
from aihummer_drtui.sandbox.cluster import Server
from aihummer_drtui.sandbox.layout import Layout
from aihummer_drtui.sandbox.marker import Size, Stage, read_marker, write_marker
from aihummer_drtui.sandbox.status import Condition, cluster_of, status, status_of
from tests.conftest import SmallSandbox, ignored, make_sandbox

pytestmark = pytest.mark.postgres


def run_aihummer(sandbox: SmallSandbox, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the stand-in's command with nothing in the environment."""
    return subprocess.run(
        [sandbox.layout.programs / "aihummer", *arguments],
        env={"PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_break_loses_the_host_and_keeps_what_lies_elsewhere(fresh_sandbox: SmallSandbox) -> None:
    """Database, blobs, gateway.env and gateway are gone; roles, program, escrow, target stay."""
    url = fresh_sandbox.variables()["AIHUMMER_DATABASE_URL"]
    assert fresh_sandbox.status().condition is Condition.WHOLE
    found = lifecycle.break_host(fresh_sandbox.root)
    assert found.condition is Condition.BROKEN
    assert (found.database, found.blobs, found.gateway_env, found.gateway_pid) == (False, 0, False, None)
    with pytest.raises(psycopg.OperationalError, match='database "aihummer" does not exist'):
        psycopg.connect(url)
    assert found.escrow.is_file()
    assert found.target.is_file()
    assert run_aihummer(fresh_sandbox, "version").stdout.startswith("aihummer ")
    with psycopg.connect(url.replace("/aihummer?", "/postgres?")) as connection:
        roles = connection.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'aihummer%'").fetchall()
        assert sorted(roles) == [("aihummer",), ("aihummer_app",)]


def test_break_drops_databases_kept_by_earlier_recoveries(fresh_sandbox: SmallSandbox) -> None:
    """A lost host has no copy left of an old database either, and a second break is no fault."""
    with psycopg.connect(fresh_sandbox.variables()["AIHUMMER_DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE DATABASE aihummer_before")
    lifecycle.break_host(fresh_sandbox.root)
    assert lifecycle.break_host(fresh_sandbox.root).condition is Condition.BROKEN
    cluster = cluster_of(fresh_sandbox.layout, read_marker(fresh_sandbox.layout))
    assert cluster is not None
    with cluster.connected() as superuser:
        left = superuser.execute("SELECT datname FROM pg_database WHERE NOT datistemplate").fetchall()
    assert left == [("postgres",)]


def test_stand_ins_own_backup_restores_its_database(fresh_sandbox: SmallSandbox) -> None:
    """`aihummer backup DIR` writes a dated dump and `aihummer restore FILE` brings its rows back."""
    assert run_aihummer(fresh_sandbox, "backup", str(fresh_sandbox.root / "own")).returncode == 0
    (dump,) = (fresh_sandbox.root / "own").glob("aihummer-????-??-??.dump")
    url = fresh_sandbox.variables()["AIHUMMER_DATABASE_URL"]
    with psycopg.connect(url) as connection:
        connection.execute("TRUNCATE messages")
    restored = run_aihummer(fresh_sandbox, "restore", str(dump))
    assert restored.returncode == 0, restored.stderr
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (1000,)


def test_up_needs_a_database_setting_and_is_idempotent(fresh_sandbox: SmallSandbox) -> None:
    """`aihummer up` twice is one gateway; without gateway.env it refuses with exit code 3."""
    assert "already running" in run_aihummer(fresh_sandbox, "up").stdout
    lifecycle.break_host(fresh_sandbox.root)
    refused = run_aihummer(fresh_sandbox, "up")
    assert refused.returncode == 3
    assert "AIHUMMER_DATABASE_URL is not set" in refused.stderr


def test_smoke_passes_only_while_the_gateway_is_ready(fresh_sandbox: SmallSandbox) -> None:
    """smoke.sh ends with 0 on a whole stand-in and with 1 on a lost one, and needs no PATH."""
    smoke = [str(fresh_sandbox.layout.smoke)]
    assert subprocess.run(smoke, env={}, check=False, capture_output=True).returncode == 0
    lifecycle.break_host(fresh_sandbox.root)
    assert subprocess.run(smoke, env={}, check=False, capture_output=True).returncode == 1


def test_up_on_a_running_sandbox_changes_nothing(fresh_sandbox: SmallSandbox) -> None:
    """A second `up` gives the status of what is there."""
    before = fresh_sandbox.status()
    make_sandbox(fresh_sandbox.root)
    assert fresh_sandbox.status() == before


def test_up_starts_what_a_reboot_stopped(fresh_sandbox: SmallSandbox) -> None:
    """A finished sandbox whose server and gateway are stopped is started, not built anew."""
    marker = read_marker(fresh_sandbox.layout)
    cluster = cluster_of(fresh_sandbox.layout, marker)
    assert cluster is not None
    gateway = fresh_sandbox.status().gateway_pid
    assert gateway is not None
    os.kill(gateway, signal.SIGKILL)
    cluster.stop()
    assert fresh_sandbox.status().database is None
    make_sandbox(fresh_sandbox.root)
    found = fresh_sandbox.status()
    assert (found.condition, found.server, found.id) == (Condition.WHOLE, Server.RUNNING, marker.id)


def test_up_starts_a_server_that_was_just_killed(fresh_sandbox: SmallSandbox) -> None:
    """Right after the kill pg_ctl still takes the server for a living one; up waits for the truth."""
    layout = fresh_sandbox.layout
    postmaster = int((layout.data / "postmaster.pid").read_text("ascii").split("\n", 1)[0])
    os.kill(postmaster, signal.SIGKILL)
    make_sandbox(layout.root)
    assert fresh_sandbox.status().server is Server.RUNNING


def test_up_rebuilds_what_a_killed_up_left(fresh_sandbox: SmallSandbox) -> None:
    """A sandbox that was never finished is taken away, running server and all, and built anew."""
    marker = read_marker(fresh_sandbox.layout)
    write_marker(fresh_sandbox.layout, msgspec.structs.replace(marker, stage=Stage.BUILDING))
    assert fresh_sandbox.status().condition is Condition.UNFINISHED
    with pytest.raises(PreconditionError, match="never finished"):
        lifecycle.break_host(fresh_sandbox.root)
    make_sandbox(fresh_sandbox.root)
    found = fresh_sandbox.status()
    assert found.condition is Condition.WHOLE
    assert found.id != marker.id


def test_up_survives_being_killed_at_any_phase(folder: Path) -> None:
    """Killed while it looks for PostgreSQL, makes rows or blobs, an `up` is followed by a whole one."""
    for phase in ("starting", "rows", "blobs"):
        program = (
            "import os, signal, sys; from pathlib import Path\n"
            "from aihummer_drtui.sandbox import lifecycle\n"
            "from aihummer_drtui.sandbox.marker import Size\n"
            "tell = lambda p: p.phase.startswith(sys.argv[2]) and os.kill(os.getpid(), signal.SIGKILL)\n"
            "lifecycle.up(Path(sys.argv[1]), size=Size.SMALL, seed=1, postgres_bin=None, tcp_port=None,\n"
            "             take_backup=lambda _: None, tell=tell)\n"
        )
        killed = subprocess.run([sys.executable, "-c", program, folder / "s", phase], check=False)
        assert killed.returncode == -signal.SIGKILL
    sandbox = make_sandbox(folder / "s")
    assert sandbox.status().condition is Condition.WHOLE
    lifecycle.down(sandbox.root)


def test_a_failed_backup_fails_up_and_leaves_it_unfinished(folder: Path) -> None:
    """A sandbox whose backup before the loss failed never counts as built."""

    def fails(layout: Layout) -> None:
        raise PreconditionError(f"no backup of {layout.root.name}", hint="none")

    with pytest.raises(PreconditionError, match="no backup of s"):
        lifecycle.up(
            folder / "s",
            size=Size.SMALL,
            seed=1,
            postgres_bin=None,
            tcp_port=None,
            take_backup=fails,
            tell=ignored,
        )
    assert status(folder / "s").condition is Condition.UNFINISHED
    lifecycle.down(folder / "s")


def test_down_leaves_nothing_running_and_no_folder(folder: Path) -> None:
    """After `down` neither gateway nor server nor folder is there."""
    sandbox = make_sandbox(folder / "s")
    server = int((sandbox.layout.data / "postmaster.pid").read_text().split()[0])
    gateway = sandbox.status().gateway_pid
    assert gateway is not None
    ends = [os.pidfd_open(pid) for pid in (server, gateway)]
    lifecycle.down(sandbox.root)
    assert not sandbox.root.exists()
    for end in ends:
        assert select.select([end], [], [], 10)[0], "still running"
        os.close(end)


@pytest.mark.parametrize("content", ["", "{}", '{"id": "sandbox-x"}', "\xff"])
def test_foreign_folder_is_never_touched(folder: Path, content: str) -> None:
    """Without a valid mark nothing is removed, broken or built over."""
    (folder / "precious").write_text("mine")
    if content:
        (folder / "sandbox.json").write_text(content, encoding="latin-1")
    for act in (lifecycle.down, lifecycle.break_host, make_sandbox):
        with pytest.raises(PreconditionError):
            act(folder)
    assert (folder / "precious").read_text() == "mine"


def test_copied_mark_does_not_make_a_sandbox(small_sandbox: SmallSandbox, folder: Path) -> None:
    """A folder that holds another sandbox's mark is refused: the mark names its own folder."""
    (folder / "precious").write_text("mine")
    (folder / "sandbox.json").write_bytes(small_sandbox.layout.marker.read_bytes())
    with pytest.raises(PreconditionError, match="this is a copy"):
        lifecycle.down(folder)
    assert (folder / "precious").exists()


def test_second_command_at_the_same_time_is_refused(folder: Path) -> None:
    """While one `up` builds, another command on the folder ends with exit code 5."""
    seen: list[type[BaseException]] = []

    def also_down(layout: Layout) -> None:
        with pytest.raises(LockedError):
            lifecycle.down(layout.root)
        seen.append(LockedError)

    lifecycle.up(
        folder / "s",
        size=Size.SMALL,
        seed=1,
        postgres_bin=None,
        tcp_port=None,
        take_backup=also_down,
        tell=ignored,
    )
    lifecycle.down(folder / "s")
    assert seen == [LockedError]


def test_too_long_a_socket_path_is_told_before_anything_is_made(folder: Path) -> None:
    """The message names the path, the limit and the way out."""
    deep = folder / ("d" * 100)
    with pytest.raises(PreconditionError, match="at most 107") as told:
        make_sandbox(deep)
    assert "--dir" in told.value.hint
    assert not deep.exists()


def test_folder_that_the_server_cannot_enter_is_told(folder: Path) -> None:
    """Below a folder that is root's alone, root's PostgreSQL (another account) cannot work."""
    if server_account().uid is None:
        pytest.skip("only root's sandbox runs its server as another account")
    folder.chmod(0o700)
    with pytest.raises(PreconditionError, match="cannot enter the sandbox's folder"):
        make_sandbox(folder / "s")


def test_tcp_port_is_open_only_when_asked(small_sandbox: SmallSandbox, folder: Path) -> None:
    """--tcp-port makes PostgreSQL listen on 127.0.0.1; without it no port of it is open."""
    port = lifecycle.free_port()
    sandbox = make_sandbox(folder / "s", tcp_port=port)
    try:
        url = sandbox.variables()["AIHUMMER_DATABASE_URL"]
        with psycopg.connect(url, host="127.0.0.1") as connection:
            assert connection.execute("SHOW port").fetchone() == (str(port),)
    finally:
        lifecycle.down(sandbox.root)
    with psycopg.connect(small_sandbox.variables()["AIHUMMER_DATABASE_URL"]) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)


def test_a_server_that_cannot_be_asked_is_not_told_as_stopped(fresh_sandbox: SmallSandbox) -> None:
    """It runs and lets nobody in, or pg_ctl does not answer: said as that, and nothing is called lost."""
    layout = fresh_sandbox.layout
    password = layout.superuser_password.rename(layout.root / "elsewhere")
    found = fresh_sandbox.status()
    assert (found.server, found.database, found.condition) == (Server.RUNNING, None, Condition.PARTIAL)
    password.rename(layout.superuser_password)
    lost = msgspec.structs.replace(read_marker(layout), postgres_bin=Path("/no/such/folder"))
    assert status_of(layout, lost).server is Server.UNKNOWN
