"""The vault's tables out of a dump, and no others: schema first, then the data that two statements read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aihummer_drtui.errors import FailedError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.database.connection import Owner, connect, program_access, server_words
from aihummer_drtui.recovery.database.program import Ended, run_program
from aihummer_drtui.recovery.key.opening import statement_bytes
from aihummer_drtui.recovery.key.scratch import Deadline
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import VaultLayout

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_BARE: Final = (
    "--no-owner",
    "--no-acl",
    "--no-comments",
    "--no-publications",
    "--no-security-labels",
    "--no-subscriptions",
    "--no-tablespaces",
)
"""What a scratch database does without; roles and tablespaces of the lost host may not be here."""
_WAY_ON: Final = "or take [vault] out of target.toml: then nobody proves the key before the restore"


@dataclass(frozen=True, kw_only=True)
class DumpedVault:
    """Where the vault's tables come from and go to."""

    owner: Owner
    pg_restore: Path
    dump: int
    """A descriptor of the dump, already compared with its seal."""
    database: str
    """The scratch database."""
    deadline: Deadline
    reporter: Reporter

    def load(self, layout: VaultLayout) -> None:
        """Load what the layout's statements read. Raises FailedError."""
        self.reporter.phase("making the dump's tables")
        # Not to be stopped by: an extension or a language that this role may not create. Whether the
        # statements can do without is asked next.
        made = self._restore("--section=pre-data")
        tables = self._tables(layout, _errors(made))
        self.reporter.phase("loading the vault's tables", total=len(tables), unit="tables")
        for schema in sorted({schema for schema, _ in tables}):
            names = sorted(name for where, name in tables if where == schema)
            loaded = self._restore(
                "--data-only", f"--schema={schema}", *(f"--table={name}" for name in names)
            )
            if errors := _errors(loaded):
                raise FailedError(
                    f"the vault's tables could not be loaded: {cleaned_line(errors[0], 300)}",
                    where=self.owner.phrase,
                    hint=f"the live database was not touched; mend the cause; {_WAY_ON}",
                )
            self.reporter.advance(len(names))

    def _restore(self, *what: str) -> Ended:
        with program_access(self.owner, database=self.database) as access:
            ended = run_program(
                [
                    self.pg_restore,
                    *_BARE,
                    *what,
                    "--no-password",
                    f"--dbname={access.conninfo}",
                    f"/proc/self/fd/{self.dump}",
                ],
                environment=access.environment,
                descriptors=(*access.descriptors, self.dump),
                meanwhile=self._meanwhile,
            )
        if ended.code < 0:
            raise FailedError(
                f"pg_restore {ended.how}: {ended.first_words}",
                where=self.owner.phrase,
                hint=f"nothing was put in place; find out who ended it, and look again; {_WAY_ON}",
            )
        return ended

    def _meanwhile(self) -> None:
        self.reporter.advance(0)
        _ = self.deadline.left

    def _tables(self, layout: VaultLayout, errors: Sequence[str]) -> frozenset[tuple[str, str]]:
        import psycopg

        try:
            with connect(
                self.owner, database=self.database, statement_seconds=self.deadline.left
            ) as connection:
                connection.read_only = True
                return frozenset(
                    table
                    for statement in (layout.data_keys, layout.values)
                    for table in tables_read(connection, statement)
                )
        except psycopg.Error as error:
            because = f"; making its tables, {cleaned_line(errors[0], 200)}" if errors else ""
            raise FailedError(
                "the dump has no vault as [vault] of target.toml tells it: "
                f"{server_words(error, self.owner)}{because}",
                where=self.owner.phrase,
                hint=f"correct data-keys and values there, and name tables with their schema; {_WAY_ON}",
            ) from None


def tables_read(connection: "Connection[TupleRow]", statement: str) -> frozenset[tuple[str, str]]:
    """Schema and name of every table that a statement would read, by the server's own plan for it.

    Raises FailedError where a function of the database hides them, and psycopg's errors for a statement
    that cannot be planned (https://www.postgresql.org/docs/current/sql-explain.html).
    """
    row = connection.execute(b"EXPLAIN (VERBOSE, FORMAT JSON) " + statement_bytes(statement)).fetchone()
    assert row is not None  # noqa: S101 - EXPLAIN always answers
    found = set()
    for node in _nodes(row[0][0]["Plan"]):
        if node.get("Node Type") == "Function Scan" and node.get("Schema", "pg_catalog") != "pg_catalog":
            raise FailedError(
                f"[vault] reads through the function {cleaned_line(str(node['Function Name']), 60)}, "
                "whose tables nobody can tell",
                hint=f"name the tables themselves in data-keys and values of target.toml; {_WAY_ON}",
            )
        if "Relation Name" in node:
            found.add((str(node["Schema"]), str(node["Relation Name"])))
    return frozenset(found)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def _errors(ended: Ended) -> list[str]:
    """What pg_restore complained of, a line each; every failure has one.

    Left out: pg_restore 17 and newer sets transaction_timeout, which older servers do not know.
    """
    lines = [line for line in ended.words.splitlines() if line.startswith("pg_restore: error:")]
    errors = [line for line in lines if '"transaction_timeout"' not in line]
    return errors if lines or ended.code == 0 else [f"pg_restore {ended.how}: {ended.first_words}"]
