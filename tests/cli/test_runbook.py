"""`lint` and `print` as a person calls them, and which runbook files are refused."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from aihummer_drtui.cli.main import cli
from aihummer_drtui.cli.runbook import LintReport, print_remaining
from aihummer_drtui.cli.runbook_file import load_runbook, runbook_of, shipped_text
from aihummer_drtui.errors import ExitCode, PreconditionError, UsageError
from aihummer_drtui.runbook.model import Runbook
from tests.runbook.sample import GOOD

DIRTY = GOOD.replace("`check:healthz`", "`check:helthz`").replace("## 2.", "## 5.")


def call(*arguments: str | Path) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(cli, [str(part) for part in arguments], standalone_mode=False)


def written(folder: Path, text: str) -> Path:
    """A runbook file that only its owner can write."""
    path = folder / "team.md"
    path.write_text(text, newline="")
    path.chmod(0o600)
    return path


def test_lint_is_quiet_about_a_good_runbook(tmp_path: Path) -> None:
    """Nothing on stdout, 0 at the end."""
    result = call("lint", written(tmp_path, GOOD))
    assert (result.return_value, result.stdout) == (ExitCode.OK, "")
    assert "no problem found" in result.stderr


def test_the_name_of_a_file_cannot_speak_to_the_terminal(tmp_path: Path) -> None:
    """Not in the summary either."""
    path = written(tmp_path, GOOD).rename(tmp_path / "title\x1b]0;gone\x07.md")
    result = call("lint", path)
    assert "\x1b" not in result.stdout + result.stderr
    assert "\\x1b]0;gone" in result.stderr


def test_lint_of_the_shipped_runbook_finds_nothing() -> None:
    """The checks that the shipped runbook names are checks that this program has."""
    assert call("lint").stdout == ""


def test_lint_tells_every_problem_with_its_place(tmp_path: Path) -> None:
    """Stopping problems and advice alike end with 1; each line can be jumped to."""
    path = written(tmp_path, DIRTY)
    result = call("lint", path)
    assert result.return_value == ExitCode.FAILED
    heads = [line for line in result.stdout.split("\n") if line.startswith(str(path))]
    assert [head.split(": ", 1)[1] for head in heads] == [
        "the level `up` names no item with `work/healthz`",
        "the step is not numbered 2",
        "there is no check `helthz`",
    ]
    assert all(int(part) > 0 for head in heads for part in head[len(str(path)) + 1 :].split(":")[:2])
    assert "2 that stop a run, 1 that make it harder" in result.stderr


def test_lint_tells_programs_the_same(tmp_path: Path) -> None:
    """--json parts what stops a run from what is advice."""
    result = call("lint", "--json", written(tmp_path, DIRTY))
    report = msgspec.json.decode(result.stdout, type=LintReport)
    assert (len(report.stopping), len(report.advice)) == (2, 1)
    assert result.return_value == ExitCode.FAILED


def test_lint_looks_at_files_that_others_can_write(tmp_path: Path) -> None:
    """Looking is harmless; only running is not."""
    path = written(tmp_path, GOOD)
    path.chmod(0o666)
    assert call("lint", path).return_value == ExitCode.OK


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo"])
def test_lint_of_no_file_is_a_wrong_call(tmp_path: Path, kind: str) -> None:
    """What is no file is said to be none, and nothing hangs."""
    path = tmp_path / "it"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    assert isinstance(call("lint", path).exception, UsageError)


def test_a_file_that_is_not_utf_8_is_told_with_the_place(tmp_path: Path) -> None:
    """The byte that is wrong can be found."""
    path = tmp_path / "latin.md"
    path.write_bytes(b'+++\nid = "caf\xe9"\n')
    error = call("lint", path).exception
    assert isinstance(error, PreconditionError)
    assert error.where == f"{path}:2:10"


def test_print_gives_plain_text_of_the_shipped_runbook() -> None:
    """Paper for the day on which this program does not run."""
    text = call("print").stdout
    assert text.startswith("RECOVER A LOST AIHUMMER\n")
    assert "7. Prove that it is back" in text
    assert "**" not in text


def test_print_of_a_teams_own_and_as_json(tmp_path: Path) -> None:
    """--runbook takes another; --json gives the whole runbook."""
    path = written(tmp_path, GOOD)
    assert call("print", "--runbook", path).stdout.startswith("A SMALL ONE\n")
    runbook = msgspec.json.decode(call("print", "--runbook", path, "--json").stdout, type=Runbook)
    assert runbook == load_runbook(path)[1]


def test_print_of_what_remains(capsys: pytest.CaptureFixture[str]) -> None:
    """The values of the run stand above the commands that use them."""
    print_remaining(runbook_of(GOOD), statuses={}, values={"BACKUP_SET": "/b/a set"})
    assert "export BACKUP_SET='/b/a set'\n" in capsys.readouterr().out


def test_a_runbook_is_given_with_the_text_as_it_is_in_the_file(tmp_path: Path) -> None:
    """The run keeps and hashes exactly what was read, line ends and all."""
    text = GOOD.replace("\n", "\r\n")
    assert load_runbook(written(tmp_path, text))[0] == text


def test_the_shipped_runbook_loads_without_a_path() -> None:
    """It is found in a wheel or beside the package of a checkout."""
    text, runbook = load_runbook(None)
    assert runbook.id == "disaster-recovery"
    assert text == shipped_text()


def test_advice_stops_no_run_and_problems_do(tmp_path: Path) -> None:
    """In an outage a thin runbook is better than none; an unsafe one is not."""
    assert load_runbook(written(tmp_path, GOOD.replace("## 2.", "## 5.")))[1].id == "small"
    with pytest.raises(PreconditionError) as caught:
        load_runbook(written(tmp_path, DIRTY))
    assert "there is no check `helthz`" in str(caught.value)
    assert "names no item" in str(caught.value)


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o622, 0o755), (0o620, 0o755), (0o600, 0o777)])
def test_x06_a_runbook_that_others_can_write_is_refused(
    tmp_path: Path, file_mode: int, folder_mode: int
) -> None:
    """X06: whoever can write the runbook could run commands as the operator."""
    path = written(tmp_path, GOOD)
    path.chmod(file_mode)
    tmp_path.chmod(folder_mode)
    with pytest.raises(PreconditionError, match="can be written by other accounts"):
        load_runbook(path)


def test_x06_a_link_is_judged_by_what_it_leads_to(tmp_path: Path) -> None:
    """A link in a safe folder to a file in an unsafe one is refused; to a safe one it is taken."""
    (tmp_path / "safe").mkdir(mode=0o755)
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    good, bad = written(tmp_path / "safe", GOOD), written(tmp_path / "open", GOOD)
    for name, path in (("good.md", good), ("bad.md", bad)):
        (tmp_path / name).symlink_to(path)
    assert load_runbook(tmp_path / "good.md")[1].id == "small"
    with pytest.raises(PreconditionError, match="folder of the runbook"):
        load_runbook(tmp_path / "bad.md")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_x06_a_runbook_of_another_account_is_refused(tmp_path: Path) -> None:
    """Another account's file can change between two looks."""
    path = written(tmp_path, GOOD)
    os.chown(path, 65534, 65534)
    with pytest.raises(PreconditionError, match="belongs to account 65534"):
        load_runbook(path)


