"""`restore database --to`: a drill to a chosen moment on a sandbox that archives its WAL, as it is typed."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from aihummer_drtui.cli import kept_data
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.point_in_time.base_create import make_base
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target_file import read_target
from aihummer_drtui.sandbox import lifecycle
from aihummer_drtui.sandbox.marker import read_marker
from aihummer_drtui.sandbox.status import cluster_of
from aihummer_drtui.sandbox.traffic import write_traffic
from aihummer_drtui.sandbox.wal import settle_archive
from tests.cli.calling import call
from tests.conftest import SmallSandbox, short_folder
from tests.sandbox.test_wal import make_wal_sandbox

pytestmark = pytest.mark.postgres
CONFIRM = f"{os.uname().nodename}/aihummer"


@dataclass(frozen=True, kw_only=True)
class Written:
    """A sandbox with a base backup, and messages that were committed after it."""

    sandbox: SmallSandbox
    commits: list[tuple[int, datetime]]
    """Id and time of each message's commit."""

    @property
    def target(self) -> Path:
        """Its target.toml."""
        return self.sandbox.target

    def messages(self) -> list[int]:
        """The ids of the messages that the live database holds."""
        with psycopg.connect(self.sandbox.variables()["AIHUMMER_DATABASE_URL"]) as connection:
            rows = connection.execute("SELECT id FROM messages WHERE body LIKE 'traffic %' ORDER BY id")
            return [row[0] for row in rows]


@pytest.fixture
def written() -> Iterator[Written]:
    """Give such a sandbox."""
    with short_folder() as folder:
        root = folder / "s"
        try:
            sandbox = make_wal_sandbox(root)
            make_base(read_target(sandbox.target), sandbox.root / "base", Reporter.silent())
            write_traffic(sandbox.root, seconds=0.5, every=0.05)
            yield Written(sandbox=sandbox, commits=_archived(sandbox))
        finally:
            if (root / "sandbox.json").exists():
                lifecycle.down(root)


def _archived(sandbox: SmallSandbox) -> list[tuple[int, datetime]]:
    """The messages with the times in their text, once the archive has them all."""
    cluster = cluster_of(sandbox.layout, read_marker(sandbox.layout))
    assert cluster is not None
    with cluster.connected("aihummer") as connection:
        rows = connection.execute(
            "SELECT id, created_at FROM messages WHERE body LIKE 'traffic %' ORDER BY id"
        ).fetchall()
    settle_archive(cluster)
    return [(row[0], row[1]) for row in rows]


def test_a_drill_to_a_chosen_moment(written: Written) -> None:
    """Foreseen, refused without the name, recovered; told by probe and check; the rows prove the moment."""
    number = len(written.commits) // 2
    (last, _), (_, after) = written.commits[number - 1 : number + 1]
    words = ("restore", "database", "--to", after.isoformat())
    foreseen = call(*words, "--dry-run", target=written.target, TZ="Europe/Berlin")
    assert foreseen.returncode == 0, foreseen.stderr
    assert "nothing was changed" in foreseen.stdout
    assert "Europe/Berlin" in foreseen.stdout
    refused = call(*words, target=written.target, DRTUI_MODE="drill")
    assert refused.returncode == 3
    assert f"--confirm {CONFIRM}" in refused.stderr
    before = call("probe", "restore-database", target=written.target, RECOVERY_POINT=after.isoformat())
    assert before.returncode == 1
    done = call(*words, "--confirm", CONFIRM, target=written.target, DRTUI_MODE="drill")
    assert done.returncode == 0, done.stderr
    assert "the old data directory is kept" in done.stderr
    ids = [each for each, _ in written.commits]
    assert written.messages() == ids[:number]
    assert written.messages()[-1] == last
    probed = call("probe", "restore-database", target=written.target, RECOVERY_POINT=after.isoformat())
    assert (probed.returncode, probed.stdout[:5]) == (0, "done:")
    checked = call("check", "database-restored", "--to", after.isoformat(), target=written.target)
    assert checked.returncode == 0, checked.stdout
    again = call(*words, "--confirm", CONFIRM, target=written.target)
    assert again.returncode == 3
    assert "already" in again.stderr


def test_a_whole_lost_server_comes_back_with_all_that_was_archived(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    """The replacement host has a fresh server of another cluster."""
    escrow = written.sandbox.layout.escrow
    lifecycle.break_host(written.sandbox.root)
    key = call("restore", "key", "--from", escrow, target=written.target)
    assert key.returncode == 0, key.stderr
    foreseen = call(*("restore", "database", "--to", "latest", "--dry-run", "--json"), target=written.target)
    assert json.loads(foreseen.stdout)["outlook"]["same_cluster"] is False
    done = call(
        *("restore", "database", "--to", "latest", "--confirm", CONFIRM, "--json"), target=written.target
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["point"] == "latest"
    assert Path(told["kept_as"]).is_dir()
    assert written.messages() == [each for each, _ in written.commits]
    _go_back_and_drop(written, capsys)


def _go_back_and_drop(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    """The way back to the server that was replaced, and the end of what was put aside."""
    settings = Settings(target_path=written.target, state_dir=None)
    capsys.readouterr()
    kept_data.undo(settings, confirm=CONFIRM, as_json=False)
    assert "is again what it was before the recovery to latest" in capsys.readouterr().out
    with pytest.raises(PreconditionError, match="is to be kept for"):
        kept_data.drop(settings, confirm=CONFIRM, keep=timedelta(days=7), as_json=False)
    with pytest.raises(PreconditionError, match="was not confirmed"):
        kept_data.drop(settings, confirm="", keep=timedelta(), as_json=False)
    kept_data.drop(settings, confirm=CONFIRM, keep=timedelta(), as_json=False)
    assert "dropped: " in capsys.readouterr().out


def test_k01_a_wrong_key_is_found_before_anything_is_touched(written: Written) -> None:
    """The base backup was sealed with the fingerprint of the right one."""
    env = written.sandbox.layout.gateway_env
    key = written.sandbox.variables()["AIHUMMER_MASTER_KEY"]
    env.write_text(env.read_text().replace(key, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="))
    done = call(*("restore", "database", "--to", "latest", "--confirm", CONFIRM), target=written.target)
    assert done.returncode == 3
    assert "wrong key" in done.stderr
    assert written.messages() == [each for each, _ in written.commits]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--to", "2026-11-24 03:12:45"], 2, "names no time zone"),
        (["--to", "soon"], 2, "is no recovery point"),
        (["--to", "latest"], 3, "nothing is known of base backups and WAL"),
        (["--base", "x", "--backup-set", "/x"], 2, "--base and --dry-run belong to a point in time"),
        (["--dry-run", "--backup-set", "/x"], 2, "--base and --dry-run belong to a point in time"),
        ([], 2, "no backup set was named"),
        (["--undo", "--dry-run"], 2, "belong to a restore"),
        (["--undo", "--drop-old"], 2, "exclude each other"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(
    tmp_path: Path, words: list[str], code: int, told: str
) -> None:
    """Before the server is looked at."""
    target = tmp_path / "target.toml"
    target.write_text(f'gateway-env = "{tmp_path}/gateway.env"\n')
    done = call("restore", "database", *words, target=target)
    assert (done.returncode, told in done.stderr) == (code, True), done.stderr
