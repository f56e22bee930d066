"""gateway.env as a whole: what must be there fails, what is silently missed warns."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.gateway.environment_check import look_at_gateway_env
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import Observation, Verdict
from tests.recovery.sealing import MANIFEST_OF_TESTS, sealed_set
from tests.recovery.small_cluster import MASTER_KEY, MEDIA_SECRET

WHOLE = {
    "AIHUMMER_DATABASE_URL": "postgres://u:canary@db.example/x?pool_max_conns=9",
    "AIHUMMER_DB_APP_URL": "postgres://a:b@db.example/x",
    "AIHUMMER_MASTER_KEY": MASTER_KEY,
    "AIHUMMER_BLOB_DIR": "/blobs",
    "AIHUMMER_MEDIA_TOKEN_SECRET": MEDIA_SECRET,
    "AIHUMMER_OIDC_ISSUER": "https://issuer.example",
    "AIHUMMER_INBOUND_SECRET": "s",
}


def look(folder: Path, changes: Mapping[str, str], *, more: str = "", mode: int = 0o600) -> Observation:
    """Look at the whole file with these changes; an empty value leaves a variable out."""
    env = folder / "gateway.env"
    env.write_text(
        "".join(f"{name}={value}\n" for name, value in {**WHOLE, **changes}.items() if value) + more
    )
    env.chmod(mode)
    values = {"BACKUP_SET": str(sealed_set(folder / "set"))}
    return look_at_gateway_env(Scene(target=Target(gateway_env=env), values=values))


def test_a_whole_file_passes_without_a_word(tmp_path: Path) -> None:
    """Parameters of Go's driver in the connection string are no fault."""
    seen = look(tmp_path, {})
    assert (seen.verdict, seen.warnings) == (Verdict.PASSED, ())


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("AIHUMMER_DATABASE_URL", "", "AIHUMMER_DATABASE_URL is not set"),
        ("AIHUMMER_DATABASE_URL", "postgres://u:canary@[/x", "no connection string"),
        ("AIHUMMER_MASTER_KEY", "", "AIHUMMER_MASTER_KEY is not set"),
        ("AIHUMMER_BLOB_DIR", "", "holds 7 blobs"),
        ("AIHUMMER_OIDC_ISSUER", "'half", "not closed"),
    ],
)
def test_what_must_be_there_fails(tmp_path: Path, name: str, value: str, what: str) -> None:
    """Blobs in the set and no folder for them would read as `nothing to restore`."""
    seen = look(tmp_path, {name: value})
    assert seen.verdict is Verdict.FAILED
    assert what in seen.observed
    assert "canary" not in repr(seen)


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("AIHUMMER_DB_APP_URL", "", "row-level security is off"),
        ("AIHUMMER_MEDIA_TOKEN_SECRET", "", "will not open"),
        ("AIHUMMER_MEDIA_TOKEN_SECRET", "another", "not the one sealed"),
        ("AIHUMMER_OIDC_ISSUER", "", "development headers"),
        ("AIHUMMER_AUTO_UPDATE", "apply", "change its version"),
        ("AIHUMMER_INBOUND_SECRET", "", "AIHUMMER_INBOUND_SECRET"),
    ],
)
def test_k10_what_fails_silently_is_warned_about(tmp_path: Path, name: str, value: str, what: str) -> None:
    """Each with its effect (K10)."""
    seen = look(tmp_path, {name: value})
    assert seen.verdict is Verdict.PASSED
    assert len(seen.warnings) == 1
    assert what in seen.warnings[0]


def test_doubtful_lines_and_open_modes_are_warned_about(tmp_path: Path) -> None:
    """A comment behind a value, and a file that everybody can read."""
    assert len(look(tmp_path, {}, more="A=1 # why\n", mode=0o644).warnings) == 2


def test_a_missing_file_has_failed(tmp_path: Path) -> None:
    """On a new host it must be brought first."""
    seen = look_at_gateway_env(Scene(target=Target(gateway_env=tmp_path / "none"), values={}))
    assert (seen.verdict, "not there" in seen.observed) == (Verdict.FAILED, True)


def test_a_set_without_blobs_needs_no_folder(tmp_path: Path) -> None:
    """Media was off then, and is now."""
    look(tmp_path, {"AIHUMMER_BLOB_DIR": ""})
    blobs = msgspec.structs.replace(MANIFEST_OF_TESTS.blobs, active=False, count=0)
    values = {"BACKUP_SET": str(sealed_set(tmp_path / "set", blobs=blobs))}
    scene = Scene(target=Target(gateway_env=tmp_path / "gateway.env"), values=values)
    assert look_at_gateway_env(scene).verdict is Verdict.PASSED
