"""The catalogue never raises in a look, hides nothing, and proposes the newest sealed set."""

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import msgspec
import pytest

from aihummer_drtui.errors import DrtuiError, PreconditionError, UsageError
from aihummer_drtui.recovery import assumptions, catalogue, known_secrets, looking
from aihummer_drtui.recovery.assumptions import ASSUMPTIONS, Grade
from aihummer_drtui.recovery.backup.manifest import Fact
from aihummer_drtui.recovery.catalogue import Catalogue, check_names
from aihummer_drtui.recovery.check import Check, Scene
from aihummer_drtui.recovery.target import MediaLayout, Postgres, Target, VaultLayout, WalArchive
from aihummer_drtui.run.verdict import CheckDescription, Observation, Verdict
from tests.recovery.sealing import sealed_set

SHIPPED = {
    "version-installed",
    "version-running",
    "postgres-tools",
    "backup-set",
    "key-escrow",
    "vault-in-dump",
    "master-key",
    "gateway-env",
    "recovery-point",
    "database-reachable",
    "database-ready",
    "wal-reach",
    "dump-intact",
    "database-restored",
    "space",
    "blob-folder",
    "blobs-referenced",
    "vault-opens",
    "healthz",
    "readyz",
    "smoke",
    "media-token",
}


def _with(monkeypatch: pytest.MonkeyPatch, look: Callable[[Scene], Observation], time_out: float = 5) -> None:
    description = CheckDescription(name="one", title="One", proves="something", time_out=time_out)
    checks = MappingProxyType({"one": Check(description=description, look=look)})
    monkeypatch.setattr(catalogue, "all_checks", lambda: checks)


def test_every_check_says_what_it_proves_and_is_called_once() -> None:
    """The names that the shipped runbook uses are there."""
    names = check_names()
    assert len(set(names)) == len(names)
    assert set(names) == SHIPPED
    described = [Catalogue(Target()).describe(name) for name in names]
    assert all(one is not None and one.proves and one.title and one.time_out > 0 for one in described)
    assert Catalogue(Target()).describe("nothing") is None


@pytest.mark.parametrize(
    ("error", "observed"),
    [
        (PreconditionError("no \x1b[31mway", where="here", hint="go"), "here: no \\x1b[31mway"),
        (ValueError("secret canary"), "the look itself broke: builtins.ValueError"),
        (PermissionError(13, "Permission denied"), "builtins.PermissionError (Permission denied)"),
    ],
)
def test_a_look_that_breaks_is_unknown(
    monkeypatch: pytest.MonkeyPatch, error: Exception, observed: str
) -> None:
    """The class is named, the text is clean, and an unforeseen message is not repeated."""

    def broken(_: Scene) -> Observation:
        raise error

    _with(monkeypatch, broken)
    seen = Catalogue(Target()).look("one", {})
    assert seen.verdict is Verdict.UNKNOWN
    assert observed in seen.observed
    assert seen.hint
    assert "canary" not in repr(seen)


def test_nothing_is_shown_where_the_secrets_cannot_be_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look never raises, and what could not be masked is not told."""

    def broken(*_: object) -> frozenset[bytes]:
        raise RuntimeError

    def seen(_: Scene) -> Observation:
        return Observation(verdict=Verdict.PASSED, expected="x", observed="canary")

    _with(monkeypatch, seen)
    monkeypatch.setattr(known_secrets, "known_secrets", broken)
    told = Catalogue(Target()).look("one", {})
    assert (told.verdict, "canary" in repr(told)) == (Verdict.UNKNOWN, False)
    assert "RuntimeError" in told.observed


def test_a_name_that_is_not_there_is_unknown() -> None:
    """As a look, that is; the command line refuses it before."""
    assert Catalogue(Target()).look("nothing", {}).verdict is Verdict.UNKNOWN
    with pytest.raises(UsageError, match="nothing"):
        list(looking.look_at_each(Catalogue(Target()), ["nothing"], {}))


def test_a_look_that_hangs_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for."""
    import threading

    never = threading.Event()

    def hangs(_: Scene) -> Observation:
        never.wait(20)
        raise PreconditionError("late", hint="")

    _with(monkeypatch, hangs, time_out=0.2)
    (looked,) = looking.look_at_each(Catalogue(Target()), ["one"], {})
    never.set()
    assert looked.observation.verdict is Verdict.UNKNOWN
    assert "no answer within" in looked.observation.observed


