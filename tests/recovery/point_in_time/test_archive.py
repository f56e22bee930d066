"""This program's own keeper on real servers: windows, gaps, wrong segments, timelines, packed archives."""

import gzip
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import psycopg
import pytest

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.database.server import Server
from aihummer_drtui.recovery.database.server_here import server_of
from aihummer_drtui.recovery.point_in_time.archive import ArchiveKeeper, restore_command
from aihummer_drtui.recovery.point_in_time.base import Base
from aihummer_drtui.recovery.point_in_time.base_create import make_base
from aihummer_drtui.recovery.point_in_time.model import ByLsn, ByName, ByTime, Keeper, Latest, Point, Window
from aihummer_drtui.recovery.point_in_time.segments import lsn_of
from aihummer_drtui.recovery.point_in_time.wal_status import wal_status
from aihummer_drtui.recovery.reporting import Reporter
from tests.conftest import short_folder
from tests.recovery.point_in_time.archiving import Archiving, archiving, target_of
from tests.recovery.small_cluster import running_cluster

pytestmark = pytest.mark.postgres
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
SILENT = Reporter.silent()


@dataclass(frozen=True, kw_only=True)
class Story:
    """A server that was written to over several segments, with the moments between."""

    made: Archiving
    base: Base
    moments: tuple[datetime, ...]
    """After the rows `row 0`, `row 1`, …; each row has a segment of its own."""
    names: tuple[str, ...]
    """Of those segments."""
    lsn: int
    """Before the last row."""

    def window(self) -> Window:
        """Its first window."""
        return self.made.keeper.windows()[0]


def tell(made: Archiving, rows: int = 4) -> Story:
    """Take a base backup, then write a row into each of a few segments, and name a restore point."""
    base = made.base()
    moments, names, lsn = [], [], 0
    for number in range(rows):
        if number == rows - 1:
            with made.cluster.admin() as connection:
                connection.execute("SELECT pg_create_restore_point('before the last')")
                row = connection.execute("SELECT pg_current_wal_lsn()::text").fetchone()
                assert row
                lsn = lsn_of(row[0])
        moments.append(made.write(f"row {number}"))
        names.append(made.archived())
    return Story(made=made, base=base, moments=tuple(moments), names=tuple(names), lsn=lsn)


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """Give a story that no test changes."""
    with archiving() as made:
        yield tell(made)


@pytest.fixture
def other(story: Story) -> Iterator[Story]:
    """The story with an archive and base backups of its own, which a test may damage."""
    with short_folder() as folder:
        for name in ("wal", "base"):
            subprocess.run(["cp", "-a", story.made.cluster.folder / name, folder / name], check=True)
        assert story.made.target.wal is not None
        wal = msgspec.structs.replace(
            story.made.target.wal, archive=folder / "wal", base_places=(folder / "base",)
        )
        made = Archiving(
            cluster=story.made.cluster, target=msgspec.structs.replace(story.made.target, wal=wal)
        )
        yield Story(made=made, base=story.base, moments=story.moments, names=story.names, lsn=story.lsn)


def archive_of(story: Story) -> Path:
    """The archive's folder."""
    assert story.made.target.wal is not None
    return story.made.target.wal.archive


def rows_of(server: Server) -> list[str]:
    """What was told, as a server of the tests holds it."""
    with psycopg.connect(host=str(server.sockets), port=server.port, user="postgres") as connection:
        return [row[0] for row in connection.execute("SELECT body FROM told ORDER BY body").fetchall()]


def recovered(story: Story, window: Window, point: Point) -> list[str]:
    """Lay the base backup out, start it beside, and give the rows that came back."""
    live = server_of(story.made.target)
    with short_folder() as folder:
        data = folder / "data"
        data.mkdir(mode=0o700)
        live.account.own(data)
        live.account.own(folder)
        story.made.keeper.lay(window, point, data, SILENT)
        beside = replace(live, data=data, sockets=folder, port=5433)
        options = ("-c", "port=5433", "-c", f"unix_socket_directories={folder}", "-c", "archive_mode=off")
        beside.start(options=options)
        try:
            with psycopg.connect(host=str(folder), port=5433, user="postgres", autocommit=True) as asked:
                asked.execute("SELECT pg_promote(true, 30) WHERE pg_is_in_recovery()")
            return rows_of(beside)
        finally:
            beside.stop()


def test_the_window_reaches_from_the_copy_to_the_last_commit(story: Story) -> None:
    """Earliest is the end of the copying, latest the last commit that was archived."""
    (window,) = story.made.keeper.windows()
    assert window.base.keeper is Keeper.ARCHIVE
    assert window.base.label == story.base.path.name
    assert window.base.verified is not None
    assert window.earliest == window.base.ended < story.moments[0]
    assert window.latest is not None
    assert story.moments[-2] < window.latest < story.moments[-1]
    assert (window.timeline, window.gap) == (1, "")
    size = story.base.seal.segment_size
    assert window.latest_lsn % size == 0
    assert story.made.keeper.keeper is Keeper.ARCHIVE


