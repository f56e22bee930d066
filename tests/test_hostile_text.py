"""The reader of what a terminal was sent sees what it is there for."""

import pytest

from tests.hostile_text import SEQUENCES, controls_in, packed


@pytest.mark.parametrize("name", SEQUENCES)
def test_every_entry_of_the_table_is_seen(name: str) -> None:
    """A test that looked for controls and could not see these would pass for nothing."""
    assert controls_in(b"plain " + SEQUENCES[name] + b" text")


def test_plain_text_has_none() -> None:
    """Letters of any script, and line ends."""
    assert controls_in("déjà vu 漢字 e\u0301 [bold]\n".encode()) == set()


def test_packing_leaves_nothing_out() -> None:
    """Each entry stands whole in one line."""
    assert b"".join(packed(60)) == b"".join(SEQUENCES.values())
    assert all(any(one in line for line in packed(60)) for one in SEQUENCES.values())
