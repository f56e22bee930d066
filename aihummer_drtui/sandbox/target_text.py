"""The target's configuration that a sandbox writes for itself (docs/target.md)."""

import json
from pathlib import Path
from typing import Final

from aihummer_drtui.sandbox.layout import Layout

_TABLES: Final = """
[vault]
data-keys = "SELECT tenant_id::text, wrapped_key FROM vault_data_keys ORDER BY tenant_id"
values = "SELECT tenant_id::text, name, sealed_value FROM vault_values ORDER BY tenant_id, name"

[media]
references = "SELECT path, size, sha256 FROM media ORDER BY path"
"""


def target_text(
    layout: Layout, *, sandbox_id: str, port: int, postgres_bin: Path, signed_path: str, wal: str = ""
) -> str:
    """A target.toml that points at nothing but the sandbox; `wal` = tables of a server with archived WAL."""
    return f"""\
# Written by `aihummer-drtui sandbox up` for its training stand-in. It is not AiHummer.
name = {toml_text(f"training stand-in ({sandbox_id})")}
gateway-env = {toml_text(layout.gateway_env)}
aihummer = {toml_text(layout.programs / "aihummer")}
smoke = {toml_text(layout.smoke)}
path = [{toml_text(layout.programs)}]
base-url = "http://127.0.0.1:{port}"
backup-places = [{toml_text(layout.backups)}]
postgres-bin = {toml_text(postgres_bin)}
maintenance-database = "postgres"

[inputs]
KEY_FILE = {toml_text(layout.escrow)}
{_TABLES}signed-path = {toml_text(signed_path)}
{wal}
[sandbox]
id = {toml_text(sandbox_id)}
root = {toml_text(layout.root)}
"""


def toml_text(value: str | Path) -> str:
    """A TOML basic string: JSON's escapes are among TOML's, DEL excepted (TOML 1.0, String)."""
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
