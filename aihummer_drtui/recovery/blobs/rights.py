"""Owner and mode of restored blobs: as target.toml says, else as the live folder has them."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.target import BlobSettings


@dataclass(frozen=True, kw_only=True)
class Rights:
    """Owner and mode of what is restored."""

    owner: tuple[int, int]
    """User and group by number."""
    folder_mode: int
    file_mode: int
    configured: bool = False
    """Somebody asked for this owner: whoever cannot give it must say so."""

    def give_file(self, descriptor: int) -> None:
        """Give an open file its mode and, as root, its owner. Raises OSError."""
        self._give(descriptor, self.file_mode)

    def give_folder(self, descriptor: int) -> None:
        """Give an open folder its mode and, as root, its owner. Raises OSError."""
        self._give(descriptor, self.folder_mode)

    def _give(self, descriptor: int, mode: int) -> None:
        # Looked at first: a change is a write to the inode, and most files are made as they shall be.
        state = os.fstat(descriptor)
        other_mode = stat.S_IMODE(state.st_mode) != mode
        if (state.st_uid, state.st_gid) != self.owner and (self.configured or os.geteuid() == 0):
            # Owner first: changing it takes the set-id bits away (chown(2)).
            os.fchown(descriptor, *self.owner)
            other_mode = True
        if other_mode:
            os.fchmod(descriptor, mode)


def rights_beside(live: Path, wanted: BlobSettings) -> Rights:
    """As `wanted`; what it leaves open as the folder `live` has it, or its parent's owner and 0750.

    Raises PreconditionError for an owner that is not known here, or that only root could give.
    """
    there = live.exists()
    found = (live if there else live.parent).stat()
    folder_mode = stat.S_IMODE(found.st_mode) if there else 0o750
    if wanted.folder_mode:
        folder_mode = int(wanted.folder_mode, 8)
    # As the folder's, without the right to run them.
    file_mode = folder_mode & 0o666 | 0o600
    if wanted.file_mode:
        file_mode = int(wanted.file_mode, 8)
    owner = _account(wanted.owner, found.st_uid), _group(wanted.group, found.st_gid)
    if (wanted.owner or wanted.group) and os.geteuid() not in {0, owner[0]}:
        raise PreconditionError(
            f"only root can give blobs to the account {owner[0]}",
            where=str(live),
            hint="run this as root or as that account, or leave `owner` out of [blobs] in target.toml",
        )
    return Rights(
        owner=owner,
        folder_mode=folder_mode,
        file_mode=file_mode,
        configured=bool(wanted.owner or wanted.group),
    )


def _account(name: str, otherwise: int) -> int:
    import pwd

    try:
        return int(name) if name.isdecimal() else pwd.getpwnam(name).pw_uid if name else otherwise
    except KeyError:
        raise _unknown("account", "owner", name) from None


def _group(name: str, otherwise: int) -> int:
    import grp

    try:
        return int(name) if name.isdecimal() else grp.getgrnam(name).gr_gid if name else otherwise
    except KeyError:
        raise _unknown("group", "group", name) from None


def _unknown(what: str, key: str, name: str) -> PreconditionError:
    return PreconditionError(
        f"blobs are to belong to the {what} {cleaned_line(name, 60)}, which this host does not know",
        hint=f"make it, or correct `{key}` in [blobs] of target.toml",
    )
