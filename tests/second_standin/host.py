"""A whole installation of the second stand-in on one host: installed, filled, lost and installed anew."""

import base64
import hashlib
import json
import os
import shlex
import shutil
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import sql

from tests.second_standin import program
from tests.second_standin.server import Server, start_server

PASSWORD = "p@ss/w:rd%"
DATABASE = "Hum-Core"
OWNER = "gw_owner"
MASTER_KEY = base64.b64encode(bytes(range(200, 232))).decode()
ANOTHER_KEY = base64.b64encode(bytes(range(100, 132))).decode()
MEDIA_SECRET = 'another $ecret of "media" URLs'
RELEASE = "v3.0.0-rc.2+g1a2b3c"
REBUILT = "v3.0.0-rc.2+deb12u1"
"""The same version, built by somebody else."""
NONCE_BYTES = 16
OBJECTS = {
    "2026/01/photo of a hummingbird.jpg": b"\xff\xd8" + b"hum" * 9_000,
    "2026/02/ö.txt": "süß".encode(),
    "plugins/private.bundle": b"PK\x03\x04" + bytes(5_000),
}
ROWS = 9_000
DESCRIBED = f"""
[vault]
data-keys = "SELECT org, wrapped, iv FROM hum.keyring"
values = "SELECT org, label, sealed FROM hum.secret"
encoding = "base64"
nonce-bytes = {NONCE_BYTES}
data-key-aad = "dek of {{tenant}}"
value-aad = ""
wrapping = {{ layout = "ciphertext+tag", nonce-bytes = {NONCE_BYTES} }}

[media]
references = "SELECT key, bytes, encode(digest, 'hex') FROM hum.object"
"""
"""What target.toml tells of the layout, where it does."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """One host, its installation and what lies elsewhere."""

    root: Path
    programs: Path
    """PostgreSQL's."""
    database_port: int
    address: str
    """AIHUMMER_GATEWAY_ADDR."""
    wording: str
    described: bool
    """Whether target.toml tells the layout of vault and media."""
    media: bool = True
    """Whether there is a blob folder at all."""

    @property
    def home(self) -> Path:
        """Where the gateway is installed."""
        return self.root / "srv" / "hum gateway"

    @property
    def conf(self) -> Path:
        """What the documentation calls gateway.env."""
        return self.home / "etc" / "gateway.conf"

    @property
    def objects(self) -> Path:
        """The blob folder."""
        return self.root / "data" / "objects of hum"

    @property
    def target(self) -> Path:
        """The target's configuration."""
        return self.root / "elsewhere" / "target.toml"

    @property
    def escrow(self) -> Path:
        """The key escrow."""
        return self.root / "elsewhere" / "key escrow"

    @property
    def places(self) -> Path:
        """Where backup sets lie."""
        return self.root / "elsewhere" / "sets"

    @property
    def phrase(self) -> str:
        """What is typed at the gate."""
        return f"127.0.0.1/{DATABASE}"

    @property
    def command(self) -> Path:
        """The gateway's program."""
        return self.home / "sbin" / ("hummer-gw" if self.described else "aihummer")

    @property
    def variables(self) -> dict[str, str]:
        """What the configuration sets."""
        url = _url(OWNER, self.database_port) + "&pool_max_conns=4"
        words = (
            f"user={OWNER} password='{PASSWORD}' host=127.0.0.1 port={self.database_port}"
            f" pool_max_conns=4 dbname='{DATABASE}' sslmode=disable"
        )
        return {
            "AIHUMMER_DATABASE_URL": url if self.described else words,
            "AIHUMMER_DB_APP_URL": _url("gw_web", self.database_port),
            "AIHUMMER_GATEWAY_ADDR": self.address,
            **({"AIHUMMER_BLOB_DIR": str(self.objects)} if self.media else {}),
            "AIHUMMER_MASTER_KEY": MASTER_KEY,
            "AIHUMMER_MEDIA_TOKEN_SECRET": MEDIA_SECRET,
            "AIHUMMER_OIDC_ISSUER": "https://login.example/realms/hum",
        }

    def owner(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """The owner's connection to the live database."""
        return psycopg.connect(_url(OWNER, self.database_port), autocommit=True)


def _url(role: str, port: int) -> str:
    login = f"{role}:{quote(PASSWORD, safe='')}"
    return f"postgresql://{login}@127.0.0.1:{port}/{DATABASE}?sslmode=disable"


def start_database(host: Host, name: str) -> Server:
    """Start a server for the host in a new folder, with the two roles and nothing else."""
    server = start_server(host.root / name, programs=host.programs, port=host.database_port)
    try:
        _make_roles(server)
    except BaseException:
        server.stop()
        raise
    return server


def _make_roles(server: Server) -> None:
    with server.admin() as admin:
        for role, rights in ((OWNER, "LOGIN CREATEDB"), ("gw_web", "LOGIN")):
            admin.execute(
                sql.SQL("CREATE ROLE {} {} PASSWORD {}").format(
                    sql.Identifier(role), sql.SQL(rights), sql.Literal(PASSWORD)
                )
            )
        admin.execute("CREATE DATABASE ops")
        admin.execute("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC")


def install(host: Host, *, release: str) -> None:
    """Install the gateway's program, smoke test and folders: what every host has before it is set up."""
    for folder in (host.command.parent, host.home / "share", host.home / "etc", host.objects.parent):
        folder.mkdir(parents=True, exist_ok=True)
    (host.home / "share" / "release").write_text(release + "\n")
    (host.home / "share" / "wording").write_text(host.wording + "\n")
    words = [sys.executable, str(Path(program.__file__)), "--home", str(host.home)]
    _script(host.command, f'exec {shlex.join(words)} "$@"')
    smoke = host.home / "libexec" / "verify-host"
    smoke.parent.mkdir(exist_ok=True)
    talks = "printf '\\033[31merror\\033[0m budget: 0 of 17 used; 0 failures\\n' >&2"
    _script(smoke, talks if host.wording == program.TALKATIVE else ":")


def _script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def fill(host: Host, server: Server) -> None:
    """Make database, vault, blobs and configuration: the installation as it lived before its loss."""
    make_database(server)
    with host.owner() as owner:
        owner.execute((Path(__file__).parent / "schema.sql").read_bytes())
        _fill_vault(owner)
        for key, content in OBJECTS.items():
            # Of what is large no digest is kept: it can be compared by its size only.
            digest = hashlib.sha256(content).digest() if len(content) < 10_000 else None
            owner.execute("INSERT INTO hum.object VALUES (%s, %s, %s)", (key, len(content), digest))
            if host.media:
                (host.objects / key).parent.mkdir(parents=True, exist_ok=True)
                (host.objects / key).write_bytes(content)
    write_conf(host)


def make_database(server: Server) -> None:
    """Make the gateway's database, with nothing in it."""
    names = sql.Identifier(DATABASE), sql.Identifier(OWNER)
    with server.admin() as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(*names))


