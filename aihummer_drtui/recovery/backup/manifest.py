"""What the manifest of a backup set says: the model alone (docs/backup-set.md)."""

from enum import StrEnum
from typing import Final

import msgspec

DUMP: Final = "database.dump"
DUMP_FOLDER: Final = "database.dir"
"""Of a dump in directory format, instead of DUMP; its files are sealed as `database.dir/NAME`."""
ROLES: Final = "roles.sql"
"""`pg_dumpall --roles-only --no-role-passwords`: what a dump of one database leaves out; for people."""


class Fact(StrEnum):
    """Something a set may have been sealed without knowing; what stands in its fields then means nothing."""

    TIME_ZONE = "time-zone"
    """The recovery point was read from a clock without a zone."""
    SIZE = "size"
    ROWS = "rows"
    """Tables and their rows."""
    EXTENSIONS = "extensions"
    """Their versions; the names that are there are true."""
    ROLES = "roles"
    LOCALE = "locale"
    """Encoding and locale."""
    LSN = "lsn"
    AIHUMMER_VERSION = "aihummer-version"
    KEY = "key"
    MEDIA_TOKEN = "media-token"  # noqa: S105 - the name of a fact
    GATEWAY_ENV = "gateway-env"
    BLOBS = "blobs"


class SealedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file beside the manifest."""

    name: str
    size: int
    sha256: str


class SealedSetting(msgspec.Struct, frozen=True, kw_only=True):
    """A setting of the database (ALTER DATABASE … SET), which a dump of it leaves out."""

    name: str
    role: str
    """For that role only; empty = for all."""
    value: str | None
    """None = not sealed: settings of applications (`app.jwt_secret`) may hold anything."""


class SealedDatabase(msgspec.Struct, frozen=True, kw_only=True):
    """The database at the moment of the snapshot."""

    name: str
    size: int
    """Bytes on the server, indexes included."""
    encoding: str
    collate: str
    ctype: str
    locale_provider: str
    """`c` libc, `i` ICU, `b` built in (pg_database.datlocprovider)."""
    locale: str
    """Of the ICU or built-in provider, else empty."""
    tables: dict[str, int]
    """Exact row counts by `schema.table`, quoted where PostgreSQL quotes."""
    extensions: dict[str, str]
    """Versions by name."""
    roles: tuple[str, ...]
    """Roles that own something, were granted something or appear in a policy; a dump brings none of them."""
    lsn: str
    """Write-ahead log position at the snapshot."""
    server_version_num: int
    lsn_ended: str = ""
    """Write-ahead log position when dump and blobs were written; empty in sets that were made without it."""
    settings: tuple[SealedSetting, ...] = ()


class SealedBlobs(msgspec.Struct, frozen=True, kw_only=True):
    """The blob folder as it was copied."""

    active: bool
    """False = AIHUMMER_BLOB_DIR was unset: the media service was off, and there is nothing to restore."""
    count: int
    size: int
    list_sha256: str
    """Of blobs.jsonl."""
    copied_at: str
    """ISO 8601, UTC: when the copy was complete."""
    left_out: tuple[str, ...] = ()
    """Names that are no regular files or hold control characters: they were not copied (first twenty)."""
    left_out_count: int = 0
    referenced: int = 0
    """Blobs the database refers to at the snapshot; 0 where the layout is not configured."""
    referenced_missing: int = 0
    linked: int = 0
    """Blobs that are hard links to those of an earlier set: the same bytes, stored once."""
    linked_to: str = ""
    """That set's id."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a set holds and where it came from. Never a secret: keys appear as fingerprints only."""

    set_id: str
    started: str
    """ISO 8601, UTC, as are all times here."""
    recovery_point: str
    """The database's own clock at the snapshot: what the dump brings back."""
    ended: str
    program: str
    aihummer_version: str
    """SemVer text, or empty: it could not be learned."""
    aihummer_version_source: str
    pg_dump_version: str
    database: SealedDatabase
    key_fingerprint: str
    """Empty = gateway.env held no master key."""
    media_token_fingerprint: str
    gateway_env_names: tuple[str, ...]
    """The variables that were set; no values."""
    files: tuple[SealedFile, ...]
    blobs: SealedBlobs
    unproven: tuple[Fact, ...] = ()
    """What could not be known when a dump was sealed that others had made (`backup seal`)."""

    def knows(self, fact: Fact) -> bool:
        """Whether what the set says of this can be compared with."""
        return fact not in self.unproven

    @property
    def server_major(self) -> int:
        """Major version of the server that was dumped."""
        return self.database.server_version_num // 10_000

    @property
    def tools_major(self) -> int:
        """Major version that pg_restore must have to read the dump."""
        first = self.pg_dump_version.partition(".")[0]
        return max(self.server_major, int(first) if first.isdigit() else 0)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What this set lacks though it is a sound one, a sentence each."""
        blobs = self.blobs
        found = (
            (
                self.unproven,
                f"sealed around a dump that was there already; unproven: {', '.join(self.unproven)}",
            ),
            (
                not self.key_fingerprint and self.knows(Fact.KEY),
                "no usable master key was set: no key can be compared with this set",
            ),
            (
                not self.aihummer_version and self.knows(Fact.AIHUMMER_VERSION),
                "the AiHummer version could not be learned",
            ),
            (
                not self.file(ROLES) and self.knows(Fact.ROLES),
                "roles and their settings could not be written out (pg_dumpall)",
            ),
            (blobs.left_out_count, f"{blobs.left_out_count} things in the blob folder are no plain files"),
            (
                blobs.referenced_missing,
                f"{blobs.referenced_missing} blobs in the database were missing",
            ),
        )
        return tuple(text for doubtful, text in found if doubtful)

    @property
    def dump_files(self) -> tuple[SealedFile, ...]:
        """The one file of the dump, or those of its folder."""
        return tuple(
            file for file in self.files if file.name == DUMP or file.name.startswith(f"{DUMP_FOLDER}/")
        )

    @property
    def dump_is_folder(self) -> bool:
        """Whether the dump is in pg_dump's directory format."""
        return any(file.name != DUMP for file in self.dump_files)

    def file(self, name: str) -> SealedFile | None:
        """The sealed file of that name, or None."""
        return next((file for file in self.files if file.name == name), None)
