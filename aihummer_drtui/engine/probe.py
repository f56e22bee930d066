"""Running the read-only probe of a command whose outcome nobody saw. Blocking, and bounded in every way."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from typing import Final

from aihummer_drtui.foreign import cleaned_bytes, cleaned_line
from aihummer_drtui.masking import Masker
from aihummer_drtui.run.verdict import PROBE_EXIT_CODES, ProbeResult

_KEPT_OUTPUT: Final = 4_096
_SHOWN: Final = 600
_DRAIN: Final = 1 << 20
"""Bytes that are read at the end, of what a pipe may still hold."""


def ask_probe(
    script: str, environment: Mapping[str, str], time_out: float, masker: Masker
) -> tuple[ProbeResult, str]:
    """Run `sh -eu` on the script and give what its exit code means, and what it said, masked and cleaned.

    A probe that cannot be started, is ended by a signal, or takes more than `time_out` seconds
    leaves the outcome unknown. What it started in the background is ended with it. Raises OSError where
    the host does not let it be followed (too few descriptors): it was ended then, whatever it came to.
    """
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-eu", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        return ProbeResult.UNKNOWN, f"the probe could not be started: {cleaned_line(why)}"
    with process:
        try:
            ended, output = _followed(process, time.monotonic() + time_out)
        finally:
            # Until it is waited for, its number, which is the group's, is not given to anybody else.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    if not ended:
        return ProbeResult.UNKNOWN, f"the probe gave no answer within {time_out:.0f} s"
    said = cleaned_line(cleaned_bytes(masker.masked(output)).strip(), _SHOWN)
    return PROBE_EXIT_CODES.get(code, ProbeResult.UNKNOWN), said or _silent(code)


def _silent(code: int) -> str:
    how = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
    return f"the probe said nothing and {how}"


def _followed(process: "subprocess.Popen[bytes]", deadline: float) -> tuple[bool, bytes]:
    """Read until the shell itself ends; whether it did in time, and the beginning of what it said."""
    if process.stdout is None:
        raise AssertionError("it was started with a pipe")
    output = bytearray()
    end = os.pidfd_open(process.pid)
    pipe = process.stdout.fileno()
    os.set_blocking(pipe, False)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(end, selectors.EVENT_READ)
            selector.register(pipe, selectors.EVENT_READ)
            while (left := deadline - time.monotonic()) > 0:
                ready = [key.fd for key, _ in selector.select(left)]
                if end in ready:
                    _read(pipe, output, _DRAIN)
                    return True, bytes(output)
                if pipe in ready and not _read(pipe, output, _KEPT_OUTPUT):
                    selector.unregister(pipe)
    finally:
        os.close(end)
    return False, bytes(output)


def _read(pipe: int, output: bytearray, count: int) -> bool:
    """Take what the pipe holds, keep its beginning; False at its end."""
    try:
        data = os.read(pipe, count)
    except BlockingIOError:
        return True
    output += data[: max(0, _KEPT_OUTPUT - len(output))]
    return bool(data)
