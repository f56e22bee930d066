"""Whether the living vault opens: the ciphertexts in the live database with the key in gateway.env."""

from typing import Final

from aihummer_drtui.recovery.check import Check, Scene
from aihummer_drtui.recovery.database.connection import Owner, connect, failures_named, owner_in
from aihummer_drtui.recovery.gateway.environment import MASTER_KEY, read_gateway_env
from aihummer_drtui.recovery.key.fingerprints import parse_master_key
from aihummer_drtui.recovery.key.opening import judged, open_vault, unknown_layout
from aihummer_drtui.recovery.target import VaultLayout
from aihummer_drtui.run.verdict import CheckDescription, Observation

STATEMENT_SECONDS: Final = 15.0
BY_HAND: Final = "prove it by hand: use one stored secret in AiHummer (a connector, a model's API key)"
_EMPTY_HINT: Final = "was the database restored? if AiHummer had no secrets stored, say so by overriding this"


def look_at_vault(scene: Scene) -> Observation:
    """Open every tenant's data key and a sample of values with the key in gateway.env.

    Raises PreconditionError without a usable gateway.env, FailedError when the database refuses.
    """
    layout = scene.target.vault
    if layout is None:
        return unknown_layout(BY_HAND)
    env = read_gateway_env(scene.target.gateway_env)
    key = parse_master_key(env.require(MASTER_KEY), where=str(env.path))
    return look_with_key(layout, owner_in(env), key)


def look_with_key(layout: VaultLayout, owner: Owner, key: bytes) -> Observation:
    """The same with any key. Raises as `look_at_vault` does."""
    with (
        connect(owner, statement_seconds=STATEMENT_SECONDS) as connection,
        failures_named("the vault could not be read", owner),
    ):
        connection.read_only = True
        return judged(open_vault(connection, layout, key), empty_hint=_EMPTY_HINT)


CHECKS: Final = (
    Check(
        description=CheckDescription(
            name="vault-opens",
            title="Vault opens with this key",
            proves="the restored key opens the restored data keys and values (authenticated decryption)",
            interval=0.0,
            time_out=60.0,
        ),
        look=look_at_vault,
    ),
)
