"""The journal's bytes: what is whole, torn, corrupt or newer."""

from typing import Any, cast, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aihummer_drtui.engine.record import (
    MAX_JSON,
    Chain,
    Clean,
    Corrupt,
    Newer,
    Torn,
    decode_all,
    encode,
)
from aihummer_drtui.run.events import Event, Record, RunFinished
from aihummer_drtui.run.verdict import Observation
from aihummer_drtui.runbook.model import RecoveryLevel
from tests.engine.makers import DECLARED, ENDED, INTENDED, lines, note, record

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
st.register_type_strategy(str, TEXT)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(int, st.integers(-(2**53), 2**53))
st.register_type_strategy(Observation, st.builds(Observation))
EVENTS: st.SearchStrategy[Any] = st.one_of(*(st.builds(kind) for kind in get_args(Event)))


@settings(max_examples=200, deadline=None)
@given(st.lists(EVENTS, max_size=5))
def test_every_event_is_read_back_as_it_was_written(events: list[Event]) -> None:
    """Nothing that happened is changed or lost by being written down."""
    data = b"".join(lines(*events))
    read = decode_all(data)
    assert read.tail == Clean()
    assert read.chain.offset == len(data)
    assert [one.what for one in read.records] == events


def test_growth_is_read_from_where_the_last_look_ended() -> None:
    """A follower need not read the beginning again, and the chain is still proven."""
    first, second, third = lines(DECLARED, INTENDED, ENDED)
    before = decode_all(first)
    after = decode_all(second + third, before.chain)
    assert [one.what for one in after.records] == [INTENDED, ENDED]
    assert after.chain == decode_all(first + second + third).chain
    assert isinstance(decode_all(third, before.chain).tail, Corrupt)


def test_j03_cut_at_every_byte_gives_the_exact_prefix() -> None:
    """Whatever part of a record was written, the records before it stand and nothing else does."""
    parts = lines(DECLARED, INTENDED, ENDED)
    data = b"".join(parts)
    ends = [0, len(parts[0]), len(parts[0]) + len(parts[1]), len(data)]
    for cut in range(len(data) + 1):
        read = decode_all(data[:cut])
        whole = max(end for end in ends if end <= cut)
        assert read.chain.offset == whole
        assert len(read.records) == ends.index(whole)
        assert read.tail == (Clean() if whole == cut else Torn())


def test_j04_zeroed_tail_is_torn() -> None:
    """Blocks that were never written read as zeros, and are no contradiction."""
    parts = lines(DECLARED, INTENDED, ENDED)
    data = b"".join(parts)
    for zeros in (1, 17, 18, 19, len(parts[2]), len(parts[2]) + 5, 512):
        assert isinstance(decode_all(data[:-zeros] + bytes(zeros)).tail, Torn)
    assert decode_all(data + bytes(4096)).tail == Torn()


def test_j06_any_flipped_bit_of_a_whole_record_is_corrupt() -> None:
    """Damage is told with its place and never quietly cut off, in the last record either."""
    first, second, third = lines(DECLARED, INTENDED, ENDED)
    data = bytearray(first + second + third)
    for number, begin, end in (
        (2, len(first), len(first) + len(second)),
        (3, len(first) + len(second), len(data)),
    ):
        for at in range(begin, end):
            for bit in range(8):
                data[at] ^= 1 << bit
                read = decode_all(bytes(data))
                data[at] ^= 1 << bit
                assert isinstance(read.tail, Corrupt), (at, bit)
                assert (read.tail.record, read.tail.offset) == (number, begin)
                assert len(read.records) == number - 1


def test_gap_and_exchange_are_corrupt() -> None:
    """A record that was taken out, doubled or exchanged is seen, though its own checksum is right."""
    first, second, third = lines(DECLARED, INTENDED, ENDED)
    for data in (first + third, first + second + second, second + third, first + third + second):
        assert isinstance(decode_all(data).tail, Corrupt)
    other = lines(note("another run"), INTENDED)[1]
    tail = decode_all(first + other).tail
    assert isinstance(tail, Corrupt)
    assert "does not continue" in tail.why


@pytest.mark.parametrize("beginning", [b"not hexadecimal at all", b"0000001x", b"00000010-", b"\n"])
def test_bytes_that_begin_no_record_are_corrupt(beginning: bytes) -> None:
    """Foreign bytes at the end are not taken for a record that was being written."""
    assert isinstance(decode_all(lines(DECLARED)[0] + beginning).tail, Corrupt)


def test_well_framed_nonsense_is_corrupt() -> None:
    """A frame and a checksum alone make no record."""
    import zlib

    for json in (b"{}", b"[1]", b'{"version":1}', b'{"version":1,"x":"\xff"}', b"null"):
        line = b"%08x %08x %s\n" % (len(json), zlib.crc32(json), json)
        assert isinstance(decode_all(line).tail, Corrupt)


def test_j21_newer_version_is_told_apart_from_damage() -> None:
    """A journal of a newer program is not damaged, only not ours to read on."""
    first = lines(DECLARED)[0]
    chain = decode_all(first).chain
    known_shape = encode(record(chain, ENDED, version=9), chain)[0]
    assert decode_all(first + known_shape).tail == Newer(version=9)
    json = b'{"version":9,"shape":"unheard of"}'
    import zlib

    unknown_shape = b"%08x %08x %s\n" % (len(json), zlib.crc32(json), json)
    read = decode_all(first + unknown_shape)
    assert read.tail == Newer(version=9)
    assert len(read.records) == 1


def test_what_could_not_be_read_back_is_not_written() -> None:
    """A record that would make the journal unreadable is refused before it reaches the disk."""
    start = Chain()
    lost = msgspec.structs.replace(ENDED, took=float("nan"))
    untyped = RunFinished(level=RecoveryLevel.UP, with_exceptions=False, unproven=cast("Any", ["a/b"]))
    for event in (note("\ud800"), lost, note("x" * MAX_JSON), untyped):
        with pytest.raises(ValueError, match=r"."):
            encode(record(start, event), start)
    stray: Record = record(Chain(sequence=4), ENDED)
    with pytest.raises(ValueError, match="does not follow"):
        encode(stray, start)
