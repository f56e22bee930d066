"""The process between a command and its stored output: it takes known secrets out before they reach a disk.

The supervisor, a bare interpreter, loads this before it starts a command. Masking must not cost a command
its life or its pace: it is done by a process of its own, which outlives the supervisor as the command does,
and when it dies the supervisor, which keeps the pipes open, puts another in its place.
"""

import contextlib
import fcntl
import os
import select
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Final

from aihummer_drtui.masking import MaskedStream, Masker

_CHUNK: Final = 1 << 18
_PIPE_ROOM: Final = 1 << 20
"""What any account may ask for (pipe(7)); a command that floods then rarely waits for us."""
_STORED_WITHIN: Final = 10.0
"""Seconds after the command's end; a disk that takes longer must not keep the end from being told."""


class Masked:
    """A command that writes into pipes, and the process that stores what comes out of them."""

    def __init__(
        self, files: Sequence[int], pipes: Sequence[tuple[int, int]], needles: Sequence[bytes]
    ) -> None:
        """Start the process. `files` and `pipes` (reading end, writing end) are in the same order."""
        self.writers = tuple(writer for _, writer in pipes)
        self._sources = tuple(zip((reader for reader, _ in pipes), files, strict=True))
        self._masker = Masker(needles)
        for reader, _ in self._sources:
            os.set_blocking(reader, False)
            with contextlib.suppress(OSError):
                fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, _PIPE_ROOM)
        self._start()

    def given(self) -> None:
        """The command has its ends; let go of ours, so that the pipes end with it."""
        _close(self.writers)

    def tend(self) -> None:
        """Put another process in the place of one that died; what that one had just read is lost."""
        if os.waitpid(self._process, os.WNOHANG)[0]:
            _close((self._until, self._stored))
            self._start()

    def settle(self) -> None:
        """Wait, for a bounded time, until all that the command wrote is stored."""
        deadline = time.monotonic() + _STORED_WITHIN
        while (left := deadline - time.monotonic()) > 0:
            os.close(self._until)
            waiting = select.poll()
            waiting.register(self._stored, select.POLLIN)
            if not waiting.poll(left * 1000) or os.read(self._stored, 1):
                return
            os.waitpid(self._process, 0)
            os.close(self._stored)
            self._start()

    def _start(self) -> None:
        until, self._until = os.pipe()
        self._stored, stored = os.pipe()
        self._process = os.fork()
        if self._process == 0:  # pragma: no cover - a process of its own, unmeasured
            try:
                _keep_only({until, stored, *(one for pair in self._sources for one in pair)})
                _carry(self._masker, dict(self._sources), until, stored)
            except Exception as error:  # noqa: BLE001 - the supervisor puts another in its place
                print(f"masking ended: {type(error).__name__}", file=sys.stderr, flush=True)
            finally:
                os._exit(0)
        _close((until, stored))


class _File:
    """A file that takes what it can; what it cannot is counted and told in it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lost = 0

    def store(self, data: bytes) -> None:
        """Append the data, or lose it: nobody is there to wait for a full disk."""
        told = b"\n[%d bytes of output could not be stored]\n" % self._lost if self._lost else b""
        left = memoryview(told + data)
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            self._lost += min(len(left), len(data))
        else:
            self._lost = 0


def _carry(masker: Masker, sources: dict[int, int], until: int, stored: int) -> None:
    """Store what comes until the last writer is gone; say so once, when all is stored after the end.

    `until` ends when the command has ended, or the supervisor: what it left running may write on.
    """
    streams = {reader: MaskedStream(masker) for reader in sources}
    files = {reader: _File(file) for reader, file in sources.items()}
    waiting = select.poll()
    for descriptor in (until, *sources):
        waiting.register(descriptor, select.POLLIN)
    while streams:
        ready = [descriptor for descriptor, _ in waiting.poll()]
        for reader in tuple(streams):
            if until not in ready and reader not in ready:
                continue
            for data in _pieces(reader):
                files[reader].store(_fed(streams[reader], data))
                if not data:
                    waiting.unregister(reader)
                    del streams[reader]
                elif until not in ready:
                    break
        if until in ready:
            waiting.unregister(until)
            with contextlib.suppress(OSError):
                os.write(stored, b".")


def _pieces(reader: int) -> Iterator[bytes]:
    """What a pipe holds; an empty piece is its end."""
    with contextlib.suppress(BlockingIOError):
        while data := os.read(reader, _CHUNK):
            yield data
        yield b""


def _fed(stream: MaskedStream, data: bytes) -> bytes:
    try:
        return stream.feed(data) if data else stream.finish()
    except Exception as error:  # noqa: BLE001 - withheld rather than stored unmasked
        print(f"output withheld: {type(error).__name__}", file=sys.stderr, flush=True)
        return b"[output withheld: it could not be masked]\n"


def _keep_only(kept: set[int]) -> None:
    """Let go of all else: the lock, which says that the supervisor lives, and the writing ends."""
    _close(
        descriptor
        for descriptor in map(int, os.listdir("/proc/self/fd"))  # noqa: PTH208 - as the supervisor
        if descriptor > 2 and descriptor not in kept
    )


def _close(descriptors: "Sequence[int] | Iterator[int]") -> None:
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
