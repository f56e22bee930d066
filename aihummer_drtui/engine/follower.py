"""Following a journal's growth, for front ends: each look gives what is new and nothing twice."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from aihummer_drtui.engine.journal_reading import JOURNAL, require_sound
from aihummer_drtui.engine.private_file import open_private
from aihummer_drtui.engine.record import Chain, Clean, Decoded, Torn, decode_all
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.run.events import Record

PIECE: Final = 4 << 20
"""Bytes that are read at one look: a long journal is never in memory whole. More than any record has."""


class JournalFollower:
    """Reads a run's journal from where it left off; needs no more than the right to read it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / JOURNAL
        self._chain = Chain()
        self.stopped_short = False
        """Whether the last look left records for the next one, because a piece was full."""

    def poll(self) -> list[Record]:
        """Give the next records, as many as `PIECE` bytes hold; a half-written one is left for the next look.

        Raises CorruptJournalError or PreconditionError once every sound record was given: when the next
        bytes contradict the journal, were written by a newer program, or the file cannot be read.
        """
        read = self._look()
        if not read.records:
            require_sound(self.path, read)
        self._chain = read.chain
        return list(read.records)

    def all_new(self) -> Iterator[Record]:
        """Give every record that was not given yet, piece by piece. Raises as `poll`."""
        yield from self.poll()
        while self.stopped_short:
            yield from self.poll()

    def is_behind(self) -> bool:
        """Whether the journal is longer than what was given; False as well when it cannot be seen."""
        try:
            return self.path.lstat().st_size > self._chain.offset
        except OSError:
            return False

    def _look(self) -> Decoded:
        read = self._next_piece()
        if isinstance(read.tail, Clean | Torn):
            return read
        # An engine that cuts off a torn record and writes the next may be seen half way: look again.
        return self._next_piece()

    def _next_piece(self) -> Decoded:
        data = self._read(PIECE)
        read = decode_all(data, self._chain)
        self.stopped_short = len(data) == PIECE
        if self.stopped_short and not read.records:
            # No record is so long: all that comes after is needed to say what is wrong.
            read = decode_all(self._read(-1), self._chain)
        return read

    def _read(self, count: int) -> bytes:
        try:
            descriptor = open_private(self.path, os.O_RDONLY, read_only=True)
            with os.fdopen(descriptor, "rb") as journal:
                journal.seek(self._chain.offset)
                return journal.read(count)
        except OSError as error:
            raise PreconditionError(
                f"the journal cannot be read: {error.strerror or error}",
                where=str(self.path),
                hint="look whether the run's folder is still there and readable for you",
            ) from error


def journal_records(folder: Path) -> Iterator[Record]:
    """Give every record that a run's journal holds now, read in pieces. Raises as `JournalFollower.poll`."""
    return JournalFollower(folder).all_new()
