"""Fixtures of this room: one small server per test process, an installation per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recovery.small_cluster import Cluster, Installation, install, running_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Give a running server."""
    with running_cluster() as started:
        yield started


@pytest.fixture
def installation(cluster: Cluster, tmp_path: Path) -> Installation:
    """Give a fresh installation with a database, blobs and gateway.env."""
    return install(cluster, tmp_path)
