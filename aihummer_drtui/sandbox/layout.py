"""Where everything of a sandbox lies, below its one folder."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The places of one sandbox; `root` is absolute and resolved."""

    root: Path

    @property
    def marker(self) -> Path:
        """What makes a folder a sandbox; nothing is broken or removed without it."""
        return self.root / "sandbox.json"

    @property
    def lock(self) -> Path:
        """Held by the one command that builds, breaks or removes."""
        return self.root / "lock"

    @property
    def target(self) -> Path:
        """The target's configuration, for `aihummer-drtui --target`."""
        return self.root / "target.toml"

    @property
    def host(self) -> Path:
        """The stand-in's installation: what a real host would hold in /home/.aihummer."""
        return self.root / "host"

    @property
    def programs(self) -> Path:
        """The folder of the stand-in's `aihummer`."""
        return self.host / "bin"

    @property
    def installation(self) -> Path:
        """Version and PostgreSQL of the installed stand-in; what a reinstallation would bring back."""
        return self.host / "installation.json"

    @property
    def gateway_env(self) -> Path:
        """The gateway's environment."""
        return self.host / "etc" / "gateway.env"

    @property
    def blobs(self) -> Path:
        """The blob folder."""
        return self.host / "blobs"

    @property
    def smoke(self) -> Path:
        """The stand-in's smoke test."""
        return self.host / "deploy" / "host" / "smoke.sh"

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.root / "pg"

    def data_folders(self) -> tuple[Path, ...]:
        """Every data directory in the sandbox, those that a recovery made or kept beside included."""
        return tuple(sorted(mark.parent for mark in self.root.glob("pg*/PG_VERSION")))

    @property
    def sockets(self) -> Path:
        """PostgreSQL's Unix socket and log."""
        return self.root / "run"

    @property
    def binaries(self) -> Path:
        """A copy of PostgreSQL, where the installed one could not be used as it lies."""
        return self.root / "postgres"

    @property
    def superuser_password(self) -> Path:
        """The password of the cluster's superuser; the sandbox's own, no part of the stand-in."""
        return self.root / "superuser.password"

    @property
    def passfile(self) -> Path:
        """The same as a password file of libpq's, for what acts on the whole server."""
        return self.root / "superuser.pgpass"

    @property
    def wal(self) -> Path:
        """The WAL archive, kept away from the host."""
        return self.root / "wal"

    @property
    def bases(self) -> Path:
        """Where base backups are kept, away from the host."""
        return self.root / "base"

    @property
    def backups(self) -> Path:
        """Where backup sets are kept, away from the host."""
        return self.root / "backups"

    @property
    def escrow(self) -> Path:
        """The key escrow, kept away from host and backups."""
        return self.root / "escrow" / "key.env"
