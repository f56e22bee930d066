"""A real Barman, a real PostgreSQL: windows, proofs and restores to a point, and what is refused."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.point_in_time.barman import BarmanKeeper
from aihummer_drtui.recovery.point_in_time.model import ByLsn, ByName, ByTime, Keeper, Latest, Point, Window
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Barman, Postgres, Target
from aihummer_drtui.sandbox.account import Account
from tests.conftest import short_folder
from tests.recovery.point_in_time.kept_server import (
    KeptServer,
    account_of,
    copied,
    everything_owned_by,
    kept_server,
    needed_programs,
    overwrite,
    run,
    single,
)

pytestmark = [pytest.mark.postgres, pytest.mark.xdist_group("barman")]
NAME = "before o'brien \\ x"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A server entry with a base backup, and rows 1 to 4 in WAL files after it, streamed by Barman."""

    server: KeptServer
    account: Account
    after: dict[int, datetime]
    """A moment after each row's commit and before the next one's."""
    position: int
    """After row 2."""

    def keeper(self, config: str = "barman.conf", **settings: Any) -> BarmanKeeper:
        """A keeper as target.toml would make it, some settings changed."""
        told = Barman(server="main", config=self.server.folder / config)
        changed = msgspec.structs.replace(told, **settings)
        target = Target(
            barman=changed, postgres=Postgres(account=self.server.account.name), postgres_bin=self.server.bin
        )
        return BarmanKeeper(target, changed)

    def damaged(self, name: str) -> tuple[Path, BarmanKeeper]:
        """A copy of Barman's home to damage, and its keeper."""
        folder = self.server.folder
        home = copied(folder / "home", folder / name)
        write_configuration(folder / f"{name}.conf", home, self.server, self.account)
        return home / "main", self.keeper(f"{name}.conf")


def write_configuration(config: Path, home: Path, server: KeptServer, account: Account) -> None:
    """A server entry whose WAL and base backups come by streaming: one host, no ssh, two accounts."""
    import pwd

    name = account.name or pwd.getpwuid(os.geteuid()).pw_name
    config.write_text(
        f"[barman]\nbarman_user = {name}\nbarman_home = {home}\nbarman_lock_directory = {home}\n"
        f"log_file = {home}/barman.log\ncompression = gzip\n"
        f"[main]\ndescription = main\nconninfo = host={server.folder} user=postgres dbname=postgres\n"
        f"streaming_conninfo = host={server.folder} user=postgres\nbackup_method = postgres\n"
        f"streaming_archiver = on\nslot_name = barman\npath_prefix = {server.bin}\n"
        "immediate_checkpoint = true\n"
    )
    config.chmod(0o644)


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    """Give a server entry with a backup and WAL; nobody changes its home."""
    needed_programs("barman", package="barman")
    needed_programs("rsync", package="rsync")
    with short_folder() as place, kept_server(place) as server:
        account = account_of("barman")
        home = place / "home"
        home.mkdir()
        account.own(home)
        write_configuration(place / "barman.conf", home, server, account)
        with receiving(server, account):
            yield filled(server, account)


@contextmanager
def receiving(server: KeptServer, account: Account) -> Iterator[None]:
    """Let Barman receive WAL for as long as the block lasts."""
    program = ("barman", "-c", str(server.folder / "barman.conf"))
    run(account, *program, "receive-wal", "--create-slot", "main")
    with (server.folder / "receive.log").open("w") as log:
        receiver = subprocess.Popen(
            [*program, "receive-wal", "main"],
            stdout=log,
            stderr=log,
            cwd="/",
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            start_new_session=True,
            user=account.uid,
            group=account.gid,
            extra_groups=None if account.uid is None else [],
        )
    try:
        await_stream(server)
        yield
    finally:
        os.killpg(receiver.pid, signal.SIGTERM)
        receiver.wait()


def await_stream(server: KeptServer) -> None:
    """Return when the server sends its WAL."""
    deadline = time.monotonic() + 60
    with server.connect() as connection:
        while not connection.execute(
            "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"
        ).fetchone():
            assert time.monotonic() < deadline, (server.folder / "receive.log").read_text()


def archive(server: KeptServer, account: Account) -> None:
    """End the WAL file and have Barman archive it."""
    with server.connect() as connection:
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        # The receiver ends its file when it is sent something of the next one.
        connection.execute("CHECKPOINT")
    assert row
    deadline = time.monotonic() + 60
    while not list((server.folder / "home" / "main" / "wals").glob(f"*/{row[0]}")):
        assert time.monotonic() < deadline, f"{row[0]} is not archived"
        run(account, "barman", "-c", server.folder / "barman.conf", "archive-wal", "main")


