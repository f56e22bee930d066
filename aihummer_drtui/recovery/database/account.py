"""The account that runs the database server, and programs run as it: what it owns stays its own."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.target import Target


class Identity(TypedDict, total=False):
    """What subprocess.Popen is told of the account; empty = nothing is changed."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, kw_only=True)
class ServerAccount:
    """Whom the server runs as."""

    name: str
    """Its number where the system has no name for it."""
    uid: int
    gid: int
    home: str = "/"

    @property
    def is_present(self) -> bool:
        """Whether this process runs as it."""
        return os.geteuid() == self.uid

    def identity(self) -> Identity:
        """How a child becomes this account: by root's right, or because it is it already.

        Raises PreconditionError for any other account, saying who must run this.
        """
        if self.is_present:
            return {}
        if os.geteuid() != 0:
            raise PreconditionError(
                f"this is to be done as {self.name}, the account that runs PostgreSQL, or as root",
                where=f"account {os.geteuid()}",
                hint=f"sudo -u {self.name} aihummer-drtui …, or sudo aihummer-drtui …",
            )
        try:
            groups = os.getgrouplist(self.name, self.gid)
        except OSError:
            groups = [self.gid]
        return {"user": self.uid, "group": self.gid, "extra_groups": groups}

    def own(self, path: Path) -> None:
        """Give `path` (no link is followed) to the account. Raises OSError."""
        if not self.is_present:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def account_named(name: str) -> ServerAccount:
    """The account of that name. Raises PreconditionError where the system has none."""
    try:
        return _of(pwd.getpwnam(name))
    except KeyError:
        raise PreconditionError(
            f"there is no account {cleaned_line(name, 60)!r} on this host",
            hint="install PostgreSQL's server, which makes it, or mend postgres.account in target.toml",
        ) from None


def account_owning(folder: Path) -> ServerAccount:
    """Whoever owns a data directory, which is who may run a server on it. Raises OSError."""
    state = folder.stat()
    try:
        return _of(pwd.getpwuid(state.st_uid))
    except KeyError:
        return ServerAccount(name=str(state.st_uid), uid=state.st_uid, gid=state.st_gid)


def present_account() -> ServerAccount:
    """Whom this process runs as."""
    try:
        return _of(pwd.getpwuid(os.geteuid()))
    except KeyError:
        return ServerAccount(name=str(os.geteuid()), uid=os.geteuid(), gid=os.getegid())


def servers_account(target: Target, *copies: Path) -> ServerAccount:
    """Whom PostgreSQL's server runs as, whether or not its data directory is still there.

    As configured, else who owns the data directory or one of its `copies`, else `postgres`; never root, as
    whom it does not run. Raises PreconditionError where that cannot be told.
    """
    if target.postgres.account:
        return account_named(target.postgres.account)
    configured = target.postgres.data_directory
    for folder in (*([configured] if configured is not None else []), *copies):
        try:
            owner = account_owning(folder)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise PreconditionError(
                f"the data directory cannot be looked at: {error.strerror}",
                where=str(folder),
                hint="name the server's `account` in [postgres] of target.toml",
            ) from error
        if owner.uid != 0:
            return owner
    return account_named("postgres") if os.geteuid() == 0 else present_account()


def _of(entry: pwd.struct_passwd) -> ServerAccount:
    return ServerAccount(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, home=entry.pw_dir)
