"""A sealed backup set of a manifest only, for checks that compare with what was sealed."""

from pathlib import Path
from typing import Any

import msgspec

from aihummer_drtui.recovery.backup.manifest import Manifest, SealedBlobs, SealedDatabase
from aihummer_drtui.recovery.backup.set import MANIFEST, seal
from aihummer_drtui.recovery.key.fingerprints import (
    key_fingerprint,
    media_token_fingerprint,
    parse_master_key,
)
from tests.recovery.small_cluster import MASTER_KEY, MEDIA_SECRET

MANIFEST_OF_TESTS = Manifest(
    set_id="20240101T000000Z",
    started="2024-01-01T00:00:00+00:00",
    recovery_point="2024-01-01T00:00:01+00:00",
    ended="2024-01-01T00:00:02+00:00",
    program="0.1",
    aihummer_version="1.4.2",
    aihummer_version_source="running gateway",
    pg_dump_version="17.10",
    database=SealedDatabase(
        name="aihummer",
        size=1,
        encoding="UTF8",
        collate="C",
        ctype="C",
        locale_provider="c",
        locale="",
        tables={},
        extensions={},
        roles=(),
        lsn="0/0",
        server_version_num=170_010,
    ),
    key_fingerprint=key_fingerprint(parse_master_key(MASTER_KEY, where="tests")),
    media_token_fingerprint=media_token_fingerprint(MEDIA_SECRET),
    gateway_env_names=("AIHUMMER_DATABASE_URL", "AIHUMMER_MASTER_KEY", "AIHUMMER_INBOUND_SECRET"),
    files=(),
    blobs=SealedBlobs(
        active=True, count=7, size=1, list_sha256="0" * 64, copied_at="2024-01-01T00:00:02+00:00"
    ),
)


def sealed_set(folder: Path, **changes: Any) -> Path:
    """Write a set whose manifest differs from the usual one as said."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_bytes(seal(msgspec.structs.replace(MANIFEST_OF_TESTS, **changes)))
    return folder
