"""Reading a small file that may be anything: a pipe, a folder, a device, an endless one."""

import errno
import os
import stat
from pathlib import Path


def read_regular(path: Path, *, limit: int, follow: bool = True) -> tuple[bytes, os.stat_result]:
    """The content and the state of a regular file; nothing is waited for.

    Raises OSError when it cannot be read, is no regular file or is larger than `limit` bytes; with `follow`
    false when it is a link, too.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "no path has a null character", "")
    # O_NONBLOCK: a named pipe in this place must be refused, not waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW))
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        data = b""
        while chunk := os.read(descriptor, limit + 1 - len(data)):
            data += chunk
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit} bytes", str(path))
    return data, state
