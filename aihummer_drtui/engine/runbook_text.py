"""The runbook's text is kept with the run, under its hash: what was followed can be shown later."""

import difflib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from aihummer_drtui.durable import write_durably
from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.errors import CorruptJournalError, PreconditionError
from aihummer_drtui.run.state import RunState
from aihummer_drtui.runbook.model import Runbook

ReadRunbook: TypeAlias = Callable[[str], Runbook]
"""Text to runbook; raises DrtuiError for a text that is none."""


def runbook_file(folder: RunFolder, sha256: str) -> Path:
    """Where the text of that hash lies."""
    return folder.path / f"runbook.{sha256[:16]}.md"


def keep_text(folder: RunFolder, text: str) -> str:
    """Store the text durably with the run and give its SHA-256. Raises OSError."""
    data = text.encode()
    sha256 = hashlib.sha256(data).hexdigest()
    write_durably(runbook_file(folder, sha256), data)
    return sha256


def text_in_force(folder: RunFolder, state: RunState) -> str:
    """The text the run goes by. Raises CorruptJournalError when it is gone or was changed in place."""
    path = runbook_file(folder, state.runbook_sha256)
    try:
        data = path.read_bytes()
    except OSError:
        data = b""
    if hashlib.sha256(data).hexdigest() != state.runbook_sha256:
        raise CorruptJournalError(
            "the run's copy of its runbook is missing or was changed",
            where=str(path),
            hint="put the file back from a copy of the run's folder, or abandon the run and start anew",
        )
    return data.decode()


def accept_text(folder: RunFolder, state: RunState, text: str, sha256: str) -> str:
    """Keep the changed text and give the difference to the one in force, as a unified diff.

    Raises PreconditionError when it cannot be kept, CorruptJournalError as `text_in_force`.
    """
    difference = runbook_difference(text_in_force(folder, state), text)
    try:
        kept = keep_text(folder, text)
    except OSError as error:
        raise not_kept(folder, error) from error
    if kept != sha256:
        raise AssertionError("a runbook's sha256 is that of its text")
    return difference


def not_kept(folder: RunFolder, error: OSError) -> PreconditionError:
    """What is told when the text of a runbook could not be stored."""
    return PreconditionError(
        f"the runbook cannot be kept with the run: {error.strerror or error}",
        where=str(folder.path),
        hint="make room in the state folder, or name another with --state-dir",
    )


def runbook_difference(before: str, after: str) -> str:
    """A unified diff of two runbooks."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), "followed so far", "changed", lineterm=""
    )
    return "\n".join(lines)
