"""One look after another, each within its time, outside of a run."""

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aihummer_drtui.errors import UsageError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.catalogue import Catalogue
from aihummer_drtui.recovery.ending import ended_in_order
from aihummer_drtui.run.verdict import CheckDescription, Observation, Verdict


@dataclass(frozen=True, kw_only=True)
class Looked:
    """A check and what it saw."""

    check: CheckDescription
    observation: Observation


def look_at_each(catalogue: Catalogue, names: Sequence[str], values: Mapping[str, str]) -> Iterator[Looked]:
    """Look with the checks of these names, in order, each result as it comes.

    A look that exceeds its time-out is `unknown` and is not waited for. Raises UsageError, before any
    look, for a name that there is not.
    """
    checks = [_described(catalogue, name) for name in names]
    for check in checks:
        yield Looked(check=check, observation=_in_time(catalogue, check, values))


def _described(catalogue: Catalogue, name: str) -> CheckDescription:
    check = catalogue.describe(name)
    if check is None:
        raise UsageError(
            f"there is no check {cleaned_line(name, 60)!r}",
            hint=f"checks are: {', '.join(sorted(catalogue.names()))}",
        )
    return check


def _in_time(catalogue: Catalogue, check: CheckDescription, values: Mapping[str, str]) -> Observation:
    seen: queue.SimpleQueue[Observation] = queue.SimpleQueue()
    look = threading.Thread(target=lambda: seen.put(catalogue.look(check.name, values)), daemon=True)
    look.start()
    try:
        # Told to end, the interpreter ends in order, and what the look has begun is put back.
        with ended_in_order():
            return seen.get(timeout=check.time_out)
    except queue.Empty:
        return Observation(
            verdict=Verdict.UNKNOWN,
            expected=check.proves,
            observed=f"no answer within {check.time_out:.0f} s",
            hint="look again when the host is less busy; a disk or a server may hang",
        )
