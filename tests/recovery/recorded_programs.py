"""PostgreSQL's programs behind scripts that write down each start, and may tell another version."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

NAMES: Final = ("pg_dump", "pg_dumpall", "pg_restore", "psql")
_SCRIPT: Final = """#!/bin/sh
case "$1" in
  --version) {version} ;;
esac
echo "{name} $*" >> "{log}"
exec "{real}/{name}" "$@"
"""


@dataclass(frozen=True, kw_only=True)
class RecordedPrograms:
    """A folder for `postgres-bin`."""

    folder: Path

    @property
    def log(self) -> Path:
        """A line for each start, but those that ask for the version."""
        return self.folder / "log"

    def started(self, name: str = "pg_restore") -> list[str]:
        """The starts of one program since the last `forget`."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if line.split(" ", 1)[0] == name]

    def forget(self) -> None:
        """Begin anew."""
        self.log.unlink(missing_ok=True)


def record_programs(folder: Path, real: Path, *, version: str = "") -> RecordedPrograms:
    """Write the scripts around the programs in `real`; with `version` they tell that one."""
    folder.mkdir()
    made = RecordedPrograms(folder=folder)
    for name in NAMES:
        told = f'echo "{name} (PostgreSQL) {version}"; exit 0' if version else f'exec "{real}/{name}" "$@"'
        script = folder / name
        script.write_text(_SCRIPT.format(version=told, name=name, log=made.log, real=real))
        script.chmod(0o755)
    return made