def test_the_newest_sealed_set_is_proposed(tmp_path: Path) -> None:
    """Newest by recovery point, not by name; what was not sealed is no candidate."""
    first, second = tmp_path / "one", tmp_path / "two"
    sealed_set(first / "z", recovery_point="2024-01-01T00:00:00+00:00")
    newest = sealed_set(second / "a", recovery_point="2024-03-01T00:00:00+00:00")
    (second / "unsealed").mkdir()
    sealed_set(second / "spoilt", recovery_point="2025-01-01T00:00:00+00:00")
    spoilt = second / "spoilt" / "manifest.json"
    spoilt.write_bytes(spoilt.read_bytes()[:-30])
    target = Target(backup_places=(first, second, tmp_path / "none"), inputs={"KEY_FILE": "/k"})
    assert Catalogue(target).suggestion("BACKUP_SET") == str(newest)
    assert Catalogue(target).suggestion("KEY_FILE") == "/k"
    assert Catalogue(target).suggestion("OTHER") is None
    assert Catalogue(Target(backup_places=(tmp_path / "none",))).suggestion("BACKUP_SET") is None


def test_the_identity_of_no_database_is_an_error(tmp_path: Path) -> None:
    """An irreversible command is never offered on an unknown target."""
    with pytest.raises(PreconditionError):
        Catalogue(Target(gateway_env=tmp_path / "none")).identity()


def test_every_unknown_is_unproven_or_told() -> None:
    """No check may pass on what nobody knows: it reports `unproven`, or the target's file says it."""
    for assumption in ASSUMPTIONS:
        if assumption.grade is Grade.UNKNOWN:
            assert assumption.override or assumption.unproven_by, assumption.name
        if assumption.unproven_by:
            assert assumption.unproven_by in check_names(), assumption.name


def test_every_override_is_a_key_of_the_target() -> None:
    """What is said to be overridable is."""
    keys = {field.replace("_", "-") for field in Target.__struct_fields__}
    keys |= {f"media.{field.replace('_', '-')}" for field in MediaLayout.__struct_fields__}
    keys |= {f"vault.{field.replace('_', '-')}" for field in VaultLayout.__struct_fields__}
    assert {one.override for one in assumptions.ASSUMPTIONS if one.override} <= keys


@pytest.mark.parametrize(
    "name", ["vault-opens", "media-token", "version-installed", "master-key", "blobs-referenced"]
)
def test_checks_of_the_unknown_are_unproven_while_nobody_tells(tmp_path: Path, name: str) -> None:
    """On a target that tells nothing beyond the documentation."""
    program = tmp_path / "aihummer"
    program.write_text("#!/bin/sh\necho welcome\n")
    program.chmod(0o755)
    env = tmp_path / "gateway.env"
    key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    env.write_text(f"AIHUMMER_MASTER_KEY={key}\nAIHUMMER_BLOB_DIR=/b\n")
    seen = Catalogue(Target(gateway_env=env, path=(tmp_path,))).look(name, {})
    assert (seen.verdict, bool(seen.hint)) == (Verdict.UNPROVEN, True)


def test_a_whole_set_is_proposed_before_a_later_dump_alone(tmp_path: Path) -> None:
    """Pressing Enter at the first input must not leave the blobs behind."""
    whole = sealed_set(tmp_path / "whole", recovery_point="2024-01-01T00:00:00+00:00")
    sealed_set(tmp_path / "dump", recovery_point="2024-01-02T00:00:00+00:00", unproven=(Fact.BLOBS,))
    assert Catalogue(Target(backup_places=(tmp_path,))).suggestion("BACKUP_SET") == str(whole)


def test_a_lost_server_does_not_shut_the_gate_where_a_whole_one_can_be_brought_back(tmp_path: Path) -> None:
    """The operator is told that nothing can be seen of it, and that all of it is replaced."""
    env = tmp_path / "gateway.env"
    env.write_text(f"AIHUMMER_DATABASE_URL=postgres://hum@{str(tmp_path).replace('/', '%2F')}/hum\n")
    target = Target(gateway_env=env)
    with pytest.raises(DrtuiError):
        Catalogue(target).identity()
    kept = msgspec.structs.replace(
        target,
        wal=WalArchive(archive=tmp_path),
        postgres=Postgres(data_directory=tmp_path / "main"),
    )
    identity = Catalogue(kept).identity()
    assert identity.database == "hum"
    assert "cannot be seen" in identity.facts[0]
    assert f"whole server is replaced, {tmp_path}/main" in identity.facts[1]
