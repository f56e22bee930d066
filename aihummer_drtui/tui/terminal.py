"""What the terminal can do, found out before Textual is imported: it ignores TERM=dumb and a closed stdin."""

import os
import sys
from collections.abc import Mapping
from typing import Final, TextIO

COLUMNS: Final = 80
LINES: Final = 24
SANE: Final = (
    b"\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?2004l\x1b[?1004l"
    b"\x1b[<u\x1b[?7h\x1b[?1049l\x1b[?25h\x1b[0m"
)
"""Undoes what Textual's driver sets: mouse, paste, focus, keys, wrap, alternate screen, cursor."""
_DUMB: Final = frozenset({"", "dumb", "unknown", "network"})


def why_line_mode() -> str:
    """Why the screens cannot be shown here, as the end of `line mode, because ...`; empty when they can."""
    return reason_against(os.environ, (sys.stdin, sys.stdout, sys.stderr))


def reason_against(environment: Mapping[str, str], streams: tuple[TextIO | None, ...]) -> str:
    """The same for any environment and streams."""
    for name, stream in zip(("input", "output", "errors"), streams, strict=True):
        if not _is_terminal(stream):
            return f"the program's {name} is no terminal"
    term = environment.get("TERM", "")
    if term in _DUMB:
        return f"TERM is `{term}`" if term else "TERM is not set"
    out = streams[1]
    size = os.get_terminal_size(out.fileno()) if out is not None else os.terminal_size((0, 0))
    if size.columns < COLUMNS or size.lines < LINES:
        return f"the terminal is smaller than {COLUMNS}x{LINES} ({size.columns}x{size.lines})"
    return ""


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and os.isatty(stream.fileno())
    except (OSError, ValueError):
        return False
