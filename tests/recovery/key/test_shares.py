"""The key in shares: any k of n give it back, and a wrong one is known by its number only."""

import base64
import itertools
import traceback

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aihummer_drtui.errors import PreconditionError, UsageError
from aihummer_drtui.recovery.key.shares import CollectedShares, split_key

KEY = bytes(range(32))
SHARES = split_key(KEY, need=3, of=5)


def collected(*shares: str) -> CollectedShares:
    """Shares, entered in this order."""
    made = CollectedShares()
    for share in shares:
        made.add(share)
    return made


def refusal(entered: CollectedShares, share: str) -> str:
    """What is said of a share; none of its words is anywhere in it, nor in the traceback."""
    with pytest.raises(PreconditionError) as refused:
        entered.add(share)
    told = str(refused.value)
    seen = told + "".join(traceback.format_exception(refused.value, chain=True)[-1:])
    # Words of the list that are also ordinary words of the messages cannot tell anything.
    long = {word for word in share.split() if len(word) > 6}
    assert not [word for word in long if word in seen.split()]
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    return told


@given(st.binary(min_size=32, max_size=32), st.integers(2, 4), st.integers(0, 3))
@settings(deadline=None, max_examples=15)
def test_every_key_comes_back(key: bytes, need: int, more: int) -> None:
    """From the last ones too."""
    shares = split_key(key, need=need, of=need + more)
    assert collected(*reversed(shares[-need:])).key() == key


def test_any_three_of_five_in_any_order() -> None:
    """And it counts down what is needed."""
    for chosen in itertools.combinations(SHARES, 3):
        assert collected(*reversed(chosen)).key() == KEY
    entered = CollectedShares()
    needs = [entered.needed]
    for share in SHARES[1:5]:
        entered.add(share)
        needs.append(entered.needed)
    assert needs == [None, 2, 1, 0, 0]
    assert entered.key() == KEY
    assert entered.escrow().key_text == base64.b64encode(KEY).decode()


def test_k09_too_few_are_told_with_how_many_are_lacking() -> None:
    """K09: nothing is guessed."""
    with pytest.raises(PreconditionError, match="2 entered, 1 more"):
        collected(*SHARES[:2]).key()
    with pytest.raises(PreconditionError, match="0 entered"):
        CollectedShares().key()


def test_k09_a_bad_share_is_known_by_its_number() -> None:
    """K09: misspelt, cut, in another order, empty; the good ones stay, and their number goes on."""
    entered = collected(SHARES[0])
    words = SHARES[1].split()
    for number, bad in enumerate(
        (
            " ".join([*words[:5], "zzzzzzz", *words[6:]]),
            " ".join(words[:-1]),
            " ".join([*words[:7], words[8], words[7], *words[9:]]),
            "",
            "academic",
        ),
        start=2,
    ):
        assert f"share {number} is no sound share" in refusal(entered, bad)
    assert (entered.needed, entered.next_number) == (2, 7)


def test_k09_a_share_that_was_entered_before_is_told() -> None:
    """K09: also when it is typed in capitals and over two lines."""
    entered = collected(SHARES[0], SHARES[1])
    assert "share 3 is share 1 again" in refusal(entered, SHARES[0].upper().replace(" ", "\n", 1))
    assert entered.needed == 1


def test_k09_a_share_of_another_splitting_is_told() -> None:
    """Of the same key, yet it does not fit."""
    assert "same splitting as share 1" in refusal(collected(SHARES[0]), split_key(KEY, need=3, of=5)[1])


def test_shares_of_other_programs() -> None:
    """Groups and secrets of other lengths are refused in words."""
    from shamir_mnemonic import generate_mnemonics

    groups = generate_mnemonics(2, [(2, 3), (2, 3)], KEY)
    assert "groups" in refusal(CollectedShares(), groups[0][0])
    short = generate_mnemonics(1, [(2, 3)], bytes(16))[0]
    with pytest.raises(PreconditionError, match="16 bytes instead of the 32"):
        collected(*short[:2]).key()


def test_k09_a_forged_share_does_not_give_another_key() -> None:
    """A sound checksum is no proof; the digest inside is."""
    from dataclasses import replace

    from shamir_mnemonic import Share

    share = Share.from_mnemonic(SHARES[2])
    forged = replace(share, value=bytes(32)).mnemonic()
    with pytest.raises(PreconditionError, match="1, 2, 3 do not fit") as refused:
        collected(SHARES[0], SHARES[1], forged).key()
    assert refused.value.__suppress_context__
    assert "contradicts share 1" in refusal(collected(SHARES[2]), forged)


@pytest.mark.parametrize(("need", "of"), [(1, 1), (1, 3), (4, 3), (0, 0), (2, 17), (-1, 3)])
def test_senseless_splittings_are_refused(need: int, of: int) -> None:
    """One share that is the key itself among them."""
    with pytest.raises(UsageError):
        split_key(KEY, need=need, of=of)


def test_no_share_is_in_a_repr() -> None:
    """They can be logged."""
    assert repr(collected(*SHARES[:2])) == "CollectedShares(2 shares)"
