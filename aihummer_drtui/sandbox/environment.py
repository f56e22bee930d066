"""gateway.env as the stand-in's gateway reads it, and the values that a new sandbox gets."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from aihummer_drtui.sandbox.seeded import derived

DEFAULT_ADDRESS: Final = ":8765"


def read_environment(path: Path) -> dict[str, str]:
    """The variables of an environment file, as systemd's EnvironmentFile= would give them.

    Empty where the file is not there. Raises OSError where it cannot be read.
    """
    try:
        text = path.read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return {}
    variables: dict[str, str] = {}
    for line in text.splitlines():
        bare = line.strip().removeprefix("export ")
        name, equals, value = bare.partition("=")
        if not equals or bare.startswith(("#", ";")):
            continue
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        variables[name.strip()] = value
    return variables


def write_environment(variables: Mapping[str, str], *, comment: str) -> bytes:
    """An environment file's text."""
    return "".join([f"# {comment}\n", *(f"{name}={value}\n" for name, value in variables.items())]).encode()


def listen_address(variables: Mapping[str, str]) -> tuple[str, int]:
    """Host and port of AIHUMMER_GATEWAY_ADDR, default `:8765`. The stand-in never leaves this machine.

    Raises ValueError where the address is not one.
    """
    address = variables.get("AIHUMMER_GATEWAY_ADDR", "") or DEFAULT_ADDRESS
    _, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or not 0 < int(port) < 65_536:
        raise ValueError(f"AIHUMMER_GATEWAY_ADDR is no address: {address!r}")
    return "127.0.0.1", int(port)


def media_signature(secret: str, path: str) -> str:
    """The signature of a media URL: HMAC-SHA256 of the path in hex. The stand-in's own way."""
    return hmac.new(secret.encode(), path.encode(), hashlib.sha256).hexdigest()


def media_url(secret: str, path: str) -> str:
    """Path and query of a signed media URL."""
    return f"/v1/media/{quote(path)}?sig={media_signature(secret, path)}"


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """What a new sandbox keeps secret. Key and token secret follow from the seed, passwords do not."""

    master_key: bytes
    media_token_secret: str
    owner_password: str
    app_password: str

    def __repr__(self) -> str:
        return "Secrets(...)"


def new_secrets(seed: int) -> Secrets:
    """Secrets for a sandbox of that seed: the same vault and media URLs, new passwords each time."""
    return Secrets(
        master_key=derived(seed, "master key", 32),
        media_token_secret=derived(seed, "media token secret", 32).hex(),
        owner_password=secrets.token_hex(16),
        app_password=secrets.token_hex(16),
    )


def gateway_variables(
    values: Secrets, *, owner_url: str, app_url: str, blobs: Path, port: int, seed: int
) -> dict[str, str]:
    """Everything that AiHummer's gateway.env is publicly known to hold, for the stand-in."""
    return {
        "AIHUMMER_DATABASE_URL": owner_url,
        "AIHUMMER_DB_APP_URL": app_url,
        "AIHUMMER_MASTER_KEY": base64.b64encode(values.master_key).decode(),
        "AIHUMMER_BLOB_DIR": str(blobs),
        "AIHUMMER_MEDIA_TOKEN_SECRET": values.media_token_secret,
        "AIHUMMER_GATEWAY_ADDR": f"127.0.0.1:{port}",
        "AIHUMMER_AUTO_UPDATE": "off",
        "AIHUMMER_UPDATE_CHANNEL": "stable",
        # .invalid never resolves (RFC 2606, 2): a sandbox talks to nobody.
        "AIHUMMER_DOWNLOAD_BASE_URL": "https://download.invalid/",
        "AIHUMMER_OIDC_ISSUER": "https://id.invalid/",
        "AIHUMMER_INBOUND_SECRET": derived(seed, "inbound secret", 24).hex(),
        "AIHUMMER_AIRGAPPED": "1",
    }
