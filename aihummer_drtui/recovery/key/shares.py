"""The master key in shares, k of n, as SLIP-39 writes them (github.com/satoshilabs/slips, slip-0039.md).

A share is a line of words from a fixed list, with a checksum; any program that knows SLIP-39 can combine
them (one group, no passphrase). They hold the key's 32 bytes and nothing else. No message names a word:
a bad share is known by the number under which it was entered.
"""

import base64
from typing import TYPE_CHECKING, Final

from aihummer_drtui.errors import FailedError, PreconditionError, UsageError
from aihummer_drtui.recovery.gateway.environment import MASTER_KEY
from aihummer_drtui.recovery.key.escrow import Escrow
from aihummer_drtui.recovery.key.fingerprints import KEY_BYTES

if TYPE_CHECKING:
    from shamir_mnemonic import Share

MOST: Final = 16
"""Shares of one key (SLIP-39: an index of 4 bits)."""


def split_key(key: bytes, *, need: int, of: int) -> tuple[str, ...]:
    """Split a master key into `of` shares, any `need` of which give it back; proven before it returns.

    Raises UsageError unless 2 <= need <= of <= 16.
    """
    from shamir_mnemonic import generate_mnemonics

    if not 2 <= need <= of <= MOST:
        raise UsageError(
            f"{need} of {of} shares cannot be made",
            hint=f"at least 2 must be needed, and at most {MOST} can be made; 3 of 5 is common",
        )
    shares = tuple(generate_mnemonics(1, [(need, of)], key)[0])
    for chosen in (shares[:need], shares[-need:]):
        collected = CollectedShares()
        for share in chosen:
            collected.add(share)
        if collected.key() != key:
            raise FailedError("the shares do not give the key back; nothing was written", hint="report this")
    return shares


class CollectedShares:
    """Shares as they are entered, one at a time, in any order."""

    def __init__(self) -> None:
        self._entered = 0
        self._shares: dict[int, Share] = {}

    def __repr__(self) -> str:
        return f"CollectedShares({len(self._shares)} shares)"

    @property
    def needed(self) -> int | None:
        """How many more are needed; None before the first tells it."""
        for share in self._shares.values():
            return max(0, int(share.member_threshold) - len(self._shares))
        return None

    @property
    def next_number(self) -> int:
        """The number under which the next share is entered, from 1; refused ones count."""
        return self._entered + 1

    def add(self, text: str) -> None:
        """Take one share. Raises PreconditionError, naming it by its number only, and stays as it was."""
        self._entered += 1
        number = self._entered
        share = _parsed(text, number)
        for other, there in self._shares.items():
            if share.group_parameters() != there.group_parameters():
                raise _refused(number, f"is not of the same splitting as share {other}", _OTHER_HINT)
            if share.index == there.index:
                same = share.value == there.value
                what = f"is share {other} again" if same else f"contradicts share {other}"
                raise _refused(number, what, "enter another one")
        self._shares[number] = share

    def key(self) -> bytes:
        """The master key. Raises PreconditionError when shares are lacking or do not give one."""
        from shamir_mnemonic import MnemonicError, combine_mnemonics

        needed = self.needed
        if needed is None or needed > 0:
            lacking = f"{needed} more of them" if needed else "all of them"
            raise PreconditionError(
                f"too few shares: {len(self._shares)} entered, {lacking} needed",
                hint="ask the next keeper",
            )
        shares = list(self._shares.values())
        try:
            key = bytes(combine_mnemonics(one.mnemonic() for one in shares[: shares[0].member_threshold]))
        except (MnemonicError, ValueError):
            # Not chained: the package's messages hold words of the shares.
            raise PreconditionError(
                f"shares {_listed(self._shares)} do not fit together", hint=_OTHER_HINT
            ) from None
        if len(key) != KEY_BYTES:
            raise PreconditionError(
                f"the shares hold {len(key)} bytes instead of the {KEY_BYTES} of a master key",
                hint=_OTHER_HINT,
            )
        return key

    def escrow(self) -> Escrow:
        """The key as an escrow, for `restore_key`. Raises as `key` does."""
        return Escrow(where="the shares", variables={MASTER_KEY: base64.b64encode(self.key()).decode()})


_OTHER_HINT: Final = "all shares must come from one `key shares split` of this key"


def _parsed(text: str, number: int) -> "Share":
    from shamir_mnemonic import MnemonicError, Share

    try:
        share = Share.from_mnemonic(" ".join(text.split()).lower())
    except (MnemonicError, ValueError, OverflowError):
        # Not chained: the package's messages hold words of the share.
        raise _refused(
            number,
            f"is no sound share ({len(text.split())} words; a share of a master key has 33)",
            "a word is misspelt, lacking or in the wrong place: compare it with the paper",
        ) from None
    if share.group_count != 1:
        raise _refused(number, "is of a splitting into groups", "combine those with another SLIP-39 tool")
    return share


def _refused(number: int, what: str, hint: str) -> PreconditionError:
    return PreconditionError(f"share {number} {what}", hint=hint)


def _listed(numbers: dict[int, "Share"]) -> str:
    return ", ".join(map(str, numbers))
