"""Whether gateway.env is whole: the three things need it, and its other lines fail silently."""

import stat
from collections.abc import Iterator
from typing import Final

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.manifest import Fact, Manifest
from aihummer_drtui.recovery.backup.sealed import sealed_manifest
from aihummer_drtui.recovery.check import Check, Scene, failed_by
from aihummer_drtui.recovery.database.dsn import owner_dsn
from aihummer_drtui.recovery.gateway.environment import (
    APP_DATABASE_URL,
    AUTO_UPDATE,
    BLOB_DIR,
    DATABASE_URL,
    MASTER_KEY,
    MEDIA_TOKEN_SECRET,
    OIDC_ISSUER,
    GatewayEnv,
    read_gateway_env,
)
from aihummer_drtui.recovery.key.fingerprints import media_token_fingerprint
from aihummer_drtui.run.verdict import CheckDescription, Observation, Verdict

_EFFECTS: Final = (
    (APP_DATABASE_URL, "row-level security is off, silently"),
    (MEDIA_TOKEN_SECRET, "media URLs signed before the loss will not open"),
    (OIDC_ISSUER, "the admin API trusts development headers"),
)
"""KNOWN effects of a variable that is not there (AiHummer's configuration reference)."""


def look_at_gateway_env(scene: Scene) -> Observation:
    """Look whether gateway.env can be understood, has what is needed, and what its gaps will do."""
    expected = f"{DATABASE_URL}, {MASTER_KEY} and what was set at the time of the backup"
    try:
        env = read_gateway_env(scene.target.gateway_env)
    except PreconditionError as error:
        return failed_by(expected, error)
    if not env.exists:
        return _failed(
            expected,
            f"{env.path} is not there",
            "`restore key` writes what the escrow holds; the rest comes from your configuration management",
        )
    sealed = sealed_manifest(scene)
    faults = [*map(str, env.problems), *_faults(env, sealed)]
    warnings = tuple(_warnings(env, sealed))
    if faults:
        return _failed(expected, f"{env.path}: {'; '.join(faults)}", "complete or correct the file", warnings)
    unproven = sealed is not None and not sealed.knows(Fact.GATEWAY_ENV)
    return Observation(
        verdict=Verdict.UNPROVEN if unproven else Verdict.PASSED,
        expected=expected,
        observed=f"{env.path}: {len(env.variables)} variables, all that is needed among them",
        hint="the set was sealed around a dump: compare with your configuration management"
        if unproven
        else "",
        warnings=warnings,
    )


def _faults(env: GatewayEnv, sealed: Manifest | None) -> Iterator[str]:
    for name in (DATABASE_URL, MASTER_KEY):
        if env.get(name) is None:
            yield f"{name} is not set"
    if env.get(DATABASE_URL) is not None:
        try:
            owner_dsn(env)
        except PreconditionError as error:
            yield f"{DATABASE_URL} {error.what}"
    if sealed is not None and sealed.blobs.active and env.blob_folder is None:
        # Without this the media service would be off, and "nothing to restore" would look right.
        yield f"{BLOB_DIR} is not set, but the backup set holds {sealed.blobs.count} blobs"


def _warnings(env: GatewayEnv, sealed: Manifest | None) -> Iterator[str]:
    for name, effect in _EFFECTS:
        if env.get(name) is None:
            yield f"{name} is not set: {effect}"
    if env.get(AUTO_UPDATE) == "apply":
        yield f"{AUTO_UPDATE}=apply: the gateway may change its version in the middle of the recovery"
    for doubt in env.doubts:
        yield str(doubt)
    if env.path.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP):
        yield f"other accounts can use this file: chmod 600 '{env.path}'"
    if sealed is None:
        return
    secret = env.get(MEDIA_TOKEN_SECRET)
    if secret and sealed.media_token_fingerprint not in {"", media_token_fingerprint(secret)}:
        yield f"{MEDIA_TOKEN_SECRET} is not the one sealed in the backup set: older media URLs will not open"
    told = {DATABASE_URL, MASTER_KEY, BLOB_DIR, *(name for name, _ in _EFFECTS)}
    lost = sorted(name for name in set(sealed.gateway_env_names) - told if env.get(name) is None)
    if lost:
        yield cleaned_line(f"set at the time of the backup and not now: {', '.join(lost)}", 300)


def _failed(expected: str, observed: str, hint: str, warnings: tuple[str, ...] = ()) -> Observation:
    return Observation(
        verdict=Verdict.FAILED, expected=expected, observed=observed, hint=hint, warnings=warnings
    )


CHECKS: Final = (
    Check(
        description=CheckDescription(
            name="gateway-env",
            title="gateway.env is complete",
            proves="the gateway's settings can be read and the required ones are there; not that they work",
        ),
        look=look_at_gateway_env,
    ),
)
