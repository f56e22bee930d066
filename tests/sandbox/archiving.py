"""A sandbox's WAL archive, waited for."""

import time

from aihummer_drtui.sandbox.cluster import Cluster


def settle_archive(cluster: Cluster) -> None:
    """Have all that is committed archived now; fail where the archive does not take it within a minute."""
    with cluster.connected() as connection:
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None
        until = time.monotonic() + 60
        while not (cluster.layout.wal / str(row[0])).exists():
            assert time.monotonic() < until, f"{row[0]} was not archived: see run/postgres.log"
            time.sleep(0.1)
