"""What several tests of the database room start from."""

from collections.abc import Iterator

import pytest

from tests.recovery.small_cluster import Cluster, running_cluster


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """Give a server that a test may stop."""
    with running_cluster() as started:
        yield started
