"""The fixtures of the recovery room, for its commands."""

from tests.recovery.conftest import cluster, installation

__all__ = ["cluster", "installation"]
