"""Every check under its name, bound to one target: what an engine or a command line asks."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Final

import msgspec

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.masking import Masker, masker_of
from aihummer_drtui.recovery.check import RECOVERY_POINT, THE_DUMP, Check, Scene
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.leftovers import Leftovers
from aihummer_drtui.run.recovery_set import RecoverySets
from aihummer_drtui.run.verdict import CheckDescription, Choice, Observation, TargetIdentity, Verdict

_FILES: Final = (
    "gateway.version",
    "database.tools",
    "backup.verify",
    "key.check",
    "key.vault_in_dump",
    "gateway.environment_check",
    "point_in_time.check",
    "database.ready",
    "space_check",
    "point_in_time.wal_status",
    "database.check",
    "blobs.check",
    "key.vault",
    "gateway.probes",
    "gateway.services",
    "gateway.media",
)
"""Modules of this room that hold CHECKS, in the order of a recovery."""
_LOADING: Final = Lock()


@cache
def all_checks() -> Mapping[str, Check]:
    """Every check by its name, in the order of a recovery."""
    found: dict[str, Check] = {}
    for file in _FILES:
        checks: tuple[Check, ...] = import_module(f"aihummer_drtui.recovery.{file}").CHECKS
        for check in checks:
            if check.description.name in found:
                raise RuntimeError(f"two checks are called {check.description.name}")
            found[check.description.name] = check
    return MappingProxyType(found)


def check_names() -> tuple[str, ...]:
    """The names of all checks, in the order of a recovery."""
    return tuple(all_checks())


class Catalogue:
    """The checks of one target."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def names(self) -> frozenset[str]:
        """The names of all checks."""
        return frozenset(all_checks())

    def describe(self, name: str) -> CheckDescription | None:
        """What a check is for, or None for a name that is not there."""
        check = all_checks().get(name)
        return check.description if check else None

    def look(self, name: str, values: Mapping[str, str]) -> Observation:
        """Look once; never raises: a look that breaks is an observation with the verdict `unknown`."""
        check = all_checks().get(name)
        if check is None:
            return _broken(
                "a check of this name", f"there is no check {cleaned_line(name, 60)}", "see --help"
            )
        seen = seen_by(lambda: check.look(Scene(target=self._target, values=values)), check.description)
        # Where the secrets cannot be listed, nothing of what was seen is shown.
        return seen_by(lambda: _masked(seen, masker_of(self.secrets(values))), check.description)

    def secrets(self, values: Mapping[str, str]) -> frozenset[bytes]:
        """What must not be stored or shown, as far as it can be known now; raises nothing."""
        from aihummer_drtui.recovery.known_secrets import known_secrets

        _load_libraries()
        return known_secrets(self._target, values)

    def suggestion(self, variable: str) -> str | None:
        """A value to propose for an input: the configured one, else the newest sealed set for BACKUP_SET.

        For RECOVERY_POINT it is the dump: a point in time is chosen by a person who knows what went wrong.
        """
        given = self._target.inputs.get(variable)
        if given is None and variable == RECOVERY_POINT:
            return THE_DUMP
        if given is not None or variable != "BACKUP_SET":
            return given
        newest = newest_set(self._target)
        return str(newest) if newest else None

    def choices(self, variable: str) -> tuple[Choice, ...]:
        """What there is to choose from for an input, the best first; empty where nothing is known of it.

        Raises PreconditionError where a trusted key of the target cannot be read.
        """
        from aihummer_drtui.recovery.backup.choices import set_choices
        from aihummer_drtui.recovery.point_in_time.choices import point_choices

        match variable:
            case "BACKUP_SET":
                return set_choices(self._target)
            case "RECOVERY_POINT":
                return point_choices(self._target)
            case _:
                return ()

    def recovery_sets(self, seconds: float) -> Iterator[RecoverySets]:
        """Every set and window that a recovery could use, told as it is found, within so many seconds.

        Raises PreconditionError where a trusted key of the target cannot be read.
        """
        from aihummer_drtui.recovery.sets_seen import sets_seen

        _load_libraries()
        return sets_seen(self._target, seconds)

    def recovery_point(self, text: str) -> Observation:
        """What these words for a recovery point mean, and whether it is within reach; never raises."""
        return self.look("recovery-point", {RECOVERY_POINT: text})

    def leftovers(self, seconds: float) -> Leftovers:
        """What recoveries have put aside and is still there; what cannot be looked up is told as such."""
        from aihummer_drtui.recovery.leftovers import leftovers_of

        _load_libraries()
        return leftovers_of(self._target, seconds)

    def identity(self) -> TargetIdentity:
        """What an irreversible command would act on. Raises DrtuiError when it cannot be known."""
        from aihummer_drtui.recovery.blobs.facts import blob_facts
        from aihummer_drtui.recovery.database.connection import owner_of
        from aihummer_drtui.recovery.database.identity import database_facts
        from aihummer_drtui.recovery.point_in_time.keepers import names_keeper

        owner = owner_of(self._target)
        try:
            facts = database_facts(self._target)
        except DrtuiError as error:
            # A whole server can be brought back where none answers any more; nothing else can.
            if not names_keeper(self._target):
                raise
            facts = (f"what the server holds cannot be seen: {cleaned_line(error.what, 200)}",)
        if names_keeper(self._target):
            data = self._target.postgres.data_directory
            whole = "to a point in time, and not from a dump: the whole server is replaced"
            facts += (f"{whole}{f', {data}' if data else ''}",)
        return TargetIdentity(
            host=owner.host, database=owner.database, facts=(*facts, *blob_facts(self._target))
        )


