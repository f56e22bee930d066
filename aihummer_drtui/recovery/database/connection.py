"""How the database's owner connects: as gateway.env says, never with the password where others read it.

For our own queries psycopg is given the password in memory. PostgreSQL's programs get a connection
string without it, and a private file in memory that only their descriptor reaches (libpq's
PGPASSFILE, https://www.postgresql.org/docs/current/libpq-pgpass.html). Other secrets of a connection
string (a TLS key's password) go the same way, by a service file (…/libpq-pgservice.html).
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.database.account import ServerAccount
from aihummer_drtui.recovery.database.dsn import Place, dsn_place, owner_dsn
from aihummer_drtui.recovery.gateway.environment import GatewayEnv, read_gateway_env
from aihummer_drtui.recovery.target import Target

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

APPLICATION_NAME: Final = "aihummer-drtui"
_SECRETS: Final = frozenset({"sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"})
"""Of libpq's parameters, beside `password` (…/libpq-connect.html#LIBPQ-PARAMKEYWORDS)."""
_SERVICE: Final = "aihummer-drtui"
ALIVE: Final = {
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "9",
    "tcp_user_timeout": "120000",
}
"""Of libpq: a network that loses everything is told after two minutes, where the system's own time is hours.
A shorter break costs a restore of hours nothing. The connection string may say otherwise."""
_INHERITED: Final = ("HOME", "TMPDIR", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
_LIMITS: Final = [
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "transaction_timeout",
]
"""PostgreSQL 17, 20.11.1."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The owner role's way to the database, as the target's gateway.env tells it."""

    parameters: Mapping[str, str] = field(repr=False)
    """libpq's connection parameters without the password."""
    password: str = field(repr=False)
    """Empty = none in the DSN; libpq may still find one in ~/.pgpass."""
    place: Place
    password_lines: str = field(default="", repr=False)
    """A whole password file (libpq's PGPASSFILE) to hand to programs, instead of one password."""

    @property
    def database(self) -> str:
        """The database's name."""
        return self.place.database

    @property
    def host(self) -> str:
        """The TCP host of the DSN, or this host's name where it connects through a Unix socket."""
        return self.place.identity_host

    @property
    def user(self) -> str:
        """The owner role's name."""
        return self.place.user

    @property
    def phrase(self) -> str:
        """The identity an operator types: `host/database`."""
        return f"{self.host}/{self.database}"


def owner_of(target: Target) -> Owner:
    """Given a target, return how its database's owner connects.

    Raises PreconditionError when gateway.env cannot be read or has no usable AIHUMMER_DATABASE_URL.
    """
    return owner_in(read_gateway_env(target.gateway_env))


def owner_in(env: GatewayEnv) -> Owner:
    """The same by an environment that was read. Raises PreconditionError."""
    from psycopg.conninfo import conninfo_to_dict

    dsn = owner_dsn(env)
    place = dsn_place(dsn)
    if not place.database:
        raise PreconditionError(
            "AIHUMMER_DATABASE_URL names no database",
            where=str(env.path),
            hint="its form is postgres://user:password@host:port/database",
        )
    found = {name: str(value) for name, value in conninfo_to_dict(dsn).items() if value}
    password = found.pop("password", "")
    if password:
        # A password file named beside it would win over the private one of `program_access`.
        found.pop("passfile", None)
    # Said outright, so that no PGHOST, PGHOSTADDR, PGPORT or PGSERVICE of our environment leads
    # elsewhere than the identity that the operator confirmed.
    found = {"host": "", "hostaddr": "", "port": str(place.port), **found, "dbname": place.database}
    if not place.is_socket:
        found = {**ALIVE, **found}
    return Owner(parameters=found, password=password, place=place)


def connect(
    owner: Owner,
    *,
    database: str = "",
    seconds: int = 5,
    statement_seconds: float = 0,
    autocommit: bool = False,
    settings: Mapping[str, str] | None = None,
) -> "psycopg.Connection[TupleRow]":
    """Connect to `database` (default: the owner's own); statements end after `statement_seconds`, 0 = never.

    Without a limit the server's and the role's own ones end nothing either: what runs for hours would else
    be ended by a rule made for requests. `settings` are those of the session, where the connection string
    does not say otherwise. Raises PreconditionError with the server's words when it cannot be reached within
    `seconds`.
    """
    import psycopg

    parameters: dict[str, Any] = {
        **owner.parameters,
        "dbname": database or owner.database,
        "connect_timeout": seconds,
        "application_name": APPLICATION_NAME,
    }
    options = _options(owner, settings or {})
    if statement_seconds:
        options = f"{options} -c statement_timeout={int(statement_seconds * 1000)}".strip()
    if options:
        parameters["options"] = options
    if owner.password:
        parameters["password"] = owner.password
    try:
        connection = psycopg.connect("", autocommit=autocommit, **parameters)
        if not statement_seconds:
            lift_limits(connection)
    except psycopg.Error as error:
        raise PreconditionError(
            f"the database cannot be reached: {server_words(error, owner)}",
            where=f"{owner.host}/{database or owner.database}",
            hint="is PostgreSQL running? does AIHUMMER_DATABASE_URL name the right host, role, password?",
        ) from None
    return connection


def lift_limits(connection: "psycopg.Connection[TupleRow]") -> None:
    """Take off this session's time limits, those that the server's version knows; closed where it fails.

    Raises psycopg's errors.
    """
    query = "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = ANY(%s)"
    try:
        connection.execute(query, (_LIMITS,))
        if not connection.autocommit:
            # Else it would be the first statement of the caller's transaction, and undone by a rollback.
            connection.commit()
    except BaseException:
        connection.close()
        raise


def _options(owner: Owner, settings: Mapping[str, str]) -> str:
    """Settings in libpq's `options` (…/libpq-connect.html#LIBPQ-CONNECT-OPTIONS), before the owner's own.

    Of a setting that is named twice the server takes the last.
    """
    ours = (f"-c {name}={value}" for name, value in settings.items())
    return " ".join((*ours, owner.parameters.get("options", ""))).strip()


def server_words(error: Exception, owner: Owner) -> str:
    """One clean line of what the driver or the server said, without the password."""
    text = " ".join(str(error).split()) or type(error).__name__
    for secret in (owner.password, *(owner.parameters.get(name, "") for name in sorted(_SECRETS))):
        if secret:
            text = text.replace(secret, "[password]")
    return cleaned_line(text, 300)


@contextmanager
def failures_named(what: str, owner: Owner) -> Iterator[None]:
    """Turn any error of the database within the block into a FailedError that says what was being done."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise FailedError(
            f"{what}: {server_words(error, owner)}",
            where=owner.phrase,
            hint="nothing was put in place; look at PostgreSQL's log, then try again",
        ) from None


@dataclass(frozen=True, kw_only=True)
class ProgramAccess:
    """What a program of PostgreSQL is started with."""

    conninfo: str
    """For `--dbname`; it holds no password and may stand in argv."""
    environment: Mapping[str, str] = field(repr=False)
    descriptors: tuple[int, ...]
    """To hand down (`pass_fds`)."""


@contextmanager
def program_access(
    owner: Owner,
    *,
    database: str,
    settings: Mapping[str, str] | None = None,
    account: ServerAccount | None = None,
) -> Iterator[ProgramAccess]:
    """Give what a program needs to reach `database`; the password's file is gone with the last descriptor.

    `settings` as for `connect`; `account` is whom the program will run as (None = the present one): the
    file is for its eyes. Raises PreconditionError when the password has a line break (a password file
    cannot hold one).
    """
    from psycopg.conninfo import make_conninfo

    shown = {name: value for name, value in owner.parameters.items() if name not in _SECRETS}
    hidden = {name: value for name, value in owner.parameters.items() if name in _SECRETS}
    environment = program_environment()
    files = {}
    if owner.password:
        files["PGPASSFILE"] = _password_file(owner.password)
    elif owner.password_lines:
        files["PGPASSFILE"] = _private_file(owner.password_lines)
    if hidden:
        files["PGSERVICEFILE"] = _service_file(hidden)
        shown["service"] = _SERVICE
    if options := _options(owner, settings or {}):
        shown["options"] = options
    conninfo = make_conninfo("", **{**shown, "dbname": database, "application_name": APPLICATION_NAME})
    try:
        for descriptor in files.values():
            if account is not None and not account.is_present:
                os.fchown(descriptor, account.uid, account.gid)
        environment |= {name: f"/proc/self/fd/{descriptor}" for name, descriptor in files.items()}
        yield ProgramAccess(conninfo=conninfo, environment=environment, descriptors=tuple(files.values()))
    finally:
        for descriptor in files.values():
            os.close(descriptor)


def program_environment() -> dict[str, str]:
    """Give the environment of PostgreSQL's programs: what they need, and nothing of ours."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**kept, "PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "PGCONNECT_TIMEOUT": "10"}


def _password_file(password: str) -> int:
    if "\n" in password or "\r" in password:
        raise PreconditionError(
            "the password has a line break, which PostgreSQL's programs cannot be given",
            hint="set another password for the owner role (ALTER ROLE … PASSWORD …)",
        )
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    return _private_file(f"*:*:*:*:{escaped}\n")


def _service_file(parameters: Mapping[str, str]) -> int:
    return _private_file(f"[{_SERVICE}]\n" + "".join(f"{name}={parameters[name]}\n" for name in parameters))


def _private_file(text: str) -> int:
    descriptor = os.memfd_create("drtui-libpq", os.MFD_CLOEXEC)
    # libpq ignores a password file that group or others may read.
    os.fchmod(descriptor, 0o600)
    os.write(descriptor, text.encode())
    return descriptor
