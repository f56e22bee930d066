"""A process that may hold a secret shows its memory to nobody."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

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
