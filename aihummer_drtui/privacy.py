"""A process of ours that may come to hold a secret leaves nothing of its memory to anybody else."""

import os
import resource
from typing import Final

_DEPTH: Final = 20
"""Errors of a chain that are told: each may have been raised while another was handled."""
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


def fault_without_values(error: BaseException) -> str:
    """Where an error came from, and of what class it is, and of those behind it: neither messages nor locals.

    The message of an error that nobody foresaw may repeat the value that it is about, and that be a secret.
    """
    import traceback

    told: list[str] = []
    behind: BaseException | None = error
    while behind is not None and len(told) < _DEPTH:
        lines = "".join(traceback.format_tb(behind.__traceback__))
        told.append(f"{lines}{type(behind).__module__}.{type(behind).__qualname__}\n")
        behind = behind.__cause__ or behind.__context__
    return "which came while this was handled:\n".join(told)
