"""The server beside: gone with whoever started it, out of reach, and cleared away after a kill."""

from pathlib import Path

import psycopg
import pytest

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.database.server import Server
from aihummer_drtui.recovery.database.server_here import server_of
from aihummer_drtui.recovery.point_in_time.beside import end_left_over, running_beside, server_on
from aihummer_drtui.recovery.point_in_time.confined import standby_limits
from tests.recovery.point_in_time.lost_host import LostHost

pytestmark = pytest.mark.postgres
ID = "0badcafe"


@pytest.fixture
def stopped(host: LostHost) -> Server:
    """Give the host's server, which does not run."""
    host.control("stop", "-m", "fast")
    return server_of(host.target)


def test_only_a_superuser_of_this_host_gets_in(host: LostHost, stopped: Server) -> None:
    """No network, a private socket, and nobody else even through that."""
    with running_beside(stopped, host.data, recovery=ID, limits={"max_connections": "33"}) as beside:
        connection = None
        while connection is None:
            try:
                connection = beside.connect("postgres")
            except psycopg.OperationalError:
                assert not beside.ended(), beside.last_words()
        with connection:
            names = ("listen_addresses", "archive_mode", "unix_socket_directories", "max_connections")
            told = [connection.execute(f"SHOW {name}".encode()).fetchone() for name in names]
        assert told == [("",), ("off",), (f"/tmp/drtui-{ID}",), ("33",)]
        assert Path(f"/tmp/drtui-{ID}").stat().st_mode & 0o777 == 0o700
        with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf"):
            psycopg.connect(host=f"/tmp/drtui-{ID}", user="hum", dbname="hum")
        beside.stop()
    assert not Path(f"/tmp/drtui-{ID}").exists()
    assert server_on(host.data) is None


def test_a_block_that_breaks_off_takes_the_server_with_it(host: LostHost, stopped: Server) -> None:
    """Whatever the reason."""
    with pytest.raises(KeyError), running_beside(stopped, host.data, recovery=ID, limits={}):
        raise KeyError
    assert server_on(host.data) is None


def test_a_server_that_cannot_start_says_why(host: LostHost, stopped: Server) -> None:
    """In the words of its log; and one that does not shut down in order is told of."""
    (host.data / "postgresql.auto.conf").write_text("max_connections = many\n")
    with running_beside(stopped, host.data, recovery=ID, limits={}) as beside:
        beside.process.wait()
        assert "invalid value for parameter" in beside.last_words()
        with pytest.raises(FailedError, match="did not shut down in order"):
            beside.stop()


def test_a_foreign_folder_in_its_place_is_not_used(host: LostHost, stopped: Server) -> None:
    """Whoever made it could read what is written there."""
    folder = Path(f"/tmp/drtui-{ID}")
    folder.touch()
    try:
        with (
            pytest.raises(FailedError, match="private folder for the server's socket"),
            running_beside(stopped, host.data, recovery=ID, limits={}),
        ):
            pytest.fail("it was used")
        assert folder.is_file()
    finally:
        folder.unlink()


def test_what_a_killed_recovery_left_running_is_ended(host: LostHost) -> None:
    """Before its folder is used or removed; where none runs there is nothing to do."""
    assert server_on(host.data) is not None
    end_left_over(host.data)
    assert server_on(host.data) is None
    end_left_over(host.data)
    (host.data / "postmaster.pid").write_text("1\n")
    assert server_on(host.data) is None
    (host.data / "postmaster.pid").unlink()


def test_limits_are_read_as_pg_controldata_tells_them() -> None:
    """Others, and lines that are no settings, are left out."""
    told = (
        "pg_control version number:            1700\n"
        "wal_level setting:                    replica\n"
        "max_connections setting:              20\n"
        "max_prepared_xacts setting:           0\n"
        "max_locks_per_xact setting:           64\n"
        "track_commit_timestamp setting:       on\n"
    )
    assert standby_limits(told) == {
        "max_connections": "20",
        "max_prepared_transactions": "0",
        "max_locks_per_transaction": "64",
        "track_commit_timestamp": "on",
    }
