"""gateway.env is understood as systemd and a shell do, and changed without losing anything."""

import os
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aihummer_drtui.errors import PreconditionError, UsageError
from aihummer_drtui.recovery.gateway.environment import (
    parse_gateway_env,
    quoted,
    read_gateway_env,
    with_values,
    write_gateway_env,
)

_VALUES = st.text(st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("A=1\n", {"A": "1"}),
        ("export A=1\r\n  B = x\n", {"A": "1"}),
        ("A='x y'z\n", {"A": "x yz"}),
        ('A="x \\"y\\" \\n"\n', {"A": 'x "y" \\n'}),
        ("# A=1\n;B=2\n\n", {}),
        ("A=\n", {"A": ""}),
        ("A=a#b\n", {"A": "a#b"}),
        ("A=1\nA=2", {"A": "2"}),
        ("\ufeffA=1\n", {"A": "1"}),
        ("A=MDEy+/==\n", {"A": "MDEy+/=="}),
    ],
)
def test_lines_are_read(text: str, variables: dict[str, str]) -> None:
    """Quotes, comments, export, CRLF and a BOM."""
    assert parse_gateway_env(text.encode()).variables == variables


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"AIHUMMER_MASTER_KE", "cut off"),
        (b'A="MDEyMzQ1Njc4', "not closed"),
        (b"A='MDEyMzQ1Njc4", "not closed"),
        (b"A B=1", "name"),
        (b"=1", "name"),
        (b"A=\xff\xfe", "UTF-8"),
        (b"A=\x001", "control"),
        (b"A=1\\", "backslash"),
    ],
)
def test_a_half_line_is_told_with_its_number(line: bytes, what: str) -> None:
    """The operator learns where and what, and never sees the value."""
    env = parse_gateway_env(b"# first\nGOOD=1\n" + line + b"\nALSO=2\n")
    assert env.variables == {"GOOD": "1", "ALSO": "2"}
    assert [problem.line for problem in env.problems] == [3]
    assert what in env.problems[0].what
    assert "MDEy" not in str(env.problems)


def test_doubts_are_told() -> None:
    """What systemd and a shell read differently, and a variable that stands twice."""
    env = parse_gateway_env(b"A=1 # note\nA= 2\n")
    assert env.variables == {"A": "2"}
    assert len(env.doubts) == 3


def test_no_value_is_in_a_repr() -> None:
    """A traceback or a log line of the parsed file gives nothing away."""
    env = parse_gateway_env(b"AIHUMMER_MASTER_KEY=canary-value\n")
    assert "canary" not in repr(env)


@given(_VALUES)
@example("export ")
def test_a_written_value_reads_back_the_same(value: str) -> None:
    """Whatever the value is, our reader gets it back."""
    text = with_values(parse_gateway_env(b"A=old\n"), {"A": value})
    env = parse_gateway_env(text.encode())
    assert env.variables == {"A": value}
    assert not env.problems


@pytest.mark.parametrize(
    "value", ["plain", "", "a b", "it's", 'q"q', "$HOME `x` \\", "p://u:p@h/d?a=1&b=2", "ü", "'\"$"]
)
def test_a_shell_reads_the_same_value(value: str) -> None:
    """The file may be sourced: nothing is expanded or run."""
    script = f'A={quoted(value)}\nprintf %s "$A"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True, timeout=10)
    assert done.stdout.decode() == value


@given(
    st.lists(st.sampled_from(["# c", "", "B='x'", "export C=1", "half", "D=\x7f", "E=1 # n"])), st.booleans()
)
def test_everything_else_stays_as_it_was(lines: list[str], there: bool) -> None:
    """Order, comments, quotes and even broken lines of other variables."""
    before = [*lines, "A=old", *lines] if there else [*lines, *lines]
    text = with_values(parse_gateway_env("".join(f"{line}\n" for line in before).encode()), {"A": "new"})
    after = text.split("\n")[:-1]
    wanted = [line if line != "A=old" else "A=new" for line in before]
    assert after == (wanted if there else [*wanted, "A=new"])