def newest_set(target: Target) -> Path | None:
    """The sealed set to propose: the latest recovery point of those with blobs, else of any; or None.

    One that was found damaged is proposed only where there is no other. A later dump that was sealed alone
    would bring no blob back; who wants it names it.
    """
    from aihummer_drtui.recovery.backup.manifest import Fact
    from aihummer_drtui.recovery.backup.set import MANIFEST, open_set
    from aihummer_drtui.recovery.backup.verified import read_damage

    found: list[tuple[bool, bool, str, Path]] = []
    for place in target.backup_places:
        try:
            folders = [folder for folder in place.iterdir() if (folder / MANIFEST).exists()]
        except OSError:
            continue
        for folder in folders:
            try:
                backup = open_set(folder)
            except DrtuiError:
                # Not sealed, or not sound: `backup verify` tells about it; here it is merely no candidate.
                continue
            manifest = backup.manifest
            sound = not read_damage(backup)
            found.append((sound, manifest.knows(Fact.BLOBS), manifest.recovery_point, folder))
    return max(found)[3] if found else None


def seen_by(look: Callable[[], Observation], check: CheckDescription) -> Observation:
    """What a look of this check sees; never raises: one that breaks is `unknown`."""
    try:
        _load_libraries()
        return look()
    except DrtuiError as error:
        return _broken(check.proves, error.where_and_what, error.hint)
    except Exception as error:  # noqa: BLE001 - a look that breaks must be seen, and stop nothing
        # The class only: the message of an unforeseen error may carry a secret.
        name_of_class = f"{type(error).__module__}.{type(error).__qualname__}"
        return _broken(
            check.proves,
            f"the look itself broke: {name_of_class}{_system_reason(error)}",
            "this is a fault of this program: note it, and look by hand",
        )


def _masked(seen: Observation, masker: Masker) -> Observation:
    """An observation may repeat what a program or a server said, and nobody knows what that is."""
    return msgspec.structs.replace(
        seen,
        observed=masker.masked_text(seen.observed),
        hint=masker.masked_text(seen.hint),
        warnings=tuple(map(masker.masked_text, seen.warnings)),
    )


def _load_libraries() -> None:
    """Import in one thread what checks import as they go.

    psycopg's modules import each other: of two threads that import them at once (the engine looks at
    several checks together), one is given half a module and an ImportError.
    """
    with _LOADING:
        import_module("psycopg")


def _broken(expected: str, observed: str, hint: str) -> Observation:
    return Observation(
        verdict=Verdict.UNKNOWN, expected=expected, observed=cleaned_line(observed, 300), hint=hint
    )


def _system_reason(error: Exception) -> str:
    return f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
