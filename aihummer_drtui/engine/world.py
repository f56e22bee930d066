"""What an engine acts on: the world outside, or for a tabletop exercise nothing at all.

The engine judges requests and journals them the same way in both. What differs is in its hands: those
that it is given here look and start, and those of `tabletop` have nothing to do either with.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from aihummer_drtui.engine.catalogue import Catalogue
from aihummer_drtui.engine.clock import Clock
from aihummer_drtui.engine.commands import Commands
from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.engine.known_secrets import KnownSecrets
from aihummer_drtui.engine.looker import Looker
from aihummer_drtui.run import events as e
from aihummer_drtui.run.state import RunState
from aihummer_drtui.run.verdict import TargetIdentity
from aihummer_drtui.runbook.model import CheckItem, CommandItem, Runbook, Step


@dataclass(frozen=True, kw_only=True)
class Journalling:
    """What an engine gives to its hands."""

    folder: RunFolder
    clock: Clock
    secrets: KnownSecrets
    record: Callable[[e.Event, str], None]
    """Journal an event under an actor's name. Raises DrtuiError when that cannot be done."""
    record_quietly: Callable[[e.Event], bool]
    """Journal what no request waits for, and tell whether that was done; raises nothing."""
    situation: Callable[[], tuple[Runbook, RunState]]
    ended: Callable[[str], None]
    """A command has ended."""


class Looks(Protocol):
    """Keeps what is known of the checks up to date: `engine.looker.Looker`."""

    def poll(self) -> None:
        """Begin every look that is due in the step shown. Returns at once."""
        ...

    def look_at(self, items: Iterable[CheckItem]) -> None:
        """Begin a look at each of these now. Returns at once."""
        ...

    async def renew(self, items: Iterable[CheckItem], *, older_than: float) -> None:
        """Look again at those cheap checks whose last look is older, and wait for the answers."""
        ...

    def look_again_at_what_stood(self) -> None:
        """Begin a look at every check that had passed in an earlier sitting."""
        ...

    def look_again_at_everything(self) -> None:
        """Begin a look at every check that was looked at before."""
        ...

    def verify_after(self, step: Step, command: str) -> None:
        """Begin a look at the checks that stand after a command which has just ended."""
        ...

    async def close(self) -> None:
        """Begin nothing more."""
        ...


class Starts(Protocol):
    """Makes commands happen: `engine.commands.Commands`."""

    @property
    def running(self) -> bool:
        """Whether a command is being watched."""
        ...

    async def start(self, item: CommandItem, *, actor: str, confirmation: str) -> None:
        """Journal the intent and start the command. Raises DrtuiError when it was not started."""
        ...

    def stop(self, item: CommandItem) -> None:
        """End a running command. Raises PreconditionError when there is nothing to end."""
        ...

    def take_up(self) -> None:
        """Account for every command that an earlier engine left without an outcome."""
        ...

    async def probe(self, item_id: str) -> None:
        """Run the read-only probe of a lost outcome."""
        ...


class World(Protocol):
    """What a run acts on."""

    executes: bool
    """Whether anything of the run happens in the world; false for a tabletop."""

    def hands(self, journalling: Journalling) -> tuple[Looks, Starts]:
        """What looks at this world and what starts commands in it."""
        ...

    def secrets(self, values: Mapping[str, str]) -> frozenset[bytes]:
        """Give what must not be stored or shown, as far as it can be known now; raises nothing."""
        ...

    def identity(self) -> TargetIdentity:
        """Tell what an irreversible command would act on. Raises DrtuiError when it cannot be known."""
        ...


class Outside:
    """The world outside: checks are looked at by the catalogue, commands are executed."""

    executes = True

    def __init__(self, catalogue: Catalogue, environment: Mapping[str, str]) -> None:
        """`environment` is what every command and probe is given beside the inputs."""
        self._catalogue = catalogue
        self._environment = environment

    def hands(self, journalling: Journalling) -> tuple[Looks, Starts]:
        """The looker and the commands."""
        looker = Looker(
            catalogue=self._catalogue,
            clock=journalling.clock,
            record=journalling.record_quietly,
            situation=journalling.situation,
        )
        commands = Commands(
            folder=journalling.folder,
            environment=self._environment,
            secrets=journalling.secrets,
            record=journalling.record,
            situation=journalling.situation,
            ended=journalling.ended,
        )
        return looker, commands

    def secrets(self, values: Mapping[str, str]) -> frozenset[bytes]:
        """As the catalogue finds them."""
        return self._catalogue.secrets(values)

    def identity(self) -> TargetIdentity:
        """As the target tells it."""
        return self._catalogue.identity()
