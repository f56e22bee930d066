"""Asking the server as a superuser: by psql, run as the server's account, so that peer authentication holds.

A process with threads must not change its own account to be let in; a child of its own does. No
password stands in argv or environment: a password file goes as a descriptor of a file in memory.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import msgspec

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.database.connection import Owner, ProgramAccess, program_access
from aihummer_drtui.recovery.database.dsn import Place, libpq_dsn
from aihummer_drtui.recovery.database.program import run_program
from aihummer_drtui.recovery.database.server import Server
from aihummer_drtui.recovery.trusted_file import read_trusted

T = TypeVar("T")

_LIMIT = 4_000_000
"""Bytes of an answer."""
_WHERE = "`admin` in [postgres] of target.toml"


@dataclass(frozen=True, kw_only=True)
class Admin:
    """A superuser's way to one server."""

    server: Server
    owner: Owner

    def rows(
        self, sql: str, kind: type[T], *, database: str = "postgres", seconds: float = 10
    ) -> tuple[T, ...]:
        """What a query (no utility command) gives, each row decoded by the names of its columns.

        Raises PreconditionError where the server does not let us in, FailedError where it refuses or
        its answer is none.
        """
        wrapped = f"SELECT coalesce(json_agg(row_to_json(q)), '[]') FROM ({sql}) q"  # noqa: S608 - ours
        data = self._psql(wrapped, database, seconds)
        try:
            return msgspec.json.decode(data, type=tuple[kind, ...])  # type: ignore[valid-type]
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise FailedError(
                f"the server's answer is not understood: {cleaned_line(str(error))}",
                where=str(self.owner.place),
                hint="is it PostgreSQL of a version that this program knows?",
            ) from None

    @contextmanager
    def access(self, *, database: str = "postgres") -> Iterator[ProgramAccess]:
        """What a program of PostgreSQL needs that is run as the server's account."""
        with program_access(self.owner, database=database, account=self.server.account) as access:
            environment = {**access.environment, "HOME": self.server.account.home}
            yield replace(access, environment=environment)

    def _psql(self, sql: str, database: str, seconds: float) -> bytes:
        with self.access(database=database) as access, tempfile.TemporaryFile() as output:
            ended = run_program(
                [
                    *(self.server.programs["psql"], "-X", "-q", "-A", "-t", "--no-password"),
                    *("-v", "ON_ERROR_STOP=1", "-d", access.conninfo, "-c", sql),
                ],
                environment={
                    **access.environment,
                    "PGOPTIONS": f"-c statement_timeout={int(seconds * 1000)}",
                },
                descriptors=access.descriptors,
                account=self.server.account,
                output=output.fileno(),
                seconds=seconds + 15,
                interval=0.05,
            )
            data = os.pread(output.fileno(), _LIMIT, 0)
        if ended.code == 2:  # psql(1), exit status: the connection went bad
            raise PreconditionError(
                f"the server does not let a superuser in: {ended.first_words}",
                where=str(self.owner.place),
                hint=f"is it running? {_WHERE} tells how to connect; its password in a file: passfile=…",
            )
        if ended.code != 0:
            raise FailedError(
                f"the server refused: {ended.first_words}",
                where=str(self.owner.place),
                hint="is that role a superuser?",
            )
        return data.strip()


def admin_of(server: Server) -> Admin:
    """How a superuser connects: as `admin` of target.toml says, else by the socket as the server's account.

    Raises PreconditionError when `admin` is no connection string, holds a password, or names a password
    file that others can read or write.
    """
    from psycopg.conninfo import conninfo_to_dict

    text = server.target.postgres.admin
    dsn = libpq_dsn(text, where=_WHERE) if text else ""
    given = {name: str(value) for name, value in conninfo_to_dict(dsn).items() if value}
    if "password" in given:
        raise PreconditionError(
            "a password stands in target.toml",
            where=_WHERE,
            hint="put it into a password file (mode 0600) and name that: passfile=/etc/…",
        )
    passfile = given.pop("passfile", "")
    parameters = {
        "host": str(server.sockets),
        "port": str(server.port),
        "user": server.account.name,
        **given,
        "dbname": given.get("dbname", "postgres"),
    }
    place = Place(
        host=parameters["host"],
        port=_port(parameters["port"]),
        database=parameters["dbname"],
        user=parameters["user"],
    )
    lines = _password_lines(Path(passfile)) if passfile else ""
    return Admin(
        server=server, owner=Owner(parameters=parameters, password="", place=place, password_lines=lines)
    )


def _port(text: str) -> int:
    if not text.isdecimal():
        raise PreconditionError(
            f"{cleaned_line(text, 30)!r} is no port", where=_WHERE, hint="name one server: port=5432"
        )
    return int(text)


def _password_lines(path: Path) -> str:
    data = read_trusted(path, what="superuser's password file")
    if path.stat().st_mode & 0o077:
        raise PreconditionError(
            "other accounts can read the superuser's password file",
            where=str(path),
            hint=f"chmod 600 '{path}'",
        )
    return data.decode("utf-8", "surrogateescape")
