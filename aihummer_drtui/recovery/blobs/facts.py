"""What an irreversible command on the blobs would act on, told so that a person recognises it."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text
from aihummer_drtui.recovery.blobs.scan import scan
from aihummer_drtui.recovery.gateway.environment import read_gateway_env
from aihummer_drtui.recovery.target import Target

_COUNTED_UP_TO: Final = 20_000
_SECONDS: Final = 2.0
"""How long a person at the gate is kept waiting for a count; a folder may hold millions."""


def blob_facts(target: Target) -> tuple[str, ...]:
    """Given a target, return what a restore of its blobs would replace, a line each.

    Raises PreconditionError when gateway.env cannot be read.
    """
    folder = read_gateway_env(target.gateway_env).blob_folder
    if folder is None:
        return ("no blob folder: the media service is inactive",)
    name = f"blob folder {cleaned_line(str(folder))}"
    try:
        if not folder.exists():
            return (f"{name}: not there, nothing is replaced",)
        return (f"{name}: {_counted(folder)}",)
    except (DrtuiError, OSError) as error:
        why = error.what if isinstance(error, DrtuiError) else error.strerror
        return (f"{name}: what is in it is not known ({cleaned_line(str(why))})",)


def _counted(folder: Path) -> str:
    until = time.monotonic() + _SECONDS
    count, size, newest = 0, 0, 0.0
    more = ""
    for found in scan(folder):
        if count == _COUNTED_UP_TO or time.monotonic() > until:
            more = "more than "
            break
        count, size = count + 1, size + found.size
        newest = max(newest, (folder / found.path).lstat().st_mtime)
    if not count:
        return "empty"
    last = datetime.fromtimestamp(newest, UTC).isoformat(timespec="seconds")
    return f"{more}{count:,} files, {more}{bytes_text(size)}, last write {'at least ' if more else ''}{last}"
