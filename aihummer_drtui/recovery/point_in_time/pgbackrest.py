"""pgBackRest as the keeper of base backups and WAL. What it told on trial: docs/pgbackrest-barman.md."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.database.account import ServerAccount, servers_account
from aihummer_drtui.recovery.point_in_time.keeper_program import Answer, KeeperProgram
from aihummer_drtui.recovery.point_in_time.laying import growth, refuse_tablespaces, require_empty
from aihummer_drtui.recovery.point_in_time.model import BaseBackup, ByTime, Keeper, Point, Window
from aihummer_drtui.recovery.point_in_time.pgbackrest_archive import archive_in
from aihummer_drtui.recovery.point_in_time.pgbackrest_info import (
    Backup,
    Stanza,
    base_of,
    read_info,
    read_verify,
)
from aihummer_drtui.recovery.point_in_time.recovery_settings import settle
from aihummer_drtui.recovery.point_in_time.segment_chain import Chain
from aihummer_drtui.recovery.point_in_time.wal_archive_view import ArchiveView, view_of
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import PgBackRest, Target


class PgBackRestKeeper:
    """A stanza's base backups and WAL. pgBackRest is run as the server's account."""

    keeper = Keeper.PGBACKREST

    def __init__(self, target: Target, settings: PgBackRest) -> None:
        self._target = target
        self._settings = settings

    def windows(self) -> tuple[Window, ...]:
        """Every base backup that was taken online, with its window, the newest first."""
        stanza = self._stanza()
        views: dict[str, ArchiveView] = {}
        windows = []
        for backup in sorted(stanza.backup, key=lambda each: each.timestamp.stop, reverse=True):
            base = base_of(stanza, backup)
            if base is None:
                continue
            place = f"{backup.database.repo_key} {stanza.archive_of(backup)}"
            if place not in views:
                views[place] = self._view(stanza, backup)
            windows.append(views[place].window(base))
        return tuple(windows)

    def prove(self, window: Window, point: Point, reporter: Reporter) -> None:
        """Prove base backup and WAL whole: pgBackRest reads its repository, or we read the WAL (`verify`)."""
        stanza, backup = self._found(window.base)
        if backup.error:
            raise FailedError(
                "pgBackRest found damaged pages in the database when it took this backup",
                where=backup.label,
                hint="choose another base backup, or the dump of a backup set",
            )
        view = self._view(stanza, backup)
        chain = view.chain(window.base)
        view.require(chain, window, point)
        if self._settings.verify:
            self._verify(stanza, backup, view, chain, reporter)
        # Where the last commit is not known, only reading tells whether one follows the moment.
        told = self._settings.verify and not (isinstance(point, ByTime) and window.latest is None)
        view.prove(chain, window.base, point, reporter, whole=told)

    def lay(self, window: Window, point: Point, folder: Path, reporter: Reporter) -> None:
        """Restore the base backup into the folder; one with tablespaces elsewhere is refused."""
        require_empty(folder)
        _, backup = self._found(window.base)
        answer = self._ask("info", "--output=json", f"--set={backup.label}", self._repo(backup))
        detailed = read_info(answer.data, self._settings.stanza)
        spaces = next((one.tablespace or () for one in detailed.backup if one.label == backup.label), ())
        refuse_tablespaces((space.name for space in spaces), backup.label)
        reporter.phase("laying out the base backup", total=window.base.size, unit="bytes")
        restored = self._ask(
            "restore",
            self._repo(backup),
            f"--pg1-path={folder}",
            f"--set={backup.label}",
            "--type=default",
            f"--target-timeline={window.timeline}",
            seconds=0,
            meanwhile=growth((folder,), reporter),
        )
        if not restored.succeeded:
            raise FailedError(
                f"pgbackrest restore {restored.ended.how}: {restored.words}",
                where=str(folder),
                hint=_restore_hint(restored),
            )
        reporter.reached(window.base.size)
        settle(folder, point, timeline=window.timeline, account=self._account)

    @cached_property
    def _account(self) -> ServerAccount:
        return servers_account(self._target)

    @cached_property
    def _program(self) -> KeeperProgram:
        config = self._settings.config
        return KeeperProgram(
            title="pgBackRest",
            package="pgbackrest",
            program=self._settings.program,
            options=(
                f"--stanza={self._settings.stanza}",
                *((f"--config={config}",) if config else ()),
            ),
            account=self._account,
            target=self._target,
        )

    def _ask(
        self,
        *arguments: str,
        console: str = "off",
        seconds: float = KeeperProgram.SECONDS,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Answer:
        # The configuration may send its log to stdout too, among the answers.
        levels = (f"--log-level-console={console}", "--log-level-stderr=error")
        return self._program.ask(*levels, *arguments, seconds=seconds, meanwhile=meanwhile)

    def _stanza(self) -> Stanza:
        answer = self._ask("info", "--output=json")
        if not answer.succeeded:
            raise self._program.refusal(
                "does not tell its backups",
                answer,
                hint="is `config` in [pgbackrest] of target.toml right, and readable for that account?",
            )
        return read_info(answer.data, self._settings.stanza)

    def _found(self, base: BaseBackup) -> tuple[Stanza, Backup]:
        stanza = self._stanza()
        for backup in stanza.backup:
            if backup.label == base.label:
                return stanza, backup
        raise PreconditionError(
            "this base backup is no longer in pgBackRest's repository",
            where=cleaned_line(base.label, 60),
            hint="it may have expired: list the windows again",
        )

    def _view(self, stanza: Stanza, backup: Backup) -> ArchiveView:
        archive = archive_in(
            self._program,
            repo=self._repo(backup),
            folder=f"archive/{stanza.name}/{stanza.archive_of(backup)}",
        )

        return view_of(
            archive.files,
            sample=backup.archive.start or "",
            fetch=archive.fetch,
            account=self._account,
            target=self._target,
        )

    def _verify(
        self, stanza: Stanza, backup: Backup, view: ArchiveView, chain: Chain, reporter: Reporter
    ) -> None:
        reporter.phase("pgBackRest verifies its repository")
        only = (f"--set={backup.label}",) if self._verifies_one else ()
        answer = self._ask(
            *("verify", "--output=text", "--verbose", self._repo(backup), *only),
            console="info",
            seconds=0,
            meanwhile=lambda: reporter.reached(0),
        )
        seen = read_verify(answer.data, backup.label, stanza.archive_of(backup))
        lost = [seen.wal[name] for name in sorted(view.names(chain) & seen.wal.keys())]
        if lost or seen.backup or seen.status not in {"", "valid"}:
            told = [*lost, *seen.backup] or [f"the backup is {seen.status}"]
            raise FailedError(
                f"pgBackRest finds damage: {'; '.join(told[:3])}",
                where=backup.label,
                hint="choose another base backup, or a point before a WAL file that is damaged",
            )
        if seen.status != "valid" or seen.checked < len(chain.segments) or seen.bad > len(seen.wal):
            raise FailedError(
                f"pgBackRest's verify does not say that backup and WAL are valid: it {answer.ended.how}: "
                f"{answer.words}",
                where=backup.label,
                hint="run `pgbackrest verify --output=text --verbose` and read it; with `verify = false` in "
                "[pgbackrest] of target.toml the WAL is read here instead",
            )

    @cached_property
    def _verifies_one(self) -> bool:
        """Whether `verify` can be kept to one backup: later versions can, 2.45 reads all it has."""
        return b"--set " in self._ask("help", "verify").data

    def _repo(self, backup: Backup) -> str:
        return f"--repo={backup.database.repo_key}"


def _restore_hint(answer: Answer) -> str:
    # ChecksumError and FormatError (src/build/error/error.yaml of pgBackRest).
    if answer.ended.code in {26, 29}:
        return "the backup is damaged: choose another base backup, or the dump of a backup set"
    return "the live data directory was not touched; mend what it says, remove the folder, try again"
