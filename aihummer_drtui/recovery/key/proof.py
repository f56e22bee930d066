"""The key proof before anything is replaced: no database is put under a key that will not open it."""

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.backup.manifest import Manifest
from aihummer_drtui.recovery.gateway.environment import MASTER_KEY, GatewayEnv
from aihummer_drtui.recovery.key.fingerprints import key_fingerprint, parse_master_key


def refuse_other_key(env: GatewayEnv, sealed: Manifest) -> None:
    """Let pass the master key that the set was sealed with, and a gateway.env that has none.

    None is let pass because the database can come back where no copy of the key is left; that is said
    by taking the line out. Raises PreconditionError for any other key, and for a malformed one.
    """
    text = env.get(MASTER_KEY)
    if text is None or not sealed.key_fingerprint:
        return
    fingerprint = key_fingerprint(parse_master_key(text, where=str(env.path)))
    if fingerprint != sealed.key_fingerprint:
        raise PreconditionError(
            f"wrong key: its fingerprint is {fingerprint}, the backup set was sealed with "
            f"{sealed.key_fingerprint}; nothing was changed",
            where=str(env.path),
            hint="bring the right one back with `restore key`; if no copy of it is left, take the line "
            f"{MASTER_KEY} out: the database then comes back, and the secrets in its vault do not",
        )
