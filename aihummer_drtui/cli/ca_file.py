"""`--ca-file`: whose certificates the gateway may have, for commands that ask it."""

from pathlib import Path
from typing import Final

import click

from aihummer_drtui.recovery.target import Target

ca_file_option: Final = click.option(
    "--ca-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Authorities (PEM) that the gateway's certificate must be of [target.toml's, then this host's].",
)


def with_ca_file(target: Target, path: Path | None) -> Target:
    """The target, with that file instead of its own where one was given."""
    import msgspec

    return target if path is None else msgspec.structs.replace(target, ca_file=path.absolute())
