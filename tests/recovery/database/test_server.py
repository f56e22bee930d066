"""The server of this host as a whole: found, asked, stopped and started as the account that runs it."""

import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.database import server as servers
from aihummer_drtui.recovery.database.account import ServerAccount, account_named, account_owning
from aihummer_drtui.recovery.database.admin import Admin, admin_of
from aihummer_drtui.recovery.database.program import run_program
from aihummer_drtui.recovery.database.programs import server_programs
from aihummer_drtui.recovery.database.server import Running, Server
from aihummer_drtui.recovery.database.server_here import server_of
from aihummer_drtui.recovery.target import Postgres, Target
from tests.recovery.small_cluster import PASSWORD, Cluster, Installation, running_cluster

pytestmark = pytest.mark.postgres
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A row that the tests ask for."""

    role: str
    number: int


def with_postgres(target: Target, **changes: object) -> Target:
    """The target with [postgres] as said."""
    return msgspec.structs.replace(target, postgres=Postgres(**changes))  # type: ignore[arg-type]


def target_of(cluster: Cluster, **changes: object) -> Target:
    """A target without gateway.env whose server is `cluster`."""
    return with_postgres(
        Target(gateway_env=Path("/nonexistent/gateway.env"), postgres_bin=cluster.bin),
        data_directory=cluster.folder / "data",
        **changes,
    )


def as_admin(server: Server, cluster: Cluster) -> Admin:
    """A superuser of the tests' server, whose name is postgres whoever runs it."""
    given = msgspec.structs.replace(server.target.postgres, admin=f"host={cluster.folder} user=postgres")
    return admin_of(
        Server(
            target=msgspec.structs.replace(server.target, postgres=given),
            data=server.data,
            account=server.account,
            programs=server.programs,
            sockets=server.sockets,
            port=server.port,
        )
    )


def test_it_is_stopped_and_started_and_both_may_be_said_twice(own_cluster: Cluster) -> None:
    """By pg_ctl, as the account; what runs keeps running when it is stopped in vain or started."""
    server = server_of(target_of(own_cluster))
    server.stop()
    assert server.running() is Running.NO
    server.stop()
    server.start()
    assert server.running() is Running.YES
    told = as_admin(server, own_cluster).rows("SELECT current_user AS role, 1 AS number", Told)
    assert told == (Told(role="postgres", number=1),)


def test_configured_commands_are_run_and_not_believed(own_cluster: Cluster) -> None:
    """A command that ends with 0 and starts nothing is a failure; one that fails is named with its words."""
    server = server_of(target_of(own_cluster, start=("true",), stop=("true",)))
    with pytest.raises(FailedError, match="still runs"):
        server.stop()
    own_cluster.control("stop")
    with pytest.raises(FailedError, match="does not run"):
        server.start()
    loud = server_of(target_of(own_cluster, start=("sh", "-c", "echo no such unit; exit 5")))
    with pytest.raises(FailedError, match="exit code 5: no such unit"):
        loud.start()
    own_cluster.control("start")


def test_why_it_does_not_start_is_said(own_cluster: Cluster) -> None:
    """The server's own words, and the file that holds the rest."""
    server = server_of(target_of(own_cluster))
    server.stop()
    with pytest.raises(FailedError, match="unrecognized configuration parameter") as told:
        server.start(options=("-c", "no_such_setting=1"))
    assert told.value.where.endswith("aihummer-drtui-start.log")
    server.start()


@pytest.mark.skipif(not DEBIAN_15.is_dir(), reason="no second PostgreSQL in /usr/lib/postgresql")
def test_programs_of_the_servers_own_major_are_taken(tmp_path: Path) -> None:
    """postgres-bin of another major serves dumps; the server's programs are looked for by its own."""
    with running_cluster(DEBIAN_15) as old:
        target = msgspec.structs.replace(target_of(old), postgres_bin=Path("/nonexistent/bin"))
        server = server_of(target)
        assert (server.programs.folder, server.programs.major) == (DEBIAN_15, 15)
        assert server.system_identifier() > 0
        with pytest.raises(PreconditionError, match="programs of PostgreSQL 99's server were not found"):
            server_programs(target, server.account, major=99)


def test_of_a_servers_log_only_this_starts_words_are_told(tmp_path: Path) -> None:
    """Not those of an earlier start, nor of a file that a link leads to, and the end only of a long one."""
    log = tmp_path / "log"
    log.write_text("FATAL:  of another day\n")
    begins = log.stat().st_size
    assert servers._log_end(log, begins) == ""
    with log.open("a") as file:
        file.write(f"FATAL:  the first\n{'x' * 3000}\nFATAL:  the last\n")
    assert servers._log_end(log, begins) == "FATAL:  the last"
    (tmp_path / "link").symlink_to(log)
    assert servers._log_end(tmp_path / "link", 0) == ""
    assert servers._log_end(tmp_path / "none", 0) == ""


