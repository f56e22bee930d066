"""Where runs are kept: the state folder, a run's own folder, and what lies in it."""

import os
import random
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aihummer_drtui.durable import make_open_folders, sync_folder
from aihummer_drtui.engine.file_system import keeps_locks, kind_of_file_system
from aihummer_drtui.engine.journal_reading import JOURNAL
from aihummer_drtui.errors import PreconditionError, UsageError
from aihummer_drtui.foreign import cleaned_line

SYSTEM_STATE: Final = Path("/var/lib/aihummer-drtui")
"""Root's runs: they survive the removal of a home, and a second administrator finds them."""
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""No i, l, o, 0, 1: an id is read out over the telephone."""
_SHOWN_RUNS: Final = 10
_HINT: Final = "name a folder that is yours and writable: --state-dir FOLDER or DRTUI_STATE_DIR"


def state_to_read(option: Path | None) -> Path:
    """Give the state folder for a look at what is in it: nothing is made, and it need not be writable.

    A disk that was remounted read-only must not hide where a recovery stands.
    """
    return (option or _default_state()).absolute()


def state_dir(option: Path | None) -> Path:
    """Give the state folder, made (mode 0700) where it is missing, as an absolute path.

    `option` wins; without it root's is `SYSTEM_STATE`, everybody else's the XDG state folder.
    Raises PreconditionError when it is not ours, others may write it, we may not, or it keeps no locks.
    """
    path = state_to_read(option)
    try:
        _make_with_parents(path)
        seen = path.stat()
    except OSError as error:
        raise PreconditionError(
            f"the state folder cannot be made: {error.strerror}", where=str(path), hint=_HINT
        ) from error
    if seen.st_uid != os.geteuid():
        raise PreconditionError(
            f"the state folder belongs to user {seen.st_uid}, not to user {os.geteuid()} who runs this",
            where=str(path),
            hint=_HINT,
        )
    if seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PreconditionError(
            "other accounts may write to the state folder", where=str(path), hint="chmod go-w it, or " + _HINT
        )
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise PreconditionError("the state folder is not writable", where=str(path), hint=_HINT)
    kind = kind_of_file_system(path)
    if not keeps_locks(kind):
        raise PreconditionError(
            f"the state folder is on {kind}, a network file system: after a break of the network its locks "
            "may be given to another host, and two engines would act on one target",
            where=str(path),
            hint="name a folder on a local disk: --state-dir FOLDER or DRTUI_STATE_DIR",
        )
    return path


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """One run's folder and the names in it."""

    path: Path

    @property
    def id(self) -> str:
        """The run's id: the folder's name."""
        return self.path.name

    @property
    def journal(self) -> Path:
        """The only truth."""
        return self.path / JOURNAL

    @property
    def lock(self) -> Path:
        """Held by the engine."""
        return self.path / "lock"

    @property
    def socket(self) -> Path:
        """Where the engine takes requests."""
        return self.path / "socket"

    @property
    def engine_log(self) -> Path:
        """What the engine says when nobody listens."""
        return self.path / "engine.log"

    def attempt(self, item: str, attempt: int) -> Path:
        """The folder of one attempt at a command; attempts count from 1."""
        return self.path / "attempts" / f"{item.replace('/', '.')}.{attempt}"


def new_run_id(now: datetime, chance: random.Random) -> str:
    """An id like `20261122-233015-k3f7`: the second in UTC, so that ids sort by age, and four letters."""
    letters = "".join(chance.choice(_LETTERS) for _ in range(4))
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{letters}"


def create_run(state: Path, run_id: str) -> RunFolder:
    """Make a new run's folder, durably; the journal is not yet in it.

    Raises PreconditionError when it cannot be made.
    """
    run = RunFolder(path=state / "runs" / run_id)
    try:
        run.path.parent.mkdir(mode=0o700, exist_ok=True)
        run.path.mkdir(mode=0o700)
        (run.path / "attempts").mkdir(mode=0o700)
        for folder in (run.path, run.path.parent, state):
            sync_folder(folder)
    except OSError as error:
        raise PreconditionError(
            f"the run's folder cannot be made: {error.strerror}", where=str(run.path), hint=_HINT
        ) from error
    return run


def list_runs(state: Path) -> tuple[RunFolder, ...]:
    """Every run that has a journal, oldest first. Raises PreconditionError when it cannot be read."""
    try:
        found = sorted((state / "runs").iterdir())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise PreconditionError(
            f"the runs cannot be listed: {error.strerror}", where=str(state / "runs"), hint=_HINT
        ) from error
    runs = (RunFolder(path=path) for path in found)
    return tuple(run for run in runs if os.path.lexists(run.journal))


def find_run(state: Path, prefix: str) -> RunFolder:
    """The one run whose id is, or begins with, `prefix`.

    Raises UsageError listing the known runs when there is none or more than one.
    """
    runs = list_runs(state)
    fitting = [run for run in runs if run.id == prefix] or [run for run in runs if run.id.startswith(prefix)]
    if prefix and len(fitting) == 1:
        return fitting[0]
    shown = fitting if prefix and fitting else runs
    names = ", ".join(cleaned_line(run.id, 60) for run in reversed(shown[-_SHOWN_RUNS:]))
    several = "several runs are called" if prefix and fitting else "no run is called"
    raise UsageError(
        f"{several} `{cleaned_line(prefix, 60)}`",
        where=str(state / "runs"),
        hint=f"known are, newest first: {names}"
        if names
        else "there is none yet; `aihummer-drtui run` begins one",
    )


def _default_state() -> Path:
    if os.geteuid() == 0:
        return SYSTEM_STATE
    from platformdirs import user_state_path

    return user_state_path("aihummer-drtui")


def _make_with_parents(path: Path) -> None:
    """Make the folder (0700) and, with the ordinary mode, the folders above it that are missing."""
    if path.is_dir():
        return
    make_open_folders(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync_folder(path.parent)
