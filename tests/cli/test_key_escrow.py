"""`key escrow`: made and opened as an operator does, and no secret seen anywhere on the way."""

import json
import os
import stat
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.at_a_terminal import sit
from tests.cli.calling import PROGRAM
from tests.cli.test_key import FINGERPRINT, PASSPHRASE, PLAIN, SECRETS, Place, place

__all__ = ["place"]


def test_key_and_media_secret_go_and_come_back(place: Place) -> None:
    """Nothing else of gateway.env by default, all of it with --whole; nothing is printed but names."""
    place.with_env(f"{PLAIN}AIHUMMER_INBOUND_SECRET=in-bound\n")
    for names, whole in ((2, []), (3, ["--whole"])):
        out = place.folder / f"escrow-{names}"
        made = place.call("key", "escrow", "create", out, *whole, "--json", passphrase=PASSPHRASE)
        assert made.returncode == 0, made.stderr
        told = json.loads(made.stdout)
        assert (told["fingerprint"], len(told["variables"])) == (FINGERPRINT, names)
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
        assert "same file system" in told["warnings"][0]
        opened = place.call("key", "escrow", "recover", out, passphrase=PASSPHRASE)
        assert (opened.returncode, FINGERPRINT in opened.stdout) == (0, True)
    place.env.unlink()
    words = ("key", "escrow", "recover", place.folder / "escrow-3", "--write", "--backup-set", place.set)
    assert place.call(*words, passphrase=PASSPHRASE).returncode == 0
    assert place.env.read_text() == f"{PLAIN}AIHUMMER_INBOUND_SECRET=in-bound\n"


def test_a_passphrase_is_typed_twice_without_echo(place: Place) -> None:
    """Two that differ make nothing."""
    place.with_env()
    out = place.folder / "escrow"
    answers = [("new passphrase", PASSPHRASE), ("again", "another")]
    sat = sit("key", "escrow", "create", out, target=place.target, answers=answers)
    assert (sat.returncode, "differ" in sat.shown, out.exists()) == (2, True, False)
    answers = [("new passphrase", PASSPHRASE), ("again", PASSPHRASE)]
    sat = sit("key", "escrow", "create", out, target=place.target, answers=answers)
    assert sat.returncode == 0, sat.shown
    assert not [secret for secret in SECRETS if secret in sat.shown]


def test_decrypted_into_a_file_for_a_run(place: Place) -> None:
    """The way that the runbook names; the file is private, new, and fits `restore key`."""
    out = place.folder / "clear"
    done = place.call("key", "escrow", "recover", place.sealed, "--out", out, passphrase=PASSPHRASE)
    assert (done.returncode, stat.S_IMODE(out.stat().st_mode)) == (0, 0o600)
    assert place.call("restore", "key", "--from", out, "--backup-set", place.set).returncode == 0
    again = place.call("key", "escrow", "recover", place.sealed, "--out", out, passphrase=PASSPHRASE)
    assert (again.returncode, "already" in again.stderr) == (3, True)
    both = place.call("key", "escrow", "recover", place.sealed, "--out", out, "--write")
    assert both.returncode == 2


@pytest.mark.parametrize(("passphrase", "code"), [("", 2), (None, 3)])
def test_without_a_passphrase_nothing_is_made(place: Place, passphrase: str | None, code: int) -> None:
    """An empty one, or nobody to ask."""
    out = place.folder / "escrow"
    done = place.with_env().call("key", "escrow", "create", out, passphrase=passphrase)
    assert (done.returncode, out.exists()) == (code, False)


def test_a_missing_key_and_a_taken_name_are_told_before_anybody_types(place: Place) -> None:
    """No passphrase is thought up in vain."""
    out = place.folder / "escrow"
    assert "no such file" in place.call("key", "escrow", "create", out).stderr
    taken = place.with_env().call("key", "escrow", "create", place.sealed)
    assert (taken.returncode, "already" in taken.stderr) == (3, True)


def test_k03_no_secret_is_in_the_arguments_or_the_environment_of_the_program(place: Place) -> None:
    """K03: looked at while it waits for the passphrase and while it computes; and no core would be left."""
    place.with_env()
    reading, writing = os.pipe()
    words: list[str | Path] = [
        PROGRAM,
        "--target",
        place.target,
        "key",
        "escrow",
        "create",
        place.folder / "escrow",
    ]
    child = subprocess.Popen(
        [*words, "--passphrase-fd", str(reading)], pass_fds=[reading], stdout=subprocess.DEVNULL, stderr=-3
    )
    os.close(reading)
    seen = b""
    proc = Path(f"/proc/{child.pid}")
    try:
        deadline = time.monotonic() + 30
        while b"0" not in _core_limit(proc) and time.monotonic() < deadline:
            seen += (proc / "cmdline").read_bytes() + (proc / "environ").read_bytes()
        os.write(writing, PASSPHRASE.encode())
        seen += (proc / "cmdline").read_bytes() + (proc / "environ").read_bytes()
    finally:
        os.close(writing)
        code = child.wait(timeout=60)
    assert code == 0
    assert b"escrow" in seen
    assert not [secret for secret in SECRETS if secret.encode() in seen]


def _core_limit(proc: Path) -> bytes:
    line = next(line for line in (proc / "limits").read_bytes().splitlines() if b"core file" in line)
    return line.split()[4]
