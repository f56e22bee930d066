"""Starting a program on a pseudo terminal of its own, as a login does."""

import fcntl
import os
import pty
import signal
import subprocess
import termios
from collections.abc import Callable


def started_on_terminal(
    words: list[str],
    environment: dict[str, str],
    *,
    set_up: Callable[[int], object] | None = None,
    ignore_hang_up: bool = False,
) -> tuple[subprocess.Popen[bytes], int]:
    """Start the program in a session of its own whose terminal it is; give it and the terminal's master.

    `set_up` is called with the terminal's descriptor before the program begins.
    """
    master, slave = pty.openpty()
    if set_up is not None:
        set_up(slave)

    def own_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignore_hang_up else signal.SIG_DFL)
        # Whoever started the tests in the background had their shell ignore it for all that follow.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    process = subprocess.Popen(
        words,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=own_terminal,  # noqa: PLW1509 - no thread here
        env=environment,
    )
    os.close(slave)
    return process, master
