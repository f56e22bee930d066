"""A real pgBackRest, a real PostgreSQL: windows, proofs and restores to a point, and what is refused."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.point_in_time.model import ByLsn, ByName, ByTime, Keeper, Latest, Point, Window
from aihummer_drtui.recovery.point_in_time.pgbackrest import PgBackRestKeeper
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import PgBackRest, Postgres, Target
from tests.conftest import short_folder
from tests.recovery.point_in_time.kept_server import (
    KeptServer,
    copied,
    everything_owned_by,
    kept_server,
    needed_programs,
    overwrite,
    recovered,
    run,
    single,
)

pytestmark = [pytest.mark.postgres, pytest.mark.xdist_group("pgbackrest")]
NAME = "before o'brien \\ x"
"""A restore point's name that pgBackRest 2.45 writes into the configuration without quoting it."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A stanza with a full backup, and rows 1 to 4 in WAL files after it."""

    server: KeptServer
    after: dict[int, datetime]
    """A moment after each row's commit and before the next one's."""
    position: int
    """After row 2."""

    def keeper(self, config: str = "pgbackrest.conf", **settings: Any) -> PgBackRestKeeper:
        """A keeper as target.toml would make it."""
        told = PgBackRest(stanza="main", config=self.server.folder / config)
        return keeper_with(self.server, told, **settings)

    def damaged(self, name: str) -> tuple[Path, PgBackRestKeeper]:
        """A copy of the repository to damage, and its keeper."""
        folder = self.server.folder
        repo = copied(folder / "repo", folder / name)
        text = (folder / "pgbackrest.conf").read_text().replace(str(folder / "repo"), str(repo))
        config = folder / f"{name}.conf"
        config.write_text(text)
        config.chmod(0o644)
        return repo, self.keeper(config.name)


def keeper_with(server: KeptServer, settings: PgBackRest, **more: Any) -> PgBackRestKeeper:
    """A keeper with these settings, `more` of them changed."""
    import msgspec

    changed = msgspec.structs.replace(settings, **more)
    target = Target(
        pgbackrest=changed, postgres=Postgres(account=server.account.name), postgres_bin=server.bin
    )
    return PgBackRestKeeper(target, changed)


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    """Give a stanza with a backup and WAL; nobody changes its repository."""
    needed_programs("pgbackrest", package="pgbackrest")
    with short_folder() as place:
        config = place / "pgbackrest.conf"
        push = f"pgbackrest --config={config} --stanza=main archive-push %p"
        with kept_server(place, "archive_mode = on", f"archive_command = '{push}'") as server:
            yield stanza(server, config)


def stanza(server: KeptServer, config: Path) -> Kept:
    """Make the stanza, its backup, and the rows after it."""
    place = server.folder
    lines = [f"{name}={server.new_folder(part)}" for name, part in FOLDERS.items()]
    config.write_text(
        "\n".join(
            (
                *(
                    "[global]",
                    *lines,
                    "start-fast=y",
                    "repo1-retention-full=2",
                    "log-level-console=info",
                    "job-retry=0",
                ),
                *("[main]", f"pg1-path={server.data}", f"pg1-socket-path={place}", "pg1-user=postgres", ""),
            )
        )
    )
    config.chmod(0o644)
    program = ("pgbackrest", f"--config={config}", "--stanza=main")
    run(server.account, *program, "stanza-create")
    run(server.account, *program, "backup")
    with server.connect() as connection:
        # pgBackRest counts whole seconds: the window opens when the one in which the backup ended is over.
        connection.execute(
            "SELECT pg_sleep(ceil(extract(epoch FROM now())) + 0.01 - extract(epoch FROM now()))"
        )
    after = {number: server.row(number) for number in (1, 2)}
    position = server.position()
    archive(server, program)
    server.restore_point(NAME)
    after[3] = server.row(3)
    archive(server, program)
    after[4] = server.row(4)
    archive(server, program)
    return Kept(server=server, after=after, position=position)


FOLDERS = {"repo1-path": "repo", "log-path": "logs", "lock-path": "locks", "spool-path": "spool"}


def archive(server: KeptServer, program: tuple[str, ...]) -> None:
    """End the WAL file and have it archived: `check` waits for that by itself."""
    run(server.account, *program, "check")


def test_the_backup_is_listed_with_its_window(kept: Kept) -> None:
    """An operator sees from when to when it brings back, by the zone-less seconds and WAL of pgBackRest."""
    window = single_window(kept.keeper())
    assert window.base.keeper is Keeper.PGBACKREST
    assert window.base.size > 20_000_000
    with kept.server.connect() as connection:
        row = connection.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
    assert row
    assert window.base.system_identifier == row[0]
    assert window.base.started < window.earliest
    assert window.base.start_lsn < window.base.end_lsn < kept.position < window.latest_lsn
    assert window.latest is not None
    assert kept.after[3] < window.latest < kept.after[4]
    assert (window.gap, window.timeline) == ("", 1)


