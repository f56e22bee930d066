"""We connect where gateway.env says, and nowhere else."""

import os
import stat
import subprocess
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.database.connection import ALIVE, Owner, connect, owner_of, program_access
from aihummer_drtui.recovery.database.dsn import Place
from aihummer_drtui.recovery.gateway.environment import read_gateway_env
from tests.recovery.small_cluster import PASSWORD, Installation

pytestmark = pytest.mark.postgres


def test_the_environment_does_not_lead_elsewhere(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libpq's own variables must not send a restore to another server than the one that was confirmed."""
    for name, value in {
        "PGHOSTADDR": "10.9.9.9",
        "PGHOST": "far.example",
        "PGPORT": "1",
        "PGDATABASE": "x",
    }.items():
        monkeypatch.setenv(name, value)
    owner = owner_of(installation.target)
    with connect(owner) as connection:
        row = connection.execute("SELECT current_database(), current_user").fetchone()
    assert row == (installation.name, installation.name)


def test_a_default_socket_stays_this_host(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection string without a host is this host's socket even where PGHOST says otherwise."""
    monkeypatch.setenv("PGHOST", "10.9.9.9")
    installation.write_env(AIHUMMER_DATABASE_URL="postgres:///nobody_has_this_database")
    with pytest.raises(PreconditionError) as raised:
        connect(owner_of(installation.target), seconds=2)
    assert "10.9.9.9" not in str(raised.value)


def test_work_of_hours_is_not_ended_by_a_rule_made_for_requests(installation: Installation) -> None:
    """What the role, the database or the server set is taken off where no limit was asked for."""
    limits = {"statement_timeout": "1s", "idle_in_transaction_session_timeout": "1s", "lock_timeout": "1s"}
    owner = owner_of(installation.target)
    with connect(owner, autocommit=True) as connection:
        for name, value in limits.items():
            connection.execute(f"ALTER ROLE {installation.name} SET {name} = '{value}'".encode())
    try:
        for autocommit in (True, False):
            with connect(owner, autocommit=autocommit) as connection:
                connection.rollback()
                told = [connection.execute(f"SHOW {name}".encode()).fetchone() for name in limits]
            assert told == [("0",)] * 3
        with connect(owner, statement_seconds=10) as connection:
            assert connection.execute("SHOW statement_timeout").fetchone() == ("10s",)
            assert connection.execute("SHOW lock_timeout").fetchone() == ("1s",)
    finally:
        with connect(owner, autocommit=True) as connection:
            connection.execute(f"ALTER ROLE {installation.name} RESET ALL".encode())


def test_n02_over_tcp_a_dead_network_is_noticed(installation: Installation) -> None:
    """By programs too; what the connection string says of it holds, and a socket of this host needs none."""
    assert not ALIVE.keys() & owner_of(installation.target).parameters.keys()
    url = "postgres://u:p@db.example/x"
    installation.write_env(AIHUMMER_DATABASE_URL=url)
    owner = owner_of(installation.target)
    assert ALIVE.items() <= owner.parameters.items()
    with program_access(owner, database="x") as access:
        assert "keepalives_idle=30" in access.conninfo
    installation.write_env(AIHUMMER_DATABASE_URL=f"{url}?keepalives_idle=7")
    assert owner_of(installation.target).parameters["keepalives_idle"] == "7"


def test_programs_get_the_password_by_a_private_descriptor_only(installation: Installation) -> None:
    """Neither connection string nor environment holds it; the file is readable by its owner only."""
    owner = owner_of(installation.target)
    with program_access(owner, database="other") as access:
        assert PASSWORD not in access.conninfo
        assert PASSWORD not in "".join(access.environment.values())
        assert "dbname=other" in access.conninfo
        (descriptor,) = access.descriptors
        assert stat.S_IMODE(os.fstat(descriptor).st_mode) == 0o600
        place = Path(access.environment["PGPASSFILE"])
        assert place.read_bytes().startswith(b"*:*:*:*:")
    assert not place.exists()


def test_the_password_of_a_tls_key_is_in_nobodys_arguments(installation: Installation) -> None:
    """It, too, reaches a program by a private descriptor, and the program still finds its way."""
    url = read_gateway_env(installation.target.gateway_env).require("AIHUMMER_DATABASE_URL")
    installation.write_env(AIHUMMER_DATABASE_URL=f"{url}&sslpassword=secret-of-the-key")
    owner = owner_of(installation.target)
    with program_access(owner, database=installation.name) as access:
        assert "secret-of-the-key" not in access.conninfo
        assert b"sslpassword=secret-of-the-key" in Path(access.environment["PGSERVICEFILE"]).read_bytes()
        done = subprocess.run(
            [installation.cluster.bin / "pg_dump", "--schema-only", "--file=/dev/null", access.conninfo],
            env=dict(access.environment),
            pass_fds=access.descriptors,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_no_secret_is_in_a_repr(installation: Installation) -> None:
    """A traceback or a log line with the value in it says nothing."""
    owner = owner_of(installation.target)
    assert PASSWORD not in repr(owner)
    with program_access(owner, database="x") as access:
        assert PASSWORD not in repr(access)


def test_a_password_with_a_line_break_is_refused() -> None:
    """A password file cannot hold it: said before a program fails for another reason."""
    place = Place(host="/x", port=5432, database="d", user="u")
    with (
        pytest.raises(PreconditionError, match="line break"),
        program_access(Owner(parameters={}, password="a\nb", place=place), database="d"),
    ):
        pass


def test_a_missing_gateway_env_is_named(installation: Installation) -> None:
    """The operator learns which file is lacking."""
    target = msgspec.structs.replace(installation.target, gateway_env=installation.root / "none.env")
    with pytest.raises(PreconditionError) as raised:
        owner_of(target)
    assert "none.env" in raised.value.where
