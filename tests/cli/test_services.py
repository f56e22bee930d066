"""`wait-ready`, `smoke` and `prove` as commands, with the documented exit codes."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.run.progress import Progress
from tests.cli.calling import PROGRAM, call
from tests.recovery.hostile_server import hostile_server


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    """Give a target that becomes ready after a while."""
    tmp_path.chmod(0o755)
    with hostile_server() as server:
        file = tmp_path / "target.toml"
        file.write_text(
            f'gateway-env = "{tmp_path}/gateway.env"\nsmoke = "{tmp_path}/smoke.sh"\n'
            f'base-url = "{server.url}"\n'
        )
        yield file


def _smoke(target: Path, script: str) -> None:
    smoke = target.parent / "smoke.sh"
    smoke.write_text(f"#!/bin/sh\n{script}\n")
    smoke.chmod(0o755)


def test_waiting_ends_when_ready(target: Path) -> None:
    """After a chance green one, a red one and two in a row."""
    done = call("wait-ready", "--time-out", "20", target=target)
    assert (done.returncode, done.stdout.startswith("ready: ")) == (0, True)


def test_waiting_too_long_is_exit_code_1(target: Path) -> None:
    """With the last answer and a hint."""
    done = call("wait-ready", "--time-out", "1", target=target)
    assert done.returncode == 1
    assert "503" in done.stderr
    assert "HINT: " in done.stderr


def test_waiting_tells_where_it_is(target: Path) -> None:
    """On the progress descriptor, for the engine that started it."""
    import subprocess

    reader, writer = os.pipe()
    with os.fdopen(writer, "wb"):
        subprocess.run(
            [PROGRAM, "--target", target, "wait-ready", "--time-out", "20"],
            env={**os.environ, "DRTUI_PROGRESS_FD": str(writer)},
            pass_fds=[writer],
            capture_output=True,
            check=True,
            timeout=60,
        )
    with os.fdopen(reader, "rb") as told:
        lines = [msgspec.json.decode(line, type=Progress) for line in told]
    assert {line.phase for line in lines} == {"waiting for /readyz"}
    assert lines[0].total == 20


@pytest.mark.parametrize(
    ("script", "code"),
    [("echo fine", 0), ("echo fine; exit 7", 1), ("kill -9 $$", 1), ("sleep 30", 4), (None, 1)],
)
def test_smoke_is_its_exit_code(target: Path, script: str | None, code: int) -> None:
    """A time-out is an unknown outcome; a signal or a missing script is no pass."""
    if script is not None:
        _smoke(target, script)
    done = call("smoke", "--time-out", "1.5", target=target)
    assert done.returncode == code, done.stderr
    assert ("fine" in done.stdout) == (script is not None and "fine" in script)


def test_x01_what_smoke_prints_cannot_drive_the_terminal(target: Path) -> None:
    """X01: control sequences become visible text."""
    _smoke(target, "printf '\\033]52;c;aGk=\\007'")
    assert "\x1b" not in call("smoke", target=target).stdout


def test_nothing_is_proven_on_an_empty_host(target: Path) -> None:
    """Every proof is told, and the end is no success."""
    done = call("prove", target=target)
    assert done.returncode == 1
    for name in ("readyz", "master-key", "vault-opens", "blobs-referenced", "media-token"):
        assert name in done.stdout
    assert "not proven" in done.stderr


@pytest.fixture
def half_told(target: Path) -> Path:
    """Give a target that is ready, has a key and no blobs, and whose vault nobody described."""
    key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    (target.parent / "gateway.env").write_text(f"AIHUMMER_MASTER_KEY={key}\n")
    assert call("wait-ready", "--time-out", "20", target=target).returncode == 0
    return target


def test_what_could_not_be_proven_is_no_success(half_told: Path) -> None:
    """Exit code 4: nothing failed, and nobody can know."""
    done = call("prove", target=half_told)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "not proven: something could not be seen here" in done.stderr


def test_what_could_not_be_proven_can_be_accepted(half_told: Path) -> None:
    """With exit code 0, and with the names of all that stays unproven."""
    done = call("prove", "--accept-unproven", target=half_told)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing failed; unproven: master-key, vault-opens" in done.stderr


def test_the_last_steps_speak_json(half_told: Path) -> None:
    """The answer, the end of the smoke test, each proof; the exit codes stay what they are."""
    ready = call("wait-ready", "--time-out", "20", "--json", target=half_told)
    assert json.loads(ready.stdout)["status"] == 200
    _smoke(half_told, "echo fine; exit 7")
    smoke = call("smoke", "--json", target=half_told)
    assert smoke.returncode == 1
    told = json.loads(smoke.stdout)
    assert (told["end"], told["code"], told["output"]) == ("exited", 7, "fine\n")
    proven = call("prove", "--json", target=half_told)
    assert proven.returncode == 4
    assert {one["name"]: one["observation"]["verdict"] for one in json.loads(proven.stdout)} == {
        "readyz": "passed",
        "master-key": "unproven",
        "vault-opens": "unproven",
        "blobs-referenced": "passed",
        "media-token": "passed",
    }


def test_what_failed_cannot_be_accepted(target: Path) -> None:
    """Accepting the unproven covers no failure: here no gateway.env is there at all."""
    done = call("prove", "--accept-unproven", target=target)
    assert done.returncode == 1
    assert "not proven: something failed" in done.stderr
