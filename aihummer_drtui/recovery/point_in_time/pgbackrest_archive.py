"""The WAL in a pgBackRest repository: listed and fetched without a data directory, which is lost perhaps.

`archive-get` wants one (it reads pg_control); `repo-ls` and `repo-get` do not, and decrypt by themselves.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.database.account import ServerAccount
from aihummer_drtui.recovery.point_in_time.keeper_program import KeeperProgram
from aihummer_drtui.recovery.point_in_time.pgbackrest_info import read_listing
from aihummer_drtui.recovery.point_in_time.segment_packing import unpack

QUIET: Final = ("--log-level-console=off", "--log-level-stderr=error")
"""The configuration may send its log to stdout too, among the answers."""
_GONE: Final = 1
"""repo-get's exit code, with --ignore-missing, for a file that is not there."""


@dataclass(frozen=True, kw_only=True)
class PgBackRestArchive:
    """The WAL of one version of a cluster in one repository."""

    program: KeeperProgram
    repo: str
    """The option that names the repository."""
    folder: str
    """`archive/main/15-1`."""
    files: Mapping[str, str]
    """Where in it each WAL or history file is, by its own name."""

    def fetch(self, name: str, place: Path) -> bool:
        """Put a WAL or history file at `place`, the account's; False = it is not there.

        Raises FailedError where it cannot be had or unpacked.
        """
        listed = self.files.get(name)
        if listed is None:
            return False
        packed = place.with_name(listed.rpartition("/")[2])
        account = self.program.account
        if packed == place:
            return self._get(listed, place, account)
        try:
            if not self._get(listed, packed, account):
                return False
            with packed.open("rb") as file, place.open("xb") as output:
                os.fchown(output.fileno(), account.uid, account.gid)
                path = self.program.environment()["PATH"]
                unpack(file, packed.suffix, output, name=packed.name, path=path)
        finally:
            packed.unlink(missing_ok=True)
        return True

    def _get(self, listed: str, place: Path, account: ServerAccount) -> bool:
        with place.open("xb") as output:
            os.fchown(output.fileno(), account.uid, account.gid)
            ended = self.program.run(
                *QUIET,
                *("repo-get", "--ignore-missing", self.repo, f"{self.folder}/{listed}"),
                output=output.fileno(),
                seconds=KeeperProgram.SECONDS,
            )
        if ended.code not in {0, _GONE}:
            raise FailedError(
                f"pgBackRest cannot give {place.name}: it {ended.how}: {ended.first_words}",
                where=" ".join((self.program.program, *self.program.options)),
                hint="is the repository mounted and readable, and its key right?",
            )
        return ended.code == 0


def archive_in(program: KeeperProgram, *, repo: str, folder: str) -> PgBackRestArchive:
    """The archive in that folder of the repository. Raises PreconditionError where it cannot be listed."""
    answer = program.ask(*QUIET, "repo-ls", folder, "--recurse", "--output=json", repo)
    if not answer.succeeded:
        raise program.refusal(
            "does not list its WAL files", answer, hint="is the repository mounted and readable?"
        )
    return PgBackRestArchive(program=program, repo=repo, folder=folder, files=read_listing(answer.data))
