"""Sandboxes for every room's tests: real PostgreSQL servers, each in a folder of its own."""

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from aihummer_drtui.run.progress import Progress
from aihummer_drtui.sandbox import lifecycle
from aihummer_drtui.sandbox.environment import read_environment
from aihummer_drtui.sandbox.layout import Layout
from aihummer_drtui.sandbox.marker import Size
from aihummer_drtui.sandbox.status import Status, status
from tests.faults.printing import pytest_terminal_summary  # noqa: F401  a hook that pytest finds here


def pytest_configure() -> None:
    """Have programs that tests start hear the signals they are sent, also where this was started by nohup(1)
    or in the background: what a process ignores its children ignore too (signal(7)).
    """
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)


@dataclass(frozen=True, kw_only=True)
class SmallSandbox:
    """A small sandbox that runs."""

    layout: Layout

    @property
    def root(self) -> Path:
        """Its folder."""
        return self.layout.root

    @property
    def target(self) -> Path:
        """Its target.toml."""
        return self.layout.target

    def status(self) -> Status:
        """What is there of it now."""
        return status(self.root)

    def variables(self) -> dict[str, str]:
        """What its gateway.env says now."""
        return read_environment(self.layout.gateway_env)


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder that a Unix socket's path fits into and that root's PostgreSQL, another account, can enter.

    pytest's own tmp_path is neither: long, and closed to all but its owner.
    """
    folder = Path(tempfile.mkdtemp(prefix="sb-", dir=_fast_place()))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _fast_place() -> str:
    """Memory where there is enough of it and programs may run from it: many servers are made and lost."""
    try:
        seen = os.statvfs("/dev/shm")
    except OSError:
        return "/tmp"
    roomy = seen.f_bavail * seen.f_frsize > 2_000_000_000 and os.access("/dev/shm", os.W_OK)
    return "/dev/shm" if roomy and not seen.f_flag & os.ST_NOEXEC else "/tmp"


def make_sandbox(root: Path, *, seed: int = 1, tcp_port: int | None = None) -> SmallSandbox:
    """Build a small sandbox in `root`, without a backup."""
    lifecycle.up(
        root,
        size=Size.SMALL,
        seed=seed,
        postgres_bin=None,
        tcp_port=tcp_port,
        take_backup=lambda _: None,
        tell=ignored,
    )
    return SmallSandbox(layout=Layout(root=root.resolve()))


def ignored(progress: Progress) -> None:
    """Hear of progress and do nothing."""


@contextmanager
def a_sandbox() -> Iterator[SmallSandbox]:
    """A small sandbox for as long as the block lasts; nothing of it is left, whatever happens."""
    with short_folder() as folder:
        root = folder / "s"
        try:
            yield make_sandbox(root)
        finally:
            if (root / "sandbox.json").exists():
                lifecycle.down(root)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder for one test."""
    with short_folder() as made:
        yield made


@pytest.fixture(scope="module")
def small_sandbox() -> Iterator[SmallSandbox]:
    """A whole sandbox (no backup) that a module's tests share; they must leave it as they found it."""
    with a_sandbox() as made:
        yield made


@pytest.fixture
def backed_up_sandbox() -> Iterator[SmallSandbox]:
    """A whole sandbox with its backup before the loss, for one test, which may do to it what it likes."""
    from aihummer_drtui.cli.sandbox import build_sandbox

    with short_folder() as folder:
        root = folder / "s"
        try:
            build_sandbox(root, size="small", seed=1, postgres_bin=None)
            yield SmallSandbox(layout=Layout(root=root.resolve()))
        finally:
            if (root / "sandbox.json").exists():
                lifecycle.down(root)


@pytest.fixture
def fresh_sandbox() -> Iterator[SmallSandbox]:
    """A whole sandbox (no backup) for one test, which may do to it what it likes."""
    with a_sandbox() as made:
        yield made


@pytest.fixture
def no_threads() -> Iterator[None]:
    """The kernel gives no new thread: its stack would be larger than what a process can address."""
    before = threading.stack_size(1 << 50)
    yield
    threading.stack_size(before)
