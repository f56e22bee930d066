"""No program of PostgreSQL opens a dump that is not the sealed one, whichever command is typed (case D03)."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.recovery.backup.set import BackupSet
from tests.cli.calling import call
from tests.recovery.backup.test_signature import make_keys
from tests.recovery.key.a_vault import LAYOUT, fill, make_vault
from tests.recovery.key.test_vault_in_dump import backup_of, foreign_dump_of
from tests.recovery.recorded_programs import RecordedPrograms, record_programs
from tests.recovery.small_cluster import Installation

pytestmark = pytest.mark.postgres

RESTORE = ("restore", "database", "--backup-set", "SET", "--confirm", "PHRASE")
VERIFY = ("backup", "verify", "SET")
VAULT = ("check", "vault-in-dump", "--backup-set", "SET")
KEY = ("key", "check", "--backup-set", "SET")
READERS = (RESTORE, VERIFY, VAULT, KEY)
"""Every command that has pg_restore open the dump of a set."""
OTHERS = (("check", "dump-intact", "backup-set", "--backup-set", "SET"), ("backup", "list"), ("check",))


@pytest.fixture
def watched(installation: Installation) -> tuple[Installation, RecordedPrograms]:
    """Give an installation with a vault whose every start of PostgreSQL's programs is written down."""
    fill(make_vault(installation), tenants=2, values=2)
    programs = record_programs(installation.root / "programs", installation.cluster.bin)
    target = msgspec.structs.replace(installation.target, postgres_bin=programs.folder)
    return replace(installation, target=target), programs


def _target(installation: Installation, more: str = "") -> Path:
    path = installation.write_target()
    tables = f'[vault]\ndata-keys = "{LAYOUT.data_keys}"\nvalues = "{LAYOUT.values}"\n'
    path.write_text(more + path.read_text() + tables)
    path.chmod(0o600)
    return path


def _run(installation: Installation, target: Path, words: tuple[str, ...], backup: BackupSet) -> int:
    phrase = f"{os.uname().nodename}/{installation.name}"
    named = [word.replace("SET", str(backup.path)).replace("PHRASE", phrase) for word in words]
    done = call(*named, target=target)
    assert "Traceback" not in done.stderr
    return done.returncode


def _flip(dump: Path) -> None:
    content = bytearray(dump.read_bytes())
    content[len(content) // 2] ^= 1
    dump.write_bytes(content)


def _link(dump: Path) -> None:
    dump.rename(dump.with_name("elsewhere"))
    dump.symlink_to("elsewhere")


def _sql(dump: Path) -> None:
    dump.write_bytes(b"\\! touch /tmp/evil\n".ljust(dump.stat().st_size, b"-"))


@pytest.mark.parametrize("harm", [_flip, _link, _sql])
def test_d03_pg_restore_is_never_started_on_other_bytes(
    watched: tuple[Installation, RecordedPrograms], harm: Callable[[Path], None]
) -> None:
    """One bit, a link, another file: restore, verify, both proofs of the key, the daily check."""
    installation, programs = watched
    target = _target(installation)
    ours = backup_of(installation)
    with installation.connect() as connection:
        connection.execute("INSERT INTO hum.messages VALUES (9999, 'that the second dump is another')")
    # Without a fingerprint the key is tried on the dump itself.
    foreign = foreign_dump_of(installation)
    programs.forget()
    for backup, commands in ((ours, (RESTORE, VERIFY)), (foreign, (*READERS, *OTHERS))):
        harm(backup.path / "database.dump")
        for words in commands:
            code = _run(installation, target, words, backup)
            assert code != 0 or words not in READERS[:3], words
    assert programs.started("pg_restore") == []
    assert programs.started("psql") == []
    assert installation.databases() == [installation.name]


def test_d03_pg_restore_is_started_on_the_sealed_bytes(
    watched: tuple[Installation, RecordedPrograms],
) -> None:
    """So that the test above would see it; and it is given a descriptor, which nobody can exchange."""
    installation, programs = watched
    target = _target(installation)
    backup = foreign_dump_of(installation)
    for words in (VERIFY, VAULT, KEY, RESTORE):
        programs.forget()
        assert _run(installation, target, words, backup) in {0, 4}, words
        started = programs.started("pg_restore")
        assert started, words
        assert all(" /proc/self/fd/" in line for line in started), started


@pytest.mark.parametrize("harm", ["not signed", "another's key", "wrong signature"])
def test_d03_with_trusted_keys_no_forged_dump_is_opened(
    watched: tuple[Installation, RecordedPrograms], harm: str
) -> None:
    """A seal can be made by whoever writes the folder, a signature cannot."""
    installation, programs = watched
    mine, other = make_keys(installation.root, "mine"), make_keys(installation.root, "other")
    signing = {"not signed": None, "another's key": other.private, "wrong signature": mine.private}[harm]
    target = msgspec.structs.replace(installation.target, signing_key=signing)
    backup = backup_of(replace(installation, target=target))
    if harm == "wrong signature":
        again = backup_of(replace(installation, target=target))
        (backup.path / "manifest.json.sig").write_bytes((again.path / "manifest.json.sig").read_bytes())
    programs.forget()
    path = _target(installation, f'trusted-keys = ["{mine.public}"]\n')
    for words in (RESTORE, VERIFY, VAULT):
        assert _run(installation, path, words, backup) in {1, 4}, words
    assert programs.started("pg_restore") == []
    assert installation.databases() == [installation.name]


def test_d05_a_dump_without_a_seal_is_opened_on_the_callers_word(installation: Installation) -> None:
    """`backup seal` must read what nobody has proven: that, and every known hole, is said before."""
    programs = record_programs(installation.root / "programs", installation.cluster.bin, version="17.5")
    dump = Path(backup_of(installation).path, "database.dump").rename(installation.root / "lone.dump")
    target = msgspec.structs.replace(installation.target, postgres_bin=programs.folder)
    path = _target(replace(installation, target=target))
    done = call("backup", "seal", dump, installation.root / "place", target=path)
    assert done.returncode == 0, done.stderr
    note, warning = done.stderr.splitlines()[:2]
    assert "on your word" in note
    assert "CVE-2025-8714" in warning