def single_window(keeper: PgBackRestKeeper) -> Window:
    """The only window that there is."""
    (window,) = keeper.windows()
    return window


@pytest.mark.parametrize(
    ("kind", "rows", "verify"),
    [
        ("time", [1, 2], True),
        ("time", [1, 2], False),
        ("lsn", [1, 2], True),
        ("name", [1, 2], True),
        ("latest", [1, 2, 3, 4], True),
    ],
)
def test_a_point_is_proven_laid_out_and_recovered_to(
    kept: Kept, kind: str, rows: list[int], verify: bool
) -> None:
    """The last row at or before the point is there, the next is not."""
    points: dict[str, Point] = {
        "time": ByTime(moment=kept.after[2]),
        "lsn": ByLsn(lsn=kept.position),
        "name": ByName(name=NAME),
        "latest": Latest(),
    }
    point = points[kind]
    keeper = kept.keeper(verify=verify)
    window = single_window(keeper)
    keeper.prove(window, point, Reporter.silent())
    folder = kept.server.new_folder(f"laid-{kind}-{verify}")
    keeper.lay(window, point, folder, Reporter.silent())
    assert everything_owned_by(kept.server.account, folder)
    assert kept.server.rows_in(folder) == rows


def test_a_point_that_the_wal_does_not_reach_is_refused(kept: Kept) -> None:
    """Without a commit after it, PostgreSQL would end the recovery as failed, hours later."""
    keeper = kept.keeper()
    window = single_window(keeper)
    points: list[tuple[Point, str]] = [
        (ByTime(moment=kept.after[4] + timedelta(hours=1)), "no commit after"),
        (ByName(name="never made"), "no restore point named never made"),
        (ByLsn(lsn=window.latest_lsn + 1), "no position"),
        (ByLsn(lsn=window.latest_lsn - 1), "no record at or after"),
    ]
    for point, words in points:
        with pytest.raises(PreconditionError, match=words):
            keeper.prove(window, point, Reporter.silent())
    # The end's time may not be known: then the WAL itself is asked.
    with pytest.raises(PreconditionError, match="no commit after"):
        keeper.prove(replace(window, latest=None), points[0][0], Reporter.silent())


def test_a_wal_file_missing_in_the_middle_ends_the_window_and_is_named(kept: Kept) -> None:
    """`verify` calls such a repository ok (2.45): the files' names tell."""
    repo, keeper = kept.damaged("gap")
    files = sorted(repo.glob("archive/main/*/*/????????????????????????-*"))
    lost = files[-2]
    lost.unlink()
    window = single_window(keeper)
    assert window.gap == lost.name[:24]
    assert window.latest is not None
    assert window.latest < kept.after[3]
    whole = single_window(kept.keeper())
    with pytest.raises(PreconditionError, match=f"WAL file {window.gap} is missing"):
        keeper.prove(whole, Latest(), Reporter.silent())
    keeper.prove(window, Latest(), Reporter.silent())


@pytest.mark.parametrize("verify", [True, False])
def test_a_damaged_wal_file_is_found_before_anything_is_laid_out(kept: Kept, verify: bool) -> None:
    """`archive-get` may hand it out without a word, and the recovery would stop short of the point."""
    repo, _ = kept.damaged(f"wal-{verify}")
    keeper = kept.keeper(f"wal-{verify}.conf", verify=verify)
    window = single_window(keeper)
    damaged = sorted(repo.glob("archive/main/*/*/????????????????????????-*"))[-2]
    overwrite(damaged, at=damaged.stat().st_size // 2)
    with pytest.raises(FailedError, match=damaged.name[:24]):
        keeper.prove(window, Latest(), Reporter.silent())


def test_a_damaged_backup_is_found_by_the_proof_and_by_laying_it_out(kept: Kept) -> None:
    """`verify` ends with 0 whatever it finds (2.45): its words count."""
    repo, keeper = kept.damaged("base")
    window = single_window(keeper)
    overwrite(single(list(repo.glob("backup/main/*F/pg_data/base/1/1255.*"))), at=100)
    with pytest.raises(FailedError, match=r"invalid checksum .*base/1/1255"):
        keeper.prove(window, Latest(), Reporter.silent())
    folder = kept.server.new_folder("laid-base")
    with pytest.raises(FailedError, match="pgbackrest restore ended with exit code") as told:
        keeper.lay(window, Latest(), folder, Reporter.silent())
    assert "choose another base backup" in told.value.hint


def test_a_backup_without_its_manifest_is_not_taken_for_whole(kept: Kept) -> None:
    """With its manifest gone, 2.45 ends with 0, and without --verbose says nothing at all."""
    repo, keeper = kept.damaged("silent")
    window = single_window(keeper)
    for manifest in repo.glob("backup/main/*F/backup.manifest*"):
        manifest.unlink()
    with pytest.raises(FailedError, match="manifest missing"):
        keeper.prove(window, Latest(), Reporter.silent())


def test_an_expired_backup_is_told(kept: Kept) -> None:
    """Between the list and the recovery another program may remove it."""
    from dataclasses import replace

    keeper = kept.keeper()
    window = single_window(keeper)
    gone = replace(window, base=replace(window.base, label="20200101-000000F"))
    with pytest.raises(PreconditionError, match="no longer in pgBackRest's repository"):
        keeper.prove(gone, Latest(), Reporter.silent())


def test_a_folder_with_something_in_it_is_never_laid_over(kept: Kept) -> None:
    """Not the live data directory, and no other."""
    keeper = kept.keeper()
    window = single_window(keeper)
    with pytest.raises(FailedError, match="must be an empty folder"):
        keeper.lay(window, Latest(), kept.server.data, Reporter.silent())
    with pytest.raises(FailedError, match="cannot be looked at"):
        keeper.lay(window, Latest(), kept.server.folder / "nothing", Reporter.silent())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"stanza": "wrong"}, "missing stanza path"),
        ({"config": Path("/nonexistent/pgbackrest.conf")}, "unable to open missing file"),
        ({"program": "pgbackrest-of-another-name"}, "pgBackRest is not installed"),
    ],
)
def test_what_is_configured_wrong_is_told_with_pgbackrests_words(
    kept: Kept, settings: dict[str, Any], words: str
) -> None:
    """Exit code 3 before anything starts, and where to mend it."""
    with pytest.raises(PreconditionError, match=words) as told:
        keeper_with(
            kept.server, PgBackRest(stanza="main", config=kept.server.folder / "pgbackrest.conf"), **settings
        ).windows()
    assert "target.toml" in told.value.hint


