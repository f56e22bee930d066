"""The stand-in as it is installed on its host: the program, the smoke test, the version."""

import shlex
import sys
from pathlib import Path
from typing import Final

import msgspec

from aihummer_drtui.durable import write_durably
from aihummer_drtui.sandbox.layout import Layout

VERSION: Final = "2.7.3+standin"
"""What the stand-in says it is. AiHummer's releases are SemVer; the build part tells them apart."""

_PROGRAM: Final = """\
#!/bin/sh
# A training stand-in for AiHummer, made by `aihummer-drtui sandbox up`. It is not AiHummer.
exec {python} -P -m aihummer_drtui.sandbox.{module} --home {home} "$@"
"""


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """What a host knows of the stand-in that is installed on it."""

    version: str
    postgres_bin: Path


def install(layout: Layout, installation: Installation) -> None:
    """Put the stand-in's program, smoke test and version on its host. Raises OSError."""
    layout.host.mkdir(mode=0o700)
    for folder in (layout.programs, layout.smoke.parent, layout.gateway_env.parent):
        folder.mkdir(parents=True, exist_ok=True)
    write_durably(layout.installation, msgspec.json.encode(installation, enc_hook=str), mode=0o644)
    _write_program(layout.programs / "aihummer", "aihummer_command", layout.host)
    _write_program(layout.smoke, "smoke", layout.host)


def read_installation(home: Path) -> Installation:
    """What is installed at `home`. Raises OSError or msgspec.DecodeError."""
    data = (home / "installation.json").read_bytes()
    return msgspec.json.decode(data, type=Installation, dec_hook=lambda kind, value: kind(value))


def _write_program(path: Path, module: str, home: Path) -> None:
    # A shell line and not `#!python`: interpreters in paths with spaces or over 127 bytes work, too.
    text = _PROGRAM.format(python=shlex.quote(sys.executable), module=module, home=shlex.quote(str(home)))
    write_durably(path, text.encode(), mode=0o755)
