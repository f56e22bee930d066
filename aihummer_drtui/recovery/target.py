"""The target: which AiHummer installation is acted upon, and how it differs from the defaults.

Read from a TOML file (docs/target.md). Everything that is assumed about AiHummer can be told
otherwise here; what is assumed when nothing is told stands in `assumptions`.
"""

from enum import StrEnum
from pathlib import Path

import msgspec


class Encoding(StrEnum):
    """How a column of the vault writes its bytes."""

    BYTEA = "bytea"
    BASE64 = "base64"
    BASE64URL = "base64url"
    HEX = "hex"


class CiphertextForm(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """How a ciphertext of AES-256-GCM is written."""

    layout: str = "nonce+ciphertext+tag"
    """The parts of its column in their order; nonce or tag left out = a column of its own behind it."""
    encoding: Encoding = Encoding.BYTEA
    """Of each of its columns."""
    nonce_bytes: int = 12
    prefix_bytes: int = 0
    """Bytes before the first part, a version perhaps; `{prefix}` in the associated data."""


class VaultLayout(CiphertextForm, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Where the vault keeps its ciphertexts; its own form is that of the values."""

    data_keys: str
    """SQL giving (tenant text, wrapped data key), a row per tenant; then nonce and tag if they lie apart."""
    values: str
    """SQL giving (tenant text, name text, sealed value); then nonce and tag if they lie apart."""
    wrapping: CiphertextForm | None = None
    """The form of the wrapped data keys; none = that of the values."""
    data_key_aad: str = "{tenant}"
    """Additional authenticated data of a wrapped data key; `{tenant}` stands for the tenant's text."""
    value_aad: str = "{tenant}/{name}"

    @property
    def wrapping_form(self) -> CiphertextForm:
        """How a wrapped data key is written."""
        return self.wrapping or self


class MediaLayout(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Where the database refers to blobs, and a media URL that was signed before the loss."""

    references: str = ""
    """SQL giving (path text relative to the blob folder, size bigint, SHA-256 hex text or null)."""
    signed_path: str = ""
    """Path and query of a media URL signed before the loss that must be served after it."""


class ReadinessLimits(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """What `check` holds the answer to "could we recover today?" against. Durations: `1d 2h 30m`."""

    rpo: str = ""
    """Empty = the runbook's."""
    rpo_warning: str = ""
    """Age of the newest verified set from which on it is warned of; empty = the RPO."""
    reviewed_within: str = "180d"
    drill_within: str = "90d"
    runbook: Path | None = None
    """The team's own runbook; none = the shipped one."""


class BlobSettings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """What restored blobs are given (empty = as the live folder has it), and how other stores are reached."""

    owner: str = ""
    """Account, by name or number; only root can give files away."""
    group: str = ""
    file_mode: str = ""
    """In octal: `0640`."""
    folder_mode: str = ""
    rclone_config: Path | None = None
    """rclone's configuration, which holds its secrets; none = rclone's own place."""
    restic_password_file: Path | None = None
    """None = RESTIC_PASSWORD_FILE or RESTIC_PASSWORD_COMMAND of the environment."""


class SandboxMark(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Present only where the target is a drill's sandbox."""

    id: str
    root: Path
    """The sandbox's folder; its `sandbox.json` repeats the id."""


class Postgres(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """The server of this host, where it is backed up or replaced as a whole (base backups, point in time)."""

    admin: str = ""
    """How a superuser connects: a connection string without a password in it; empty = as the server's
    account through the Unix socket of AIHUMMER_DATABASE_URL."""
    data_directory: Path | None = None
    """None = as the server says."""
    account: str = ""
    """Whom the server runs as; empty = whoever owns the data directory."""
    start: tuple[str, ...] = ()
    """The command that starts the server, no shell; empty = pg_ctl, as the account."""
    stop: tuple[str, ...] = ()


class WalArchive(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Base backups that this program takes, and the folder that archive_command fills."""

    archive: Path
    """Holds WAL segments under their own names, as they are or compressed (.gz, .bz2, .zst, .lz4)."""
    base_places: tuple[Path, ...] = ()
    """Folders that hold base backups."""
    restore_command: str = ""
    """PostgreSQL's setting; empty = a plain copy out of `archive`."""


class PgBackRest(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A pgBackRest stanza that keeps base backups and WAL."""

    stanza: str
    config: Path | None = None
    program: str = "pgbackrest"
    verify: bool = True
    """Whether pgBackRest reads the backup through before a recovery; false = the WAL is read here, and each
    file of the backup is proven only while it is laid out."""


class Barman(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A Barman server entry that keeps base backups and WAL."""

    server: str
    config: Path | None = None
    program: str = "barman"
    account: str = ""
    """Whom barman is run as; empty = `barman` where this is run as root, else the present account."""
    verify: bool = True
    """Whether a base backup must be verified by its manifest before a recovery; false = the WAL only."""


class Target(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """One AiHummer installation, as its configuration tells it."""

    name: str = "aihummer"
    gateway_env: Path = Path("/home/.aihummer/etc/gateway.env")
    aihummer: str = "aihummer"
    """The program, found through `path` and then PATH, or an absolute path."""
    smoke: Path = Path("/home/.aihummer/deploy/host/smoke.sh")
    path: tuple[Path, ...] = ()
    """Folders put before the PATH of every child."""
    base_url: str = ""
    """Where the gateway answers; empty = by AIHUMMER_GATEWAY_ADDR, on this host."""
    ca_file: Path | None = None
    """Authorities (PEM) that the gateway's certificate must be of; none = those that this host trusts."""
    backup_places: tuple[Path, ...] = (Path("/var/backups/aihummer"),)
    signing_key: Path | None = None
    """Ed25519 private key (PEM, mode 0600) that signs the sets made here; none = they are not signed."""
    trusted_keys: tuple[Path, ...] = ()
    """Ed25519 public keys (PEM); with any, a set that none of them signed is refused."""
    postgres_bin: Path | None = None
    """Folder of pg_dump and pg_restore; none = PATH, then the newest of /usr/lib/postgresql/*/bin."""
    maintenance_database: str = "postgres"
    """Where to connect for creating and renaming databases."""
    keep_old: str = "7d"
    """How long a replaced database is kept at least: before, `--drop-old` wants `--early`."""
    inputs: dict[str, str] = {}
    """Suggested values for the runbook's inputs."""
    vault: VaultLayout | None = None
    media: MediaLayout = MediaLayout()
    postgres: Postgres = Postgres()
    wal: WalArchive | None = None
    pgbackrest: PgBackRest | None = None
    barman: Barman | None = None
    readiness: ReadinessLimits = ReadinessLimits()
    blobs: BlobSettings = BlobSettings()
    sandbox: SandboxMark | None = None