@pytest.mark.parametrize("harm", ["open", "foreign"])
def test_x06_a_folder_above_that_others_could_exchange_is_refused(tmp_path: Path, harm: str) -> None:
    """Who can rename the folder of a runbook puts another in its place, however safe that folder is."""
    if harm == "foreign" and os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    path = tmp_path / "above" / "inside"
    path.mkdir(parents=True)
    path.chmod(0o755)
    path = written(path, GOOD)
    above = tmp_path / "above"
    load_runbook(path)
    if harm == "open":
        above.chmod(0o777)
    else:
        os.chown(above, 65534, 65534)
    with pytest.raises(PreconditionError, match="a folder above the runbook") as refused:
        load_runbook(path)
    assert refused.value.where == str(above)
    if harm == "open":
        above.chmod(0o1777)
        load_runbook(path)


@pytest.mark.parametrize("kind", ["pipe", "folder", "socket", "device", "endless", "a link to nothing"])
def test_x06_what_is_no_file_is_refused_without_waiting(tmp_path: Path, kind: str) -> None:
    """A pipe would be waited for, a device never ends."""
    path = tmp_path / "team.md"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "socket":
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(str(path))
        case "device":
            path.symlink_to("/dev/zero")
        case "endless":
            path.touch(0o600)
            os.truncate(path, 1 << 40)
        case _:
            path.symlink_to(tmp_path / "none")
    done = run_words("run", "--plain", "--runbook", path, state=tmp_path / "state")
    assert done.returncode == 3, done.stderr
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "state").glob("runs/*"))


