"""Which file system a folder is on, and whether a lock there keeps its promise."""

import os
import re
from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mountinfo")
_OVER_A_NETWORK: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs"})
"""A lock there is a server's word, kept by a lease: after a break of the network it may be given to another
host while its holder goes on (RFC 8881, 8.4.3; nfs(5), "lock"), and with `nolock` it is this host's alone."""


def kind_of_file_system(path: Path) -> str:
    """The type's name, `ext4` for example, of what `path` is on; empty where it cannot be told.

    By the device number in the kernel's table (proc_pid_mountinfo(5)). Raises nothing.
    """
    try:
        device = path.stat().st_dev
        number = f"{os.major(device)}:{os.minor(device)}"
        lines = MOUNTS.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    # ID, parent, device, root, mount point, options, …, "-", type, source.
    fitting = (line for line in lines if line.split(" ")[2:3] == [number])
    kinds = [re.split(r" - ", line, maxsplit=1)[-1].split(" ")[0] for line in fitting]
    return kinds[-1] if kinds else ""


def keeps_locks(kind: str) -> bool:
    """Whether a lock on such a file system ends with its holder, and never before."""
    return kind not in _OVER_A_NETWORK
