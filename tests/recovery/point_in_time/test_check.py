"""The checks of the route to a point in time, on a server with its own archive and base backup."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import psycopg
import pytest

from aihummer_drtui.recovery.catalogue import Catalogue
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.point_in_time.check import point_warnings
from aihummer_drtui.recovery.point_in_time.choices import point_choices
from aihummer_drtui.recovery.point_in_time.keepers import keeper_of
from aihummer_drtui.recovery.point_in_time.look import UnseenError, room_needed
from aihummer_drtui.recovery.point_in_time.model import ByTime
from aihummer_drtui.recovery.point_in_time.points import Clock, spelled
from aihummer_drtui.recovery.point_in_time.room import server_part
from aihummer_drtui.recovery.point_in_time.wal_status import wal_status
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import Verdict
from tests.recovery.point_in_time.archiving import Archiving, archiving
from tests.recovery.point_in_time.lost_host import LostHost
from tests.recovery.point_in_time.recovering import restored
from tests.recovery.point_in_time.test_reach import NEW

pytestmark = pytest.mark.postgres


@dataclass(frozen=True, kw_only=True)
class Archived:
    """An installation with a base backup, a commit after it, and another."""

    server: Archiving
    target: Target
    moment: datetime
    """Between the two."""


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archived]:
    """Give such an installation."""
    with archiving() as server:
        env = tmp_path_factory.mktemp("env") / "gateway.env"
        host = str(server.cluster.folder).replace("/", "%2F")
        env.write_text(f"AIHUMMER_DATABASE_URL=postgres://postgres@{host}/hum\n")
        with server.cluster.admin() as connection:
            connection.execute("CREATE DATABASE hum")
        server.base()
        moment = server.write("one")
        server.write("two")
        server.archived()
        yield Archived(
            server=server, target=msgspec.structs.replace(server.target, gateway_env=env), moment=moment
        )


def test_a_point_within_reach_is_told_relative_to_now(archived: Archived) -> None:
    """With its base backup; one out of reach or misspelled fails with what would be right."""
    catalogue = Catalogue(archived.target)
    point = spelled(ByTime(moment=archived.moment))
    looked = catalogue.look("recovery-point", {"RECOVERY_POINT": point})
    assert looked.verdict is Verdict.PASSED
    assert "now; base backup" in looked.observed
    latest = catalogue.look("recovery-point", {"RECOVERY_POINT": "latest"})
    assert ", today to 20" in latest.observed
    for wrong in ("2099-01-01 00:00Z", "2001-01-01 00:00Z", "2026-01-01 00:00", "soon"):
        looked = catalogue.look("recovery-point", {"RECOVERY_POINT": wrong})
        assert looked.verdict is Verdict.FAILED
        assert looked.hint
        assert "\\n" not in looked.hint, "a hint is one line of a list"


def test_a_time_in_wal_whose_last_commit_is_not_known_is_warned_of(
    archived: Archived, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL takes a time without a commit after it for not reached: a pass must not hide that."""
    keeper = keeper_of(archived.target)
    windows = [replace(one, latest=None) for one in keeper.windows()]
    monkeypatch.setattr(type(keeper), "windows", lambda _: windows)
    catalogue = Catalogue(archived.target)
    looked = catalogue.look("recovery-point", {"RECOVERY_POINT": spelled(ByTime(moment=archived.moment))})
    assert "it is not known whether the archived WAL has a commit after this time" in looked.warnings[0]
    looked = catalogue.look("recovery-point", {"RECOVERY_POINT": "latest"})
    assert not any("not known" in warning for warning in looked.warnings)


