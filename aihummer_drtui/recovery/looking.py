"""One look after another, each within its time, outside of a run."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from aihummer_drtui.errors import DrtuiError, UsageError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.catalogue import Catalogue
from aihummer_drtui.recovery.check import failed_by
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


def begun(look: Callable[[], Observation], *, expected: str, time_out: float) -> Callable[[], Observation]:
    """Begin a look beside others; what is given waits for its answer, `time_out` seconds at most.

    A look that exceeds its time-out is `unknown` and is not waited for; one that raises DrtuiError failed.
    """
    deadline = time.monotonic() + time_out
    seen: queue.SimpleQueue[Observation] = queue.SimpleQueue()
    threading.Thread(target=lambda: seen.put(_told(look, expected)), daemon=True).start()

    def ended() -> Observation:
        try:
            # Told to end, the interpreter ends in order, and what the look has begun is put back.
            with ended_in_order():
                return seen.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return Observation(
                verdict=Verdict.UNKNOWN,
                expected=expected,
                observed=f"no answer within {time_out:.0f} s",
                hint="look again when the host is less busy; a disk or a server may hang",
            )

    return ended


def _told(look: Callable[[], Observation], expected: str) -> Observation:
    try:
        return look()
    except DrtuiError as error:
        return failed_by(expected, error)
    except Exception as error:  # noqa: BLE001 - a look that breaks must be seen, and stop nothing
        # The class only: the message of an unforeseen error may carry a secret.
        return Observation(
            verdict=Verdict.UNKNOWN,
            expected=expected,
            observed=f"the look itself broke: {type(error).__qualname__}",
            hint="this is a fault of this program: note it, and look by hand",
        )


def _in_time(catalogue: Catalogue, check: CheckDescription, values: Mapping[str, str]) -> Observation:
    look = partial(catalogue.look, check.name, values)
    return begun(look, expected=check.proves, time_out=check.time_out)()
