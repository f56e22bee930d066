"""The TOML between two `+++` lines at the top of a runbook."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aihummer_drtui.runbook.findings import Findings
from aihummer_drtui.runbook.model import LevelProof, Place, RecoveryLevel
from aihummer_drtui.runbook.names import told_id
from aihummer_drtui.runbook.toml_block import TomlBlock

_LEVELS: Final = (RecoveryLevel.UP, RecoveryLevel.SERVING, RecoveryLevel.PROVEN)


@dataclass(frozen=True, kw_only=True)
class FrontMatter:
    """What the top of a runbook says of the whole."""

    id: str
    title: str
    version: str
    owner: str
    reviewed: str
    rto: float
    rpo: float
    levels: tuple[LevelProof, ...]
    level_places: Mapping[RecoveryLevel, Place]


_NOTHING: Final = FrontMatter(
    id="", title="", version="", owner="", reviewed="", rto=0.0, rpo=0.0, levels=(), level_places={}
)


def split_front_matter(lines: tuple[str, ...], findings: Findings) -> tuple[str | None, tuple[str, ...]]:
    """The TOML, and the lines of the body with the front matter blanked so that numbers still hold."""
    if not lines or lines[0].rstrip() != "+++":
        yaml = bool(lines) and lines[0].rstrip() == "---"
        findings.stop(
            Place(line=1),
            "the front matter is YAML" if yaml else "the text does not begin with front matter",
            "begin with a line +++, then TOML (id, title, …), then a line +++",
        )
        return None, lines
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == "+++":
            return "\n".join(lines[1:number]), ("",) * (number + 1) + lines[number + 1 :]
    findings.stop(Place(line=1), "the front matter is never closed", "end it with a line +++")
    return None, lines[1:]


def read_front_matter(source: str | None, findings: Findings) -> FrontMatter:
    """Read the TOML; what is missing or wrong is told and left empty. None: there is none, told already."""
    if source is None:
        return _NOTHING
    block = TomlBlock(source, first=Place(line=2), findings=findings, name="the front matter")
    table = block.table("levels")
    read = FrontMatter(
        id=told_id(block.text("id", required=True), block.place("id"), findings),
        title=block.text("title", required=True),
        version=block.text("version", required=True),
        owner=block.text("owner", required=True),
        reviewed=block.date("reviewed"),
        rto=block.duration("rto", required=True) or 0.0,
        rpo=block.duration("rpo", required=True) or 0.0,
        levels=tuple(_proof(table, level, findings) for level in _LEVELS),
        level_places={level: table.place(level.value) for level in _LEVELS},
    )
    table.finish()
    block.finish()
    return read


def _proof(table: TomlBlock, level: RecoveryLevel, findings: Findings) -> LevelProof:
    items = table.names(level.value, required=True)
    if items == ():
        # An empty list would be fulfilled by nothing at all.
        findings.stop(table.place(level.value), f"the level `{level}` names no item", "say what proves it")
    return LevelProof(level=level, items=items or ())
