"""Which account PostgreSQL's server runs as: it refuses root, so root's sandbox uses another one."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CANDIDATES: Final = ("postgres", "nobody")
_PASSED_ON: Final = ("LD_LIBRARY_PATH", "TMPDIR")


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account to run children as; `uid` None = the present one."""

    name: str
    uid: int | None
    gid: int | None

    def run(self, arguments: Sequence[str | Path], *, time_out: float) -> subprocess.CompletedProcess[str]:
        """Run a program as this account to its end, its output taken as text.

        Raises OSError where it cannot be started, subprocess.TimeoutExpired after `time_out` seconds.
        """
        return subprocess.run(
            [str(argument) for argument in arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=time_out,
            check=False,
            cwd="/",  # the present folder may be closed to the account
            env={
                "PATH": "/usr/bin:/bin",
                "LC_ALL": "C",
                "TZ": "UTC",
                **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            },
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
        )

    def reaches(self, folder: Path) -> bool:
        """Whether the account may enter `folder`, asked of the system itself (modes, ACLs, mounts)."""
        asked = self.run(["/bin/sh", "-c", 'test -x "$1"', "sh", folder], time_out=10)
        return asked.returncode == 0

    def own(self, folder: Path) -> None:
        """Give `folder` to the account. Raises OSError."""
        if self.uid is not None and self.gid is not None:
            os.chown(folder, self.uid, self.gid)


def server_account() -> Account:
    """The account for PostgreSQL's server: ourselves, or for root `postgres`, else `nobody`."""
    if os.geteuid() != 0:
        return Account(name="", uid=None, gid=None)
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    # 65534 is the kernel's overflow account (/proc/sys/kernel/overflowuid); it needs no entry in passwd
    # for the server to run, but initdb wants a name; -U gives it one.
    return Account(name="65534", uid=65_534, gid=65_534)
