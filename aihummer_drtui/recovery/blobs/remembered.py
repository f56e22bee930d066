"""Remembering millions of paths in little memory: is one there twice, was this one there?"""

from array import array
from bisect import bisect_left
from itertools import pairwise
from typing import Final

_PARTS: Final = 256


class RememberedPaths:
    """Paths by their 64-bit hash, 8 bytes each.

    Python's hash of a text is SipHash with a key of this process (PEP 456). Of a million paths some two
    have the same hash once in 37 million processes; such a pair is taken for one path.
    """

    def __init__(self) -> None:
        self._parts = [array("q") for _ in range(_PARTS)]
        self._sorted = False

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def add(self, path: str) -> None:
        """Remember one more; what is added twice is remembered twice."""
        number = hash(path)
        self._parts[number & (_PARTS - 1)].append(number)
        self._sorted = False

    def __contains__(self, path: str) -> bool:
        """Whether it was added; fast when nothing is added any more."""
        if not self._sorted:
            self._sort()
        number = hash(path)
        part = self._parts[number & (_PARTS - 1)]
        place = bisect_left(part, number)
        return place < len(part) and part[place] == number

    def twice(self, others: "RememberedPaths") -> set[int]:
        """Hashes of what was added more than once, or is among `others` too."""
        found: set[int] = set()
        for mine, theirs in zip(self._parts, others._parts, strict=True):
            ordered = sorted(mine)
            found.update(one for one, next_one in pairwise(ordered) if one == next_one)
            found |= set(ordered).intersection(theirs)
        return found

    def forget_repeats(self) -> None:
        """Remember each path once."""
        self._parts = [array("q", set(part)) for part in self._parts]
        self._sorted = False

    def _sort(self) -> None:
        self._parts = [array("q", sorted(part)) for part in self._parts]
        self._sorted = True
