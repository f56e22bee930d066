"""Putting an escrow away: never over something, apart from the backups, and proven to open."""

import errno
import os
import stat
from pathlib import Path

import pytest

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.key.check import look_at_escrow
from aihummer_drtui.recovery.key.escrow import read_escrow
from aihummer_drtui.recovery.key.keeping import create_escrow, dangers_of, put_away, put_shares_away
from aihummer_drtui.recovery.key.sealed_escrow import Cost
from aihummer_drtui.recovery.target import SandboxMark, Target
from tests.recovery.small_cluster import MASTER_KEY
from tests.recovery.small_disk import small_disk

CHEAP = Cost(memory_kib=64, iterations=1, lanes=1)
VARIABLES = {"AIHUMMER_MASTER_KEY": MASTER_KEY, "AIHUMMER_INBOUND_SECRET": 'it\'s "two" $words'}


def test_an_escrow_is_private_and_opens(tmp_path: Path) -> None:
    """With every value as it was, quotes and dollar signs included."""
    out = tmp_path / "escrow"
    assert create_escrow(VARIABLES, out, "passphrase", cost=CHEAP) == "5a3485b4e6104acd"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert read_escrow(str(out), passphrase=lambda: "passphrase").variables == VARIABLES


@pytest.mark.parametrize("what", ["file", "folder", "link"])
def test_nothing_is_written_over(tmp_path: Path, what: str) -> None:
    """An older escrow may be the only one that fits an older backup; a link leads anywhere."""
    out = tmp_path / "escrow"
    match what:
        case "file":
            out.write_text("older")
        case "folder":
            out.mkdir()
        case _:
            out.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PreconditionError, match="already"):
        create_escrow(VARIABLES, out, "passphrase", cost=CHEAP)
    assert [entry.name for entry in tmp_path.iterdir()] == ["escrow"]
    assert what != "file" or out.read_text() == "older"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The medium is not mounted."""
    with pytest.raises(FailedError, match=os.strerror(errno.ENOENT)):
        put_away(b"x", tmp_path / "usb" / "escrow")


def test_no_share_stays_where_the_medium_is_full(tmp_path: Path) -> None:
    """Half of them on a stick would be lost sight of; the next try finds no name taken."""
    with small_disk(tmp_path / "stick", "size=1m", "nr_inodes=4") as stick:
        with pytest.raises(FailedError, match="nothing is left of it"):
            put_shares_away(["one", "two", "three"], stick / "shares", need=2, fingerprint="x")
        assert list((stick / "shares").iterdir()) == []
        assert len(put_shares_away(["one", "two"], stick / "shares", need=2, fingerprint="x")) == 2


def test_an_escrow_with_the_backups_is_warned_about(tmp_path: Path) -> None:
    """In their tree, through a link too; on their file system; and not where neither can be said."""
    place = tmp_path / "backups"
    place.mkdir()
    (tmp_path / "link").symlink_to(place)
    target = Target(backup_places=(place,))
    assert "in the tree" in dangers_of(place / "set" / "escrow", target)[0]
    assert "in the tree" in dangers_of(tmp_path / "link" / "escrow", target)[0]
    assert "same file system" in dangers_of(tmp_path / "not" / "there" / "escrow", target)[0]
    assert dangers_of(Path("/proc/self/escrow"), target) == ()
    assert dangers_of(tmp_path / "escrow", Target(backup_places=(tmp_path / "unmounted",))) == ()
    assert "in the tree" in dangers_of(tmp_path / "set" / "e", Target(backup_places=()), f"{tmp_path}/set")[0]


def test_a_sandbox_is_one_folder_by_design(tmp_path: Path) -> None:
    """A drill is not taught to overlook warnings."""
    mark = SandboxMark(id="x", root=tmp_path)
    assert dangers_of(tmp_path / "e", Target(backup_places=(tmp_path,), sandbox=mark)) == ()


def test_the_check_of_the_escrow_warns_too(tmp_path: Path) -> None:
    """Every day, not only when it is made; under a passphrase or not."""
    target = Target(backup_places=(tmp_path,))
    for name, data in (("plain", MASTER_KEY.encode()), ("sealed", None)):
        out = tmp_path / name
        if data is None:
            create_escrow(VARIABLES, out, "passphrase", cost=CHEAP)
        else:
            put_away(data, out)
        seen = look_at_escrow(Scene(target=target, values={"KEY_FILE": str(out)}))
        assert [told for told in seen.warnings if "in the tree" in told]
