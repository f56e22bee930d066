"""Answers that were given before the questions: `--yes`, `--confirm`, and an answers file."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import UsageError

OUTCOME: Final = "outcome:"
"""Prefix of the answer to a lost outcome: `"outcome:database/restore-database" = "not done"`."""
AGAIN: Final = "again:"
"""Prefix of the word to start a failed command once more: `"again:blobs/restore-blobs" = "attempt 2"`."""
TOLD: Final = "told:"
"""Prefix of how a command of a tabletop ended: `"told:database/restore-database" = "failed no room"`."""
PROBED: Final = "probe:"
"""Prefix of what its probe sees: `"probe:database/restore-database" = "partial one table"`."""
_ATTEMPT: Final = re.compile(r" attempt [0-9]+$")
_LIMIT: Final = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What may be answered without asking."""

    yes: bool = False
    """Confirms, suggested values and reversible commands are accepted; a gate never is."""
    confirm: str = ""
    """The words of the gate."""
    by_item: Mapping[str, str] = field(default_factory=dict)
    patience: float = 60.0
    """Seconds to wait for a check to turn green when nobody is there to mend it."""


def read_answers(path: Path) -> Mapping[str, str]:
    """The answers of a TOML file by item id, under `[answers]` or with no table. Raises UsageError."""
    hint = 'a file of lines such as `"briefing/BACKUP_SET" = "/backups/…"`'
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT + 1)
        table = tomllib.loads(data.decode())
    except OSError as error:
        raise UsageError(
            f"the answers cannot be read: {error.strerror}", where=str(path), hint=hint
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the answers are not TOML: {error}", where=str(path), hint=hint) from error
    answers = table.get("answers", table)
    if not isinstance(answers, dict) or len(data) > _LIMIT:
        raise UsageError("the answers are no table of at most 1 MiB", where=str(path), hint=hint)
    wrong = [item for item, answer in answers.items() if not isinstance(answer, str)]
    if wrong:
        raise UsageError(f"the answer to `{wrong[0]}` is no text", where=str(path), hint=hint)
    return answers


def item_meant(name: str) -> str:
    """The item that a name of an answers file is about."""
    for prefix in (OUTCOME, AGAIN, TOLD, PROBED):
        if name.startswith(prefix):
            return _ATTEMPT.sub("", name.removeprefix(prefix))
    return name
