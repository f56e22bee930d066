"""What makes two runs act on the same target."""

import hashlib
import socket

from aihummer_drtui.recovery.target import Target


def target_key(target: Target) -> str:
    """What makes two runs act on the same target: this host, its gateway.env, which sandbox it is."""
    place = f"{socket.gethostname()}\n{target.gateway_env.resolve()}"
    if target.sandbox is not None:
        # A sandbox that was built anew in the same folder is another target.
        place += f"\n{target.sandbox.id}"
    return hashlib.sha256(place.encode()).hexdigest()[:16]


def tabletop_key(name: str) -> str:
    """What makes two tabletops one: this host and the name. It is never that of a run on a target."""
    return hashlib.sha256(f"tabletop\n{socket.gethostname()}\n{name}".encode()).hexdigest()[:16]
