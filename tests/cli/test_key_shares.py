"""`key shares`: split into files, combined from files, standard input and the keyboard."""

import json
import stat
from pathlib import Path

import pytest

from tests.cli.at_a_terminal import sit
from tests.cli.calling import call
from tests.cli.test_key import FINGERPRINT, PLAIN, Place, place
from tests.recovery.small_cluster import MASTER_KEY

__all__ = ["place"]


@pytest.fixture
def files(place: Place) -> list[Path]:
    """Give the files of a key that was split, three of five; the host is then lost."""
    place.with_env()
    done = place.call(
        *(
            "key",
            "shares",
            "split",
            "--need",
            "3",
            "--of",
            "5",
            "--out-dir",
            place.folder / "shares",
            "--json",
        )
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["fingerprint"] == FINGERPRINT
    place.env.unlink()
    made = [Path(file) for file in told["files"]]
    assert not [word for file in made if (word := words_of(file)) in done.stdout + done.stderr]
    return made


def words_of(file: Path) -> str:
    """The share in a file."""
    return file.read_text().splitlines()[-1]


def test_each_share_has_a_private_file(place: Place, files: list[Path]) -> None:
    """The folder too; a second splitting writes over none of them."""
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700
    before = [file.read_bytes() for file in files]
    again = ("key", "shares", "split", "--need", "2", "--of", "5", "--out-dir", files[0].parent)
    done = place.with_env().call(*again)
    assert (done.returncode, "already" in done.stderr) == (3, True)
    assert [file.read_bytes() for file in files] == before


def test_files_give_the_key_back(place: Place, files: list[Path]) -> None:
    """Told by its fingerprint, written into gateway.env after it was proven, or into a private file."""
    chosen = (files[4], files[0], files[2])
    assert FINGERPRINT in place.call("key", "shares", "combine", *chosen).stdout
    out = place.folder / "clear"
    assert place.call("key", "shares", "combine", *chosen, "--out", out).returncode == 0
    assert (out.read_text(), stat.S_IMODE(out.stat().st_mode)) == (
        f"AIHUMMER_MASTER_KEY={MASTER_KEY}\n",
        0o600,
    )
    assert not place.env.exists()
    done = place.call("key", "shares", "combine", *chosen, "--write", "--backup-set", place.set)
    assert done.returncode == 0, done.stderr
    assert place.env.read_text() == PLAIN.splitlines(keepends=True)[0]


def test_k09_too_few_bad_and_twice(place: Place, files: list[Path]) -> None:
    """K09: exit code 3, numbers and no words; a bad one beside enough good ones is a warning."""
    few = place.call("key", "shares", "combine", *files[:2])
    assert (few.returncode, "1 more" in few.stderr) == (3, True)
    twice = place.call("key", "shares", "combine", files[0], files[1], files[0])
    assert (twice.returncode, "share 3 is share 1 again" in twice.stderr) == (3, True)
    words = words_of(files[1]).split()
    files[1].write_text(" ".join([words[1], words[0], *words[2:]]))
    bad = place.call("key", "shares", "combine", *files[:3])
    assert (bad.returncode, "share 2 is no sound share" in bad.stderr) == (3, True)
    assert " ".join(words[2:5]) not in bad.stderr
    enough = place.call("key", "shares", "combine", *files[:4])
    assert (enough.returncode, "warning: share 2" in enough.stderr) == (0, True)
    assert place.call("key", "shares", "combine", place.folder / "none").returncode == 3


def test_shares_come_on_standard_input(place: Place, files: list[Path]) -> None:
    """One a line."""
    text = "".join(f"{words_of(file)}\n\n" for file in files[1:4])
    done = call("key", "shares", "combine", target=place.target, text=text)
    assert (done.returncode, FINGERPRINT in done.stdout) == (0, True)


@pytest.mark.parametrize("echo", [False, True])
def test_shares_are_typed_one_at_a_time(place: Place, files: list[Path], echo: bool) -> None:
    """A bad one is asked for again, and the last says that it is enough; unseen unless asked otherwise."""
    answers = [
        ("share 1", words_of(files[3])),
        ("share 2, 2 more needed", "no such words"),
        ("share 3, 2 more needed", words_of(files[1])),
        ("share 4, 1 more needed", words_of(files[0])),
    ]
    words = ["--echo"] if echo else []
    sat = sit("key", "shares", "combine", *words, target=place.target, answers=answers)
    assert (sat.returncode, FINGERPRINT in sat.shown) == (0, True), sat.shown
    assert "share 2 is no sound share" in sat.shown
    assert (" ".join(words_of(files[3]).split()[:3]) in sat.shown) is echo
