"""A network of its own (a namespace) that can be cut: what is sent then is lost, and nobody is told."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest


@dataclass(frozen=True, kw_only=True)
class Network:
    """A namespace with nothing but 127.0.0.1, held by a process."""

    holder: int

    def inside(self, *command: object) -> list[str]:
        """The words that run a command in it."""
        return ["nsenter", "-t", str(self.holder), "-n", "--", *map(str, command)]

    def run(self, *command: object) -> None:
        """Run one to its end."""
        subprocess.run(self.inside(*command), check=True, capture_output=True)

    def cut(self) -> None:
        """From now on every packet is lost."""
        self.run("ip", "link", "set", "lo", "down")

    def mend(self) -> None:
        """Let packets through again."""
        self.run("ip", "link", "set", "lo", "up")


@contextmanager
def lossy_network() -> Iterator[Network]:
    """Make one; skip the test where that is not allowed."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "nsenter", "ip"))):
        pytest.skip("only root with unshare, nsenter and ip can cut a network")
    # `cat` ends with its input, so with us.
    holder = subprocess.Popen(
        ["unshare", "-n", "sh", "-c", "ip link set lo up && echo ready && exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert holder.stdout
    try:
        if holder.stdout.readline() != b"ready\n":
            pytest.skip("no network namespace can be made here")
        yield Network(holder=holder.pid)
    finally:
        holder.communicate()
