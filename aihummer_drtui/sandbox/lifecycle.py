"""Building a sandbox, losing its host, and taking it away again."""

import fcntl
import os
import secrets
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from aihummer_drtui.durable import make_open_folders
from aihummer_drtui.errors import FailedError, LockedError, PreconditionError
from aihummer_drtui.sandbox.account import Account, server_account
from aihummer_drtui.sandbox.build import Plan, build
from aihummer_drtui.sandbox.cluster import Server, refuse_long_socket_path
from aihummer_drtui.sandbox.daemon import start_gateway, stop_gateway
from aihummer_drtui.sandbox.generate import Tell
from aihummer_drtui.sandbox.layout import Layout
from aihummer_drtui.sandbox.loss import drop_databases, lose_server, replace_server
from aihummer_drtui.sandbox.marker import Marker, Size, Stage, new_id, read_marker, write_marker
from aihummer_drtui.sandbox.status import Condition, Status, cluster_of, status_of

_ONLY_PORTS: Final = range(20_000, 32_000)
"""Below Linux's ephemeral ports (32768 on): a port given up for a while is not taken by a client."""


def up(
    root: Path,
    *,
    size: Size,
    seed: int,
    postgres_bin: Path | None,
    tcp_port: int | None,
    take_backup: Callable[[Layout], None],
    tell: Tell,
    wal: bool = False,
) -> Status:
    """Build a sandbox in `root`, or start the one that is there, and give its status.

    What a killed `up` left behind is removed and built anew. `take_backup` is called when the
    stand-in runs, before the sandbox counts as built. Raises PreconditionError where the folder is
    not free or PostgreSQL not to be had, LockedError, FailedError, OSError.
    """
    layout = Layout(root=root.absolute().resolve())
    account = server_account()
    refuse_long_socket_path(layout, tcp_port)
    _refuse_foreign(layout)
    _make_root(layout, account)
    with _locked(layout):
        if layout.marker.exists():
            marker = read_marker(layout)
            if marker.stage is Stage.BUILT:
                return _started(layout, marker, wal=wal)
            _empty(layout, marker)
        _refuse_unreachable(layout, account)
        marker = Marker(
            id=new_id(),
            root=layout.root,
            stage=Stage.BUILDING,
            size=size,
            seed=seed,
            gateway_port=free_port(),
            tcp_port=tcp_port,
            wal=wal,
        )
        write_marker(layout, marker)
        marker = build(
            Plan(layout=layout, marker=marker, account=account, named=postgres_bin), tell, take_backup
        )
        write_marker(layout, msgspec.structs.replace(marker, stage=Stage.BUILT))
        return status_of(layout, read_marker(layout))


def break_host(root: Path) -> Status:
    """Lose the host: gateway, databases, blobs and gateway.env gone; give the status after it.

    What a replacement host would have stays: PostgreSQL with its roles, the same version of the
    stand-in installed; and what lies elsewhere: backups, escrow. Of a sandbox with WAL the server is
    lost too, with what was not archived yet; the replacement's is a new one. Raises PreconditionError where
    `root` is no finished sandbox, LockedError, FailedError, OSError.
    """
    layout = Layout(root=root.resolve())
    read_marker(layout)
    with _locked(layout):
        marker = read_marker(layout)
        cluster = cluster_of(layout, marker)
        if marker.stage is not Stage.BUILT or cluster is None:
            raise PreconditionError(
                "the sandbox was never finished", where=str(layout.root), hint="aihummer-drtui sandbox up"
            )
        stop_gateway(layout.host)
        if marker.wal:
            lose_server(cluster)
            replace_server(cluster)
        else:
            drop_databases(cluster)
        installed = {layout.programs.name, layout.installation.name, "deploy", "etc"}
        for path in layout.host.iterdir():
            if path.name not in installed:
                _remove(path)
        for path in layout.gateway_env.parent.iterdir():
            _remove(path)
        return status_of(layout, marker)


