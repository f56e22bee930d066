"""The restore's own sessions are faster, and break on no server."""

import pytest

from aihummer_drtui.recovery.database.connection import Owner, connect, owner_of, program_access
from aihummer_drtui.recovery.database.swiftness import cores, swift_settings
from aihummer_drtui.recovery.gateway.environment import read_gateway_env
from tests.recovery.small_cluster import Installation

pytestmark = pytest.mark.postgres


def _settings(owner: Owner, jobs: int, *, vectors: bool = False) -> dict[str, str]:
    with connect(owner) as connection:
        return dict(swift_settings(connection, owner, database=owner.database, jobs=jobs, vectors=vectors))


def _shown(owner: Owner, settings: dict[str, str], name: str) -> str:
    with connect(owner, settings=settings) as connection:
        row = connection.execute(f"SHOW {name}".encode()).fetchone()
        assert row
        return str(row[0])


def test_jobs_and_their_helpers_are_no_more_than_cores(installation: Installation) -> None:
    """More processes than cores hinder each other (seen: four jobs on two cores take half as long again)."""
    owner = owner_of(installation.target)
    for jobs in (1, 2, cores(), 64):
        helpers = int(_settings(owner, jobs)["max_parallel_maintenance_workers"])
        assert helpers >= 0
        assert helpers == 0 or jobs * (1 + helpers) <= cores()


def test_memory_is_shared_among_the_jobs_and_bounded(installation: Installation) -> None:
    """From PostgreSQL's default up; only vectors get much; what the server gives already is not lowered."""
    owner = owner_of(installation.target)
    for vectors, most in ((False, 128 * 1024), (True, 1024 * 1024)):
        for jobs in (1, 64):
            told = _settings(owner, jobs, vectors=vectors).get("maintenance_work_mem", "65536kB")
            assert 64 * 1024 <= int(told.removesuffix("kB")) <= most
    with installation.cluster.admin() as admin:
        admin.execute(f"ALTER ROLE {installation.name} SET maintenance_work_mem = '2GB'".encode())
    assert "maintenance_work_mem" not in _settings(owner, 1)


def test_what_the_connection_string_says_wins(installation: Installation) -> None:
    """Ours are merged with its options, not put in their place."""
    url = read_gateway_env(installation.target.gateway_env).require("AIHUMMER_DATABASE_URL")
    installation.write_env(
        AIHUMMER_DATABASE_URL=f"{url}&options=-c%20search_path%3Dhum%20-c%20synchronous_commit%3Dlocal"
    )
    owner = owner_of(installation.target)
    settings = _settings(owner, 2)
    assert settings["synchronous_commit"] == "off"
    assert _shown(owner, settings, "synchronous_commit") == "local"
    assert _shown(owner, settings, "search_path") == "hum"
    assert _shown(owner, settings, "jit") == "off"
    with program_access(owner, database="x", settings=settings) as access:
        assert "-c jit=off" in access.conninfo
        assert access.conninfo.index("synchronous_commit=off") < access.conninfo.index("=local")


def test_a_database_that_lets_nobody_in_with_them_gets_none(installation: Installation) -> None:
    """A pooler that refuses `options` makes the restore slower, and stops nothing."""
    owner = owner_of(installation.target)
    with connect(owner) as connection:
        assert swift_settings(connection, owner, database="no_such_database", jobs=1) == {}
