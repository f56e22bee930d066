"""How things in a runbook may be called."""

import re
from typing import Final

from aihummer_drtui.runbook.findings import Findings, quoted
from aihummer_drtui.runbook.model import Place

_ID: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")

CONFIRM: Final = "DRTUI_CONFIRM"
"""What the operator typed at the identity gate; destructive commands alone are given it."""
GIVEN: Final = frozenset(
    {
        "DRTUI_AIHUMMER",
        "DRTUI_TARGET",
        "DRTUI_STATE_DIR",
        "DRTUI_MODE",
        "DRTUI_RUN",
        CONFIRM,
        "DRTUI_PROGRESS_FD",
    }
)
"""What every command of a run is given beside the inputs (`DRTUI_CONFIRM`: destructive ones only)."""
INHERITED: Final = frozenset({"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PWD"})
"""What a command may expect of any login."""
_STEERING: Final = re.compile(
    r"DRTUI_.*|LD_.*|LC_.*|PYTHON.*|PG.*|SHELL|ENV|BASH_.*|IFS|PS[1-4]|CDPATH|SHELLOPTS|GCONV_PATH|LOCPATH"
)
"""Variables that change what a program does rather than tell it a value."""


def told_id(name: str, place: Place, findings: Findings) -> str:
    """The name, told if it is not `small-letters-1`; an empty one was told already."""
    if name and (len(name) > 64 or not _ID.fullmatch(name)):
        findings.stop(place, f"{quoted(name)} is no name", "small letters, digits and single hyphens")
    return name


def told_variable(name: str, place: Place, findings: Findings) -> str:
    """The name of an input's variable, told if it is none or one that steers programs."""
    if not _VARIABLE.fullmatch(name):
        findings.stop(
            place, f"{quoted(name)} is no variable", "capital letters, digits, underscores: KEY_FILE"
        )
    elif name in INHERITED or _STEERING.fullmatch(name):
        findings.stop(place, f"`{name}` means something to other programs", "choose another: BACKUP_SET")
    return name
