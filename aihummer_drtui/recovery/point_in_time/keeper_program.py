"""The program of another keeper (pgBackRest, Barman): run as its account, its answers bounded and cleaned."""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_bytes, cleaned_line
from aihummer_drtui.recovery.children import child_environment
from aihummer_drtui.recovery.database.account import ServerAccount
from aihummer_drtui.recovery.database.program import Ended, run_program
from aihummer_drtui.recovery.target import Target

_LIMIT: Final = 64_000_000
"""Bytes; a listing of half a million WAL files has less."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How the program ended and what it gave on stdout."""

    ended: Ended
    data: bytes

    @property
    def succeeded(self) -> bool:
        """Whether it ended by itself with exit code 0; alone it proves little (docs/pgbackrest-barman.md)."""
        return self.ended.code == 0

    @property
    def words(self) -> str:
        """Why it failed: the first line on stderr, else on stdout."""
        if self.ended.words.strip():
            return self.ended.first_words
        return cleaned_line(cleaned_bytes(self.data[:10_000]).strip().partition("\n")[0], 300) or (
            "it said nothing"
        )


@dataclass(frozen=True, kw_only=True)
class KeeperProgram:
    """A program with the options that every call of it has, and whom it runs as."""

    SECONDS: ClassVar[float] = 600.0
    """What a question may take that is answered from a catalogue, if need be over the network."""

    title: str
    """As people write it: `pgBackRest`."""
    package: str
    """The Debian package that has it."""
    program: str
    options: tuple[str, ...]
    account: ServerAccount
    target: Target

    def ask(
        self,
        *arguments: str,
        seconds: float = SECONDS,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Answer:
        """Run it and take its answer.

        Raises PreconditionError where the program is not installed or may not be run as its account, and
        FailedError when it takes longer than `seconds` (0 = as long as it needs) or says too much.
        """
        with tempfile.TemporaryFile() as output:

            def look() -> None:
                if os.fstat(output.fileno()).st_size > _LIMIT:
                    raise FailedError(
                        f"{self.title} said more than {_LIMIT} bytes and was ended",
                        where=self.program,
                        hint=f"run it by hand: {self.program} {' '.join((*self.options, *arguments[:1]))}",
                    )
                meanwhile()

            ended = self.run(*arguments, output=output.fileno(), seconds=seconds, meanwhile=look)
            look()
            return Answer(ended=ended, data=os.pread(output.fileno(), _LIMIT, 0))

    def run(
        self,
        *arguments: str,
        output: int,
        seconds: float,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Ended:
        """Run it with stdout going to a descriptor. Raises as `ask` does."""
        environment = self.environment()
        return run_program(
            [self._place(environment["PATH"]), *self.options, *arguments],
            environment=environment,
            descriptors=(),
            account=self.account,
            output=output,
            seconds=seconds,
            meanwhile=meanwhile,
        )

    def refusal(self, what: str, answer: Answer, *, hint: str) -> PreconditionError:
        """The error that tells what could not be had from it and why."""
        return PreconditionError(
            f"{self.title} {what}: it {answer.ended.how}: {answer.words}",
            where=" ".join((self.program, *self.options)),
            hint=hint,
        )

    def _place(self, path: str) -> str:
        place = shutil.which(self.program, path=path)
        if place is None:
            raise PreconditionError(
                f"{self.title} is not installed, or not as {cleaned_line(self.program, 100)}",
                where="PATH, after `path` of target.toml" if "/" not in self.program else "",
                hint=f"apt-get install {self.package}, or name its `program` in target.toml",
            )
        return place

    def environment(self) -> dict[str, str]:
        """What it is given: allow-listed variables, the account's home, UTC and English."""
        # UTC, because Barman takes the machine's zone where it computes with times (docs); English, because
        # a few words of theirs are read.
        kept = {**child_environment(self.target), "TZ": "UTC", "LC_ALL": "C"}
        if self.account.is_present:
            return kept
        return {**kept, "HOME": self.account.home, "USER": self.account.name, "LOGNAME": self.account.name}
