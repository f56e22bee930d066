"""The command line's frame: every call ends with a documented code and a message, none with a traceback."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from aihummer_drtui.cli.main import COMMANDS
from tests.cli.calling import PROGRAM
from tests.cli.desk import Desk
from tests.engine.test_journal_faults import unmeasured


def program(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Call the installed program."""
    return subprocess.run(
        [PROGRAM, *words], capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **more}
    )


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_its_help(name: str) -> None:
    """Imported when it is asked for, and only then."""
    ended = program(name, "--help")
    assert ended.returncode == 0
    assert "Usage:" in ended.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["run", "--nonsense"], "No such option"),
        (["run", "--mode", "rehearsal"], "'rehearsal' is not one of"),
        (["run", "--patience", "-1"], "not in the range"),
        (["abandon"], "Missing argument 'RUN'"),
    ],
)
def test_a_wrong_call_is_2(words: list[str], told: str) -> None:
    """With what is wrong on stderr, and nothing on stdout."""
    ended = program(*words)
    assert ended.returncode == 2
    assert told in ended.stderr
    assert ended.stdout == ""


def test_help_imports_nothing_heavy() -> None:
    """It has to come at once on the slowest host."""
    code = (
        "import sys; from aihummer_drtui.cli.main import cli; cli.main(['--help'], standalone_mode=False); "
        "print(sorted({'psycopg','httpx','cryptography','textual','rich'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"


def test_line_mode_imports_no_textual(desk: Desk) -> None:
    """The front end for the worst terminal does not need the one for the best."""
    code = (
        "import sys, atexit; atexit.register(lambda: print('textual' in sys.modules, file=sys.stderr)); "
        "sys.argv[0] = 'aihummer-drtui'; from aihummer_drtui.cli.main import main; main()"
    )
    words = desk.run_words()
    ended = desk.call([words[0], "-c", code, *words[2:]], code=3)
    assert ended.stderr.splitlines()[-1] == "False"


def test_the_version_is_said() -> None:
    """By its name."""
    assert program("--version").stdout.startswith("aihummer-drtui")


@pytest.mark.parametrize("room", ["room for a file", "none"])
def test_k06_a_fault_of_this_program_is_no_traceback(tmp_path: Path, room: str) -> None:
    """Exit 1, one message; the traceback lies in a private file, without the values it was about."""
    code = (
        "import sys; sys.argv = ['aihummer-drtui', 'runs']; import aihummer_drtui.engine.folder as f; "
        "f.list_runs = lambda _, secret='c4nary': int(secret); "
        "from aihummer_drtui.cli.main import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        # Without what measures coverage, whose file would find no room either.
        env={**unmeasured(), "DRTUI_STATE_DIR": str(tmp_path / "s"), "TMPDIR": str(tmp_path)},
        preexec_fn=None if room != "none" else no_file_at_all,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "ValueError" in ended.stderr
    faults = list(tmp_path.glob("aihummer-drtui-fault-*"))
    assert "c4nary" not in ended.stderr + "".join(fault.read_text() for fault in faults).replace(code, "")
    assert [fault.stat().st_mode & 0o077 for fault in faults if fault.stat().st_size] == (
        [] if room == "none" else [0]
    )


def no_file_at_all() -> None:
    """Let no file grow."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_a_reader_that_goes_away_is_quiet() -> None:
    """`--help | true` says nothing more and is no success."""
    script = f"{PROGRAM} --help | true; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert (ended.stdout.strip(), ended.stderr) == ("1", "")
