"""Which server of this host the target means, and what is refused."""

import os
from pathlib import Path

import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.database.programs import data_major
from aihummer_drtui.recovery.database.server import Running
from aihummer_drtui.recovery.database.server_here import server_of
from aihummer_drtui.recovery.target import Target
from tests.recovery.database.test_server import target_of, with_postgres
from tests.recovery.small_cluster import Cluster, Installation

pytestmark = pytest.mark.postgres


def test_the_server_is_found_through_the_gateways_setting(installation: Installation) -> None:
    """Nothing configured: the directory by the socket's lock file, the account by the directory's owner."""
    server = server_of(installation.target)
    cluster = installation.cluster
    assert server.data == cluster.folder / "data"
    assert server.sockets == cluster.folder
    assert server.account.uid == (cluster.folder / "data").stat().st_uid
    assert server.programs.folder == cluster.bin
    assert server.running() is Running.YES


def test_a_data_directory_that_is_named_needs_no_gateway_env(own_cluster: Cluster) -> None:
    """On a lost host the key, and with it gateway.env, may come back later."""
    server = server_of(target_of(own_cluster))
    assert (server.sockets, server.port) == (own_cluster.folder, 5432)
    running = server.system_identifier()
    server.stop()
    assert server.system_identifier() == running > 0
    server.start()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"data_directory": Path("/nonexistent")}, "PG_VERSION cannot be read"),
        ({"account": "no-such-account"}, "there is no account"),
        ({"account": "root"}, "belongs to"),
    ],
)
def test_what_cannot_be_the_server_is_refused(
    installation: Installation, changes: dict[str, object], told: str
) -> None:
    """A wrong directory or account is named, with the key that tells it."""
    with pytest.raises(PreconditionError, match=told):
        server_of(with_postgres(installation.target, **changes))


def test_a_directory_of_no_server_is_refused(tmp_path: Path) -> None:
    """PG_VERSION that is no number."""
    (tmp_path / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(PreconditionError, match=r"says '9\.6'"):
        data_major(tmp_path)


def test_roots_data_directory_is_refused(installation: Installation, tmp_path: Path) -> None:
    """PostgreSQL never runs as root, so a directory of root's is a mistake to be mended first."""
    if os.geteuid() != 0:
        pytest.skip("only root can own it")
    (tmp_path / "PG_VERSION").write_text("17\n")
    with pytest.raises(PreconditionError, match="belongs to root"):
        server_of(with_postgres(installation.target, data_directory=tmp_path))


def test_a_server_on_another_host_is_refused(installation: Installation) -> None:
    """192.0.2.1 (RFC 5737) is nobody's: no data directory here can be its."""
    installation.write_env(AIHUMMER_DATABASE_URL="postgres://a:b@192.0.2.1/aihummer")
    with pytest.raises(PreconditionError, match="another host"):
        server_of(installation.target)


def test_a_name_of_this_host_is_here(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """localhost by TCP is this host; with nobody listening there, the directory has to be named.

    What lies in the present folder under the name of a socket's lock file is nobody's word.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / "localhost").mkdir()
    (tmp_path / "localhost" / ".s.PGSQL.9.lock").write_text(f"1\n{tmp_path}\n1\n9\n")
    installation.write_env(AIHUMMER_DATABASE_URL="postgres://a:b@localhost:9/aihummer")
    with pytest.raises(PreconditionError, match="data directory is not known"):
        server_of(installation.target)


def test_nothing_known_says_what_to_name(tmp_path: Path) -> None:
    """Neither gateway.env nor data-directory: the hint names the key."""
    with pytest.raises(PreconditionError, match="data directory is not known") as told:
        server_of(Target(gateway_env=tmp_path / "gateway.env"))
    assert "data-directory" in told.value.hint
