"""A process that may hold a secret shows its memory to nobody."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aihummer_drtui.privacy import fault_without_values

CANARY = "c4nary-0f-th3-k3y"

SYSTEM_PYTHON = shutil.which("python3", path="/usr/bin:/bin")
LOOK = """
import os, resource
from aihummer_drtui.privacy import keep_private
print(os.stat("/proc/self/environ").st_uid)
keep_private()
print(os.stat("/proc/self/environ").st_uid)
print(resource.getrlimit(resource.RLIMIT_CORE), oct(os.umask(0)))
print(os.readlink(f"/proc/self/fd/{os.open('/', os.O_PATH)}"))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
@pytest.mark.skipif(SYSTEM_PYTHON is None, reason="no Python that another account may run")
def test_k06_process_is_not_dumpable_and_leaves_no_core() -> None:
    """Its files in /proc become root's (proc(5)); its own descriptors it reaches as before."""
    told = subprocess.run(
        [str(SYSTEM_PYTHON), "-c", LOOK],
        user=65_534,
        group=65_534,
        extra_groups=[],
        cwd="/",
        env={"PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split("\n")[:-1] == ["65534", "0", "(0, 0) 0o77", "/"]


@pytest.mark.parametrize("private", [False, True])
def test_k06_a_process_that_crashes_leaves_no_core(tmp_path: Path, private: bool) -> None:
    """Ended by SIGABRT with a secret in its memory; without the promise there is a core that holds it."""
    keep = "from aihummer_drtui.privacy import keep_private; keep_private()" if private else ""
    code = f"import os\n{keep}\nsecret = bytes(reversed({CANARY[::-1].encode()!r}))\nos.abort()"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[1])},
        preexec_fn=dump_if_you_can,
        check=False,
    )
    assert ended.returncode == -signal.SIGABRT
    cores = list(tmp_path.iterdir())
    if not private and not cores:
        pytest.skip("this host writes no cores into the folder of the process (core_pattern)")
    assert [CANARY.encode() in core.read_bytes() for core in cores] == ([] if private else [True])


def dump_if_you_can() -> None:
    """Raise the limit for cores to what may be."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def broken(secret: str) -> None:
    """Fail twice with the secret in the message, a note and the variables."""
    try:
        int(secret)
    except ValueError as error:
        error.add_note(f"it was {secret}")
        raise KeyError({secret: secret}) from error


def test_k06_a_fault_is_told_without_values() -> None:
    """Where and of what class, down to its cause; the source lines, but nothing that they worked on."""
    with pytest.raises(KeyError) as caught:
        broken(CANARY)
    told = fault_without_values(caught.value)
    assert CANARY not in told
    assert "builtins.KeyError" in told
    assert "builtins.ValueError" in told
    assert "int(secret)" in told


def test_k06_a_chain_without_end_is_told_all_the_same() -> None:
    """Errors that are each other's cause."""
    one, other = ValueError(CANARY), ValueError(CANARY)
    one.__cause__, other.__cause__ = other, one
    assert CANARY not in fault_without_values(one)
