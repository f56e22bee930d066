"""What every command of the command line is given: where the target and the runs are."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options that stand before the command's name."""

    target_path: Path | None
    state_dir: Path | None
