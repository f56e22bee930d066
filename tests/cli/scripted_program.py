"""The command line over a scripted world: all of it is the product's own but what its checks see.

Started as a program, by tests and by the front end for its engine; `SCRIPTED_WORLD` is the script, and
`BEFORE_ENGINE` the words in front of an engine's own.
"""

import os
import shlex
import sys
from pathlib import Path

from aihummer_drtui.engine import launch
from aihummer_drtui.recovery import catalogue
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.testing import ScriptedCatalogue


class Suggesting(ScriptedCatalogue):
    """A scripted catalogue that knows of one backup set."""

    def __init__(self, target: Target) -> None:
        super().__init__(Path(os.environ["SCRIPTED_WORLD"]))
        self.target = target

    def suggestion(self, variable: str) -> str | None:
        """A likely value of BACKUP_SET only."""
        return "/backups/newest" if variable == "BACKUP_SET" else None


def main() -> None:
    """Run the command line in that world."""
    catalogue.Catalogue = Suggesting  # type: ignore[assignment, misc]
    before = shlex.split(os.environ.get("BEFORE_ENGINE", ""))
    launch.this_program = lambda: [*before, sys.executable, __file__]
    from aihummer_drtui.cli.main import main as real_main

    real_main()


if __name__ == "__main__":
    main()
