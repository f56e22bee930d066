"""`restore`: bring one of the three things back."""

from typing import Final

import click

from aihummer_drtui.cli.main import LazyGroup

COMMANDS: Final = {
    "blobs": "aihummer_drtui.cli.restore_blobs:restore_blobs",
    "database": "aihummer_drtui.cli.restore_database:restore_database",
    "key": "aihummer_drtui.cli.restore_key:restore_key",
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def restore() -> None:
    """Restore the master key, the database or the blobs."""
