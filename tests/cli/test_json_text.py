"""`--json`: everywhere, and harmless whatever is told in it."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import click
import pytest

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.main import cli


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a command might tell."""

    path: Path
    names: MappingProxyType[str, str]


def commands(group: click.Command, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that can be typed, with its whole name."""
    if not isinstance(group, click.Group):
        yield name, group
        return
    context = click.Context(group)
    for one in group.list_commands(context):
        command = group.get_command(context, one)
        assert command is not None
        yield from commands(command, f"{name} {one}".strip())


def test_every_command_that_prints_speaks_json() -> None:
    """A script never has to take prose apart.

    Left out are an engine, which nobody reads, the unit or cron line that goes into a file as it is, and what
    mends a terminal.
    """
    without = [
        name
        for name, command in commands(cli)
        if not any("--json" in option.opts for option in command.params)
    ]
    assert without == ["backup schedule", "engine", "reset-tty"]


@pytest.mark.parametrize("text", ["\x1b]0;owned\x07", "\x9b2J", "\u202egnp.exe", "a\nb", "ü 漢"])
def test_no_text_reaches_a_terminal_as_control(text: str) -> None:
    """It is one line of visible ASCII, and read back it is the very same text."""
    told = json_text(Told(path=Path(text), names=MappingProxyType({text: text})))
    assert all(" " <= letter <= "~" for letter in told)
    assert json.loads(told) == {"path": text, "names": {text: text}}


def test_a_name_that_is_no_utf8_is_told() -> None:
    """A folder of an old host must not end the telling of what was done with it."""
    path = Path(os.fsdecode(b"/backup/\xff"))
    assert json.loads(json_text({"path": path})) == {"path": str(path)}


def test_what_has_no_form_is_a_fault() -> None:
    """Nothing is told by its repr."""
    with pytest.raises(TypeError, match="has no form in JSON"):
        json_text({"it": object()})
