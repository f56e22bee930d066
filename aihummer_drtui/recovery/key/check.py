"""The master key's checks: the escrowed one, the one in gateway.env, and the probe of its restore."""

from pathlib import Path
from typing import Final

import msgspec

from aihummer_drtui.errors import DrtuiError, PreconditionError
from aihummer_drtui.recovery.backup.manifest import Fact, Manifest
from aihummer_drtui.recovery.backup.sealed import NO_SET_HINT, sealed_manifest
from aihummer_drtui.recovery.check import Check, Scene, failed_by
from aihummer_drtui.recovery.gateway.environment import MASTER_KEY, read_gateway_env
from aihummer_drtui.recovery.key.escrow import WITHOUT_MEDIA_SECRET, Escrow, EscrowSealedError, read_escrow
from aihummer_drtui.recovery.key.fingerprints import key_fingerprint, parse_master_key
from aihummer_drtui.recovery.key.keeping import dangers_of
from aihummer_drtui.recovery.probed import Probed, unknown_by
from aihummer_drtui.run.verdict import CheckDescription, Observation, ProbeResult, Verdict

WRONG_KEY_HINT: Final = "do not start AiHummer: look for the escrow of the time of the backup"
_WEAK: Final = 8
"""Different bytes in a key; a random one has fewer than this less than once in 10^30."""


def look_at_escrow(scene: Scene) -> Observation:
    """Look whether the escrowed key is well formed and is the one the backup was sealed with."""
    source = scene.values.get("KEY_FILE", "")
    expected = "a well-formed master key in the escrow"
    if not source:
        return Observation(
            verdict=Verdict.UNPROVEN,
            expected=expected,
            observed="no escrow was named",
            hint="name it: the input KEY_FILE of a run, or --key-file",
        )
    try:
        escrow = read_escrow(source, only_files=True)
    except EscrowSealedError as error:
        return _apart(scene, source, _by_its_header(scene, error))
    except PreconditionError as error:
        return failed_by(expected, error)
    return judge_escrow(scene, escrow)


def judge_escrow(scene: Scene, escrow: Escrow) -> Observation:
    """Whether the key of an escrow that was read is the one the backup was sealed with."""
    warnings = list(escrow.warnings)
    if not escrow.media_token_fingerprint:
        warnings.append(f"in the escrow {WITHOUT_MEDIA_SECRET}")
    seen = _against_sealed(scene, escrow.key_fingerprint, "the escrow's key", tuple(warnings))
    return _apart(scene, escrow.where, seen)


def _apart(scene: Scene, source: str, seen: Observation) -> Observation:
    """What was seen, with a warning where the escrow does not lie apart from the backups."""
    if not Path(source).is_file():
        # Standard input, a pipe: it lies nowhere.
        return seen
    dangers = dangers_of(Path(source), scene.target, scene.values.get("BACKUP_SET", ""))
    return msgspec.structs.replace(seen, warnings=(*seen.warnings, *dangers))


def _by_its_header(scene: Scene, closed: EscrowSealedError) -> Observation:
    """An escrow that says of itself to hold another key is no help; that it holds this one is its word."""
    seen = _against_sealed(scene, closed.claimed_fingerprint, "the closed escrow says of its key", ())
    if seen.verdict is not Verdict.PASSED:
        return seen
    return msgspec.structs.replace(
        seen, verdict=Verdict.UNPROVEN, observed=f"{seen.observed}; nobody opened it", hint=closed.hint
    )


def look_at_master_key(scene: Scene) -> Observation:
    """Look whether gateway.env has a well-formed key, the one the backup was sealed with."""
    expected = f"a well-formed {MASTER_KEY} in gateway.env"
    try:
        env = read_gateway_env(scene.target.gateway_env)
        key = parse_master_key(env.require(MASTER_KEY), where=str(env.path))
    except PreconditionError as error:
        return failed_by(expected, error)
    warnings = ("the key is far from random: is it a placeholder?",) if len(set(key)) < _WEAK else ()
    return _against_sealed(scene, key_fingerprint(key), "the key in gateway.env", warnings)


def _against_sealed(scene: Scene, fingerprint: str, what: str, warnings: tuple[str, ...]) -> Observation:
    sealed = sealed_manifest(scene)
    if sealed is None or not sealed.key_fingerprint:
        return Observation(
            verdict=Verdict.UNPROVEN,
            expected="the fingerprint sealed in the backup set",
            observed=f"{what} is well formed, fingerprint {fingerprint}; nothing to compare it with",
            hint=_no_fingerprint(sealed),
            warnings=warnings,
        )
    same = fingerprint == sealed.key_fingerprint
    return Observation(
        verdict=Verdict.PASSED if same else Verdict.FAILED,
        expected=f"fingerprint {sealed.key_fingerprint} (sealed in the backup set)",
        observed=f"{what}: fingerprint {fingerprint}" if same else f"wrong key: fingerprint {fingerprint}",
        hint="" if same else WRONG_KEY_HINT,
        warnings=warnings,
    )


def _no_fingerprint(sealed: Manifest | None) -> str:
    if sealed is None:
        return NO_SET_HINT
    if not sealed.knows(Fact.KEY):
        return "the set was sealed around a dump, which tells of no key: the check vault-in-dump proves it"
    return "the set was sealed while no master key was set"


def probe_key(scene: Scene) -> Probed:
    """Whether `restore key` has done its work. Raises nothing.

    The file is exchanged whole, so with the key everything else it brings is there too.
    """
    try:
        env = read_gateway_env(scene.target.gateway_env)
        escrow = _escrow_if_named(scene)
        sealed = sealed_manifest(scene)
    except DrtuiError as error:
        return unknown_by(error)
    text = env.get(MASTER_KEY)
    if text is None:
        return Probed(result=ProbeResult.NOT_DONE, observed=f"{env.path}: no {MASTER_KEY}")
    try:
        fingerprint = key_fingerprint(parse_master_key(text, where=str(env.path)))
    except PreconditionError as error:
        return Probed(result=ProbeResult.NOT_DONE, observed=f"{env.path}: {error.what}")
    wanted = (sealed.key_fingerprint if sealed else "") or (escrow.key_fingerprint if escrow else "")
    if not wanted:
        return Probed(
            result=ProbeResult.UNKNOWN,
            observed=f"{env.path}: a key is there, fingerprint {fingerprint}; nothing to compare it with",
        )
    if fingerprint != wanted:
        return Probed(result=ProbeResult.NOT_DONE, observed=f"{env.path}: another key, {fingerprint}")
    return Probed(result=ProbeResult.DONE, observed=f"{env.path}: the key is there, {fingerprint}")


def _escrow_if_named(scene: Scene) -> Escrow | None:
    source = scene.values.get("KEY_FILE", "")
    try:
        return read_escrow(source, only_files=True) if source else None
    except PreconditionError:
        # The medium may be gone again; the sealed fingerprint is proof enough.
        return None


CHECKS: Final = (
    Check(
        description=CheckDescription(
            name="key-escrow",
            title="Escrowed key fits the backup",
            proves="the key in the escrow is the one AiHummer ran with when the backup was taken",
            interval=15.0,
        ),
        look=look_at_escrow,
    ),
    Check(
        description=CheckDescription(
            name="master-key",
            title="Master key in gateway.env",
            proves="gateway.env holds the key AiHummer ran with when the backup was taken",
        ),
        look=look_at_master_key,
    ),
)
