"""Putting a recovered data directory into the live one's place, and back: one exchange of two names.

Every state between is one that names itself: the mark says what was about to be done, and the folder's
inode whether it was. Whoever finds it so (`finish`) completes it or puts the old one back.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from aihummer_drtui.errors import DrtuiError, FailedError, UnknownOutcomeError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.database.connection import Owner, connect, server_words
from aihummer_drtui.recovery.database.marker import databases_seen
from aihummer_drtui.recovery.database.server import Running, Server
from aihummer_drtui.recovery.point_in_time.beside import STOP_SECONDS
from aihummer_drtui.recovery.point_in_time.mark import DataMark, Stage
from aihummer_drtui.recovery.point_in_time.place import DataPlace
from aihummer_drtui.recovery.reporting import Reporter

_ANSWER_SECONDS: Final = 60.0
_INTERVAL: Final = 0.2


@dataclass(frozen=True, kw_only=True)
class Switch:
    """One server, the place of its data, and who must be answered."""

    server: Server
    place: DataPlace
    owner: Owner

    def over(self, mark: DataMark, reporter: Reporter) -> DataMark:
        """Stop the live server, exchange the folders, start, and see the recovered one answer.

        Given the mark of a recovery that is verified and stopped; gives the mark of what is in place.
        Whatever breaks: the old folder is put back and its server started, and FailedError says so.
        """
        beside = self.place.beside(mark.id)
        replaces = self.place.live.is_dir()
        kept = self.place.aside("replaced", datetime.now(UTC)).name if replaces else ""
        ran = replaces and self._runs()
        mark = self.place.write(msgspec.structs.replace(mark, stage=Stage.SWITCHING, kept=kept, ran=ran))
        try:
            if ran:
                reporter.phase("stopping the live server")
                self.server.stop(seconds=STOP_SECONDS)
            reporter.phase("exchanging the data directories")
            self.place.put_in_place(beside)
            return self.complete(mark, reporter)
        except BaseException as error:
            self.back(mark, reporter, because=error)
            raise

    def complete(self, mark: DataMark, reporter: Reporter) -> DataMark:
        """After the exchange: name the old folder, start, see it answer, mark.

        Raises FailedError and OSError.
        """
        beside = self.place.beside(mark.id)
        if mark.kept and beside.exists():
            self.place.rename(beside, self.place.live.with_name(mark.kept))
        reporter.phase("starting the recovered server")
        if not self._runs():
            self.server.start()
        reporter.phase("asking the recovered server")
        self.see_recovered(mark)
        return self.place.write(msgspec.structs.replace(mark, stage=Stage.RESTORED, former=None))

    def back(self, mark: DataMark, reporter: Reporter, *, because: BaseException) -> None:
        """Put the old folder back in place, start its server if it ran, and raise what came of it.

        The recovered folder is kept beside, whole: the next call goes on from it.
        """
        reporter.phase("putting the old data directory back")
        try:
            self._put_back(mark)
            if mark.ran and not self._runs():
                self.server.start()
        except (DrtuiError, OSError) as error:
            raise UnknownOutcomeError(
                f"the switch failed ({_words(because)}), and so did the way back ({_words(error)}): "
                f"{self.which(mark)}",
                where=str(self.place.live),
                hint="mend the cause, then run the same command again; "
                "`aihummer-drtui probe restore-database` tells where it stands",
            ) from None
        if isinstance(because, DrtuiError | OSError):
            raise FailedError(
                f"the recovered server could not be put in place: {_words(because)}; {self.which(mark)}",
                where=str(self.place.live),
                hint="mend the cause, then run the same command again: it goes on from what was recovered",
            ) from None

    def finish(self, mark: DataMark, reporter: Reporter) -> DataMark:
        """Complete what a killed switch or undo began, or put the old one back; gives the mark after it.

        Raises FailedError and UnknownOutcomeError as `over` and `undo` do.
        """
        match mark.stage:
            case Stage.SWITCHING if self.place.in_place(mark):
                try:
                    return self.complete(mark, reporter)
                except BaseException as error:
                    self.back(mark, reporter, because=error)
                    raise
            case Stage.SWITCHING:
                # The old one is in place, perhaps stopped: it serves until the recovered one is verified.
                if mark.ran and not self._runs():
                    reporter.phase("starting the live server again")
                    self.server.start()
                return self.place.write(msgspec.structs.replace(mark, stage=Stage.RECOVERING, kept=""))
            case Stage.UNDOING:
                return self._undone(mark, reporter)
            case Stage.LAYING | Stage.RECOVERING | Stage.RESTORED | Stage.UNDONE:
                return mark

    def undo(self, mark: DataMark, reporter: Reporter) -> DataMark:
        """Exchange the recovered folder and the kept one; the former is then kept, under that name.

        Raises FailedError with which of the two is in place.
        """
        kept = self.place.live.with_name(mark.kept)
        mark = self.place.write(msgspec.structs.replace(mark, stage=Stage.UNDOING))
        try:
            reporter.phase("stopping the recovered server")
            self.server.stop(seconds=STOP_SECONDS)
            reporter.phase("exchanging the data directories")
            self.place.put_in_place(kept)
            return self._undone(mark, reporter)
        except (DrtuiError, OSError) as error:
            raise FailedError(
                f"the way back broke off: {_words(error)}; {self.which(mark)}",
                where=str(self.place.live),
                hint="mend the cause, then run the same command again: it goes on where it was",
            ) from None

    def _undone(self, mark: DataMark, reporter: Reporter) -> DataMark:
        kept = self.place.live.with_name(mark.kept)
        if self.place.in_place(mark):
            # Killed before the exchange.
            self.server.stop(seconds=STOP_SECONDS)
            self.place.put_in_place(kept)
        reporter.phase("starting the old server")
        if not self._runs():
            self.server.start()
        return self.place.write(msgspec.structs.replace(mark, stage=Stage.UNDONE))

    def which(self, mark: DataMark) -> str:
        """Which of the two is in place, and whether a server runs on it, in words."""
        name = "the recovered data directory" if self.place.in_place(mark) else "the old data directory"
        if not self.place.live.is_dir():
            return "no data directory is in place"
        try:
            runs = "its server runs" if self._runs() else "its server does not run"
        except DrtuiError:
            runs = "whether its server runs is not known"
        return f"{name} is in place, and {runs}"

    def see_recovered(self, mark: DataMark) -> None:
        """See that the owner's connection string leads to the recovered server. Raises FailedError."""
        self._until_seen(lambda: self.not_recovered(mark))

    def _put_back(self, mark: DataMark) -> None:
        if not self.place.in_place(mark):
            self.place.write(msgspec.structs.replace(mark, stage=Stage.RECOVERING, kept=""))
            return
        self.server.stop(seconds=STOP_SECONDS)
        beside = self.place.beside(mark.id)
        if (kept := self.place.kept(mark)) is not None and not beside.exists():
            self.place.rename(kept, beside)
        if beside.exists():
            self.place.put_in_place(beside)
        else:
            self.place.rename(self.place.live, beside)
        self.place.write(msgspec.structs.replace(mark, stage=Stage.RECOVERING, kept=""))

    def _runs(self) -> bool:
        return self.server.running() is Running.YES

    def _until_seen(self, missing: Callable[[], str]) -> None:
        deadline = time.monotonic() + _ANSWER_SECONDS
        while why := missing():
            if time.monotonic() > deadline or not self._runs():
                raise FailedError(
                    f"the recovered server does not answer as it should: {why}",
                    where=self.owner.phrase,
                    hint="does AIHUMMER_DATABASE_URL name the password of that point, and the right port?",
                )
            time.sleep(_INTERVAL)

    def not_recovered(self, mark: DataMark) -> str:
        """Why what answers the owner is not what was recovered, or nothing."""
        import psycopg

        try:
            with connect(self.owner, statement_seconds=10, autocommit=True) as connection:
                row = connection.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
                seen = databases_seen(connection).get(self.owner.database)
        except DrtuiError as error:
            return error.what
        except psycopg.Error as error:
            return server_words(error, self.owner)
        if row is None or int(row[0]) != mark.system_identifier:
            return "another server answers"
        if seen is None or seen.marker is None or seen.marker.point != mark.point:
            return "the database that answers does not carry the mark of this recovery"
        return ""


def _words(error: BaseException) -> str:
    if isinstance(error, DrtuiError):
        return cleaned_line(error.what, 300)
    if isinstance(error, OSError):
        return f"{error.strerror}: {cleaned_line(str(error.filename or ''))}"
    return "it was interrupted"
