"""What an engine says when nobody listens: its standard error, which is `engine.log` in the run's folder."""

import contextlib
import os
from typing import Final

_STANDARD_ERROR: Final = 2


def note(text: object) -> None:
    """Write a line, at once. A disk that does not take it is told of by what could not be done, not here.

    Unbuffered: what a full disk refused is not tried again at the next word, nor at the interpreter's end.
    """
    with contextlib.suppress(OSError):
        os.write(_STANDARD_ERROR, f"{text}\n".encode("utf-8", "backslashreplace"))