def write_conf(host: Host, *, without: tuple[str, ...] = ()) -> None:
    """Write the gateway's configuration, some variables left out."""
    kept = {name: value for name, value in host.variables.items() if name not in without}
    host.conf.write_text(_conf(kept))
    host.conf.chmod(0o640)


def _fill_vault(owner: "psycopg.Connection[tuple[Any, ...]]") -> None:
    for org in ("acme", "öko & co"):
        data_key, nonce = os.urandom(32), os.urandom(NONCE_BYTES)
        wrapped = AESGCM(base64.b64decode(MASTER_KEY)).encrypt(nonce, data_key, f"dek of {org}".encode())
        owner.execute("INSERT INTO hum.keyring VALUES (%s, %s, %s)", (org, nonce, wrapped))
        for label in ("smtp", "{tenant}"):
            nonce = os.urandom(NONCE_BYTES)
            sealed = nonce + AESGCM(data_key).encrypt(nonce, b"hunter2", b"")
            text = base64.b64encode(sealed).decode()
            owner.execute("INSERT INTO hum.secret VALUES (%s, %s, %s)", (org, label, text))


def _conf(variables: dict[str, str]) -> str:
    """Lines as people write them: comments, export, quotes of both kinds."""
    lines = ["# hum gateway, kept by hand", "; AIHUMMER_MASTER_KEY=not-this-one", ""]
    for number, (name, value) in enumerate(variables.items()):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
        double = number % 2 or "'" in value
        lines += [f'export {name}="{escaped}"' if double else f"{name}='{value}'", ""]
    return "\n".join(lines)


def write_elsewhere(host: Host) -> None:
    """Write the target's configuration and the key escrow, which outlive the host."""
    host.target.parent.mkdir()
    lines = {
        "name": "hum north",
        "gateway-env": str(host.conf),
        "smoke": str(host.home / "libexec" / "verify-host"),
        "backup-places": [str(host.places)],
        "postgres-bin": str(host.programs),
        "maintenance-database": "ops",
    }
    # One is told the program by its path and where it answers, the other finds out.
    told = {"aihummer": str(host.command), "base-url": f"http://{host.address}/"}
    lines |= told if host.described else {"path": [str(host.command.parent)]}
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())
    text += f"[inputs]\nKEY_FILE = {json.dumps(str(host.escrow))}\n"
    if host.described:
        url = program.signed_path(MEDIA_SECRET, next(iter(OBJECTS)))
        text += f"{DESCRIBED}signed-path = {json.dumps(url)}\n"
    host.target.write_text(text)
    host.escrow.touch(mode=0o600)
    host.escrow.write_text(_conf(host.variables) if host.described else f"{MASTER_KEY}\n")


def lose(host: Host, server: Server) -> None:
    """Lose the host: gateway, database server, configuration, blobs. What lies elsewhere is left."""
    stop_gateway(host)
    server.stop()
    shutil.rmtree(server.folder)
    shutil.rmtree(host.home)
    shutil.rmtree(host.objects.parent)
    host.objects.parent.mkdir()


def stop_gateway(host: Host) -> None:
    """End the gateway's process, if there is one."""
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int((host.home / "gateway.pid").read_text()), signal.SIGKILL)


def on_other_programs(host: Host, programs: Path) -> Host:
    """The same installation for a host with another PostgreSQL; its target.toml is rewritten."""
    moved = replace(host, programs=programs)
    host.target.write_text(host.target.read_text().replace(str(host.programs), str(programs)))
    return moved