def filled(server: KeptServer, account: Account) -> Kept:
    """Take the backup, and write the rows after it."""
    program = ("barman", "-c", str(server.folder / "barman.conf"))
    with server.connect() as connection:
        connection.execute("ALTER SYSTEM SET archive_command = 'cp %p /archive/%f'")
    archive(server, account)
    run(account, *program, "backup", "--wait", "main")
    after = {number: server.row(number) for number in (1, 2)}
    position = server.position()
    archive(server, account)
    server.restore_point(NAME)
    after[3] = server.row(3)
    archive(server, account)
    after[4] = server.row(4)
    archive(server, account)
    return Kept(server=server, account=account, after=after, position=position)


def single_window(keeper: BarmanKeeper) -> Window:
    """The only window that there is."""
    (window,) = keeper.windows()
    return window


def test_the_backup_is_listed_with_its_window(kept: Kept) -> None:
    """An operator sees from when to when it brings back, and whose it is by the WAL itself."""
    window = single_window(kept.keeper())
    assert window.base.keeper is Keeper.BARMAN
    assert window.base.size > 20_000_000
    with kept.server.connect() as connection:
        row = connection.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
    assert row
    assert window.base.system_identifier == row[0]
    assert window.base.started < window.earliest < kept.after[1]
    assert window.base.start_lsn < window.base.end_lsn < kept.position < window.latest_lsn
    assert window.latest is not None
    assert kept.after[3] < window.latest < kept.after[4]
    assert (window.gap, window.timeline) == ("", 1)


@pytest.mark.parametrize(
    ("kind", "rows"), [("time", [1, 2]), ("lsn", [1, 2]), ("name", [1, 2]), ("latest", [1, 2, 3, 4])]
)
def test_a_point_is_proven_laid_out_and_recovered_to(kept: Kept, kind: str, rows: list[int]) -> None:
    """The last row at or before the point is there, the next is not; all of it is the server's account's."""
    points: dict[str, Point] = {
        "time": ByTime(moment=kept.after[2]),
        "lsn": ByLsn(lsn=kept.position),
        "name": ByName(name=NAME),
        "latest": Latest(),
    }
    keeper = kept.keeper()
    window = single_window(keeper)
    keeper.prove(window, points[kind], Reporter.silent())
    folder = kept.server.new_folder(f"laid-{kind}")
    keeper.lay(window, points[kind], folder, Reporter.silent())
    assert everything_owned_by(kept.server.account, folder)
    assert "archive_command = 'cp %p /archive/%f'\n" in (folder / "postgresql.auto.conf").read_text()
    assert kept.server.rows_in(folder) == rows


def test_a_base_backup_with_tablespaces_is_refused_before_it_is_laid_out(kept: Kept) -> None:
    """Two folders cannot be exchanged in one step, nor back."""
    home, keeper = kept.damaged("spaces")
    (info,) = home.glob("base/*/backup.info")
    lines = [line for line in info.read_text().splitlines() if not line.startswith("tablespaces=")]
    info.write_text("\n".join([*lines, "tablespaces=[('big', 16385, '/srv/big')]", ""]))
    window = single_window(keeper)
    folder = kept.server.new_folder("laid-spaces")
    with pytest.raises(PreconditionError, match=r"tablespaces outside of the data directory \(big\)"):
        keeper.lay(window, Latest(), folder, Reporter.silent())
    assert not list(folder.iterdir())


def test_a_time_whose_next_commit_is_far_behind_it_is_reached(kept: Kept) -> None:
    """Barman would copy WAL up to the first file closed after the time, and miss the commit that ends it.

    Without that commit PostgreSQL takes the time for not reached, and the recovery fails.
    """
    home, keeper = kept.damaged("closed")
    window = single_window(keeper)
    # As if each file had been closed long after its last commit, as archive_timeout does on an idle server.
    for entry in (home / "wals" / "xlog.db",):
        lines = [line.split("\t") for line in entry.read_text().splitlines()]
        entry.write_text("".join("\t".join([n, s, "9999999999.0", c]) + "\n" for n, s, _, c in lines))
    folder = kept.server.new_folder("laid-closed")
    keeper.lay(window, ByTime(moment=kept.after[2]), folder, Reporter.silent())
    assert kept.server.rows_in(folder) == [1, 2]


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


def wal_files(home: Path) -> list[Path]:
    """Barman's WAL files, oldest first."""
    return sorted(home.glob("wals/*/????????????????????????"))


