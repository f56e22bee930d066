"""What pg_restore complains of, classed: a few errors are benign, each with its reason; all else is fatal.

pg_restore goes on after an error of SQL and then ends with exit code 1 and a count ("errors ignored on
restore: N"), whatever the errors were. So neither its code nor its going on says anything of how bad
they are. The words are those of PostgreSQL 13 to 18 (src/bin/pg_dump/pg_backup_db.c, ExecuteSqlCommand)
with LC_ALL=C. The server's own part of a message follows its lc_messages, which only a superuser may
change: what is not English matches no rule, and so is fatal.
"""

import re
from dataclasses import dataclass
from typing import Final

from aihummer_drtui.foreign import cleaned_line

_KEPT_LINES: Final = 20
"""Of one complaint; a statement may be of any length."""
_KEPT: Final = 100
"""Warnings; the rest say nothing new."""
_ERROR: Final = re.compile(r"^(?:pg_restore: ?)*\s*error: |pg_restore: error: ")
_IGNORED: Final = re.compile(r"warning: errors ignored on restore: (\d+)")
_WARNING: Final = "pg_restore: warning: "
_ENTRY: Final = re.compile(r"^pg_restore: from TOC entry (.*)")
_COMMAND: Final = "Command was: "


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """One error, as pg_restore told it."""

    words: str
    """The error itself, one line."""
    command: str = ""
    """The first line of the statement that the server refused; empty = it was of no statement."""
    entry: str = ""
    """The entry of the dump's table of contents, where it was named."""

    def __str__(self) -> str:
        place = f" (at {self.entry})" if self.entry else ""
        return cleaned_line(f"{self.words}{place}", 300)


@dataclass(frozen=True, kw_only=True)
class Benign:
    """A kind of error that takes nothing away from the restored database."""

    command: re.Pattern[str]
    """Of the statement, whole."""
    words: re.Pattern[str]
    """Somewhere in the error."""
    reason: str
    """Why it is harmless: what the operator is told."""
    older_than: int = 0
    """Major version of the server from which on it is not harmless any more; 0 = of any."""


BENIGN: Final = (
    Benign(
        command=re.compile(r"SET transaction_timeout = 0;"),
        words=re.compile(r""),  # in any language: no other server lacks the setting
        reason="the server is older than 17 and has no transaction_timeout, so there is none to switch off",
        older_than=17,
    ),
    Benign(
        command=re.compile(r"COMMENT ON EXTENSION \S+ IS '.*"),
        words=re.compile(r"must be owner of extension "),
        reason="the extension belongs to another role here; only its description was not set",
    ),
    Benign(
        command=re.compile(r"CREATE SCHEMA public;"),
        words=re.compile(r'schema "public" already exists'),
        reason="every new database has the schema public",
    ),
    Benign(
        command=re.compile(r"COMMENT ON SCHEMA public IS '.*"),
        words=re.compile(r"must be owner of schema public"),
        reason="the schema public belongs to another role here; only its description was not set",
    ),
    Benign(
        command=re.compile(r"ALTER SCHEMA public OWNER TO \S+;"),
        words=re.compile(r"must be owner of schema public|must be able to SET ROLE|must be member of role"),
        reason="the schema public stays with the database's owner, who may do with it what is needed",
    ),
)


def benign(complaint: Complaint, *, server: int) -> Benign | None:
    """Why a complaint is harmless on a server of that major version; None = it is not."""
    for kind in BENIGN:
        old_enough = not kind.older_than or server < kind.older_than
        if (
            old_enough
            and kind.command.fullmatch(complaint.command)
            and kind.words.search(complaint.words)
            and not _LOST.search(complaint.words)
        ):
            return kind
    return None


_LOST: Final = re.compile(r"connection|FATAL|PANIC")
"""The server went away while it did something harmless."""


class Complaints:
    """Reads what pg_restore says, line by line, into complaints. Keeps none of them."""

    def __init__(self) -> None:
        self._open: list[str] | None = None
        self._entry = ""
        self.ignored = 0
        """What pg_restore itself counted. One job that met several errors counts as one, so this may be
        less than were heard; more would mean that one was not understood."""
        self.warnings: list[str] = []
        """The first of them."""

    def hear(self, line: str) -> Complaint | None:
        """Take the next line in; the complaint that is complete by it, if one is."""
        if _ERROR.search(line):
            complete = self.finish()
            self._open = [_ERROR.split(line)[-1]]
            return complete
        if line.startswith("pg_restore: "):
            complete = self.finish()
            self._hear_other(line)
            return complete
        if self._open is not None and len(self._open) < _KEPT_LINES:
            self._open.append(line)
        return None

    def finish(self) -> Complaint | None:
        """No more lines belong to the complaint that was begun; that one, if there is."""
        if self._open is None:
            return None
        first, *rest = self._open
        command = next((line[len(_COMMAND) :] for line in rest if line.startswith(_COMMAND)), "")
        complete = Complaint(words=first.strip(), command=command.strip(), entry=self._entry)
        self._open, self._entry = None, ""
        return complete

    def _hear_other(self, line: str) -> None:
        if entry := _ENTRY.match(line):
            self._entry = entry[1].strip()
        elif ignored := _IGNORED.search(line):
            self.ignored = int(ignored[1])
        elif line.startswith(_WARNING) and len(self.warnings) < _KEPT:
            self.warnings.append(line.removeprefix(_WARNING))