@pytest.mark.parametrize("kind", ["time", "lsn", "name", "latest"])
def test_each_kind_of_point_is_proven_and_comes_back(story: Story, kind: str) -> None:
    """What the recovery brings back is what the point names, to the row."""
    window = story.window()
    points: dict[str, tuple[Point, int]] = {
        "time": (ByTime(moment=story.moments[1]), 2),
        "lsn": (ByLsn(lsn=story.lsn), 3),
        "name": (ByName(name="before the last"), 3),
        "latest": (Latest(), 4),
    }
    point, rows = points[kind]
    story.made.keeper.prove(window, point, SILENT)
    assert recovered(story, window, point) == [f"row {number}" for number in range(rows)]


@pytest.mark.parametrize(
    ("point", "told"),
    [
        (ByName(name="never made"), "no restore point named never made"),
        (ByLsn(lsn=1 << 50), "no position"),
    ],
)
def test_a_point_that_is_not_there_is_refused(story: Story, point: Point, told: str) -> None:
    """Before anything is stopped, with the way to see what there is."""
    with pytest.raises(PreconditionError, match=told) as refused:
        story.made.keeper.prove(story.window(), point, SILENT)
    assert "wal status" in refused.value.hint


def test_a_moment_after_the_last_commit_is_refused(story: Story) -> None:
    """PostgreSQL would end the recovery with an error: no commit shows that the moment was reached."""
    with pytest.raises(PreconditionError, match="no commit after"):
        story.made.keeper.prove(story.window(), ByTime(moment=story.moments[-1]), SILENT)


def test_an_lsn_behind_the_last_record_is_refused(story: Story) -> None:
    """The tail of a segment that was closed early holds no record."""
    last = story.window().latest_lsn - 8
    with pytest.raises(PreconditionError, match="no record at or after"):
        story.made.keeper.prove(story.window(), ByLsn(lsn=last), SILENT)


def test_a_gap_ends_the_window_and_is_named(other: Story) -> None:
    """A deleted segment: what is before it can be brought back, what is after cannot."""
    (archive_of(other) / other.names[2]).unlink()
    window = other.window()
    assert window.gap == other.names[2]
    assert window.latest is not None
    assert other.moments[0] < window.latest < other.moments[1]
    other.made.keeper.prove(window, ByTime(moment=other.moments[0]), SILENT)
    with pytest.raises(PreconditionError, match=f"{other.names[2]} is missing after it"):
        other.made.keeper.prove(window, ByTime(moment=other.moments[2]), SILENT)


def test_a_link_is_a_gap(other: Story) -> None:
    """A stranger's archive may lead anywhere; no link is followed."""
    segment = archive_of(other) / other.names[1]
    segment.rename(segment.with_name("elsewhere"))
    segment.symlink_to("elsewhere")
    assert other.window().gap == other.names[1]


@pytest.mark.parametrize("how", ["position", "cut", "cluster", "noise"])
def test_a_wrong_segment_ends_the_window_and_is_refused(other: Story, how: str) -> None:
    """A segment of another position or cluster, one that was cut, and noise are of no use."""
    archive = archive_of(other)
    wrong = archive / other.names[1]
    before = other.window()
    content = bytearray(wrong.read_bytes())
    match how:
        case "position":
            content = bytearray((archive / other.names[0]).read_bytes())
        case "cut":
            del content[-8192:]
        case "cluster":
            content[24:32] = (1234).to_bytes(8, "little")
        case _:
            content[:40] = b"\x00" * 40
    wrong.write_bytes(content)
    window = other.window()
    assert window.gap == other.names[1]
    assert window.latest is not None
    assert window.latest < other.moments[0]
    with pytest.raises(FailedError, match=f"WAL file {other.names[1]} is of no use"):
        other.made.keeper.prove(before, Latest(), SILENT)


