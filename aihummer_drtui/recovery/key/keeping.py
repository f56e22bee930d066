"""Putting an escrow away: never over something, proven to open, and apart from what it must outlive."""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from aihummer_drtui.durable import create_durably
from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.gateway.environment import MASTER_KEY
from aihummer_drtui.recovery.key.escrow import escrow_text, read_escrow
from aihummer_drtui.recovery.key.fingerprints import key_fingerprint, parse_master_key
from aihummer_drtui.recovery.key.sealed_escrow import Cost, seal_escrow
from aihummer_drtui.recovery.target import Target


def create_escrow(
    variables: Mapping[str, str], out: Path, passphrase: str, *, cost: Cost | None = None
) -> str:
    """Seal these variables, the master key among them, into a new file, and open it again from there.

    Returns the key's fingerprint. Raises PreconditionError when something is at `out` already,
    FailedError when it cannot be written or does not read back the same.
    """
    fingerprint = key_fingerprint(parse_master_key(variables[MASTER_KEY], where="the escrow"))
    created = datetime.now(UTC).isoformat(timespec="seconds")
    content = escrow_text(variables)
    put_away(seal_escrow(content, passphrase, key_fingerprint=fingerprint, created=created, cost=cost), out)
    if read_escrow(str(out), only_files=True, passphrase=lambda: passphrase).variables != variables:
        raise FailedError(
            "what was written does not read back the same",
            where=str(out),
            hint="do not rely on this file; write it to another medium",
        )
    return fingerprint


def put_away(data: bytes, out: Path) -> None:
    """Write a secret into a new file, mode 0600, durably. Raises PreconditionError and FailedError."""
    refuse_taken(out)
    try:
        create_durably(out, data)
    except FileExistsError:
        refuse_taken(out)
    except OSError as error:
        raise FailedError(
            f"could not be written: {error.strerror}; nothing is left of it",
            where=str(out),
            hint="name a file in a folder that is there, on a medium with room and without write protection",
        ) from None


def put_shares_away(shares: Sequence[str], folder: Path, *, need: int, fingerprint: str) -> tuple[Path, ...]:
    """Write each share into a file of its own in `folder`, which is made 0700 if it is not there.

    Raises PreconditionError when one of the names is taken, FailedError; nothing is left of any of them then.
    """
    files = [folder / f"share-{number:02d}-of-{len(shares):02d}.txt" for number in range(1, len(shares) + 1)]
    for file in files:
        refuse_taken(file)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise FailedError(
            f"cannot be made: {error.strerror}", where=str(folder), hint="name a folder in one that is there"
        ) from None
    with ExitStack() as undoing:
        for number, (file, share) in enumerate(zip(files, shares, strict=True), start=1):
            about = (
                f"# AiHummer master key, fingerprint {fingerprint}: share {number} of {len(shares)}\n"
                f"# Any {need} of them give the key back: aihummer-drtui key shares combine (SLIP-39)\n"
            )
            put_away(f"{about}{share}\n".encode(), file)
            undoing.callback(file.unlink, missing_ok=True)
        undoing.pop_all()
    return tuple(files)


def refuse_taken(out: Path) -> None:
    """Raise PreconditionError where anything has this name already."""
    if os.path.lexists(out):
        raise PreconditionError(
            "something is there already; nothing was written",
            where=str(out),
            hint="name another file: an older escrow may be the only one that fits an older backup",
        )


def dangers_of(place: Path, target: Target, backup_set: str = "") -> tuple[str, ...]:
    """Warnings where secrets lie with the backups, which one theft or one fire would take together.

    A sandbox is one folder by design; there is no warning about it.
    """
    if target.sandbox is not None:
        return ()
    backups = [*target.backup_places, *([Path(backup_set)] if backup_set else [])]
    return tuple(dict.fromkeys(_with_backups(place, backups)))


def _with_backups(place: Path, backups: Iterable[Path]) -> Iterable[str]:
    resolved = place.resolve()
    for backup in backups:
        try:
            device = backup.stat().st_dev
        except OSError:
            # Not mounted, not there: nothing can be said of its device, but its path is known.
            device = None
        if resolved.is_relative_to(backup.resolve()):
            yield f"{place} lies in the tree of the backups ({backup}): keep it elsewhere"
        elif device is not None and device == _device(resolved):
            yield f"{place} lies on the same file system as the backups ({backup}): keep it elsewhere"


def _device(path: Path) -> int | None:
    for part in (path, *path.parents):
        try:
            return part.stat().st_dev
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None
