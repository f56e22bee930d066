"""Another keeper's program: run as whom, with what, and stopped where it says too much."""

from pathlib import Path

import pytest

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.database.account import present_account
from aihummer_drtui.recovery.point_in_time import keeper_program
from aihummer_drtui.recovery.point_in_time.keeper_program import KeeperProgram
from aihummer_drtui.recovery.target import Target


def program(script: str, folder: Path) -> KeeperProgram:
    """A keeper that is a shell script."""
    path = folder / "keeper"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return KeeperProgram(
        title="Keeper",
        package="keeper",
        program=str(path),
        options=("--always",),
        account=present_account(),
        target=Target(),
    )


def test_the_answer_is_stdout_and_the_words_are_stderrs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its secrets come from its own configuration: no variable that might hold one is handed on."""
    monkeypatch.setenv("PGBACKREST_REPO1_CIPHER_PASS", "secret")
    monkeypatch.setenv("PGPASSWORD", "secret")
    answer = program('echo "$@"; env; echo "warning" >&2; exit 3', tmp_path).ask("list")
    assert answer.data.startswith(b"--always list\n")
    assert b"secret" not in answer.data
    assert b"TZ=UTC" in answer.data
    assert (answer.succeeded, answer.words) == (False, "warning")


def test_without_words_on_stderr_those_on_stdout_tell(tmp_path: Path) -> None:
    """Barman complains on both."""
    assert program("echo why; exit 1", tmp_path).ask().words == "why"
    assert program("exit 1", tmp_path).ask().words == "it said nothing"


def test_an_endless_answer_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory and disk stay bounded."""
    monkeypatch.setattr(keeper_program, "_LIMIT", 10_000)
    with pytest.raises(FailedError, match="said more than 10000 bytes") as told:
        program("yes", tmp_path).ask("list")
    assert told.value.hint.endswith("keeper --always list")
