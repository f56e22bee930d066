"""The house keeps its order: who may know whom, and what comes along with an import."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from aihummer_drtui.cli.declaring import declare
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.run.events import Mode

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "aihummer_drtui"
EFFECTS = {"asyncio", "cryptography", "httpx", "psycopg", "rich", "subprocess", "textual"}
"""Packages that touch processes, networks or terminals."""
HEAVY = {"asyncio", "cryptography", "httpx", "psycopg", "rich", "textual"}
"""Packages that cost an operator on a slow host seconds."""


def modules_of(room: str) -> list[str]:
    """Every module of a room, or the room itself when it is one file."""
    folder = PACKAGE / room
    if not folder.is_dir():
        return [f"aihummer_drtui.{room.replace('/', '.')}"]
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


@pytest.mark.parametrize("room", ["engine", "plain", "recovery", "sandbox", "durable", "tui/terminal"])
def test_rooms_below_the_screens_do_not_bring_textual(room: str) -> None:
    """A recovery over a serial console needs no terminal application."""
    assert "textual" not in importing(room)


def test_the_engine_brings_no_client_of_anything() -> None:
    """The engine is given its checks; what they talk to is not its business."""
    assert not importing("engine") & {"cryptography", "httpx", "psycopg", "textual"}


def test_importing_any_room_prints_and_opens_nothing() -> None:
    """Imports have no effects: an unreadable configuration must not break `--help`."""
    modules = [
        module
        for room in ("runbook", "run", "engine", "recovery", "plain", "tui")
        for module in modules_of(room)
    ]
    ended = subprocess.run(
        [sys.executable, "-c", "\n".join(f"import {module}" for module in modules)],
        capture_output=True,
        timeout=60,
        check=True,
        cwd=ROOT,
    )
    assert (ended.stdout, ended.stderr) == (b"", b"")


def loaded_by(*arguments: str) -> set[str]:
    """What a fresh process has loaded after the command line was run, however that ended."""
    return packages_after(
        "from aihummer_drtui.cli.main import main\n"
        f"sys.argv = {['aihummer-drtui', *arguments]!r}\ntry:\n    main()\nexcept SystemExit:\n    pass"
    )


@pytest.mark.parametrize(
    "arguments",
    [["--version"], ["check", "--help"], ["drill", "--help"], ["run", "--help"], ["lint"], ["print"]],
)
def test_what_only_reads_comes_at_once(arguments: list[str]) -> None:
    """Help, and a runbook on paper, load neither clients nor screens."""
    assert not loaded_by(*arguments) & HEAVY


@pytest.mark.parametrize("command", ["runs", "status", "print"])
def test_looking_at_a_run_loads_no_client(command: str, tmp_path: Path) -> None:
    """The journal is a file: nothing that talks to anybody is needed to read it."""
    tmp_path.chmod(0o700)
    target = tmp_path / "target.toml"
    target.write_text(f'gateway-env = "{tmp_path}/gateway.env"\n')
    settings = Settings(target_path=target, state_dir=tmp_path / "state")
    run = declare(settings, mode=Mode.REAL, runbook=None, incident_at="2026-03-01T03:00:00Z", operator="ada")
    which = [] if command == "runs" else [run.id]
    assert not loaded_by("--state-dir", str(tmp_path / "state"), command, *which) & HEAVY


def test_a_check_loads_no_screen(tmp_path: Path) -> None:
    """A check from cron on a host that is busy with an outage."""
    tmp_path.chmod(0o700)
    target = tmp_path / "target.toml"
    target.write_text(f'gateway-env = "{tmp_path}/gateway.env"\n')
    assert not loaded_by("--target", str(target), "check", "gateway-env") & {"rich", "textual"}


def test_the_first_help_loads_no_client() -> None:
    """It tells the first line of every command, and so imports every one."""
    assert not loaded_by("--help") & (HEAVY - {"asyncio"})


def test_the_module_and_the_script_are_the_same_program() -> None:
    """`python -m aihummer_drtui` works where the script is not on the PATH."""
    script = Path(sys.executable).parent / "aihummer-drtui"
    told = [
        subprocess.run([*program, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
        for program in ([sys.executable, "-m", "aihummer_drtui"], [str(script)])
    ]
    assert told[0] == told[1] != ""
