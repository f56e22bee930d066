"""Doubles for tests of whoever uses the engine, here and elsewhere.

`ScriptedCatalogue` stands in for a target's checks. What its looks see is told in a file, which a
test rewrites while an engine runs, in this process or another; every look is noted beside it.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from aihummer_drtui.errors import FailedError
from aihummer_drtui.run.leftovers import Leftovers
from aihummer_drtui.run.recovery_set import RECOVERY_POINT, RecoverySets
from aihummer_drtui.run.verdict import Brought, CheckDescription, Choice, Observation, TargetIdentity, Verdict


class ScriptedCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at one check sees."""

    verdict: Verdict = Verdict.PASSED
    observed: str = "as it should be"
    """May hold `{NAME}`: the value given for that input."""
    interval: float = 5.0
    time_out: float = 20.0
    waits_for: str = ""
    """A named pipe (fifo(7)): the look hangs until somebody opens it for writing and closes it."""
    brings: tuple[Brought, ...] = ()
    breaks: bool = False
    """The look raises, which no catalogue may do."""


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """What a scripted world looks like."""

    checks: dict[str, ScriptedCheck] = {}
    host: str = "db.example"
    """Empty: the identity of the target cannot be known."""
    database: str = "aihummer"
    sets: RecoverySets = RecoverySets()
    leftovers: Leftovers = Leftovers()
    facts: tuple[str, ...] = ("3 tenants",)
    secrets: tuple[str, ...] = ()
    choices: dict[str, tuple[Choice, ...]] = {}
    """By variable."""


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """One look that was begun."""

    check: str
    values: dict[str, str]


class ScriptedCatalogue:
    """A catalogue whose looks are told by the file at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._notes = path.with_suffix(".looks")

    def tell(self, script: Script) -> None:
        """Say what looks see from now on."""
        beside = self._path.with_suffix(".new")
        beside.write_bytes(msgspec.json.encode(script))
        beside.replace(self._path)

    def looked(self) -> list[Looked]:
        """Every look that was begun so far, in order."""
        if not self._notes.exists():
            return []
        return [msgspec.json.decode(line, type=Looked) for line in self._notes.read_bytes().splitlines()]

    def names(self) -> frozenset[str]:
        """Give the names of all checks."""
        return frozenset(self._script().checks)

    def describe(self, name: str) -> CheckDescription | None:
        """Give what a check is for, or None for a name that is not there."""
        check = self._script().checks.get(name)
        if check is None:
            return None
        return CheckDescription(
            name=name,
            title=f"{name} is right",
            proves=f"that {name} is right",
            interval=check.interval,
            time_out=check.time_out,
        )

    def look(self, name: str, values: Mapping[str, str]) -> Observation:
        """See what the file tells, after waiting for what it says to wait for."""
        check = self._script().checks.get(name, ScriptedCheck(verdict=Verdict.UNKNOWN, observed="no check"))
        note = msgspec.json.encode(Looked(check=name, values=dict(values))) + b"\n"
        descriptor = os.open(self._notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.write(descriptor, note)
        os.close(descriptor)
        if check.waits_for:
            Path(check.waits_for).read_bytes()
        if check.breaks:
            raise RuntimeError("a secret that no observation may show")
        return Observation(
            verdict=check.verdict,
            expected=f"{name} is right",
            observed=check.observed.format_map(values),
            brings=check.brings,
        )

    def recovery_sets(self, seconds: float) -> Iterator[RecoverySets]:  # noqa: ARG002
        """What the file tells, twice: first that it is looked for, then all of it."""
        sets = self._script().sets
        yield RecoverySets(keeps_wal=sets.keeps_wal, looking=("the scripted place",))
        yield sets

    def recovery_point(self, text: str) -> Observation:
        """What the file tells of the check `recovery-point`, whatever the point."""
        return self.look("recovery-point", {RECOVERY_POINT: text})

    def leftovers(self, seconds: float) -> Leftovers:  # noqa: ARG002
        """What the file tells. Raises FailedError when it names no host."""
        self.identity()
        return self._script().leftovers

    def secrets(self, values: Mapping[str, str]) -> frozenset[bytes]:  # noqa: ARG002
        """Give what the file tells; nothing when it cannot be read, as where there are no descriptors."""
        try:
            return frozenset(one.encode() for one in self._script().secrets)
        except OSError:
            return frozenset()

    def choices(self, variable: str) -> tuple[Choice, ...]:
        """What there is to choose from for an input."""
        return self._script().choices.get(variable, ())

    def identity(self) -> TargetIdentity:
        """Tell the target. Raises FailedError when the file names no host."""
        script = self._script()
        if not script.host:
            raise FailedError("the database does not say who it is", hint="look at the server")
        return TargetIdentity(host=script.host, database=script.database, facts=script.facts)

    def _script(self) -> Script:
        return msgspec.json.decode(self._path.read_bytes(), type=Script)
