"""Paths are remembered as a set of texts would, in less memory."""

from hypothesis import given
from hypothesis import strategies as some

from aihummer_drtui.recovery.blobs.remembered import RememberedPaths

_PATHS = some.lists(some.sampled_from([f"{folder}/{name}" for folder in "abc" for name in range(40)]))


def _remembered(paths: list[str]) -> RememberedPaths:
    found = RememberedPaths()
    for path in paths:
        found.add(path)
    return found


@given(_PATHS, _PATHS)
def test_what_was_added_is_there_and_nothing_else(paths: list[str], others: list[str]) -> None:
    """In any order, asked in between or not."""
    found = _remembered(paths)
    assert [path in found for path in others] == [path in set(paths) for path in others]
    found.add("new")
    assert "new" in found
    assert len(found) == len(paths) + 1


@given(_PATHS, _PATHS)
def test_twice_is_told(paths: list[str], others: list[str]) -> None:
    """Within one, or in both."""
    twice = _remembered(paths).twice(_remembered(others))
    assert twice == {hash(path) for path in paths if paths.count(path) > 1 or path in others}


@given(_PATHS)
def test_repeats_are_forgotten(paths: list[str]) -> None:
    """Each is there once then."""
    found = _remembered(paths)
    found.forget_repeats()
    assert len(found) == len(set(paths))
    assert all(path in found for path in paths)
