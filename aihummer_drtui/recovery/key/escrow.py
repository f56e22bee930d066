"""The key escrow: a small file, kept apart from host and backups, with what no backup may hold.

Lines as in gateway.env, or nothing but the base64 text of the master key; in the clear, or under a
passphrase (`sealed_escrow`).
"""

import os
import re
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.gateway.environment import (
    MASTER_KEY,
    MEDIA_TOKEN_SECRET,
    GatewayEnv,
    parse_gateway_env,
    with_values,
)
from aihummer_drtui.recovery.key.fingerprints import (
    key_fingerprint,
    media_token_fingerprint,
    parse_master_key,
)
from aihummer_drtui.recovery.key.sealed_escrow import is_sealed, open_escrow, read_header
from aihummer_drtui.recovery.regular_file import read_regular

LIMIT: Final = 1_000_000
WITHOUT_MEDIA_SECRET: Final = (
    f"there is no {MEDIA_TOKEN_SECRET}: media URLs signed before the loss will not open"
)
STANDARD_INPUT: Final = "-"
_BARE_KEY: Final = re.compile(rb"\s*[A-Za-z0-9+/_-]+={0,2}\s*")


@dataclass(frozen=True, kw_only=True)
class Escrow:
    """What an escrow holds; its key is well formed."""

    where: str
    variables: Mapping[str, str] = field(repr=False)
    """With the master key among them."""
    warnings: tuple[str, ...] = ()

    @property
    def key_text(self) -> str:
        """The master key in base64; a secret."""
        return self.variables[MASTER_KEY]

    @property
    def key(self) -> bytes:
        """The master key; a secret."""
        return parse_master_key(self.key_text, where=self.where)

    @property
    def key_fingerprint(self) -> str:
        """The fingerprint of its master key."""
        return key_fingerprint(self.key)

    @property
    def media_token_fingerprint(self) -> str:
        """The fingerprint of its media token secret; empty when it holds none."""
        secret = self.variables.get(MEDIA_TOKEN_SECRET)
        return media_token_fingerprint(secret) if secret else ""

    def completing(self, env: GatewayEnv) -> GatewayEnv:
        """What gateway.env will say when `restore key` has brought what it lacks; nothing is written."""
        there = {name: value for name, value in env.variables.items() if value}
        return GatewayEnv(
            path=env.path if env.exists else Path(self.where),
            exists=True,
            variables={**self.variables, **there},
        )


class EscrowSealedError(PreconditionError):
    """The escrow is under a passphrase, and none was given."""

    def __init__(self, *, where: str, claimed_fingerprint: str) -> None:
        super().__init__(
            "the escrow is under a passphrase, and there is nobody to ask for it",
            where=where,
            hint="decrypt it first: `aihummer-drtui key escrow recover FILE --out OUT`, and name OUT instead",
        )
        self.claimed_fingerprint = claimed_fingerprint
        """What its header says of the key inside; nobody has seen that it is so."""


def read_escrow(
    source: str, *, only_files: bool = False, passphrase: Callable[[], str] | None = None
) -> Escrow:
    """The escrow at a path, or on standard input for `-` (asked for without echo at a terminal).

    `only_files` refuses pipes and standard input: a check may look often, and must not wait.
    `passphrase` is asked where the escrow turns out to be under one.

    Raises PreconditionError when it cannot be read, holds no master key, or one that is malformed;
    EscrowSealedError when it needs a passphrase and there is nobody to ask.
    """
    where = source
    warnings: tuple[str, ...] = ()
    if source == STANDARD_INPUT and not only_files:
        where, data = "standard input", _from_standard_input()
    else:
        data, warnings = _from_file(Path(source), only_files=only_files)
    if is_sealed(data):
        header = read_header(data, where=where)
        if passphrase is None:
            raise EscrowSealedError(where=where, claimed_fingerprint=header.key_fingerprint)
        data = open_escrow(data, passphrase(), where=where)
    return parse_escrow(data, where=where, warnings=warnings)


def escrow_text(variables: Mapping[str, str]) -> bytes:
    """The content of an escrow, as `parse_escrow` reads it back. Raises UsageError for what no line holds."""
    empty = GatewayEnv(path=Path("escrow"), exists=False, variables={})
    return with_values(empty, variables).encode()


def parse_escrow(data: bytes, *, where: str, warnings: tuple[str, ...] = ()) -> Escrow:
    """The escrow that these bytes are. Raises PreconditionError as `read_escrow` does."""
    if _BARE_KEY.fullmatch(data):
        variables = {MASTER_KEY: data.decode().strip()}
    else:
        env = parse_gateway_env(data)
        if env.problems:
            raise PreconditionError(
                "the escrow cannot be understood: " + "; ".join(map(str, env.problems)),
                where=where,
                hint="fetch it again from where it is kept; half an escrow is not used",
            )
        variables = {name: value for name, value in env.variables.items() if value}
    if MASTER_KEY not in variables:
        raise PreconditionError(
            f"holds no {MASTER_KEY}",
            where=where,
            hint=f"an escrow has a line {MASTER_KEY}=…, or is nothing but the key's base64 text",
        )
    parse_master_key(variables[MASTER_KEY], where=where)
    return Escrow(where=where, variables=variables, warnings=warnings)


def _from_standard_input() -> bytes:
    if sys.stdin.isatty():
        import getpass

        return getpass.getpass("master key (base64, not shown): ").encode()
    return sys.stdin.buffer.read(LIMIT + 1)[: LIMIT + 1]


def _from_file(path: Path, *, only_files: bool) -> tuple[bytes, tuple[str, ...]]:
    try:
        if only_files or path.is_file():
            data, state = read_regular(path, limit=LIMIT)
        else:
            # Pipes are welcome where somebody waits for the answer: `--from <(gpg -d …)`.
            with path.open("rb") as pipe:
                data, state = pipe.read(LIMIT + 1), os.fstat(pipe.fileno())
    except OSError as error:
        raise PreconditionError(
            f"the key escrow cannot be read: {error.strerror}",
            where=str(path),
            hint="bring the medium that holds it, and name the file",
        ) from error
    if len(data) > LIMIT:
        raise PreconditionError(
            f"is larger than {LIMIT} bytes", where=str(path), hint="is it the escrow file?"
        )
    others = stat.S_IMODE(state.st_mode) & 0o077
    if stat.S_ISREG(state.st_mode) and others:
        return data, (f"{path} can be read by others (mode {stat.S_IMODE(state.st_mode):04o}): chmod 600",)
    return data, ()
