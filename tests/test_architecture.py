"""The house keeps its order: who may know whom, and what comes along with an import."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "aihummer_drtui"
EFFECTS = {"asyncio", "cryptography", "httpx", "psycopg", "rich", "subprocess", "textual"}
"""Packages that touch processes, networks or terminals."""
HEAVY = {"cryptography", "httpx", "psycopg", "textual"}
"""Packages that cost an operator on a slow host seconds."""


def modules_of(room: str) -> list[str]:
    """Every module of a room, or the room itself when it is one file."""
    folder = PACKAGE / room
    if not folder.is_dir():
        return [f"aihummer_drtui.{room}"]
    files = sorted(folder.rglob("*.py"))
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in files
    ]


def packages_after(code: str) -> set[str]:
    """Top-level packages that a fresh process has loaded after running `code`."""
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
    )
    loaded: list[str] = json.loads(ended.stderr.splitlines()[-1])
    return {name.partition(".")[0] for name in loaded}


def importing(room: str) -> set[str]:
    """What a fresh process has loaded after importing every module of a room."""
    return packages_after("\n".join(f"import {module}" for module in modules_of(room)))


def test_no_room_knows_one_above_it() -> None:
    """The import contracts of pyproject.toml hold."""
    linter = Path(sys.executable).parent / "lint-imports"
    ended = subprocess.run(
        [str(linter), "--no-cache"], capture_output=True, text=True, timeout=120, check=False, cwd=ROOT
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_room_of_the_package_is_in_the_contracts() -> None:
    """A room that is added is given its place."""
    contracts = (ROOT / "pyproject.toml").read_text()
    rooms = [
        path.stem for path in PACKAGE.iterdir() if (path / "__init__.py").exists() or path.suffix == ".py"
    ]
    unplaced = [room for room in rooms if f"aihummer_drtui.{room}" not in contracts]
    assert sorted(unplaced) == ["__init__", "__main__"]


@pytest.mark.parametrize("room", ["runbook", "run", "errors", "foreign", "quantities"])
def test_pure_rooms_bring_nothing_that_acts(room: str) -> None:
    """What decides has no hands: no process, network, terminal or event loop comes along."""
    assert not importing(room) & EFFECTS


@pytest.mark.parametrize("room", ["engine", "plain", "recovery", "sandbox", "durable"])
def test_rooms_below_the_screens_do_not_bring_textual(room: str) -> None:
    """A recovery over a serial console needs no terminal application."""
    assert "textual" not in importing(room)


def test_the_engine_brings_no_client_of_anything() -> None:
    """The engine is given its checks; what they talk to is not its business."""
    assert not importing("engine") & {"cryptography", "httpx", "psycopg", "textual"}


def test_importing_any_room_prints_and_opens_nothing() -> None:
    """Imports have no effects: an unreadable configuration must not break `--help`."""
    modules = [
        module for room in ("runbook", "run", "engine", "recovery", "plain") for module in modules_of(room)
    ]
    ended = subprocess.run(
        [sys.executable, "-c", "\n".join(f"import {module}" for module in modules)],
        capture_output=True,
        timeout=60,
        check=True,
        cwd=ROOT,
    )
    assert (ended.stdout, ended.stderr) == (b"", b"")


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["drill", "--help"], ["lint", "--help"]])
def test_help_comes_at_once(arguments: list[str]) -> None:
    """Asking for help loads neither clients nor screens."""
    loaded = packages_after(
        "from aihummer_drtui.cli.main import cli\n"
        f"try:\n    cli.main({arguments!r})\nexcept SystemExit as ended:\n    assert not ended.code"
    )
    assert not loaded & HEAVY


def test_the_module_and_the_script_are_the_same_program() -> None:
    """`python -m aihummer_drtui` works where the script is not on the PATH."""
    script = Path(sys.executable).parent / "aihummer-drtui"
    told = [
        subprocess.run([*program, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
        for program in ([sys.executable, "-m", "aihummer_drtui"], [str(script)])
    ]
    assert told[0] == told[1] != ""
