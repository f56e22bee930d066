"""What the kernel says of a process (proc(5))."""

from pathlib import Path


def memory_of(pid: int) -> int:
    """Bytes that are resident. Raises OSError when the process is gone, ValueError when it just ended."""
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == "VmRSS":
            return int(value.split()[0]) * 1024
    raise ValueError(f"process {pid} has no memory any more")


def descriptors_of(pid: int) -> int:
    """How many descriptors are open. Raises OSError when the process is gone."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
