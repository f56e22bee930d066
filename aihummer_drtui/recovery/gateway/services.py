"""The gateway as a service: waiting until it is ready, its smoke test, and what its probes say."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import DrtuiError, FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.check import Check, Scene, failed_by
from aihummer_drtui.recovery.children import ChildEnd, ChildResult, run_child
from aihummer_drtui.recovery.gateway.probes import Answer, ask_gateway
from aihummer_drtui.recovery.probed import Probed, unknown_by
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.recovery.trusted_file import refuse_open_to_others
from aihummer_drtui.run.verdict import CheckDescription, Observation, ProbeResult, Verdict

SMOKE_SECONDS: Final = 300.0
BETWEEN: Final = 1.0
"""Seconds between two questions to /readyz."""
IN_A_ROW: Final = 2
"""A gateway that has just connected may lose its database again; one green answer is chance."""


def wait_ready(target: Target, time_out: float, progress: Reporter) -> Answer:
    """Ask /readyz until it is green twice in a row; give the last answer.

    Raises FailedError with the last answer when `time_out` seconds were not enough, and
    PreconditionError when the gateway's address is not known.
    """
    began = time.monotonic()
    progress.phase("waiting for /readyz", total=int(time_out), unit="s")
    green = 0
    while True:
        waited = time.monotonic() - began
        left = time_out - waited
        answer = ask_gateway(target, "/readyz", seconds=max(0.5, min(5.0, left)))
        green = green + 1 if answer.is_ok else 0
        if green >= IN_A_ROW:
            return answer
        if left <= BETWEEN:
            raise FailedError(
                f"not ready after {time_out:.0f} s: {answer.in_words}",
                where=answer.url,
                hint=answer.hint
                or "look at the gateway's log, and at the checks database-reachable and healthz",
            )
        progress.reached(int(waited))
        time.sleep(BETWEEN)


def run_smoke(target: Target, *, seconds: float = SMOKE_SECONDS) -> ChildResult:
    """Run the target's smoke test; its exit code is the verdict.

    Raises PreconditionError when other accounts could have written it: it runs as whoever runs this.
    """
    with suppress(OSError):  # one that is not there cannot be started, which is told as such
        refuse_open_to_others(target.smoke, target.smoke.stat())
    return run_child([str(target.smoke)], target, seconds=seconds, folder=_smoke_folder(target.smoke))


def _smoke_folder(smoke: Path) -> Path | None:
    """`<root>/deploy/host/smoke.sh` (KNOWN) is called from its root; any other script from beside it."""
    folder = smoke.parents[2] if smoke.parts[-3:-1] == ("deploy", "host") else smoke.parent
    return folder if folder.is_dir() else None


def look_at_smoke(scene: Scene) -> Observation:
    """Run the smoke test and take its exit code, nothing else, as the answer."""
    smoke = scene.target.smoke
    expected = f"{smoke} ends with exit code 0"
    try:
        result = run_smoke(scene.target)
    except PreconditionError as error:
        return failed_by(expected, error)
    hint = ""
    if result.end is ChildEnd.NOT_STARTED:
        hint = "install it with AiHummer, make it executable, or name it as `smoke` in target.toml"
    elif not result.succeeded:
        hint = f"run it by hand and read on: {smoke}"
    said = f": {cleaned_line(result.last_line, 120)}" if result.last_line else ""
    return Observation(
        verdict=Verdict.UNKNOWN
        if result.end is ChildEnd.TIMED_OUT
        else (Verdict.PASSED if result.succeeded else Verdict.FAILED),
        expected=expected,
        observed=f"{result.ending}{said}",
        hint=hint,
    )


def probe_up(scene: Scene) -> Probed:
    """Whether `aihummer up` has done its work: the process answers. Raises nothing."""
    return _probe(scene, "/healthz")


def probe_ready(scene: Scene) -> Probed:
    """Whether waiting for readiness is over. Raises nothing."""
    return _probe(scene, "/readyz")


def probe_rerunnable(scene: Scene) -> Probed:  # noqa: ARG001 - the shape of every probe
    """Say that a command which only looks (smoke, proof) is not done: nothing of it stays."""
    return Probed(result=ProbeResult.NOT_DONE, observed="it changes nothing: run it again")


def _probe(scene: Scene, path: str) -> Probed:
    try:
        answer = ask_gateway(scene.target, path)
    except DrtuiError as error:
        return unknown_by(error)
    if answer.is_ok:
        return Probed(result=ProbeResult.DONE, observed=f"{answer.url}: {answer.in_words}")
    # Who does not answer in time may be about to.
    result = ProbeResult.UNKNOWN if answer.timed_out else ProbeResult.NOT_DONE
    return Probed(result=result, observed=f"{answer.url}: {answer.in_words}")


CHECKS: Final = (
    Check(
        description=CheckDescription(
            name="smoke",
            title="Smoke test",
            proves="AiHummer's own smoke test ended with exit code 0",
            interval=0.0,
            time_out=SMOKE_SECONDS + 20,
        ),
        look=look_at_smoke,
    ),
)
