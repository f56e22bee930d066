"""Filling the database beside: pg_restore at work, what it says read as it comes, how far it is told."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.database.complaints import Benign, Complaint, Complaints, benign
from aihummer_drtui.recovery.database.connection import Owner, program_access, program_environment
from aihummer_drtui.recovery.database.content import one_number
from aihummer_drtui.recovery.database.program import Ended, run_program
from aihummer_drtui.recovery.database.swiftness import swift_settings
from aihummer_drtui.recovery.database.tools import PostgresTools
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.run.progress import Parts

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_ROWS: Final = "TABLE DATA"
_AFTER: Final = ("INDEX ATTACH", "INDEX", "FK CONSTRAINT", "CONSTRAINT", "CHECK CONSTRAINT")
"""What takes time when the rows are there; longer words first, where one begins another."""
_KINDS: Final = "|".join((_ROWS, *_AFTER))
_LISTED: Final = re.compile(rf"^\d+; \d+ \d+ ({_KINDS}) ")
_FINISHED: Final = re.compile(rf"^pg_restore: finished item \d+ ({_KINDS}) ")
_BEGUN_ALONE: Final = re.compile(rf"^pg_restore: (?:processing data for table|creating ({_KINDS})) ")
"""With one job nothing is said at the end of an item: it is over when the next begins."""


@dataclass(frozen=True, kw_only=True)
class Filled:
    """What was put into the database, and what pg_restore did not like about it."""

    tolerated: tuple[str, ...]
    """Benign errors, each with the reason why it is one."""
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Filling:
    """One dump that is restored into one fresh database."""

    connection: "Connection[TupleRow]"
    """To the maintenance database."""
    owner: Owner
    tools: PostgresTools
    dump: int
    """Descriptor of the dump, authenticated already."""
    beside: str
    sealed_size: int
    """Bytes of the database when it was sealed; 0 = not known."""
    vectors: bool
    """Whether the database has indexes of pgvector."""
    jobs: int
    reporter: Reporter

    def fill(self) -> Filled:
        """Run pg_restore to its end.

        Raises FailedError, as soon as it is heard, for an error that is not known to be benign.
        """
        server = one_number(self.connection, "SHOW server_version_num") // 10_000
        settings = swift_settings(
            self.connection, self.owner, database=self.beside, jobs=self.jobs, vectors=self.vectors
        )
        words = Words(server=server, where=self.owner.phrase, jobs=self.jobs, listed=self._listed())
        sight = Sight(self.reporter, words, self.sealed_size, self._bytes)
        sight.begin()
        with program_access(self.owner, database=self.beside, settings=settings) as access:
            ended = run_program(
                [
                    self.tools.pg_restore,
                    # Not --exit-on-error: a benign one must not end it. Any other is heard, and ends it.
                    "--verbose",
                    f"--jobs={self.jobs}",
                    "--no-password",
                    f"--dbname={access.conninfo}",
                    self._path,
                ],
                environment=access.environment,
                descriptors=(*access.descriptors, self.dump),
                heard=words.hear,
                meanwhile=sight.tell,
            )
        filled = words.judged(ended)
        sight.end()
        return filled

    @property
    def _path(self) -> str:
        return f"/proc/self/fd/{self.dump}"

    def _listed(self) -> Counter[str]:
        listed: Counter[str] = Counter()

        def count(line: str) -> None:
            if found := _LISTED.match(line):
                listed[found[1]] += 1

        ended = run_program(
            [self.tools.pg_restore, "--list", self._path],
            environment=program_environment(),
            descriptors=(self.dump,),
            heard=count,
        )
        if ended.code != 0:
            raise FailedError(
                f"the dump cannot be read: pg_restore {ended.how}: {ended.first_words}",
                where=self.owner.phrase,
                hint="the live database was not touched; use another backup set",
            )
        return listed

    def _bytes(self) -> int:
        row = self.connection.execute("SELECT pg_database_size(%s)", (self.beside,)).fetchone()
        return int(row[0]) if row else 0


class Words:
    """What pg_restore says: errors judged as they come, finished items counted."""

    def __init__(self, *, server: int, where: str, jobs: int, listed: Counter[str]) -> None:
        self._server = server
        self._where = where
        self._complaints = Complaints()
        self._tolerated: Counter[Benign] = Counter()
        self._alone = jobs == 1
        self._item = _BEGUN_ALONE if self._alone else _FINISHED
        self._begun = ""
        self.listed = listed
        self.finished: Counter[str] = Counter()

    def hear(self, line: str) -> None:
        """Take one line in. Raises FailedError for an error that is not benign."""
        self._judge(self._complaints.hear(line))
        if found := self._item.match(line):
            kind = found[1] or _ROWS
            done, self._begun = (self._begun, kind) if self._alone else (kind, "")
            if done:
                self.finished[done] += 1

    def judged(self, ended: Ended) -> Filled:
        """What it comes to. Raises FailedError unless every error is accounted for."""
        said = self._complaints
        self._judge(said.finish())
        # Each was judged as it was heard: what is left are benign ones, and those nobody heard.
        heard = self._tolerated.total()
        whole = ended.code == 0 and not heard and not said.ignored
        benign_only = ended.code == 1 and 0 < said.ignored <= heard
        if not whole and not benign_only:
            raise self._failure(f"pg_restore {ended.how}: {ended.last_line}")
        return Filled(
            tolerated=tuple(
                f"{count} times: {kind.reason}" if count > 1 else kind.reason
                for kind, count in self._tolerated.items()
            ),
            warnings=tuple(said.warnings),
        )

    def _judge(self, complaint: Complaint | None) -> None:
        if complaint is None:
            return
        kind = benign(complaint, server=self._server)
        if kind is None:
            raise self._refusal(complaint)
        self._tolerated[kind] += 1

    def _refusal(self, complaint: Complaint) -> FailedError:
        if "No space left on device" in complaint.words:
            return self._failure(f"the server's disk is full: pg_restore: {complaint}")
        return self._failure(f"pg_restore met an error: {complaint}")

    def _failure(self, what: str) -> FailedError:
        return FailedError(
            what,
            where=self._where,
            hint="the live database was not touched; mend the cause, then run the same command again",
        )


class Sight:
    """How far it is, for a person: rows by tables and bytes, then indexes and constraints by number."""

    def __init__(self, reporter: Reporter, words: Words, sealed_size: int, size: Callable[[], int]) -> None:
        self._reporter = reporter
        self._words = words
        self._sealed_size = sealed_size
        self._size = size
        self._after = False

    def begin(self) -> None:
        """Tell that it begins."""
        self._reporter.phase("restoring rows", total=self._sealed_size, unit="bytes", parts=self._tables())

    def tell(self) -> None:
        """Tell where it is."""
        finished = self._words.finished
        if not self._after and finished[_ROWS] < self._words.listed[_ROWS]:
            size = self._size()
            # What was sealed counts the dead rows of a lived-in database, and other fill factors: the new
            # one may be smaller, or larger. Beyond the sealed size its end is not known any more.
            total = self._sealed_size if size < self._sealed_size else 0
            self._reporter.reached(size, total=total, parts=self._tables())
            return
        if not self._after:
            self._after = True
            self._end_of_rows()
            total = sum(self._words.listed[kind] for kind in _AFTER)
            self._reporter.phase("building indexes and constraints", total=total)
        self._reporter.reached(sum(finished[kind] for kind in _AFTER))

    def end(self) -> None:
        """Tell that all is there."""
        if not self._after:
            self._end_of_rows()

    def _end_of_rows(self) -> None:
        size = self._size()
        whole = self._words.listed[_ROWS]
        self._reporter.reached(size, total=size, parts=Parts(done=whole, total=whole, unit="tables"))

    def _tables(self) -> Parts | None:
        whole = self._words.listed[_ROWS]
        done = min(self._words.finished[_ROWS], whole)
        return Parts(done=done, total=whole, unit="tables") if whole else None