def down(root: Path) -> str:
    """Stop everything of the sandbox in `root`, remove its folder, give its id.

    Raises PreconditionError where the folder is no sandbox (nothing is touched then), LockedError,
    FailedError, OSError.
    """
    layout = Layout(root=root.resolve())
    read_marker(layout)
    with _locked(layout):
        marker = read_marker(layout)
        _empty(layout, marker)
        layout.lock.unlink()
    layout.root.rmdir()
    return marker.id


def _started(layout: Layout, marker: Marker, *, wal: bool) -> Status:
    """Start what is stopped of a finished sandbox; a lost host's gateway stays away."""
    if wal and not marker.wal:
        raise PreconditionError(
            "the sandbox that is there archives no WAL",
            where=str(layout.root),
            hint="`aihummer-drtui sandbox down`, then again; or another folder with --dir",
        )
    cluster = cluster_of(layout, marker)
    if cluster is not None and cluster.settled() is Server.STOPPED:
        cluster.start()
    found = status_of(layout, marker)
    if found.condition is Condition.PARTIAL and found.database and found.gateway_env and found.blobs:
        start_gateway(layout.host)
        found = status_of(layout, marker)
    return found


def _empty(layout: Layout, marker: Marker) -> None:
    """Stop what runs and remove all but lock and folder; the mark last, so that a killed one can go on."""
    stop_gateway(layout.host)
    cluster = cluster_of(layout, marker)
    if cluster is not None and (cluster.postgres_bin / "pg_ctl").is_file():
        for data in layout.data_folders():
            replace(cluster, beside=data).stop()
    elif (layout.data / "postmaster.pid").exists():
        raise FailedError(
            "PostgreSQL may still run, and the programs to stop it are gone",
            where=str(layout.data / "postmaster.pid"),
            hint="end the process whose number is the file's first line, remove the file, try again",
        )
    for path in layout.root.iterdir():
        if path not in (layout.lock, layout.marker):
            _remove(path)
    layout.marker.unlink(missing_ok=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _refuse_foreign(layout: Layout) -> None:
    """Raise PreconditionError where `root` holds anything that is no sandbox's."""
    try:
        names = {path.name for path in layout.root.iterdir()}
    except FileNotFoundError:
        return
    except OSError as error:
        raise PreconditionError(
            f"the folder cannot be used: {error.strerror}",
            where=str(layout.root),
            hint="choose another with --dir",
        ) from error
    # A killed `up` may have left no more than its lock and the mark's unfinished file.
    foreign = {name for name in names if name != layout.lock.name and not name.startswith(".sandbox.json.")}
    if foreign and layout.marker.name not in names:
        raise PreconditionError(
            "the folder is not empty and is no sandbox",
            where=str(layout.root),
            hint="choose a new or an empty one with --dir",
        )


def _make_root(layout: Layout, account: Account) -> None:
    # Root's server runs as another account, which must pass through, but need not look.
    mode = 0o700 if account.uid is None else 0o711
    try:
        make_open_folders(layout.root.parent)
        layout.root.mkdir(exist_ok=True)
        layout.root.chmod(mode)
    except OSError as error:
        raise PreconditionError(
            f"the sandbox's folder cannot be made: {error.strerror}",
            where=str(layout.root),
            hint="choose another with --dir",
        ) from error


def _refuse_unreachable(layout: Layout, account: Account) -> None:
    if not account.reaches(layout.root):
        raise PreconditionError(
            f"PostgreSQL refuses to run as root, and the account {account.name}, which runs it instead, "
            "cannot enter the sandbox's folder",
            where=str(layout.root),
            hint="choose a folder whose parents others may enter, for instance --dir /var/tmp/sandbox",
        )


@contextmanager
def _locked(layout: Layout) -> Iterator[None]:
    """Hold the sandbox's lock; the kernel gives it up when we end, however we end."""
    descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(
                "another command is building, breaking or removing this sandbox",
                where=str(layout.lock),
                hint="wait for it to end, or use another folder with --dir",
            ) from None
        yield
    finally:
        os.close(descriptor)


def free_port() -> int:
    """A port of this machine that nobody listens on; it is taken only when the gateway starts."""
    for _ in range(200):
        port = _ONLY_PORTS.start + secrets.randbelow(len(_ONLY_PORTS))
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise FailedError("no free port for the gateway", hint="is the machine out of sockets? ss -lnt")
