"""What is measured: a plain list of subjects by name."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

from tests.benchmarks.side_by_side import Comparison


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a subject is asked to prepare itself."""

    folder: Path
    """An empty one for whatever it makes; it is removed afterwards."""
    quick: bool
    """Small data: does it run at all? The figures prove nothing."""


Subject = Callable[[Setting], AbstractContextManager[Sequence[Comparison]]]
"""Makes what all its comparisons need, gives them, and ends what it started."""

SUBJECTS: Final = {
    "blobs": "tests.benchmarks.blobs:blobs",
    "database": "tests.benchmarks.database:database",
    "recovery": "tests.benchmarks.recovery:recovery",
    "screens": "tests.benchmarks.screens:screens",
}
"""`module:function` of each, in the order in which they run."""


def load(name: str) -> Subject:
    """The subject of that name; only its own module is imported."""
    module, _, function = SUBJECTS[name].partition(":")
    subject: Subject = getattr(import_module(module), function)
    return subject
