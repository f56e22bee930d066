"""A small server that archives its WAL, and the target that tells of both."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aihummer_drtui.recovery.point_in_time.archive import ArchiveKeeper
from aihummer_drtui.recovery.point_in_time.base import Base
from aihummer_drtui.recovery.point_in_time.base_create import make_base
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Postgres, Target, WalArchive
from aihummer_drtui.sandbox.account import server_account
from aihummer_drtui.sandbox.wal import archive_command
from tests.recovery.small_cluster import Cluster, running_cluster


@dataclass(frozen=True, kw_only=True)
class Archiving:
    """A running server, its archive, and a place for base backups."""

    cluster: Cluster
    target: Target

    @property
    def wal(self) -> Path:
        """The archive."""
        return self.cluster.folder / "wal"

    @property
    def bases(self) -> Path:
        """The place of base backups."""
        return self.cluster.folder / "base"

    @property
    def keeper(self) -> ArchiveKeeper:
        """The keeper, without anything remembered."""
        assert self.target.wal is not None
        return ArchiveKeeper(target=self.target, wal=self.target.wal)

    def base(self) -> Base:
        """Take a base backup."""
        return make_base(self.target, self.bases, Reporter.silent())

    def write(self, text: str) -> datetime:
        """Commit a row and give a moment after it, by the server's clock."""
        with self.cluster.admin() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS told (body text)")
            connection.execute("INSERT INTO told VALUES (%s)", (text,))
            row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row
        moment: datetime = row[0]
        return moment.astimezone(UTC)

    def archived(self) -> str:
        """Close the present segment, wait until it is archived, and give its name."""
        with self.cluster.admin() as connection:
            row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        assert row
        until = time.monotonic() + 30
        while not (self.wal / row[0]).exists():
            assert time.monotonic() < until, (self.cluster.folder / "log").read_text()
            time.sleep(0.02)
        return str(row[0])


@contextmanager
def archiving(bin_folder: Path | None = None) -> Iterator[Archiving]:
    """Start a server that archives, and end it with the block."""
    with running_cluster(bin_folder) as cluster:
        for name in ("wal", "base"):
            (cluster.folder / name).mkdir(mode=0o700)
            server_account().own(cluster.folder / name)
        data = cluster.folder / "data"
        (data / "pg_hba.conf").write_text("local all all trust\nlocal replication all trust\n")
        with (data / "postgresql.conf").open("a") as file:
            file.write("archive_mode = on\nmin_wal_size = 32MB\n")
            command = archive_command(cluster.folder / "wal").replace("'", "''")
            file.write(f"archive_command = '{command}'\n")
        cluster.control("restart")
        yield Archiving(cluster=cluster, target=target_of(cluster))


def target_of(cluster: Cluster) -> Target:
    """A target without gateway.env that tells of server, archive and base backups."""
    return Target(
        gateway_env=Path("/nonexistent/gateway.env"),
        postgres_bin=cluster.bin,
        postgres=Postgres(
            admin=f"host={cluster.folder} user=postgres", data_directory=cluster.folder / "data"
        ),
        wal=WalArchive(archive=cluster.folder / "wal", base_places=(cluster.folder / "base",)),
    )
