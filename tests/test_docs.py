"""What the documents list is what the program has."""

import re
from pathlib import Path

import msgspec

from aihummer_drtui.cli.main import COMMANDS
from aihummer_drtui.cli.restore import COMMANDS as RESTORES
from aihummer_drtui.errors import ExitCode
from aihummer_drtui.run.requests import Request
from aihummer_drtui.tui.intents import RUN, STEP

ROOT = Path(__file__).parent.parent


def rows(document: str, *, heading: str) -> list[list[str]]:
    """The cells of the table whose first heading is `heading`, without the heads."""
    lines = (ROOT / document).read_text("utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    table = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        # A bar inside a cell is written \|.
        table.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))])
    return table


def test_every_request_is_documented_with_its_fields() -> None:
    """Whoever writes another front end reads docs/engine.md."""
    told = {
        name: {field for field in fields.split(", ") if field}
        for names, fields, _ in rows("docs/engine.md", heading="request")
        for name in re.findall(r"`([a-z-]+)`", names)
    }
    kinds = msgspec.inspect.type_info(Request)
    assert isinstance(kinds, msgspec.inspect.UnionType)
    requests = [one for one in kinds.types if isinstance(one, msgspec.inspect.StructType)]
    assert told == {str(one.tag): {field.name for field in one.fields} for one in requests}


def test_every_command_is_in_the_readme() -> None:
    """Probes are for runbooks and engines for front ends; all else an operator may want."""
    told = " ".join(cells[0] for cells in rows("README.md", heading="command"))
    for name in {*COMMANDS, *(f"restore {part}" for part in RESTORES)} - {"engine", "probe", "restore"}:
        assert re.search(rf"`{name}\b", told), name


def test_exit_codes_are_documented() -> None:
    """Scripts rely on them."""
    told = {int(code) for code, _ in rows("README.md", heading="code")}
    assert told == set(ExitCode)


def test_every_key_of_a_step_is_documented() -> None:
    """docs/screens.md tells what the help tells."""
    told = {key.strip("`"): does for key, does in rows("docs/screens.md", heading="key")}
    assert told == {one.shown: one.does for one in (*STEP, *RUN) if one.does}
