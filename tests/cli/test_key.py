"""The commands of `key`: what they tell, what they write, and that no secret is ever shown."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from aihummer_drtui.recovery.key.sealed_escrow import Cost, seal_escrow
from tests.cli.at_a_terminal import sit
from tests.cli.calling import PROGRAM, call
from tests.recovery.sealing import sealed_set
from tests.recovery.small_cluster import MASTER_KEY, MEDIA_SECRET

FINGERPRINT = "5a3485b4e6104acd"
PASSPHRASE = "nine blue herons over the canary weir"
PLAIN = f"AIHUMMER_MASTER_KEY={MASTER_KEY}\nAIHUMMER_MEDIA_TOKEN_SECRET={MEDIA_SECRET}\n"
SECRETS = (MASTER_KEY, MEDIA_SECRET, PASSPHRASE)


class Place:
    """A host with its gateway.env, a sealed set, and an escrow of each kind."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        self.folder = folder
        self.env = folder / "etc" / "gateway.env"
        self.target = folder / "target.toml"
        self.target.write_text(f'gateway-env = "{self.env}"\nbackup-places = ["{folder}/backups"]\n')
        self.set = sealed_set(folder / "backups" / "20240101T000000Z")
        self.plain = self.put("plain", PLAIN.encode())
        cheap = Cost(memory_kib=64, iterations=1, lanes=1)
        self.sealed = self.put(
            "sealed",
            seal_escrow(PLAIN.encode(), PASSPHRASE, key_fingerprint=FINGERPRINT, created="", cost=cheap),
        )

    def put(self, name: str, data: bytes) -> Path:
        """Write a private file."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o600)
        return path

    def with_env(self, text: str = PLAIN) -> "Place":
        """Have a living host."""
        self.put("etc/gateway.env", text.encode())
        return self

    def call(self, *arguments: str | Path, passphrase: str | None = None) -> subprocess.CompletedProcess[str]:
        """Call the program, with the passphrase on a descriptor; nothing secret may come back."""
        if passphrase is None:
            done = call(*arguments, target=self.target)
        else:
            reading, writing = os.pipe()
            os.write(writing, f"{passphrase}\n".encode())
            os.close(writing)
            try:
                done = subprocess.run(
                    [PROGRAM, "--target", self.target, *arguments, "--passphrase-fd", str(reading)],
                    capture_output=True,
                    text=True,
                    timeout=60,
                    check=False,
                    pass_fds=[reading],
                    stdin=subprocess.DEVNULL,
                )
            finally:
                os.close(reading)
        assert not [secret for secret in SECRETS if secret in done.stdout + done.stderr]
        assert "Traceback" not in done.stderr
        return done


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Give a replacement host on which nothing was done yet."""
    return Place(tmp_path)


def test_the_fingerprint_is_told_and_the_key_is_not(place: Place) -> None:
    """Of gateway.env, of an escrow in the clear, of one under a passphrase."""
    assert place.call("key", "fingerprint").returncode == 3
    assert place.with_env().call("key", "fingerprint").stdout == f"{FINGERPRINT}\n"
    assert place.call("key", "fingerprint", "--from", place.plain).stdout == f"{FINGERPRINT}\n"
    opened = place.call("key", "fingerprint", "--from", place.sealed, "--json", passphrase=PASSPHRASE)
    told = json.loads(opened.stdout)
    assert told["master_key"] == FINGERPRINT
    assert len(told["media_token"]) == 16


def test_a_closed_escrow_is_asked_for_at_a_terminal_without_echo(place: Place) -> None:
    """What is typed is not shown."""
    sat = sit(
        "key",
        "fingerprint",
        "--from",
        place.sealed,
        target=place.target,
        answers=[("passphrase", PASSPHRASE)],
    )
    assert (sat.returncode, FINGERPRINT in sat.shown) == (0, True)
    assert PASSPHRASE not in sat.shown


def test_without_terminal_and_descriptor_the_way_out_is_named(place: Place) -> None:
    """As in a run, whose commands nobody can be asked by: exit code 3, nothing written."""
    done = place.call("restore", "key", "--from", place.sealed, "--backup-set", place.set)
    assert (done.returncode, "key escrow recover" in done.stderr) == (3, True)
    assert not place.env.exists()


@pytest.mark.parametrize("words", [("restore", "key"), ("key", "write")])
def test_a_closed_escrow_restores_the_key(place: Place, words: tuple[str, str]) -> None:
    """By either name it is the same command."""
    arguments = (*words, "--from", place.sealed, "--backup-set", place.set)
    wrong = place.call(*arguments, passphrase="wrong")
    assert (wrong.returncode, "this passphrase" in wrong.stderr) == (3, True)
    assert not place.env.exists()
    done = place.call(*arguments, passphrase=PASSPHRASE)
    assert done.returncode == 0, done.stderr
    assert place.env.read_text() == PLAIN
    assert stat.S_IMODE(place.env.stat().st_mode) == 0o600


def test_a_key_is_checked_against_the_newest_set(place: Place) -> None:
    """0 the same, 1 absent or another, 3 not opened, 4 nothing to compare with."""
    assert place.call("key", "check").returncode == 1
    assert place.with_env().call("key", "check").returncode == 0
    assert place.call("key", "check", "--from", place.sealed).returncode == 3
    assert place.call("key", "check", "--from", place.sealed, passphrase=PASSPHRASE).returncode == 0
    other = place.put("other", b"ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM=")
    wrong = place.call("key", "check", "--from", other, "--json")
    assert (wrong.returncode, json.loads(wrong.stdout)[0]["observation"]["verdict"]) == (1, "failed")
    for file in place.set.iterdir():
        file.unlink()
    assert place.call("key", "check").returncode == 4
    assert place.call("key", "check", "--vault").returncode in {1, 4}


@pytest.mark.parametrize(
    ("passphrase_fd", "said"), [("0", "standard input"), ("77", "cannot be read"), ("x", "not a valid")]
)
def test_a_descriptor_that_gives_nothing_is_a_usage_error(
    place: Place, passphrase_fd: str, said: str
) -> None:
    """Exit code 2, in words."""
    source = "-" if passphrase_fd == "0" else place.sealed
    words = ("key", "fingerprint", "--from", source, "--passphrase-fd", passphrase_fd)
    done = call(*words, target=place.target, text=place.sealed.read_text())
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_a_terminal_is_not_read_as_a_descriptor(place: Place) -> None:
    """It would show what is typed."""
    sat = sit(
        *("key", "fingerprint", "--from", place.sealed, "--passphrase-fd", "0"),
        target=place.target,
        answers=[],
    )
    assert (sat.returncode, "would show" in sat.shown) == (2, True)