def test_a_repository_of_unreadable_files_is_told(kept: Kept) -> None:
    """`info` ends with 0 and an empty list then."""
    repo, keeper = kept.damaged("unreadable")
    for info in repo.glob("backup/main/backup.info*"):
        info.write_text("x\n")
    with pytest.raises(PreconditionError, match="unable to load info file"):
        keeper.windows()


def test_the_window_goes_on_along_a_new_timeline(kept: Kept) -> None:
    """After a promotion its WAL goes on under another number; the base backup before it still leads there."""
    needed_programs("zstd", package="zstd")
    server = kept.server
    keeper = kept.keeper()
    window = single_window(keeper)
    folder = server.new_folder("promoted")
    keeper.lay(window, ByTime(moment=kept.after[2]), folder, Reporter.silent())
    repo, later = kept.damaged("timelines")
    config = server.folder / "timelines.conf"
    text = config.read_text().replace(str(server.data), str(folder)) + "compress-type=zst\n"
    config.write_text(text.replace(f"pg1-socket-path={server.folder}", f"pg1-socket-path={folder}"))
    push = f"pgbackrest --config={config} --stanza=main archive-push %p"
    settings = f"archive_command = '{push}'\nunix_socket_directories = '{folder}'\n"
    with (folder / "postgresql.conf").open("a") as file:
        file.write(settings)
    promoted = KeptServer(folder=folder, bin=server.bin, account=server.account)
    control = (server.bin / "pg_ctl", "-D", folder, "-l", folder / "pg.log", "-w")
    run(server.account, *control, "start")
    try:
        recovered(folder).close()
        moment = promoted.row(20)
        archive(promoted, ("pgbackrest", f"--config={config}", "--stanza=main"))
        promoted.row(21)
        archive(promoted, ("pgbackrest", f"--config={config}", "--stanza=main"))
    finally:
        run(server.account, *control, "-m", "immediate", "stop")
    onto = single_window(later)
    assert onto.timeline == 2
    assert onto.latest is not None
    assert onto.latest > moment
    assert list(repo.glob("archive/main/*/*/00000002*.zst"))
    later.prove(onto, ByTime(moment=moment), Reporter.silent())
    laid = server.new_folder("onto-two")
    later.lay(onto, ByTime(moment=moment), laid, Reporter.silent())
    assert server.rows_in(laid) == [1, 2, 20]
    shutil.rmtree(laid)


def test_a_base_backup_with_tablespaces_is_refused_before_it_is_laid_out(kept: Kept) -> None:
    """Two folders cannot be exchanged in one step, nor back."""
    server = kept.server
    _, keeper = kept.damaged("spaces")
    with server.connect() as connection:
        connection.execute(f"CREATE TABLESPACE big LOCATION '{server.new_folder('space')}'".encode())
        config = f"--config={server.folder / 'spaces.conf'}"
        program = ("pgbackrest", config, "--stanza=main", "--type=full", "--no-archive-check")
        run(server.account, *program, "backup")
        connection.execute("DROP TABLESPACE big")
    window = max(keeper.windows(), key=lambda window: window.base.started)
    folder = server.new_folder("laid-spaces")
    with pytest.raises(PreconditionError, match=r"tablespaces outside of the data directory \(big\)"):
        keeper.lay(window, Latest(), folder, Reporter.silent())
    assert not list(folder.iterdir())
