"""A sandbox that archives its WAL: what its host's loss takes, and what it leaves."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.target_file import read_target
from aihummer_drtui.sandbox import lifecycle
from aihummer_drtui.sandbox.cluster import Cluster
from aihummer_drtui.sandbox.marker import Size, read_marker
from aihummer_drtui.sandbox.status import Condition, cluster_of
from aihummer_drtui.sandbox.traffic import write_traffic
from aihummer_drtui.sandbox.wal import archive_command, settle_archive
from tests.conftest import SmallSandbox, ignored, short_folder

pytestmark = pytest.mark.postgres


def make_wal_sandbox(root: Path) -> SmallSandbox:
    """Build a small sandbox with WAL in `root`, without any backup."""
    from aihummer_drtui.sandbox.layout import Layout

    lifecycle.up(
        root,
        size=Size.SMALL,
        seed=1,
        postgres_bin=None,
        tcp_port=None,
        take_backup=lambda _: None,
        tell=ignored,
        wal=True,
    )
    return SmallSandbox(layout=Layout(root=root.resolve()))


@pytest.fixture
def wal_sandbox() -> Iterator[SmallSandbox]:
    """A whole sandbox with WAL, in a folder whose name a shell and a setting must be told with care."""
    with short_folder() as folder:
        made = make_wal_sandbox(folder / "it's 5%f")
        try:
            yield made
        finally:
            lifecycle.down(made.root)


def cluster_in(sandbox: SmallSandbox) -> Cluster:
    """The sandbox's server."""
    found = cluster_of(sandbox.layout, read_marker(sandbox.layout))
    assert found is not None
    return found


def system_identifier(sandbox: SmallSandbox) -> int:
    """Which cluster it is."""
    with cluster_in(sandbox).connected() as connection:
        row = connection.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
    assert row
    return int(row[0])


def test_the_loss_takes_the_server_and_leaves_the_archive(wal_sandbox: SmallSandbox) -> None:
    """After `break` another cluster is there with the same roles, archiving nothing; the WAL stays."""
    layout = wal_sandbox.layout
    url = wal_sandbox.variables()["AIHUMMER_DATABASE_URL"]
    before = system_identifier(wal_sandbox)
    write_traffic(layout.root, seconds=0.1, every=0.05)
    settle_archive(cluster_in(wal_sandbox))
    archived = wal_sandbox.status().wal_files
    assert archived > 0
    (layout.root / "pg.kept").mkdir()
    (layout.root / "pg.kept" / "PG_VERSION").write_text("17\n")
    found = lifecycle.break_host(layout.root)
    assert (found.condition, found.wal, found.database) == (Condition.BROKEN, True, False)
    assert found.wal_files == archived
    assert system_identifier(wal_sandbox) != before
    assert layout.data_folders() == (layout.data,)
    with psycopg.connect(url.replace("/aihummer?", "/postgres?")) as connection:
        row = connection.execute("SHOW archive_mode").fetchone()
    assert row == ("off",)
    assert lifecycle.break_host(layout.root).condition is Condition.BROKEN


def test_what_was_not_archived_is_lost(wal_sandbox: SmallSandbox) -> None:
    """A host that burns archives no last segment: `break` must not ask the server to stop."""
    settle_archive(cluster_in(wal_sandbox))
    with cluster_in(wal_sandbox).connected() as connection:
        connection.execute("ALTER SYSTEM SET archive_timeout = 0")
        connection.execute("SELECT pg_reload_conf()")
    write_traffic(wal_sandbox.root, seconds=0.1, every=0.05)
    with cluster_in(wal_sandbox).connected() as connection:
        row = connection.execute("SELECT pg_walfile_name(pg_current_wal_lsn())").fetchone()
    assert row
    lifecycle.break_host(wal_sandbox.root)
    assert not (wal_sandbox.layout.wal / str(row[0])).exists()


def test_the_archive_command_refuses_other_content(tmp_path: Path) -> None:
    """A segment that is there stays: the same content counts as archived, other content fails."""
    command = archive_command(tmp_path / "a'b").replace("%f", "SEG").replace("%p", "src").replace("%%", "%")
    (tmp_path / "a'b").mkdir()
    source = tmp_path / "src"
    source.write_bytes(b"one" * 1000)
    run = ["/bin/sh", "-c", command]
    assert subprocess.run(run, cwd=tmp_path, check=False).returncode == 0
    assert (tmp_path / "a'b" / "SEG").read_bytes() == source.read_bytes()
    assert subprocess.run(run, cwd=tmp_path, check=False).returncode == 0
    source.write_bytes(b"two" * 1000)
    refused = subprocess.run(run, cwd=tmp_path, check=False, capture_output=True)
    assert refused.returncode != 0
    assert (tmp_path / "a'b" / "SEG").read_bytes() == b"one" * 1000
    assert [path.name for path in (tmp_path / "a'b").iterdir()] == ["SEG"]


def test_the_target_tells_server_and_archive(wal_sandbox: SmallSandbox) -> None:
    """target.toml is a valid one, and holds no password."""
    layout = wal_sandbox.layout
    target = read_target(layout.target)
    assert target.wal is not None
    assert (target.wal.archive, target.wal.base_places) == (layout.wal, (layout.bases,))
    assert target.postgres.data_directory == layout.data
    password = layout.superuser_password.read_text().strip()
    assert password not in layout.target.read_text()
    assert layout.passfile.stat().st_mode & 0o777 == 0o600


def test_traffic_tells_the_time_and_needs_a_host(wal_sandbox: SmallSandbox) -> None:
    """Rows ascend in number and time; a lost host takes none."""
    written = write_traffic(wal_sandbox.root, seconds=0.3, every=0.1)
    assert written.count >= 2
    assert written.first.id + written.count - 1 == written.last.id
    assert written.first.body < written.last.body
    with psycopg.connect(wal_sandbox.variables()["AIHUMMER_DATABASE_URL"]) as connection:
        row = connection.execute(
            "SELECT count(*) FROM messages WHERE body LIKE 'traffic % written at %Z'"
        ).fetchone()
    assert row == (written.count,)
    lifecycle.break_host(wal_sandbox.root)
    with pytest.raises(PreconditionError, match="host is lost"):
        write_traffic(wal_sandbox.root, seconds=0.1, every=0.1)


def test_a_sandbox_without_wal_is_not_taken_for_one_with(small_sandbox: SmallSandbox) -> None:
    """`up --wal` on what was made without says how to get one."""
    with pytest.raises(PreconditionError, match="archives no WAL"):
        make_wal_sandbox(small_sandbox.root)
    assert (small_sandbox.status().wal, small_sandbox.status().bases) == (False, ())