def run_words(*words: str | Path, state: Path) -> "subprocess.CompletedProcess[str]":
    """Run the program as a process of its own, with the defaults as target and no terminal."""
    target = state.parent / "target.toml"
    target.write_text("")
    target.chmod(0o600)
    return subprocess.run(
        [sys.executable, "-m", "aihummer_drtui", "--state-dir", state, "--target", target, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


BOMBS = {
    "yaml": ("---\na: &a [x,x,x,x]\nb: &b [*a,*a,*a]\nc: [*b,*b]\n---\n", "1:1: ", "front matter is YAML"),
    "nested": (GOOD.replace("title =", "deep = " + "[" * 7000 + "\ntitle =", 1), "2:1: ", "is not TOML"),
    "wide": (GOOD.replace("title =", f"{'.'.join('a' * 5000)} = 1\ntitle =", 1), "3:1: ", "has no key"),
    "unfinished": (GOOD.replace('title = "A', "title = A", 1), "3:9: ", "is not TOML"),
    "wrong type": (GOOD.replace('rto = "2h"', "rto = 2", 1), "7:1: ", "`rto` is not a duration"),
    "lists": (GOOD + "\n" + "".join("  " * i + "- x\n" for i in range(700)), "77:1: ", "no checklist item"),
    "lines": (GOOD + "- [ ] x\n" * 60_000, "5000:1: ", "more than 5000 lines"),
    "large": (GOOD + "x" * (1 << 20), ":", "larger than"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_x08_a_bomb_or_a_bad_scheme_is_told_with_its_line(tmp_path: Path, bomb: str) -> None:
    """Nothing is expanded, nothing overflows; the run is not begun, `lint` names the place."""
    text, place, what = BOMBS[bomb]
    path = written(tmp_path, text)
    began = time.monotonic()
    done = run_words("run", "--plain", "--runbook", path, state=tmp_path / "state")
    assert time.monotonic() - began < 10
    assert done.returncode == 3
    assert what in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "state").glob("runs/*"))
    if bomb != "large":
        assert f"{path}:{place}" in call("lint", path).stdout


@pytest.mark.parametrize(
    "text",
    ["x" + "`" * 200_000, " ".join("`" * n for n in range(1, 1200)), "[" * 200_000, "*a _b " * 100_000],
    ids=["ticks", "more and more ticks", "brackets", "emphasis"],
)
def test_x08_text_that_readers_of_markdown_choke_on_is_read_in_time(text: str) -> None:
    """Ticks, brackets and emphasis without an end."""
    began = time.monotonic()
    runbook_of(f"{GOOD}\n{text}\n")
    assert time.monotonic() - began < 5


def test_x08_a_long_mark_of_a_block_is_not_repeated_whole(tmp_path: Path) -> None:
    """The way out of an open block names its mark, in a line that can be read."""
    told = call("lint", written(tmp_path, f"{GOOD}\n{'`' * 100_000}\n")).stdout
    assert "a fenced block that is never closed" in told
    assert max(map(len, told.split("\n"))) < 500


@pytest.mark.parametrize("command", ["lint", "print"])
def test_looking_at_runbooks_loads_nothing_heavy(command: str) -> None:
    """No terminal interface, database driver or HTTP client is imported for paper."""
    code = (
        "import sys; from aihummer_drtui.cli.main import cli; "
        f"cli.main([{command!r}], standalone_mode=False); "
        "print(sorted({'textual', 'rich'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip().endswith("[]")