def test_a_program_runs_as_the_account(own_cluster: Cluster, tmp_path: Path) -> None:
    """What it writes is the account's, and our present folder needs not be open to it."""
    server = server_of(target_of(own_cluster))
    with (tmp_path / "out").open("wb") as output:
        ended = run_program(
            ["id", "-u"],
            environment=server.environment(),
            descriptors=(),
            account=server.account,
            output=output.fileno(),
        )
    assert ended.code == 0
    assert (tmp_path / "out").read_text().strip() == str(server.account.uid)


def test_a_program_that_takes_too_long_is_ended(own_cluster: Cluster) -> None:
    """Bounded in time, and told so."""
    with pytest.raises(FailedError, match="did not end within 0 s"):
        run_program(["sleep", "600"], environment={}, descriptors=(), seconds=0.01, interval=0.05)


def test_another_account_is_told_who_must_run_this() -> None:
    """Neither root nor the server's account: nothing is tried."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become another account")
    nobody = account_named("nobody")
    program = (
        "from aihummer_drtui.recovery.database.account import ServerAccount\n"
        "from aihummer_drtui.errors import PreconditionError\n"
        "import os; os.setgid(65534); os.setuid(65534)\n"
        "try:\n    ServerAccount(name='postgres', uid=4242, gid=4242).identity()\n"
        "except PreconditionError as error:\n    print(error)\n"
        "print(ServerAccount(name='me', uid=65534, gid=65534).identity())\n"
    )
    import sys

    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert nobody.uid != 0
    assert re.search(r"as postgres, the account that runs PostgreSQL, or as root\nHINT: sudo -u", said)
    assert said.endswith("{}\n")


def test_an_account_without_a_name_is_its_number(tmp_path: Path) -> None:
    """A data directory copied from another host may belong to a number only."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(tmp_path, 54_321, 54_322)
    found = account_owning(tmp_path)
    assert found == ServerAccount(name="54321", uid=54_321, gid=54_322)
    assert found.identity() == {"user": 54_321, "group": 54_322, "extra_groups": [54_322]}


def test_a_superuser_with_a_password_file_is_let_in(installation: Installation, tmp_path: Path) -> None:
    """The file is ours, and the account that psql runs as is given its content, not its path."""
    tmp_path.chmod(0o700)
    passfile = tmp_path / "pgpass"
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    passfile.write_text(f"*:*:*:{installation.name}:{escaped}\n")
    passfile.chmod(0o600)
    place = f"host={installation.cluster.folder} user={installation.name} passfile={passfile}"
    target = with_postgres(installation.target, admin=place)
    admin = admin_of(server_of(target))
    sql = "SELECT current_user AS role, 7 AS number"
    assert admin.rows(sql, Told) == (Told(role=installation.name, number=7),)
    with pytest.raises(FailedError, match="permission denied"):
        admin.rows("SELECT rolpassword AS role, 1 AS number FROM pg_authid", Told)
    with pytest.raises(FailedError, match="not understood"):
        admin.rows("SELECT 1 AS other", Told)
    passfile.chmod(0o640)
    with pytest.raises(PreconditionError, match="other accounts can read"):
        admin_of(server_of(target))
    passfile.chmod(0o600)
    passfile.write_text(f"*:*:*:{installation.name}:wrong\n")
    with pytest.raises(PreconditionError, match="does not let a superuser in"):
        admin_of(server_of(target)).rows(sql, Told)


def test_a_password_in_the_configuration_is_refused(installation: Installation) -> None:
    """target.toml holds no secret."""
    target = with_postgres(installation.target, admin="user=postgres password=secret")
    with pytest.raises(PreconditionError, match="a password stands in"):
        admin_of(server_of(target))


def test_a_port_that_is_none_is_told(installation: Installation) -> None:
    """Several ports would mean several servers."""
    target = with_postgres(installation.target, admin="user=postgres port=5432,5433")
    with pytest.raises(PreconditionError, match="is no port"):
        admin_of(server_of(target))


def test_by_default_a_superuser_is_the_servers_account(own_cluster: Cluster) -> None:
    """Peer authentication holds although this process is root: psql is run as the account."""
    server = server_of(target_of(own_cluster))
    if server.account.name != "postgres":
        pytest.skip("the superuser of the tests' server is called postgres, the account is not")
    data = own_cluster.folder / "data"
    (data / "pg_hba.conf").write_text("local all all peer\n")
    own_cluster.control("reload")
    admin = admin_of(server)
    assert admin.rows("SELECT current_user AS role, 1 AS number", Told)[0].role == "postgres"
    elsewhere = admin_of(replace(server, sockets=Path("/nonexistent"), port=1))
    with pytest.raises(PreconditionError, match="/nonexistent"):
        elsewhere.rows("SELECT current_user AS role, 1 AS number", Told)
