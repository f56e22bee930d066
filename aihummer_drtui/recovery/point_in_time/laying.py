"""What laying a base backup out has in common, whichever program does it: a folder, progress, its owner."""

import os
import stat
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
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


def refuse_tablespaces(names: Iterable[str], label: str) -> None:
    """Let pass a base backup that is one folder: only that can be exchanged with the live one, and back.

    Raises PreconditionError before anything of it is laid out.
    """
    wanted = ", ".join(names)
    if wanted:
        raise PreconditionError(
            f"the base backup has tablespaces outside of the data directory ({cleaned_line(wanted, 200)}), "
            "which this does not bring back",
            where=cleaned_line(label, 60),
            hint="recover by the keeper's own program, or take the other route: --to dump",
        )


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
