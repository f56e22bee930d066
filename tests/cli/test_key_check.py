"""`key check`: the key's form, its fingerprint against the set's, and whether it opens the vault."""

import base64
import json
from pathlib import Path

import pytest

from aihummer_drtui.recovery.backup.create import create_backup
from aihummer_drtui.recovery.backup.seal import seal_dump
from aihummer_drtui.recovery.backup.set import BackupSet
from aihummer_drtui.recovery.key.keeping import create_escrow
from aihummer_drtui.recovery.key.sealed_escrow import Cost
from aihummer_drtui.recovery.reporting import Reporter
from tests.cli.at_a_terminal import sit
from tests.cli.calling import call
from tests.recovery.key.a_vault import LAYOUT, fill, make_vault
from tests.recovery.small_cluster import MASTER_KEY, MEDIA_SECRET, PASSWORD, Installation

pytestmark = pytest.mark.postgres

OTHER_KEY = base64.b64encode(bytes(range(100, 132))).decode()
PASSPHRASE = "nine blue herons over the canary weir"
ALL = "opens 3 of 3 tenants' data keys, 15 sampled values"


@pytest.fixture
def target(installation: Installation) -> Path:
    """Give the target.toml of an installation whose vault is filled and told."""
    fill(make_vault(installation))
    path = installation.write_target()
    path.write_text(
        f'{path.read_text()}[vault]\ndata-keys = "{LAYOUT.data_keys}"\nvalues = "{LAYOUT.values}"\n'
    )
    return path


def sealed(installation: Installation) -> BackupSet:
    """Take a set that knows the key's fingerprint."""
    return create_backup(installation.target, installation.root / "backups", Reporter.silent())


def foreign(installation: Installation) -> BackupSet:
    """Seal somebody else's dump, which tells of no key."""
    backup = sealed(installation)
    place = installation.root / "elsewhere"
    return seal_dump(installation.target, backup.path / "database.dump", place, Reporter.silent())


def said(target: Path, *words: str | Path) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and verdict and observation of each look; no secret is among it."""
    done = call("key", "check", *words, "--json", target=target)
    for secret in (MASTER_KEY, OTHER_KEY, MEDIA_SECRET, PASSPHRASE):
        assert secret not in done.stdout + done.stderr
    rows = json.loads(done.stdout)
    seen = {row["name"]: (row["observation"]["verdict"], row["observation"]["observed"]) for row in rows}
    return done.returncode, seen


def escrow(installation: Installation, key: str = MASTER_KEY) -> Path:
    """Put an escrow in the clear."""
    path = installation.root / "escrow"
    path.write_text(f"AIHUMMER_MASTER_KEY={key}\nAIHUMMER_MEDIA_TOKEN_SECRET={MEDIA_SECRET}\n")
    path.chmod(0o600)
    return path


def test_the_living_vault_is_opened_where_no_set_is_named(installation: Installation, target: Path) -> None:
    """With the key of gateway.env; and every day with an escrow's: is it still the right one?"""
    sealed(installation)
    assert said(target)[1]["vault-opens"] == ("passed", ALL)
    code, seen = said(target, "--from", escrow(installation))
    assert (code, seen["key-escrow"][0], seen["vault-opens"]) == (0, "passed", ("passed", ALL))
    code, seen = said(target, "--key-file", escrow(installation, OTHER_KEY))
    assert (code, seen["vault-opens"][0]) == (1, "failed")
    assert seen["vault-opens"][1].startswith("wrong key ")
    assert list(said(target, "--no-vault")[1]) == ["master-key"]


def test_the_vault_in_the_dump_proves_a_key_that_has_no_fingerprint(
    installation: Installation, target: Path
) -> None:
    """0 by the vault alone; 1 in the words "wrong key"; the live database is as it was."""
    backup = foreign(installation)
    code, seen = said(target, "--backup-set", backup.path)
    assert (code, seen["master-key"][0], seen["vault-in-dump"]) == (0, "unproven", ("passed", ALL))
    code, seen = said(target, "--backup-set", backup.path, "--key-file", escrow(installation, OTHER_KEY))
    assert (code, seen["vault-in-dump"][0]) == (1, "failed")
    assert seen["vault-in-dump"][1].startswith("wrong key ")
    assert installation.databases() == [installation.name]


def test_what_cannot_be_asked_takes_nothing_from_a_fingerprint(
    installation: Installation, target: Path, tmp_path: Path
) -> None:
    """The server is away: `unknown` is shown, the sealed fingerprint proves; without one nothing does."""
    own, others = sealed(installation), foreign(installation)
    installation.write_env(AIHUMMER_DATABASE_URL=f"postgres://x@{str(tmp_path).replace('/', '%2F')}/x")
    code, seen = said(target, "--backup-set", own.path)
    assert (code, seen["vault-in-dump"][0]) == (0, "unknown")
    code, seen = said(target, "--backup-set", others.path)
    assert (code, seen["vault-in-dump"][0]) == (4, "unknown")


def test_an_unknown_layout_is_unproven(installation: Installation) -> None:
    """The fingerprint alone proves; without one a person must."""
    target = installation.write_target()
    code, seen = said(target, "--backup-set", sealed(installation).path)
    assert (code, seen["vault-in-dump"][0]) == (0, "unproven")
    code, seen = said(target, "--backup-set", foreign(installation).path)
    assert (code, seen["master-key"][0], seen["vault-in-dump"][0]) == (4, "unproven", "unproven")


def test_a_closed_escrow_is_opened_at_a_terminal(installation: Installation, target: Path) -> None:
    """Before anything of it is written: there is no gateway.env yet, the escrow tells the database too."""
    backup = foreign(installation)
    variables = dict(line.split("=", 1) for line in installation.target.gateway_env.read_text().splitlines())
    closed = installation.root / "closed"
    create_escrow(variables, closed, PASSPHRASE, cost=Cost(memory_kib=64, iterations=1, lanes=1))
    installation.target.gateway_env.unlink()
    sat = sit(
        *("key", "check", "--key-file", closed, "--backup-set", backup.path),
        target=target,
        answers=[("passphrase", PASSPHRASE)],
    )
    assert (sat.returncode, ALL in sat.shown) == (0, True), sat.shown
    assert not [secret for secret in (PASSPHRASE, MASTER_KEY, PASSWORD) if secret in sat.shown]
    assert not installation.target.gateway_env.exists()


def test_an_escrow_that_lies_with_the_backups_is_warned_about(
    installation: Installation, target: Path
) -> None:
    """Also where the file is named by hand; and K10: one that lacks the media secret, with the effect."""
    backup = sealed(installation)
    bare = backup.path.parent / "key"
    bare.write_text(MASTER_KEY)
    bare.chmod(0o600)
    done = call("key", "check", "--from", bare, "--backup-set", backup.path, target=target)
    assert done.returncode == 0, done.stderr
    assert "in the tree of the backups" in done.stdout
    assert "no AIHUMMER_MEDIA_TOKEN_SECRET: media URLs signed before the loss will not open" in done.stdout
    piped = call("key", "check", "--from", "-", "--no-vault", target=target, text=bare.read_text())
    assert "in the tree" not in piped.stdout