@pytest.mark.parametrize(("packing", "program"), [(".gz", "gzip"), (".zst", "zstd"), (".lz4", "lz4")])
def test_a_packed_archive_serves_as_well(other: Story, packing: str, program: str) -> None:
    """Windows, proof and recovery from segments that archive_command packed."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    archive = archive_of(other)
    for segment in [path for path in archive.iterdir() if len(path.name) == 24]:
        state = segment.stat()
        with segment.open("rb") as source, (archive / f"{segment.name}{packing}").open("wb") as packed:
            subprocess.run([program, "-c"], stdin=source, stdout=packed, check=True)
        server = server_of(other.made.target)
        server.account.own(archive / f"{segment.name}{packing}")
        assert state.st_uid == server.account.uid
        segment.unlink()
    window = other.window()
    assert window.latest is not None
    assert window.latest > other.moments[-2]
    point = ByTime(moment=other.moments[2])
    other.made.keeper.prove(window, point, SILENT)
    assert recovered(other, window, point) == ["row 0", "row 1", "row 2"]
    broken = archive / f"{other.names[1]}{packing}"
    broken.write_bytes(broken.read_bytes()[:-20])
    with pytest.raises(FailedError, match="cannot be unpacked"):
        other.made.keeper.prove(window, Latest(), SILENT)


def test_a_damaged_base_backup_is_refused_before_and_while_it_is_laid_out(other: Story) -> None:
    """One byte of one file: pg_verifybackup sees it in the proof, the copying by the sealed hash."""
    window = other.window()
    base = other.made.keeper.bases()[0]
    victim = base.data / "global" / "1262"
    content = bytearray(victim.read_bytes())
    content[100] ^= 1
    victim.write_bytes(content)
    with pytest.raises(FailedError, match="not sound"):
        other.made.keeper.prove(window, Latest(), SILENT)
    assert other.window().base.verified is None
    with pytest.raises(FailedError, match="global/1262 is not what was sealed"):
        recovered(other, window, Latest())
    victim.unlink()
    with pytest.raises(FailedError, match="global/1262 is missing"):
        recovered(other, window, Latest())


def test_a_file_that_nobody_listed_is_not_laid_out(other: Story) -> None:
    """A base backup that somebody added to: nothing of it is given to the server."""
    base = other.made.keeper.bases()[0]
    (base.data / "base" / "evil").write_text("x")
    with pytest.raises(FailedError, match="base/evil is not listed"):
        recovered(other, other.window(), Latest())
    (base.data / "base" / "evil").unlink()
    (base.data / "pg_tblspc" / "16999").symlink_to("/tmp")
    with pytest.raises(FailedError, match=r"link or a device.*tablespaces"):
        recovered(other, other.window(), Latest())


def test_the_archive_may_begin_after_the_base_backup(other: Story) -> None:
    """WAL of the copying itself comes with the base backup; without any other, its end is the window's."""
    base = other.base.seal
    assert other.made.keeper.windows()
    for path in archive_of(other).iterdir():
        if path.name < other.names[0] and len(path.name) == 24:
            path.unlink()
    window = other.window()
    assert window.latest is not None
    for path in archive_of(other).iterdir():
        path.unlink()
    alone = other.window()
    assert (alone.latest, alone.gap, alone.latest_lsn) == (None, "", lsn_of(base.end_lsn))
    other.made.keeper.prove(alone, Latest(), SILENT)


def test_two_timelines_are_two_windows() -> None:
    """After a recovery to an earlier moment both futures can be brought back, the newer one first."""
    with archiving() as made:
        story = tell(made, rows=3)
        window = story.window()
        server = server_of(made.target)
        server.stop()
        data = made.cluster.folder / "data"
        data.rename(made.cluster.folder / "data.old")
        data.mkdir(mode=0o700)
        server.account.own(data)
        made.keeper.lay(window, ByTime(moment=story.moments[0]), data, SILENT)
        server.start()
        with made.cluster.admin() as connection:
            connection.execute("SELECT pg_promote(true, 30) WHERE pg_is_in_recovery()")
        made.write("another future")
        made.archived()
        newer, older = made.keeper.windows()
        assert (newer.timeline, older.timeline) == (2, 1)
        assert newer.latest is not None
        assert older.latest is not None
        assert newer.latest > older.latest
        assert newer.gap == older.gap == ""
        made.keeper.prove(newer, Latest(), SILENT)
        made.keeper.prove(older, ByTime(moment=story.moments[1]), SILENT)
        assert recovered(story, newer, Latest()) == ["another future", "row 0"]
        assert recovered(story, older, ByTime(moment=story.moments[1])) == ["row 0", "row 1"]
        with pytest.raises(PreconditionError, match="no longer holds WAL of timeline 7"):
            made.keeper.prove(replace(newer, timeline=7), Latest(), SILENT)


@pytest.mark.skipif(not DEBIAN_15.is_dir(), reason="no PostgreSQL 15 in /usr/lib/postgresql")
def test_postgresql_15_is_kept_as_well() -> None:
    """Debian's own server, with its own programs and WAL format."""
    with archiving(DEBIAN_15) as made:
        story = tell(made, rows=2)
        window = story.window()
        assert window.base.server_major == 15
        point = ByTime(moment=story.moments[0])
        made.keeper.prove(window, point, SILENT)
        assert recovered(story, window, point) == ["row 0"]


