"""The key proof before anything is replaced: no database is put under a key that will not open it."""

from typing import Final

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.backup.manifest import Manifest
from aihummer_drtui.recovery.backup.set import BackupSet
from aihummer_drtui.recovery.database.connection import owner_in
from aihummer_drtui.recovery.gateway.environment import MASTER_KEY, GatewayEnv, read_gateway_env
from aihummer_drtui.recovery.key.fingerprints import key_fingerprint, parse_master_key
from aihummer_drtui.recovery.key.opening import told_of
from aihummer_drtui.recovery.key.vault_in_dump import open_vault_in_dump
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target

_WAY_ON: Final = (
    "bring the right one back with `restore key`; if no copy of it is left, take the line "
    f"{MASTER_KEY} out: the database then comes back, and the secrets in its vault do not"
)


def refuse_other_key(env: GatewayEnv, sealed: Manifest) -> None:
    """Let pass the master key that the set was sealed with, and a gateway.env that has none.

    None is let pass because the database can come back where no copy of the key is left; that is said
    by taking the line out. Raises PreconditionError for any other key, and for a malformed one.
    """
    refuse_other_fingerprint(env, sealed.key_fingerprint, "the backup set")


def refuse_other_fingerprint(env: GatewayEnv, sealed: str, what: str) -> None:
    """As `refuse_other_key`, with the fingerprint that `what` was sealed with; empty = none is known."""
    text = env.get(MASTER_KEY)
    if text is None or not sealed:
        return
    fingerprint = key_fingerprint(parse_master_key(text, where=str(env.path)))
    if fingerprint != sealed:
        raise PreconditionError(
            f"wrong key: its fingerprint is {fingerprint}, {what} was sealed with {sealed}; "
            "nothing was changed",
            where=str(env.path),
            hint=_WAY_ON,
        )


def refuse_key_that_opens_nothing(target: Target, backup: BackupSet, reporter: Reporter) -> None:
    """Let pass a key that opens the vault in the dump, where the vault's layout is known.

    The sealed fingerprint is proof enough that AiHummer ran with a key; where it is unproven, the dump's
    vault is opened in a scratch database. An empty vault, and a gateway.env without a key, are let pass.

    Raises PreconditionError for a wrong key, and as `open_vault_in_dump` does.
    """
    env = read_gateway_env(target.gateway_env)
    text = env.get(MASTER_KEY)
    if text is None or target.vault is None:
        return
    key = parse_master_key(text, where=str(env.path))
    if key_fingerprint(key) == backup.manifest.key_fingerprint:
        return
    owner = owner_in(env)
    opened = open_vault_in_dump(target, target.vault, backup, key, owner=owner, reporter=reporter)
    if opened.wrong_key:
        raise PreconditionError(
            f"{told_of(opened)}, in the dump; nothing was changed", where=str(env.path), hint=_WAY_ON
        )
