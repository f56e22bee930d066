"""`check` answers for people, programs and monitoring, with the documented exit codes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aihummer_drtui.cli.check import IN_A_RECOVERY, MAKES_A_DATABASE, WITH_A_KEEPER
from aihummer_drtui.recovery.catalogue import check_names
from tests.cli.calling import call
from tests.recovery.hostile_server import hostile_server
from tests.recovery.sealing import sealed_set
from tests.recovery.small_cluster import MASTER_KEY


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    """Give a target whose /readyz is red, then green, and whose key is the sealed one."""
    tmp_path.chmod(0o755)
    env = tmp_path / "gateway.env"
    env.write_text(f"AIHUMMER_MASTER_KEY={MASTER_KEY}\n")
    backup = sealed_set(tmp_path / "backups" / "one")
    with hostile_server() as server:
        file = tmp_path / "target.toml"
        file.write_text(
            f'gateway-env = "{env}"\nbase-url = "{server.url}"\nbackup-places = ["{backup.parent}"]\n'
        )
        yield file


def test_a_failure_is_exit_code_1_with_its_hint_below(target: Path) -> None:
    """Word and glyph, what was seen, what to do; the newest set is compared with by itself."""
    done = call("check", "readyz", "master-key", target=target)
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert lines[0].startswith("[x] failed   readyz")
    assert lines[2].strip().startswith("hint: ")
    assert lines[3].startswith("[+] passed   master-key")
    assert done.stderr == ""


def test_all_passed_is_exit_code_0(target: Path) -> None:
    """Also through --json, which tells the same."""
    call("check", "readyz", target=target)
    done = call("check", "master-key", "readyz", "--json", target=target)
    assert done.returncode == 0
    first, second = json.loads(done.stdout)
    assert (first["name"], first["observation"]["verdict"]) == ("master-key", "passed")
    assert (second["name"], second["observation"]["verdict"]) == ("readyz", "passed")


def test_unproven_is_exit_code_4(target: Path) -> None:
    """Nothing failed, and nothing was proven."""
    assert call("check", "vault-opens", target=target).returncode == 4


@pytest.mark.parametrize(
    ("names", "word", "code"),
    [
        (("master-key",), "OK", 0),
        (("master-key", "vault-opens"), "WARNING", 1),
        (("vault-opens", "healthz"), "CRITICAL", 2),
        (("master-key", "blob-folder", "nowhere"), "", 2),
    ],
)
def test_monitoring_gets_one_line_and_its_codes(
    target: Path, names: tuple[str, ...], word: str, code: int
) -> None:
    """The codes of monitoring plugins; an unknown name is a usage error and no verdict."""
    done = call("check", "--nagios", *names, target=target)
    assert done.returncode == code
    assert len(done.stdout.splitlines()) == (1 if word else 0)
    assert done.stdout.startswith(f"{word} - " if word else "")


def test_both_formats_at_once_are_refused(target: Path) -> None:
    """One output, one meaning of the exit code."""
    assert call("check", "--json", "--nagios", target=target).returncode == 2


def test_every_check_answers_on_a_bare_host(tmp_path: Path) -> None:
    """Nothing is installed, nothing is configured: no crash, and nothing passes by default."""
    tmp_path.chmod(0o755)
    target = tmp_path / "target.toml"
    nowhere = tmp_path / "nowhere"
    target.write_text(
        f'gateway-env = "{nowhere}"\nsmoke = "{nowhere}"\nbackup-places = ["{nowhere}"]\n'
        f'aihummer = "{nowhere}"\nbase-url = "http://127.0.0.1:9"\npostgres-bin = "{nowhere}"\n'
    )
    done = call("check", "--all", "--json", target=target)
    verdicts = {one["name"]: one["observation"]["verdict"] for one in json.loads(done.stdout)}
    assert done.returncode == 1
    assert not {"database-restored", "vault-in-dump"} & set(verdicts)
    assert "passed" not in verdicts.values()
    assert set(verdicts) == {*check_names()} - IN_A_RECOVERY - MAKES_A_DATABASE - WITH_A_KEEPER
