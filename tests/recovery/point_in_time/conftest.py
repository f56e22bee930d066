"""Servers to be brought back, of each PostgreSQL that is here."""

from collections.abc import Iterator

import pytest

from tests.recovery.point_in_time.lost_host import DEBIAN_15, LostHost, copied_host, made_host


@pytest.fixture(scope="session")
def history() -> Iterator[LostHost]:
    """Give a stopped server with its history, of the PostgreSQL that the sandbox takes."""
    with made_host(None) as made:
        yield made


@pytest.fixture
def host(history: LostHost) -> Iterator[LostHost]:
    """Give a running copy of it for one test."""
    with copied_host(history) as copied:
        yield copied


@pytest.fixture
def debian_host() -> Iterator[LostHost]:
    """Give a running server of Debian's PostgreSQL 15, with its history."""
    if not DEBIAN_15.is_dir():
        pytest.skip("PostgreSQL 15 of Debian is not installed")
    with made_host(DEBIAN_15) as made, copied_host(made) as copied:
        yield copied
