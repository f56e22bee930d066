"""Barman as the keeper of base backups and WAL. What it told on trial: docs/pgbackrest-barman.md."""

import os
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from aihummer_drtui.durable import write_durably
from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.database.account import (
    ServerAccount,
    account_named,
    present_account,
    servers_account,
)
from aihummer_drtui.recovery.point_in_time.barman_archive import JSON, barman_archive, told
from aihummer_drtui.recovery.point_in_time.barman_show import (
    Shown,
    base_of,
    read_backup,
    read_backups,
    read_talk,
)
from aihummer_drtui.recovery.point_in_time.keeper_program import KeeperProgram
from aihummer_drtui.recovery.point_in_time.laying import (
    growth,
    hand_over,
    refuse_tablespaces,
    require_empty,
    require_handing_over,
)
from aihummer_drtui.recovery.point_in_time.model import BaseBackup, Keeper, Point, Window
from aihummer_drtui.recovery.point_in_time.recovery_settings import settle
from aihummer_drtui.recovery.point_in_time.segments import lsn_text
from aihummer_drtui.recovery.point_in_time.wal_archive_view import ArchiveView, view_of
from aihummer_drtui.recovery.regular_file import read_regular
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Barman, Target

_NO_MANIFEST: Final = re.compile(r"manifest", re.IGNORECASE)
_SET_ASIDE: Final = re.compile(rb"#BARMAN#(\s*archive_command\b.*)", re.IGNORECASE | re.DOTALL)
_CONFIGURATION_LIMIT: Final = 10_000_000


