"""`restore key` as a command: standard input, refusals, exit codes, no secret anywhere."""

import base64
import json
from pathlib import Path

import pytest

from tests.cli.calling import call
from tests.recovery.sealing import sealed_set
from tests.recovery.small_cluster import MASTER_KEY

OTHER_KEY = base64.b64encode(bytes(range(100, 132))).decode()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Give a target whose gateway.env is lost, beside a sealed set."""
    tmp_path.chmod(0o755)
    sealed_set(tmp_path / "set")
    file = tmp_path / "target.toml"
    file.write_text(f'gateway-env = "{tmp_path}/etc/gateway.env"\n')
    return file


def test_the_key_arrives_and_nothing_shows_it(target: Path) -> None:
    """From standard input, compared with the set, written, read back; the probe then says done."""
    folder = target.parent
    values = {"BACKUP_SET": str(folder / "set")}
    assert call("probe", "restore-key", target=target, **values).returncode == 1
    done = call("restore", "key", "--from", "-", target=target, text=f"{MASTER_KEY}\n", **values)
    assert done.returncode == 0, done.stderr
    assert "fingerprint" in done.stdout
    assert MASTER_KEY not in done.stdout + done.stderr
    assert (folder / "etc" / "gateway.env").read_text() == f"AIHUMMER_MASTER_KEY={MASTER_KEY}\n"
    assert call("probe", "restore-key", target=target, **values).returncode == 0
    assert call("check", "master-key", target=target, **values).returncode == 0


def test_it_speaks_json(target: Path) -> None:
    """What was written, by name; no secret among it. The probe tells the same way."""
    backup = target.parent / "set"
    words = ("restore", "key", "--from", "-", "--backup-set", backup, "--json")
    done = call(*words, target=target, text=f"{MASTER_KEY}\n")
    told = json.loads(done.stdout)
    assert told["written"] == ["AIHUMMER_MASTER_KEY"]
    assert told["kept_beside"] is None
    assert MASTER_KEY not in done.stdout + done.stderr
    probed = call("probe", "restore-key", "--backup-set", backup, "--json", target=target)
    assert (probed.returncode, json.loads(probed.stdout)["result"]) == (0, "done")


@pytest.mark.parametrize(
    ("escrow", "said"),
    [(OTHER_KEY, "wrong key"), (base64.b64encode(b"k" * 31).decode(), "31 bytes"), ("", "holds no")],
)
def test_k01_a_wrong_or_half_key_is_a_precondition(target: Path, escrow: str, said: str) -> None:
    """Exit code 3, one message with a hint, and nothing written."""
    source = target.parent / "escrow"
    source.write_text(escrow)
    backup = target.parent / "set"
    done = call("restore", "key", "--from", source, "--backup-set", backup, target=target)
    assert done.returncode == 3
    assert said in done.stderr
    assert "HINT: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not (target.parent / "etc").exists()
    assert not escrow or escrow not in done.stderr


def test_a_missing_set_is_a_precondition(target: Path) -> None:
    """Nothing is compared with nothing."""
    nowhere = target.parent / "nowhere"
    done = call("restore", "key", "--from", "-", "--backup-set", nowhere, target=target, text=MASTER_KEY)
    assert done.returncode == 3
    assert not (target.parent / "etc").exists()


def test_x09_a_drill_does_not_write_a_real_key(target: Path) -> None:
    """X09: the target has no sandbox."""
    done = call("restore", "key", "--from", "-", target=target, text=MASTER_KEY, DRTUI_MODE="drill")
    assert done.returncode == 3
    assert not (target.parent / "etc").exists()
