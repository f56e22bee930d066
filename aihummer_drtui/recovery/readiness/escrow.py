"""Whether the master key could be had back: an escrow is there, and its key is the set's."""

from dataclasses import dataclass

from aihummer_drtui.recovery.backup.manifest import Fact, Manifest
from aihummer_drtui.recovery.key.check import WRONG_KEY_HINT
from aihummer_drtui.recovery.key.escrow import EscrowSealedError, read_escrow
from aihummer_drtui.run.verdict import Observation, Verdict


@dataclass(frozen=True, kw_only=True)
class EscrowSeen:
    """An escrow that is there."""

    fingerprint: str
    """Of its key; of a closed one, what its header says."""
    closed: bool
    """It is under a passphrase, and nobody opened it."""
    warnings: tuple[str, ...] = ()


def see_escrow(source: str) -> EscrowSeen:
    """Read the escrow at a path, without asking for a passphrase. Raises PreconditionError."""
    try:
        escrow = read_escrow(source, only_files=True)
    except EscrowSealedError as error:
        return EscrowSeen(fingerprint=error.claimed_fingerprint, closed=True)
    return EscrowSeen(fingerprint=escrow.key_fingerprint, closed=False, warnings=escrow.warnings)


def judge_escrow(seen: EscrowSeen | None, sealed: Manifest | None) -> Observation:
    """Hold the escrow's fingerprint against that of the set to go back to. None = no escrow is named.

    A closed escrow passes by what its header says: it lies where it should, and it is the right one as far
    as anybody can tell who may not open it. A drill opens it.
    """
    expected = "an escrow whose key is the one that is sealed in the set"
    if seen is None:
        return _unproven(
            expected,
            "target.toml names no escrow",
            "name it as KEY_FILE under [inputs], or look by hand: `aihummer-drtui key check --from FILE`",
        )
    closed = "the closed escrow says of its key: " if seen.closed else ""
    if sealed is None:
        return _unproven(expected, f"{closed}fingerprint {seen.fingerprint}; no set to compare", "see above")
    if not sealed.key_fingerprint:
        hint = "take whole sets with `aihummer-drtui backup create`"
        if sealed.knows(Fact.KEY):
            hint = "the set was sealed while no master key was set"
        return _unproven(expected, f"{closed}fingerprint {seen.fingerprint}; the set tells of no key", hint)
    same = seen.fingerprint == sealed.key_fingerprint
    word = "fingerprint" if same else "wrong key: fingerprint"
    return Observation(
        verdict=Verdict.PASSED if same else Verdict.FAILED,
        expected=f"fingerprint {sealed.key_fingerprint} (sealed in the set)",
        observed=f"{closed}{word} {seen.fingerprint}",
        hint="" if same else WRONG_KEY_HINT,
        warnings=seen.warnings,
    )


def _unproven(expected: str, observed: str, hint: str) -> Observation:
    return Observation(verdict=Verdict.UNPROVEN, expected=expected, observed=observed, hint=hint)
