"""The WAL that Barman keeps: listed, and fetched from its files where they are here, else by `get-wal`.

A call of `get-wal` costs a quarter of a second, whatever it gives: too much for each of a thousand files.
"""

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.point_in_time.barman_show import read_files, read_talk
from aihummer_drtui.recovery.point_in_time.keeper_program import Answer, KeeperProgram
from aihummer_drtui.recovery.point_in_time.segment_packing import unpack
from aihummer_drtui.recovery.point_in_time.segments import valid_segment_size

JSON: Final = ("-f", "json")
_ABSENT: Final = "not found in server"
"""In what `get-wal` says of a file that it does not have; its exit code, 1, says nothing."""
_MANY: Final = "1000000"
"""More WAL files than `get-wal --peek` can find."""
_MAGIC: Final = {b"\x1f\x8b": ".gz", b"BZ": ".bz2"}


@dataclass(frozen=True, kw_only=True)
class BarmanArchive:
    """The WAL of one server entry."""

    program: KeeperProgram
    server: str
    files: Mapping[str, Path]
    """Where Barman says that each WAL or history file is, by its own name."""

    def fetch(self, name: str, place: Path) -> bool:
        """Put a WAL or history file at `place`, the account's; False = it is not there.

        Raises FailedError where it cannot be had or unpacked.
        """
        listed = self.files.get(name)
        if listed is not None and self._read(listed, place):
            return True
        with place.open("xb") as output:
            os.fchown(output.fileno(), self.program.account.uid, self.program.account.gid)
            ended = self.program.run(
                *("get-wal", self.server, name), output=output.fileno(), seconds=KeeperProgram.SECONDS
            )
        if ended.code == 0:
            return True
        place.unlink()
        if _ABSENT in ended.words:
            return False
        raise FailedError(
            f"Barman cannot give {name}: it {ended.how}: {ended.first_words}",
            where=f"server {self.server}",
            hint="get that file from another copy, or choose a point before it",
        )

    def onwards(self, first: str) -> tuple[str, ...]:
        """The names of the files that follow one on its timeline. Raises PreconditionError."""
        answer = self.program.ask(*JSON, "get-wal", "--peek", _MANY, self.server, first)
        return tuple(read_files(told(self.program, answer, "does not list its WAL files")))

    def _read(self, listed: Path, place: Path) -> bool:
        """Copy the file itself, unpacked; False where it is not here or not to be read without Barman."""
        try:
            descriptor = os.open(listed, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False
        with os.fdopen(descriptor, "rb") as packed:
            state = os.fstat(descriptor)
            suffix = _MAGIC.get(os.pread(descriptor, 2, 0), "")
            # Of Barman's own account: what root alone can read is not to be handed to it.
            if not stat.S_ISREG(state.st_mode) or state.st_uid != self.program.account.uid:
                return False
            if not suffix and not (valid_segment_size(state.st_size) or listed.suffix == ".history"):
                return False
            with place.open("xb") as output:
                os.fchown(output.fileno(), self.program.account.uid, self.program.account.gid)
                unpack(packed, suffix, output, name=place.name)
        return True


def barman_archive(program: KeeperProgram, *, server: str, backups: Iterable[str]) -> BarmanArchive:
    """The archive as `list-files` tells it for these backups. Raises PreconditionError.

    For each it goes up to the next backup, and names files of the backup's own timeline only.
    """
    files: dict[str, Path] = {}
    for label in backups:
        answer = program.ask(*JSON, "list-files", "--target", "wal", server, label)
        files |= read_files(told(program, answer, "does not list its WAL files"))
    return BarmanArchive(program=program, server=server, files=files)


def told(program: KeeperProgram, answer: Answer, what: str) -> bytes:
    """The answer's data, where it is one; a complaint in JSON is one: its reader has more to say on it.

    Raises PreconditionError.
    """
    if answer.succeeded or read_talk(answer.data).complaint:
        return answer.data
    raise program.refusal(
        what,
        answer,
        hint="are `config` and `account` in [barman] of target.toml right? try `barman list-servers`",
    )