class BarmanKeeper:
    """A server entry's base backups and WAL. Barman is run on this host, as its own account."""

    keeper = Keeper.BARMAN

    def __init__(self, target: Target, settings: Barman) -> None:
        self._target = target
        self._settings = settings

    def windows(self) -> tuple[Window, ...]:
        """Every backup whose copy is whole, with its window, the newest first."""
        shown = [self._shown(each) for each in self._ids()]
        view = self._view(shown)
        return tuple(view.window(self._base(each, view)) for each in shown)

    def prove(self, window: Window, point: Point, reporter: Reporter) -> None:
        """Have Barman verify the copy against its manifest (`verify`), and read the WAL up to the point."""
        self._require_there(window.base)
        view = self._view([self._shown(each) for each in self._ids()])
        chain = view.chain(window.base)
        view.require(chain, window, point)
        if self._settings.verify:
            self._verify(window.base, reporter)
        view.prove(chain, window.base, point, reporter)

    def lay(self, window: Window, point: Point, folder: Path, reporter: Reporter) -> None:
        """Have Barman restore the copy and its WAL into the folder, then give all to the server's account."""
        require_empty(folder)
        owner = servers_account(self._target)
        require_handing_over(self._account, owner)
        shown = self._shown(window.base.label)
        refuse_tablespaces((space.name for space in shown.tablespaces or ()), window.base.label)
        reporter.phase("laying out the base backup", total=window.base.size, unit="bytes")
        try:
            self._account.own(folder)
            self._recover(window, folder, reporter)
        finally:
            hand_over(folder, owner)
        reporter.reached(window.base.size)
        _archive_as_before(folder, owner)
        settle(folder, point, timeline=window.timeline, account=owner)

    @cached_property
    def _account(self) -> ServerAccount:
        if self._settings.account:
            return account_named(self._settings.account)
        return account_named("barman") if os.geteuid() == 0 else present_account()

    @cached_property
    def _program(self) -> KeeperProgram:
        config = self._settings.config
        return KeeperProgram(
            title="Barman",
            package="barman",
            program=self._settings.program,
            options=("-c", str(config)) if config else (),
            account=self._account,
            target=self._target,
        )

    def _ids(self) -> tuple[str, ...]:
        answer = self._program.ask(*JSON, "list-backups", self._settings.server)
        return read_backups(told(self._program, answer, "does not list its backups"), self._settings.server)

    def _shown(self, label: str) -> Shown:
        answer = self._program.ask(*JSON, "show-backup", self._settings.server, label)
        return read_backup(told(self._program, answer, "does not show its backup"), self._settings.server)

    def _base(self, shown: Shown, view: ArchiveView) -> BaseBackup:
        # 0 is no cluster's identifier: with no WAL at all nobody can say whose the copy is.
        return base_of(shown, system_identifier=view.header.system_identifier if view.header else 0)

    def _require_there(self, base: BaseBackup) -> None:
        if base.label not in self._ids():
            raise PreconditionError(
                "this base backup is no longer in Barman's catalogue",
                where=base.label,
                hint="it may have expired: list the windows again",
            )

    def _view(self, backups: Sequence[Shown]) -> ArchiveView:
        archive = barman_archive(
            self._program, server=self._settings.server, backups=(each.backup_id for each in backups)
        )

        return view_of(
            archive.files,
            sample=backups[0].base_backup_information.begin_wal if backups else "",
            fetch=archive.fetch,
            account=self._account,
            target=self._target,
            beyond=archive.onwards,
        )

    def _verify(self, base: BaseBackup, reporter: Reporter) -> None:
        reporter.phase("Barman verifies the base backup")
        answer = self._program.ask(
            *(*JSON, "verify-backup", self._settings.server, base.label),
            seconds=0,
            meanwhile=lambda: reporter.reached(0),
        )
        if answer.succeeded:
            return
        why = read_talk(answer.data).complaint or answer.words
        if "checksum" in why or not _NO_MANIFEST.search(why):
            raise FailedError(
                f"Barman finds damage in the base backup, or cannot verify it: {why}",
                where=base.label,
                hint="choose another base backup; pg_verifybackup must be in Barman's path_prefix",
            )
        raise PreconditionError(
            f"the base backup cannot be proven: {why}",
            where=base.label,
            hint="backups by rsync have no manifest of the server's: with `verify = false` in [barman] "
            "of target.toml it is restored without this proof",
        )

    def _recover(self, window: Window, folder: Path, reporter: Reporter) -> None:
        answer = self._program.ask(
            *(*JSON, "recover", "--no-get-wal"),
            # For a time, Barman would choose the WAL files by when they were closed, and may leave out the
            # one whose commit ends the recovery: it is asked for all, and the point is settled after it.
            *("--target-lsn", lsn_text(window.latest_lsn), "--target-tli", str(window.timeline)),
            *("--target-action", "promote"),
            *(self._settings.server, window.base.label, str(folder)),
            seconds=0,
            meanwhile=growth((folder,), reporter),
        )
        if not answer.succeeded:
            why = read_talk(answer.data).complaint or answer.words
            raise FailedError(
                f"barman recover {answer.ended.how}: {why}",
                where=str(folder),
                hint=f"can {self._account.name} enter the folders above it? mend what it says, remove the "
                "folder, try again; the live data directory was not touched",
            )


def _archive_as_before(folder: Path, account: ServerAccount) -> None:
    """Put back the `archive_command` that Barman replaced by `false`, with which WAL would pile up for ever.

    Raises FailedError.
    """
    for name in ("postgresql.conf", "postgresql.auto.conf"):
        path = folder / name
        try:
            if path.is_symlink():
                # It lies elsewhere: nothing of this copy.
                continue
            data, state = read_regular(path, limit=_CONFIGURATION_LIMIT, follow=False)
            restored = b"".join(_put_back(data.splitlines(keepends=True)))
            if restored != data:
                write_durably(path, restored, mode=state.st_mode & 0o777, owner=(account.uid, account.gid))
        except FileNotFoundError:
            # Debian keeps postgresql.conf outside of the data directory.
            continue
        except OSError as error:
            raise FailedError(
                f"the server's configuration could not be put back as it was: {error.strerror}",
                where=str(path),
                hint="set archive_command there as it was, before the server is put to work",
            ) from error


def _put_back(lines: Iterable[bytes]) -> Iterable[bytes]:
    replaced = False
    for line in lines:
        if found := _SET_ASIDE.fullmatch(line):
            replaced = True
            yield found[1]
        elif not (replaced and line.strip() == b"archive_command = false"):
            replaced = False
            yield line