def test_a_half_line_of_the_variable_itself_is_replaced() -> None:
    """Restoring a key over its torn line must not leave the torn line behind."""
    assert with_values(parse_gateway_env(b"A='half\nB=1\n"), {"A": "new"}) == "A=new\nB=1\n"


@pytest.mark.parametrize(("name", "value"), [("A B", "1"), ("A", "x\ny"), ("A", "\x00")])
def test_what_a_file_cannot_hold_is_refused(name: str, value: str) -> None:
    """A line break in a value would be a second variable."""
    with pytest.raises(UsageError):
        with_values(parse_gateway_env(b""), {name: value})


def test_a_missing_file_says_nothing_and_is_no_error(tmp_path: Path) -> None:
    """On a new host it is not there yet; asking for a variable of it says so."""
    env = read_gateway_env(tmp_path / "gateway.env")
    assert not env.exists
    with pytest.raises(PreconditionError, match="no such file"):
        env.require("AIHUMMER_MASTER_KEY")


@pytest.mark.parametrize("kind", ["folder", "fifo", "dangling", "huge", "unreadable"])
def test_x06_what_is_no_readable_file_is_refused(tmp_path: Path, kind: str) -> None:
    """No endless wait on a pipe, no guess on a broken link."""
    path = tmp_path / "gateway.env"
    match kind:
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "dangling":
            path.symlink_to(tmp_path / "nowhere")
        case "huge":
            path.write_bytes(b"#" * 1_000_001)
        case _:
            if os.geteuid() == 0:
                pytest.skip("root reads everything")
            path.write_text("A=1")
            path.chmod(0)
    with pytest.raises(PreconditionError) as refused:
        read_gateway_env(path)
    assert str(path) in str(refused.value)


def test_a_new_file_is_private_and_its_folder_is_made(tmp_path: Path) -> None:
    """It will hold the master key."""
    path = tmp_path / "etc" / "deep" / "gateway.env"
    write_gateway_env(path, "A=1\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == "A=1\n"


def test_mode_and_owner_stay(tmp_path: Path) -> None:
    """The gateway's account must still be able to read its file."""
    path = tmp_path / "gateway.env"
    path.write_text("A=1\n")
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 12345, 54321)
    before = path.stat()
    write_gateway_env(path, "A=2\n")
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino


def test_x06_a_link_is_not_written_through(tmp_path: Path) -> None:
    """Whoever can place a link must not be given the key."""
    path = tmp_path / "gateway.env"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine\n")
    path.symlink_to(elsewhere)
    with pytest.raises(PreconditionError, match="regular file"):
        write_gateway_env(path, "A=1\n")
    assert elsewhere.read_text() == "mine\n"
    assert path.is_symlink()


@pytest.mark.parametrize(("mode", "folder"), [(0o666, 0o755), (0o620, 0o755), (0o600, 0o777)])
def test_x06_a_file_that_others_can_write_is_refused(tmp_path: Path, mode: int, folder: int) -> None:
    """It tells which database and which folder are replaced; the way out stands in the hint."""
    path = tmp_path / "gateway.env"
    path.write_text("A=1\n")
    path.chmod(mode)
    tmp_path.chmod(folder)
    with pytest.raises(PreconditionError, match="can be written by other accounts") as refused:
        read_gateway_env(path)
    assert "chmod" in refused.value.hint
    path.chmod(0o640)
    tmp_path.chmod(0o1777)
    assert read_gateway_env(path).get("A") == "1"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to a group")
def test_x06_a_folder_that_a_group_can_write_is_refused(tmp_path: Path) -> None:
    """Whoever is in it can put another file there; the owner's own group has nobody else in it."""
    path = tmp_path / "gateway.env"
    path.write_text("A=1\n")
    path.chmod(0o600)
    tmp_path.chmod(0o775)
    assert read_gateway_env(path).get("A") == "1"
    for group in (1, 4_000_000):
        os.chown(tmp_path, 0, group)
        tmp_path.chmod(0o775)
        with pytest.raises(PreconditionError, match="its folder can be written") as refused:
            read_gateway_env(path)
        assert "chmod g-w" in refused.value.hint
