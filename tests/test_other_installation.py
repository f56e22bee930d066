"""The whole recovery of an installation that words, names and places everything otherwise.

Nothing may depend on the sandbox's ways: these are real runs of the shipped runbook, without a
sandbox's mark, on the second stand-in.
"""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from aihummer_drtui.errors import ExitCode
from tests.cli.calling import call
from tests.conftest import short_folder
from tests.second_standin import host as standin
from tests.second_standin.host import Host
from tests.second_standin.program import TALKATIVE
from tests.second_standin.server import DEBIAN, Server, current_programs, free_port

pytestmark = pytest.mark.postgres

OLD = DEBIAN / "15" / "bin"


class World:
    """One host after another, and what is torn down at the end."""

    def __init__(self, root: Path, *, described: bool, old: bool = False, media: bool = True) -> None:
        self.current = current_programs(root / "postgres")
        port = free_port()
        self.host = Host(
            root=root,
            programs=OLD if old else self.current,
            database_port=free_port(),
            address=f"[::1]:{port}"
            if described and Path("/proc/net/if_inet6").exists()
            else f"localhost:{port}",
            wording=TALKATIVE if described else "terse",
            described=described,
            media=media,
        )
        self.server: Server | None = None

    def live(self) -> None:
        """Build the installation, start it, and take a backup."""
        standin.install(self.host, release=standin.RELEASE)
        standin.write_elsewhere(self.host)
        self.server = standin.start_database(self.host, "old server")
        standin.fill(self.host, self.server)
        subprocess.run([self.host.command, "up"], check=True, capture_output=True, timeout=30)
        done = self.call("backup", "create")
        assert done.returncode == 0, done.stderr
        # What else may lie about in such a place, and is no backup.
        (self.host.places / "20991231T000000Z").mkdir()
        (self.host.places / "20991231T000000Z" / "database.dump").write_bytes(b"PGDMP")
        (self.host.places / "notes.txt").write_text("rotate!")

    def lose(self) -> None:
        """Lose all of it, and get a replacement host with PostgreSQL and a build of the same version."""
        assert self.server is not None
        standin.lose(self.host, self.server)
        self.server = None
        self.host = standin.on_other_programs(self.host, self.current)
        standin.install(self.host, release=standin.REBUILT)
        self.server = standin.start_database(self.host, "new server")

    def set_up_without_key(self) -> None:
        """Bring back all settings but the key, and make an empty database, as a careless installer does."""
        assert self.server is not None
        standin.write_conf(self.host, without=("AIHUMMER_MASTER_KEY",))
        standin.make_database(self.server)

    def kept_database(self) -> str:
        """The name under which a replaced database is kept."""
        assert self.server is not None
        with self.server.admin() as admin:
            found = admin.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE '%replaced%'"
            ).fetchall()
        assert len(found) == 1
        return str(found[0][0])

    def end(self) -> None:
        """Stop what runs."""
        standin.stop_gateway(self.host)
        if self.server is not None:
            self.server.stop()

    def call(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the product on this installation."""
        return call("--state-dir", self.host.root / "state", *arguments, target=self.host.target)

    def recover(self) -> "subprocess.CompletedProcess[str]":
        """Walk through the shipped runbook in earnest, with nobody at the terminal."""
        return self.call("run", "--mode", "real", "--yes", "--confirm", self.host.phrase)


@contextmanager
def a_world(*, described: bool, old: bool = False, media: bool = True) -> Iterator[World]:
    """A world for as long as the block lasts."""
    with short_folder() as root, ExitStack() as ending:
        world = World(root, described=described, old=old, media=media)
        ending.callback(world.end)
        yield world


def assert_back(world: World) -> None:
    """Everything that was there before the loss is there, as it was."""
    host = world.host
    with host.owner() as owner:
        rows = owner.execute("SELECT count(*) FROM hum.turn").fetchone()
        roles = owner.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'hum'").fetchall()
    assert rows == (standin.ROWS,)
    assert roles == [(standin.OWNER,)]
    if host.media:
        assert {key: (host.objects / key).read_bytes() for key in standin.OBJECTS} == standin.OBJECTS
    else:
        assert list(host.objects.parent.iterdir()) == []
    assert standin.MASTER_KEY in host.conf.read_text()


def test_another_installation_is_recovered_and_proven() -> None:
    """Other words, paths, ports, accounts, tables, vault and database: proven, with no deviation."""
    with a_world(described=True) as world:
        world.live()
        world.lose()
        done = world.recover()
        assert "Recovery level: PROVEN" in done.stdout, done.stdout[-6_000:] + done.stderr
        assert "Deviations: none" in done.stdout
        # A server that is reached by TCP does not tell where its files are, nor how much room they have.
        assert "Unproven: key/space" in done.stdout
        assert done.returncode == 0
        assert_back(world)
        for secret in (standin.PASSWORD, standin.MASTER_KEY, standin.MEDIA_SECRET):
            assert secret not in done.stdout + done.stderr
        assert_proofs_can_fail(world)


def assert_proofs_can_fail(world: World) -> None:
    """The proofs of the described layout are none that are always green: each sees its own damage."""
    assert world.call("check", "vault-opens", "blobs-referenced").returncode == ExitCode.OK
    conf = world.host.conf
    conf.write_text(conf.read_text().replace(standin.MASTER_KEY, standin.ANOTHER_KEY))
    assert "wrong key" in world.call("check", "vault-opens").stdout
    name = next(iter(standin.OBJECTS))
    (world.host.objects / name).unlink()
    assert f"{name} is missing" in world.call("check", "blobs-referenced").stdout
    assert world.call("check", "media-token").returncode == ExitCode.FAILED


UNDESCRIBED = {
    "key/space",
    "key/vault-in-dump",
    "database/vault-opens",
    "proof/vault-opens",
    "proof/media-token",
} | {f"{step}/blobs-referenced" for step in ("start", "proof")}


def test_an_undescribed_installation_is_served_again_and_not_proven() -> None:
    """What nobody told is unproven, asks for no deviation, and keeps the run from calling itself proven."""
    with a_world(described=False) as world:
        world.live()
        world.lose()
        # What a replacement host may have: settings without the key, and an installer's empty database.
        world.set_up_without_key()
        done = world.recover()
        assert_served(done)
        assert_back(world)
        assert world.kept_database().startswith(f"{standin.DATABASE}_replaced_")


def test_an_installation_without_media_is_recovered() -> None:
    """No blob folder is set: there is nothing to restore, and nothing of it stands in the way."""
    with a_world(described=True, media=False) as world:
        world.live()
        world.lose()
        done = world.recover()
        assert "Recovery level: PROVEN" in done.stdout, done.stdout[-6_000:] + done.stderr
        assert "Deviations: none" in done.stdout
        assert done.returncode == 0
        assert_back(world)


@pytest.mark.skipif(not (OLD / "initdb").exists(), reason=f"no PostgreSQL 15 in {OLD}")
def test_a_dump_of_an_older_postgresql_goes_into_a_newer_one() -> None:
    """The lost host had PostgreSQL 15 with its own pg_dump; the replacement has another major version."""
    with a_world(described=False, old=True) as world:
        world.live()
        world.lose()
        world.set_up_without_key()
        assert_served(world.recover())
        assert_back(world)
        with world.host.owner() as owner:
            row = owner.execute("SHOW server_version_num").fetchone()
        assert row is not None
        assert int(row[0]) >= 170_000


def assert_served(done: "subprocess.CompletedProcess[str]") -> None:
    """The run has ended at the level *serving*, without any deviation, and that is no success."""
    assert "*** COMPLETED. Recovery level: SERVING ***" in done.stdout, done.stdout[-6_000:] + done.stderr
    assert "AiHummer is NOT proven to be back." in done.stdout
    assert "Deviations: none" in done.stdout
    unproven = re.split(r"\n(?:Left over|Next|The record)", done.stdout.rpartition("Unproven: ")[2])[0]
    assert set(unproven.replace("\n", " ").replace(",", " ").split()) == UNDESCRIBED
    assert done.returncode == ExitCode.FAILED
