"""A process of ours that may come to hold a secret leaves nothing of its memory to anybody else."""

import os
import resource
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # prctl(2)


def keep_private() -> None:
    """No core dump, no look at this process by others of the same account, no file that others may read.

    The limit alone is not enough: a core_pattern that is a pipe is fed whatever it says (core(5)).
    Not being dumpable also keeps other processes of the account from /proc/PID/mem and environ (ptrace(2)).
    What is executed from here is dumpable again; the limit and the mask it inherits.
    """
    import ctypes

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
