"""The master key that is at hand: whose fingerprint can be told before anything is restored."""

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.recovery.gateway.environment import MASTER_KEY, read_gateway_env
from aihummer_drtui.recovery.key.escrow import read_escrow
from aihummer_drtui.recovery.key.fingerprints import key_fingerprint, parse_master_key
from aihummer_drtui.recovery.target import Target


def fingerprint_at_hand(target: Target) -> str:
    """The fingerprint of gateway.env's key, else of the escrow that target.toml proposes; empty = neither.

    A lost host has no gateway.env yet. An escrow under a passphrase is not at hand: nobody is asked here.
    """
    try:
        env = read_gateway_env(target.gateway_env)
        return key_fingerprint(parse_master_key(env.require(MASTER_KEY), where=str(env.path)))
    except DrtuiError:
        source = target.inputs.get("KEY_FILE", "")
    try:
        return read_escrow(source, only_files=True).key_fingerprint if source else ""
    except DrtuiError:
        return ""