def test_a_wal_file_that_was_never_archived_ends_the_window_and_is_named(kept: Kept) -> None:
    """Barman's catalogue goes on after it without a word."""
    home, keeper = kept.damaged("gap")
    lost = wal_files(home)[-2]
    lost.unlink()
    catalogue = home / "wals" / "xlog.db"
    kept_lines = [line for line in catalogue.read_text().splitlines(keepends=True) if lost.name not in line]
    catalogue.write_text("".join(kept_lines))
    window = single_window(keeper)
    assert window.gap == lost.name
    assert window.latest is not None
    assert window.latest < kept.after[3]
    whole = single_window(kept.keeper())
    with pytest.raises(PreconditionError, match=f"WAL file {lost.name} is missing"):
        keeper.prove(whole, Latest(), Reporter.silent())
    keeper.prove(window, Latest(), Reporter.silent())


def test_a_wal_file_that_the_catalogue_has_and_the_disk_has_not_is_named(kept: Kept) -> None:
    """The list of files comes from Barman's catalogue: only fetching them proves them."""
    home, keeper = kept.damaged("vanished")
    lost = wal_files(home)[-2]
    lost.unlink()
    with pytest.raises(PreconditionError, match=f"WAL file {lost.name} is listed and not in"):
        keeper.prove(single_window(keeper), Latest(), Reporter.silent())


def test_a_damaged_wal_file_is_found_before_anything_is_laid_out(kept: Kept) -> None:
    """Barman has no hash of it: it is unpacked and every record decoded."""
    home, keeper = kept.damaged("wal")
    damaged = wal_files(home)[-2]
    overwrite(damaged, at=damaged.stat().st_size // 2)
    with pytest.raises(FailedError, match=damaged.name):
        keeper.prove(single_window(keeper), Latest(), Reporter.silent())


def test_a_damaged_base_backup_is_found_by_its_manifest(kept: Kept) -> None:
    """pg_verifybackup, run by Barman, names the file."""
    home, keeper = kept.damaged("base")
    window = single_window(keeper)
    overwrite(single(list(home.glob("base/*/data/base/1/1255"))), at=5000)
    with pytest.raises(FailedError, match=r'checksum mismatch for file "?base/1/1255'):
        keeper.prove(window, Latest(), Reporter.silent())


def test_a_base_backup_without_a_manifest_is_not_taken_for_whole(kept: Kept) -> None:
    """Backups by rsync have none; going without the proof is a person's decision, made in target.toml."""
    home, keeper = kept.damaged("manifest")
    single(list(home.glob("base/*/data/backup_manifest"))).unlink()
    window = single_window(keeper)
    with pytest.raises(PreconditionError, match="cannot be proven") as told:
        keeper.prove(window, Latest(), Reporter.silent())
    assert "verify = false" in told.value.hint
    kept.keeper("manifest.conf", verify=False).prove(window, Latest(), Reporter.silent())


def test_a_failed_restore_leaves_the_folder_to_the_servers_account(kept: Kept) -> None:
    """What Barman cannot finish is told in its words, and can be removed by whoever runs the server."""
    home, keeper = kept.damaged("short")
    window = single_window(keeper)
    wal_files(home)[-1].unlink()
    folder = kept.server.new_folder("laid-short")
    with pytest.raises(FailedError, match=r"barman recover ended with exit code 1: .*No such file"):
        keeper.lay(window, Latest(), folder, Reporter.silent())
    assert everything_owned_by(kept.server.account, folder)


def test_an_expired_backup_is_told(kept: Kept) -> None:
    """Between the list and the recovery another program may remove it."""
    keeper = kept.keeper()
    window = single_window(keeper)
    gone = replace(window, base=replace(window.base, label="20200101T000000"))
    with pytest.raises(PreconditionError, match="no longer in Barman's catalogue"):
        keeper.prove(gone, Latest(), Reporter.silent())
    with pytest.raises(PreconditionError, match="Unknown backup"):
        keeper.lay(gone, Latest(), kept.server.new_folder("laid-gone"), Reporter.silent())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"server": "wrong"}, "Unknown server 'wrong'"),
        ({"config": Path("/nonexistent/barman.conf")}, "does not list its backups"),
        ({"program": "barman-of-another-name"}, "Barman is not installed"),
        ({"account": "nobody-of-that-name"}, "there is no account"),
    ],
)
def test_what_is_configured_wrong_is_told(kept: Kept, settings: dict[str, Any], words: str) -> None:
    """Exit code 3 before anything starts, and where to mend it."""
    with pytest.raises(PreconditionError, match=words) as told:
        kept.keeper(**settings).windows()
    assert "target.toml" in told.value.hint
