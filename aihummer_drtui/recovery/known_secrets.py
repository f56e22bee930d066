"""Every secret of a target that can be read now: what no output may show, whatever prints it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.recovery.gateway.environment import (
    APP_DATABASE_URL,
    DATABASE_URL,
    read_gateway_env,
)
from aihummer_drtui.recovery.key.escrow import read_escrow
from aihummer_drtui.recovery.regular_file import read_regular
from aihummer_drtui.recovery.target import Target

_LIMIT: Final = 100_000
_NAMED_SECRET: Final = re.compile(r"(KEY|SECRET|PASSWORD|PASSPHRASE|TOKEN)$")
_SECRET_PARAMETERS: Final = ("password", "sslpassword", "oauth_client_secret")
_IN_URL: Final = re.compile(r"://[^/?#\s@:]*:([^/?#\s@]+)@")
_PUBLIC: Final = frozenset({"aihummer", "aihummer-drtui", "aihummer_app", "postgres", "localhost"})
"""A password of one of these words, or of a name in its connection string, hides nothing; masking it would
take the names out of every message."""


def known_secrets(target: Target, values: Mapping[str, str]) -> frozenset[bytes]:
    """The secrets in gateway.env, in the escrow that is named as an input, and in password files.

    `values` are the run's inputs. Read anew each time: a command may have brought them back meanwhile. What
    cannot be read is left out, for then nothing that runs with it can print it either. Raises nothing.
    """
    found = set(_of_gateway_env(target.gateway_env))
    found |= set(_of_escrow(values.get("KEY_FILE", "") or target.inputs.get("KEY_FILE", "")))
    found |= set(_of_dsn(target.postgres.admin))
    with suppress(RuntimeError):  # an account without a home
        found |= set(_of_password_file(Path.home() / ".pgpass"))
    if target.blobs.restic_password_file is not None:
        found |= set(_lines(target.blobs.restic_password_file))
    return frozenset(secret.encode("utf-8", "surrogateescape") for secret in found if secret)


def _of_gateway_env(path: Path) -> Iterator[str]:
    with suppress(DrtuiError):
        yield from _of_variables(read_gateway_env(path).variables)


def _of_escrow(source: str) -> Iterator[str]:
    """Also what is not in gateway.env yet: a restore is about to write it."""
    with suppress(DrtuiError):
        yield from _of_variables(read_escrow(source, only_files=True).variables if source else {})


def _of_variables(variables: Mapping[str, str]) -> Iterator[str]:
    for name, value in variables.items():
        if _NAMED_SECRET.search(name):
            yield value
        elif name in {DATABASE_URL, APP_DATABASE_URL}:
            yield from _of_dsn(value)
        else:
            yield from _IN_URL.findall(value)


def _of_dsn(dsn: str) -> Iterator[str]:
    """The passwords of a connection string as it writes them and as they are, and of the file it names."""
    if not dsn:
        return
    from psycopg.conninfo import conninfo_to_dict

    from aihummer_drtui.recovery.database.dsn import libpq_dsn

    try:
        given = {name: str(value) for name, value in conninfo_to_dict(libpq_dsn(dsn, where="")).items()}
    except DrtuiError:
        yield from _IN_URL.findall(dsn)
        return
    public = _PUBLIC | {given.get(name, "") for name in ("user", "dbname", "host")}
    for secret in (*_IN_URL.findall(dsn), *(given.get(name, "") for name in _SECRET_PARAMETERS)):
        if secret not in public:
            yield secret
    if passfile := given.get("passfile", ""):
        yield from _of_password_file(Path(passfile))


def _of_password_file(path: Path) -> Iterator[str]:
    """The fifth field of each line (https://www.postgresql.org/docs/current/libpq-pgpass.html)."""
    for line in _lines(path):
        fields = re.split(r"(?<!\\):", line, maxsplit=4)
        if len(fields) == 5 and not line.startswith("#"):
            password = re.sub(r"\\(.)", r"\1", fields[4])
            if password not in {*_PUBLIC, *fields[:4]}:
                yield password


def _lines(path: Path) -> Iterator[str]:
    with suppress(OSError):
        data, _ = read_regular(path, limit=_LIMIT)
        yield from data.decode("utf-8", "surrogateescape").splitlines()