def test_a_base_backup_whose_own_wal_is_not_archived_yet_is_no_reach(
    archived: Archived, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not called reached, offers no moment, and counts for no age."""
    keeper = keeper_of(archived.target)
    windows = [replace(one, latest=None, latest_lsn=one.base.end_lsn - 1) for one in keeper.windows()]
    monkeypatch.setattr(type(keeper), "windows", lambda _: windows)
    looked = Catalogue(archived.target).look("wal-reach", {})
    assert looked.verdict is Verdict.UNKNOWN
    assert "brings nothing back yet" in looked.observed
    assert wal_status(archived.target).age is None
    assert [choice.value for choice in point_choices(archived.target)] == ["dump"]
    looked = Catalogue(archived.target).look("recovery-point", {"RECOVERY_POINT": "latest"})
    assert looked.verdict is Verdict.FAILED


@pytest.mark.parametrize("values", [{}, {"RECOVERY_POINT": "dump"}, {"RECOVERY_POINT": " "}])
def test_on_the_route_of_the_dump_there_is_no_point_to_look_at(values: dict[str, str]) -> None:
    """Also where nothing keeps WAL."""
    looked = Catalogue(Target()).look("recovery-point", values)
    assert looked.verdict is Verdict.PASSED
    assert "the route is the dump" in looked.observed


def test_without_a_keeper_of_wal_no_point_is_within_reach() -> None:
    """target.toml names none."""
    looked = Catalogue(Target()).look("recovery-point", {"RECOVERY_POINT": "latest"})
    assert looked.verdict is Verdict.FAILED


def test_a_host_that_can_take_the_base_backup_is_ready_without_a_set(archived: Archived) -> None:
    """What only a dump needs (roles, rights, extensions) is not asked for on this route."""
    catalogue = Catalogue(archived.target)
    looked = catalogue.look("database-ready", {"RECOVERY_POINT": "latest"})
    assert looked.verdict is Verdict.PASSED, looked
    assert "needed beside" in looked.observed
    assert catalogue.look("database-ready", {}).verdict is Verdict.UNPROVEN
    looked = catalogue.look("database-ready", {"RECOVERY_POINT": "2001-01-01 00:00Z"})
    assert looked.verdict is Verdict.FAILED


def test_a_server_that_is_lost_need_not_answer(host: LostHost) -> None:
    """The whole server is brought back; on the route of the dump it must answer."""
    host.control("stop", "-m", "fast")
    catalogue = Catalogue(host.target)
    looked = catalogue.look("database-reachable", {"RECOVERY_POINT": "latest"})
    assert looked.verdict is Verdict.PASSED
    assert looked.warnings
    assert catalogue.look("database-reachable", {}).verdict is Verdict.FAILED
    (host.folder / "gateway.env").unlink()
    assert catalogue.look("database-reachable", {"RECOVERY_POINT": "latest"}).verdict is Verdict.FAILED


def closed_to_all(rules: Path, reload: Callable[[], object], sockets: Path) -> None:
    """Let nobody into a server any more, and wait until it does not."""
    rules.write_text("local all nobody reject\n")
    reload()
    with contextlib.suppress(psycopg.OperationalError):
        while True:
            psycopg.connect(host=str(sockets), user="postgres", dbname="postgres").close()


def test_who_is_connected_must_be_seen(host: LostHost) -> None:
    """A live server that lets nobody look is no server that nobody is connected to."""
    closed_to_all(host.data / "pg_hba.conf", lambda: host.control("reload"), host.folder / "run")
    with pytest.raises(UnseenError, match="who is connected to it cannot be seen"):
        restored(host, host.between(5))
    assert host.names() == ["main"]


def test_a_host_that_does_not_tell_who_is_connected_is_not_called_ready(archived: Archived) -> None:
    """Unproven, with what would let it be seen."""
    cluster = archived.server.cluster
    rules = cluster.folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    closed_to_all(rules, lambda: cluster.control("reload"), cluster.folder)
    try:
        looked = Catalogue(archived.target).look("database-ready", {"RECOVERY_POINT": "latest"})
    finally:
        rules.write_text(before)
        cluster.control("restart")
    assert looked.verdict is Verdict.UNPROVEN, looked
    assert "stop AiHummer and the server itself" in looked.hint


def test_what_weighs_on_a_point_is_warned_of() -> None:
    """A base backup that nobody verified, WAL that stopped long ago, a gap."""
    clock = Clock(now=datetime(2026, 11, 24, 12, tzinfo=UTC), zone=UTC, zone_name="UTC")
    verified = replace(NEW, base=replace(NEW.base, verified=clock.now))
    assert point_warnings(verified, clock) == []
    old = replace(NEW, latest=clock.now - timedelta(hours=2), gap="000000010000000000000009")
    assert len(point_warnings(old, clock)) == 3


def test_the_dump_is_proposed_for_the_input() -> None:
    """A point in time is chosen by a person who knows what went wrong, or by the configuration."""
    assert Catalogue(Target()).suggestion("RECOVERY_POINT") == "dump"
    assert Catalogue(Target(inputs={"RECOVERY_POINT": "latest"})).suggestion("RECOVERY_POINT") == "latest"


def test_the_room_for_a_second_server_is_that_beside_the_data_directory(archived: Archived) -> None:
    """The base backup and the WAL it replays, on the file system where the old one is kept."""
    part = server_part(Scene(target=archived.target, values={"RECOVERY_POINT": "latest"}))
    assert part.unknown == ""
    assert part.place == archived.server.cluster.folder
    (window,) = keeper_of(archived.target).windows()
    assert part.size == room_needed(window.base) > window.base.size
