"""A whole run for faults: a sandbox with a live database that must stay, the shipped runbook, a terminal."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from aihummer_drtui.run.state import Finished
from aihummer_drtui.runbook.model import RecoveryLevel
from aihummer_drtui.sandbox import lifecycle
from aihummer_drtui.sandbox.cluster import Cluster
from aihummer_drtui.sandbox.daemon import stop_gateway
from aihummer_drtui.sandbox.environment import read_environment
from aihummer_drtui.sandbox.layout import Layout
from aihummer_drtui.sandbox.marker import read_marker
from aihummer_drtui.sandbox.status import cluster_of
from tests.cli.calling import PROGRAM, call
from tests.cli.desk import Desk, Terminal, a_desk
from tests.cli.test_drill import PHRASE, answer_to

WITHIN: Final = 60.0
RESTORE: Final = "database/restore-database"
BLOBS: Final = "blobs/restore-blobs"
_HELD = """
    CREATE FUNCTION public.held() RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN
        WHILE EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'hold') LOOP
            PERFORM pg_catalog.pg_sleep(0.05);
        END LOOP;
        RETURN true;
    END $$;
    CREATE TABLE public.zz_held (id int CHECK (id > 1 OR public.held()), body text);
    INSERT INTO public.zz_held SELECT n, repeat(md5(n::text), 20) FROM generate_series(1, 4000) n;
"""
"""A table whose first row waits while there is a role called `hold`: in the live database there is none."""


@dataclass(frozen=True, kw_only=True)
class WholeRun:
    """A run on a sandbox whose host was not lost: its gateway is stopped, its live database is there."""

    desk: Desk
    layout: Layout
    cluster: Cluster

    def words(self, *more: str) -> list[str]:
        """The words of a call of the installed program."""
        place = ("--state-dir", str(self.desk.state), "--target", str(self.layout.target))
        return [str(PROGRAM), *place, *more]

    def begin(self) -> Terminal:
        """Begin the run on a terminal, in line mode."""
        return self.desk.sit(self.words("run", "--mode", "drill", "--plain"))

    def resume(self) -> Terminal:
        """Come back to it."""
        return self.desk.sit(self.words("resume", "--plain"))

    def admin(self) -> "AbstractContextManager[psycopg.Connection[tuple[Any, ...]]]":
        """A superuser's connection to the server."""
        return self.cluster.connected()

    def live(self) -> int:
        """How many rows the live database holds that no backup has."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute("SELECT count(*) FROM public.keepsake").fetchone()
        assert row
        return int(row[0])

    @property
    def url(self) -> str:
        """The owner's way to the live database, whatever gateway.env says meanwhile."""
        return read_environment(self.layout.escrow)["AIHUMMER_DATABASE_URL"]

    def hold(self) -> None:
        """From now on a restore waits in the middle."""
        with self.admin() as admin:
            admin.execute("CREATE ROLE hold")

    def let_go(self) -> None:
        """Let restores end."""
        with self.admin() as admin:
            admin.execute("DROP ROLE hold")

    def await_the_middle(self) -> None:
        """Wait until a restore is held."""
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname LIKE 'aihummer_restoring%' AND wait_event = 'PgSleep'"
        )

        def in_the_middle() -> bool:
            with self.admin() as admin:
                row = admin.execute(query).fetchone()
            return bool(row and row[0])

        assert until(in_the_middle), "the restore never came to the held table"

    def is_proven(self, *, but: tuple[str, ...] = ()) -> bool:
        """Whether the run ended proven and without exceptions; `but` are items that stay unproven."""
        ending = self.desk.now().ending
        return isinstance(ending, Finished) and (ending.level, ending.with_exceptions, ending.unproven) == (
            RecoveryLevel.PROVEN,
            False,
            but,
        )


def until(what: Callable[[], bool], seconds: float = WITHIN) -> bool:
    """Look again and again until it is so; False when it never is."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def go_on(terminal: Terminal, till: str) -> str:
    """Answer each question of the run until that text comes; what failed is started again, once."""
    asked = re.compile(rf"(?:INPUT|CONFIRM|COMMAND|NOT GREEN|FAILED) \S+/\S+|{re.escape(till)}")
    heard = ""
    for _ in range(80):
        came = terminal.expect_pattern(asked)
        heard += came + "\n"
        if till in came:
            return heard
        question = came + terminal.rest_of_question()
        heard += terminal.since + "\n"
        failed = "FAILED" in came and "IRREVERSIBLE" not in question
        assert "NOT GREEN" not in came, heard
        terminal.type("again" if failed else answer_to(question))
    raise AssertionError(heard)


@contextmanager
def whole_run(folder: Path) -> Iterator[WholeRun]:
    """Build it: a sandbox, a backup with the held table, and rows in the live database that came later."""
    from aihummer_drtui.cli.sandbox import build_sandbox

    (folder / "desk").mkdir()
    root = folder / "s"
    try:
        build_sandbox(root, size="small", seed=1, postgres_bin=None)
        layout = Layout(root=root.resolve())
        cluster = cluster_of(layout, read_marker(layout))
        assert cluster is not None
        with a_desk(folder / "desk") as desk:
            made = WholeRun(desk=desk, layout=layout, cluster=cluster)
            with psycopg.connect(made.url, autocommit=True) as owner:
                owner.execute(_HELD)
            done = call("backup", "create", target=layout.target)
            assert done.returncode == 0, done.stderr
            stop_gateway(layout.host)
            with psycopg.connect(made.url, autocommit=True) as owner:
                owner.execute("CREATE TABLE public.keepsake AS SELECT generate_series(1, 77)")
            yield made
    finally:
        if (root / "sandbox.json").exists():
            lifecycle.down(root)


__all__ = ["BLOBS", "PHRASE", "RESTORE", "WholeRun", "go_on", "until", "whole_run"]