def test_a_base_backup_that_is_gone_is_named(story: Story, other: Story) -> None:
    """Between looking and recovering somebody may remove it."""
    window = other.window()
    shutil.rmtree(other.made.keeper.bases()[0].path)
    with pytest.raises(PreconditionError, match="no longer there"):
        other.made.keeper.prove(window, Latest(), SILENT)


def test_wal_of_a_base_backup_that_nobody_can_see_is_not_told_to_be_of_no_use(
    story: Story, tmp_path: Path
) -> None:
    """Its place is not mounted, or its seal is damaged: who removes WAL then, removes what it needs."""
    keeper = story.made.keeper
    wal = keeper.wal
    assert keeper.oldest_needed()
    assert keeper.unseen() == ()
    away = msgspec.structs.replace(wal, base_places=(*wal.base_places, Path("/nonexistent")))
    assert replace(keeper, wal=away).oldest_needed() == ""
    assert replace(keeper, wal=away).unseen() == (
        "base backups in /nonexistent: the place cannot be listed: No such file or directory",
    )
    for name in (".partial-base", "damaged"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "base.json").write_text("{}")
    beside = msgspec.structs.replace(wal, base_places=(*wal.base_places, tmp_path))
    assert replace(keeper, wal=beside).oldest_needed() == ""
    (told,) = replace(keeper, wal=beside).unseen()
    assert told.startswith(f"{tmp_path / 'damaged'}: the seal cannot be read")
    status = wal_status(msgspec.structs.replace(keeper.target, wal=beside))
    assert status.oldest_needed == ""
    assert told in " ".join(status.unknown)


def test_places_that_cannot_be_listed_are_told(story: Story) -> None:
    """No place named, none that can be listed, no archive."""
    target = story.made.target
    wal = target.wal
    assert wal is not None
    none = msgspec.structs.replace(wal, base_places=())
    with pytest.raises(PreconditionError, match="no place of base backups"):
        ArchiveKeeper(target=target, wal=none).windows()
    away = msgspec.structs.replace(wal, base_places=(Path("/nonexistent"),))
    with pytest.raises(PreconditionError, match="cannot be listed"):
        ArchiveKeeper(target=target, wal=away).windows()
    lost = msgspec.structs.replace(wal, archive=Path("/nonexistent"))
    with pytest.raises(PreconditionError, match="WAL archive cannot be listed"):
        ArchiveKeeper(target=target, wal=lost).windows()


def test_tablespaces_elsewhere_are_refused() -> None:
    """One directory is all that a base backup of this program holds."""
    with running_cluster() as cluster, short_folder() as folder:
        cluster.account.own(folder)
        with cluster.admin() as connection:
            connection.execute(f"CREATE TABLESPACE fast LOCATION '{folder}'".encode())
        with pytest.raises(PreconditionError, match=f"fast in {folder}"):
            make_base(target_of(cluster), cluster.folder / "base", SILENT)


def test_the_restore_command_tells_missing_from_broken(tmp_path: Path) -> None:
    """1 where no such file is: go on; over 125 where it or the archive cannot be had: stop (25.3.5).

    An archive that is not mounted, or closed to the server's account, would else look like the end of WAL:
    a recovery to `latest` would end early, and nobody be told.
    """
    place = tmp_path / "it's 100%"
    place.mkdir()
    (place / "A").write_bytes(b"plain")
    (place / "B.gz").write_bytes(gzip.compress(b"packed"))
    (place / "C.gz").write_bytes(b"noise")

    def run(name: str) -> tuple[int, bytes]:
        command = restore_command(place).replace("%f", name).replace("%p", "out").replace("%%", "%")
        (tmp_path / "out").unlink(missing_ok=True)
        code = subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, check=False, capture_output=True)
        out = tmp_path / "out"
        return code.returncode, out.read_bytes() if out.exists() else b""

    assert run("A") == (0, b"plain")
    assert run("B") == (0, b"packed")
    assert run("C")[0] == 200
    assert run("D")[0] == 1
    (tmp_path / "away").mkdir()
    place.rename(tmp_path / "away" / "it's 100%")
    assert run("A")[0] == 200
    assert run("D")[0] == 200


def test_idle_hours_do_not_hide_the_last_commit() -> None:
    """Segments that archive_timeout closed without a commit: it is looked for before them."""
    with archiving() as made:
        base = made.base()
        moment = made.write("the last")
        made.archived()
        for _ in range(3):
            with made.cluster.admin() as connection:
                connection.execute("SELECT pg_create_restore_point('idle')")
            made.archived()
        window = made.keeper.windows()[0]
        assert window.base.label == base.path.name
        assert window.latest is not None
        assert moment - timedelta(seconds=5) < window.latest < moment
        made.keeper.prove(window, ByTime(moment=window.latest - timedelta(microseconds=1)), SILENT)
