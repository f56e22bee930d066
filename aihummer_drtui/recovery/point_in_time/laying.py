"""What laying a base backup out has in common, whichever program does it: a folder, tablespaces, progress."""

import os
import stat
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.database.account import ServerAccount
from aihummer_drtui.recovery.reporting import Reporter


def require_empty(folder: Path) -> None:
    """Raise FailedError unless `folder` is an empty folder (no link to one)."""
    try:
        fine = stat.S_ISDIR(folder.lstat().st_mode) and not any(folder.iterdir())
    except OSError as error:
        raise FailedError(
            f"the folder for the base backup cannot be looked at: {error.strerror}",
            where=str(folder),
            hint="make it, owned by the server's account",
        ) from error
    if not fine:
        raise FailedError(
            "the folder for the base backup must be an empty folder",
            where=str(folder),
            hint="nothing is ever laid over files that are there: name another place",
        )


def tablespace_folders(folder: Path, names: Iterable[str], account: ServerAccount) -> dict[str, Path]:
    """A new folder for each tablespace, by its name: beside the data directory, never where the live one is.

    Raises FailedError when one cannot be made, or something has that name.
    """
    wanted = list(names)
    if not wanted:
        return {}
    beside = folder.with_name(folder.name + ".tablespaces")
    places = {name: beside / f"{number:03}" for number, name in enumerate(wanted, 1)}
    try:
        for place in (beside, *places.values()):
            place.mkdir(mode=0o700)
            account.own(place)
    except OSError as error:
        raise FailedError(
            f"a folder for the tablespaces could not be made: {error.strerror}",
            where=str(error.filename or beside),
            hint="remove what is left of an earlier try, if that is what it is",
        ) from error
    return places


def growth(folders: Iterable[Path], reporter: Reporter) -> Callable[[], None]:
    """A function that tells how much lies in the folders; it takes no more than a tenth of the time."""
    places, quiet_until = tuple(folders), 0.0

    def measure() -> None:
        nonlocal quiet_until
        began = time.monotonic()
        if began < quiet_until:
            return
        reporter.reached(sum(bytes_below(place) for place in places))
        ended = time.monotonic()
        quiet_until = ended + 9 * (ended - began)

    return measure


def bytes_below(folder: Path) -> int:
    """Bytes of the files below a folder that another program is filling; what vanishes counts for nothing."""
    total, waiting = 0, [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            # Files come and go while they are written; what is seen next time counts.
            continue
    return total


def hand_over(folder: Path, account: ServerAccount) -> None:
    """Give a folder and all that is in it to an account. No link is followed, nothing is given twice.

    It is closed first: whoever filled it as another account cannot reach it while it changes hands.
    Raises PreconditionError where this process may not, FailedError at anything but files, folders, links.
    """
    account.identity()
    try:
        folder.chmod(0o700)
        os.chown(folder, os.geteuid(), os.getegid())
        for _, names, files, descriptor in os.fwalk(folder, follow_symlinks=False):
            for name in (*names, *files):
                _give(name, descriptor, account, folder)
        os.chown(folder, account.uid, account.gid)
    except OSError as error:
        raise FailedError(
            f"the base backup could not be given to {account.name}: {error.strerror}",
            where=str(error.filename or folder),
            hint="run this as root",
        ) from error


def require_handing_over(writer: ServerAccount, owner: ServerAccount) -> None:
    """Raise PreconditionError unless files of `writer` can be made `owner`'s: same account, or by root."""
    if writer.uid != owner.uid and os.geteuid() != 0:
        raise PreconditionError(
            f"what {writer.name} writes must be given to {owner.name}, which only root can do",
            where=f"account {os.geteuid()}",
            hint="run this as root (sudo)",
        )


def _give(name: str, descriptor: int, account: ServerAccount, folder: Path) -> None:
    state = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    plain = stat.S_ISREG(state.st_mode) and state.st_nlink == 1
    if not (plain or stat.S_ISDIR(state.st_mode) or stat.S_ISLNK(state.st_mode)):
        # A second name of a file elsewhere: giving it away would give that file away.
        raise FailedError(
            "the base backup holds something that is no file, folder or link of its own",
            where=f"{folder}: {name!a}",
            hint="look at the backup's place; nothing of it was given to the server's account",
        )
    os.chown(name, account.uid, account.gid, dir_fd=descriptor, follow_symlinks=False)
