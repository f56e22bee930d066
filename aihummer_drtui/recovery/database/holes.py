"""Published holes of PostgreSQL's client programs that a recovery meets, by version.

From https://www.postgresql.org/support/security/, as of `AS_OF`. Of what was published later this table
knows nothing, and says so: a version that is not named here is not proven to be without holes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

AS_OF: Final = "2025-08-14"
"""The day of the newest releases in this table. Each closed all that had been published before it, in
clients too: a version that has none of these holes has none that was known on that day."""


@dataclass(frozen=True, kw_only=True)
class Hole:
    """One or more holes that the same releases closed."""

    names: tuple[str, ...]
    """CVE numbers."""
    programs: frozenset[str]
    """Those that have it."""
    effect: str
    """What it lets somebody do, as a part of a sentence."""
    closed_in: Mapping[int, int]
    """First minor version without it, by major; a lower major than any here never got one."""

    def is_in(self, major: int, minor: int) -> bool:
        """Whether that version has it; majors above all of `closed_in` were never released with it."""
        if major > max(self.closed_in):
            return False
        return minor < self.closed_in.get(major, minor + 1)


HOLES: Final = (
    Hole(
        names=("CVE-2025-8714", "CVE-2025-8715"),
        programs=frozenset({"pg_dump", "pg_dumpall", "pg_restore"}),
        effect="a hostile dump runs code or SQL where it is restored",
        closed_in={17: 6, 16: 10, 15: 14, 14: 19, 13: 22},
    ),
    Hole(
        names=("CVE-2025-1094",),
        programs=frozenset({"psql"}),
        effect="text of a broken encoding is taken for SQL or for commands of psql",
        closed_in={17: 3, 16: 7, 15: 11, 14: 16, 13: 19},
    ),
    Hole(
        names=("CVE-2024-7348",),
        programs=frozenset({"pg_dump"}),
        effect="who may create objects in the database runs SQL as the role that dumps it",
        closed_in={16: 4, 15: 8, 14: 13, 13: 16, 12: 20},
    ),
)


def holes_of(programs: frozenset[str], major: int, minor: int) -> Iterator[str]:
    """A sentence for each hole that one of these programs has in this version, the newest first."""
    for hole in HOLES:
        affected = sorted(hole.programs & programs)
        if affected and hole.is_in(major, minor):
            closed = hole.closed_in.get(major)
            update = f"update to {major}.{closed} or later"
            way_out = update if closed else "no update closes it: take a newer major"
            names = ", ".join(hole.names)
            yield f"{' and '.join(affected)} {major}.{minor}: {names} ({hole.effect}); {way_out}"
