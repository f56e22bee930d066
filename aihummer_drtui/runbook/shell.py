"""What a `sh` script of a runbook refers to. A reader of words and quotes, not a shell."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from aihummer_drtui.runbook.model import Place

_TOKEN: Final = re.compile(
    r"""\\.|\$\{(?P<braced>[A-Za-z_]\w*)(?P<operator>:?[-=+?])?|\$(?P<bare>[A-Za-z_]\w*)"""
    r"""|(?P<quote>["'])|(?P<comment>(?<![^\s;])\#)|(?P<pipe>(?<![|>])\|(?!\|))|(?P<hidden>\|\|\s*(?:true|:)(?![^\s;)&|]))""",
    re.DOTALL | re.ASCII,
)
_ASSIGNED: Final = re.compile(
    r"(?:^|[\s;&|(])(?:(?P<set>[A-Za-z_]\w*)=|for\s+(?P<loop>[A-Za-z_]\w*)\s|read\s+(?:-r\s+)?(?P<read>[A-Za-z_]\w*))",
    re.ASCII | re.MULTILINE,
)


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """One mention of a variable."""

    variable: str
    quoted: bool
    """Inside double quotes, where a blank in the value changes nothing."""
    excused: bool
    """The script itself says what to do when it is not set: `${NAME:-…}`."""
    place: Place
    """Within the script, counted from 1."""


class ScriptFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at a script gives."""

    uses: tuple[Use, ...]
    assigned: frozenset[str]
    pipes: tuple[Place, ...]
    """Where an exit code is lost behind a pipe; none where `case` makes the bar mean something else."""
    hidden: tuple[Place, ...]
    """Where a failure is thrown away: `|| true`."""


def script_facts(script: str) -> ScriptFacts:
    """Look through a script once."""
    uses: list[Use] = []
    pipes: list[Place] = []
    hidden: list[Place] = []
    for found, quoted in _tokens(script):
        place = _place(script, found.start())
        variable = found["braced"] or found["bare"]
        if variable:
            uses.append(Use(variable=variable, quoted=quoted, excused=bool(found["operator"]), place=place))
        elif found["pipe"] and not quoted:
            pipes.append(place)
        elif found["hidden"] and not quoted:
            hidden.append(place)
    names = {name for match in _ASSIGNED.finditer(script) for name in match.groups() if name}
    has_case = re.search(r"\bcase\b", script) is not None
    return ScriptFacts(
        uses=tuple(uses),
        assigned=frozenset(names),
        pipes=() if has_case else tuple(pipes),
        hidden=tuple(hidden),
    )


def _tokens(script: str) -> Iterator[tuple[re.Match[str], bool]]:
    """Every token with whether it stands in double quotes; single quotes and comments are passed over."""
    at, quoted = 0, False
    while found := _TOKEN.search(script, at):
        at = found.end()
        if found["quote"] == '"':
            quoted = not quoted
        elif found["quote"] == "'" and not quoted:
            end = script.find("'", at)
            at = len(script) if end < 0 else end + 1
        elif found["comment"] and not quoted:
            end = script.find("\n", at)
            at = len(script) if end < 0 else end
        else:
            yield found, quoted


def _place(script: str, offset: int) -> Place:
    return Place(line=script.count("\n", 0, offset) + 1, column=offset - script.rfind("\n", 0, offset))
