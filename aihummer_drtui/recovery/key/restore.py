"""Bring the master key back: prove it is the right one, write it, read it back.

The escrow's other variables come along where gateway.env lacks them. Nothing is written before every
comparison is done, and a key that is there is never replaced unless that was said.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aihummer_drtui.durable import write_durably
from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.backup.manifest import Fact, Manifest
from aihummer_drtui.recovery.gateway.environment import (
    MASTER_KEY,
    MEDIA_TOKEN_SECRET,
    GatewayEnv,
    read_gateway_env,
    refuse_link,
    with_values,
    write_gateway_env,
)
from aihummer_drtui.recovery.key.escrow import WITHOUT_MEDIA_SECRET, Escrow
from aihummer_drtui.recovery.key.fingerprints import media_token_fingerprint
from aihummer_drtui.recovery.target import Target


@dataclass(frozen=True, kw_only=True)
class KeyRestored:
    """What was done; no secret among it."""

    fingerprint: str
    written: tuple[str, ...]
    """Names of the variables that were written; empty = everything was already there."""
    kept_beside: Path | None
    """The former gateway.env, where a key was replaced or a line of it is not understood."""
    warnings: tuple[str, ...]


def restore_key(
    target: Target, escrow: Escrow, *, sealed: Manifest | None, replace: bool = False
) -> KeyRestored:
    """Write the escrow's master key, and what else gateway.env lacks, into the target's gateway.env.

    Raises PreconditionError, with nothing written, when the key is not the one sealed in the backup set
    or another one is there already (and `replace` is not said); FailedError when writing fails.
    """
    warnings = list(escrow.warnings)
    warnings += _compared_with_sealed(escrow, sealed)
    env = read_gateway_env(target.gateway_env)
    warnings += [f"{env.path}: {problem}" for problem in env.problems]
    if not escrow.completing(env).get(MEDIA_TOKEN_SECRET):
        warnings.append(WITHOUT_MEDIA_SECRET)
    values = _wanted(env, escrow, sealed, replace=replace)
    if not values:
        return KeyRestored(
            fingerprint=escrow.key_fingerprint, written=(), kept_beside=None, warnings=tuple(warnings)
        )
    try:
        # Before the copy with all secrets is made.
        refuse_link(env.path)
        # A line that is not understood may be the very one that gives way.
        replaces = bool(env.problems) or any(env.get(name) for name in values)
        kept_beside = _keep_beside(env) if replaces else None
        write_gateway_env(env.path, with_values(env, values))
    except OSError as error:
        raise FailedError(
            f"could not be written: {error.strerror}; the former file is untouched",
            where=str(env.path),
            hint="run this as root or as the account that owns the file, with room on the disk",
        ) from error
    _verify(env.path, values)
    return KeyRestored(
        fingerprint=escrow.key_fingerprint,
        written=tuple(values),
        kept_beside=kept_beside,
        warnings=tuple(warnings),
    )


def _compared_with_sealed(escrow: Escrow, sealed: Manifest | None) -> list[str]:
    """Warnings. Raises PreconditionError for the wrong key."""
    if sealed is None:
        return ["no backup set was named: nobody knows yet whether this is the right key"]
    if not sealed.knows(Fact.KEY):
        return [
            "the set was sealed around a dump, which tells of no key: nobody knows yet if it is the right "
            "one; `aihummer-drtui check vault-in-dump` tells"
        ]
    if not sealed.key_fingerprint:
        return ["the backup set was sealed without a master key: there was no vault to open"]
    if escrow.key_fingerprint != sealed.key_fingerprint:
        raise PreconditionError(
            f"wrong key: its fingerprint is {escrow.key_fingerprint}, the backup set was sealed with "
            f"{sealed.key_fingerprint}; nothing was written",
            where=escrow.where,
            hint="look for the escrow of the time of the backup; do not start AiHummer with another key",
        )
    if escrow.media_token_fingerprint and sealed.media_token_fingerprint != escrow.media_token_fingerprint:
        return [f"the escrow's {MEDIA_TOKEN_SECRET} is not the one sealed: older media URLs will not open"]
    return []


def _wanted(env: GatewayEnv, escrow: Escrow, sealed: Manifest | None, *, replace: bool) -> Mapping[str, str]:
    """What is to be written. Raises PreconditionError when a secret would be replaced by another one."""
    wanted: dict[str, str] = {}
    for name, value in escrow.variables.items():
        there = env.get(name)
        if there == value:
            continue
        if there is None:
            wanted[name] = value
        elif name == MASTER_KEY or (name == MEDIA_TOKEN_SECRET and not _is_sealed_secret(there, sealed)):
            if not replace:
                raise PreconditionError(
                    f"another {name} is there already; nothing was written",
                    where=str(env.path),
                    hint="find out whose it is; --replace keeps the former file beside and writes this one",
                )
            wanted[name] = value
    return wanted


def _is_sealed_secret(secret: str, sealed: Manifest | None) -> bool:
    return sealed is not None and media_token_fingerprint(secret) == sealed.media_token_fingerprint


def _keep_beside(env: GatewayEnv) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    beside = env.path.with_name(f"{env.path.name}.before-{stamp}")
    state = env.path.lstat()
    owner = (state.st_uid, state.st_gid) if os.geteuid() == 0 else None
    write_durably(beside, env.text.encode("utf-8", "surrogateescape"), mode=0o600, owner=owner)
    return beside


def _verify(path: Path, values: Mapping[str, str]) -> None:
    back = read_gateway_env(path)
    wrong = [name for name, value in values.items() if back.variables.get(name) != value]
    if wrong:
        raise FailedError(
            f"what was written does not read back the same: {', '.join(wrong)}",
            where=str(path),
            hint="is another program writing this file? stop it, and run the command again",
        )
