"""The vault opens with its own key and with no other, on a real PostgreSQL."""

from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.errors import DrtuiError, FailedError
from aihummer_drtui.recovery.key.vault import look_at_vault
from aihummer_drtui.recovery.target import CiphertextForm, Encoding, VaultLayout
from aihummer_drtui.run.verdict import Verdict
from tests.recovery.key.a_vault import KEY, LAYOUT, fill, make_vault, scene, seal_value
from tests.recovery.small_cluster import MASTER_KEY, Installation


@pytest.fixture
def vault(installation: Installation) -> Installation:
    """Give an installation with two empty tables for a vault."""
    return make_vault(installation)


@pytest.mark.postgres
def test_the_right_key_opens_everything(vault: Installation) -> None:
    """All data keys, and a bounded sample of the values."""
    fill(vault, tenants=3, values=100)
    seen = look_at_vault(scene(vault))
    assert seen.verdict is Verdict.PASSED
    assert seen.observed == "opens 3 of 3 tenants' data keys, 200 sampled values"


@pytest.mark.postgres
def test_k01_another_key_is_a_wrong_key(vault: Installation) -> None:
    """K01: in those words, and without a word of any plaintext or key."""
    fill(vault, key=bytes(range(32)))
    seen = look_at_vault(scene(vault))
    assert seen.verdict is Verdict.FAILED
    assert seen.observed.startswith("wrong key (fingerprint ")
    assert "opens 0 of 3 tenants' data keys" in seen.observed
    assert MASTER_KEY not in seen.observed


@pytest.mark.postgres
@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE keys SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1) WHERE tenant LIKE '%2'",
        "UPDATE vals SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) WHERE name = 'n3'",
        "UPDATE vals SET sealed = substr(sealed, 1, 20) WHERE name = 'n3'",
        "UPDATE vals SET name = 'other' WHERE name = 'n3'",
        "DELETE FROM keys WHERE tenant LIKE '%2'",
    ],
)
def test_k01_one_ciphertext_that_does_not_open_is_no_pass(vault: Installation, damage: str) -> None:
    """One flipped bit, a cut, an exchanged name or a lost data key among all that is well."""
    fill(vault)
    with vault.connect() as connection:
        connection.execute(damage.encode())
    assert look_at_vault(scene(vault)).verdict is Verdict.FAILED


@pytest.mark.postgres
def test_an_empty_vault_proves_nothing(vault: Installation) -> None:
    """There is nothing that a wrong key could fail to open."""
    seen = look_at_vault(scene(vault))
    assert (seen.verdict, "empty" in seen.observed) == (Verdict.UNPROVEN, True)
    fill(vault, values=0)
    seen = look_at_vault(scene(vault))
    assert (seen.verdict, "no values" in seen.warnings[0]) == (Verdict.PASSED, True)


@pytest.mark.postgres
def test_an_unknown_layout_is_unproven(vault: Installation) -> None:
    """With the way for a person to prove it."""
    seen = look_at_vault(scene(vault, None))
    assert (seen.verdict, "by hand" in seen.hint) == (Verdict.UNPROVEN, True)


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("data_keys", "what"),
    [
        ("SELECT no FROM nowhere", "could not be read"),
        ("SELECT tenant FROM keys", "1 columns instead of 2"),
        ("SELECT tenant, 'text' FROM keys", "type str"),
        ("SELECT tenant, wrapped, wrapped FROM keys", "3 columns instead of 2"),
        ("SELECT tenant, NULL::bytea FROM keys", "type NoneType"),
        ("SELECT tenant || '/n1', sealed FROM of_the_master_key", "a data key of 5 bytes"),
        ("SELECT tenant, pg_sleep(0)::text::bytea FROM keys", "wrong key"),
    ],
)
def test_a_layout_that_does_not_fit_is_told(vault: Installation, data_keys: str, what: str) -> None:
    """It is no verdict on the key, except where a ciphertext is simply none."""
    fill(vault)
    with vault.connect() as connection:
        connection.execute("CREATE TABLE of_the_master_key (tenant text, sealed bytea)")
        row = ("tenant", seal_value(KEY, b"plain", "tenant/n1"))
        connection.execute("INSERT INTO of_the_master_key VALUES (%s, %s)", row)
    layout = msgspec.structs.replace(LAYOUT, data_keys=data_keys)
    if what == "wrong key":
        assert look_at_vault(scene(vault, layout)).observed.startswith(what)
        return
    with pytest.raises(FailedError, match=what):
        look_at_vault(scene(vault, layout))


@pytest.mark.postgres
def test_the_look_cannot_write(vault: Installation) -> None:
    """Whatever SQL the configuration holds, the transaction is read-only."""
    fill(vault)
    layout = msgspec.structs.replace(LAYOUT, data_keys="SELECT tenant, wrapped FROM taken()")
    with vault.connect() as connection:
        connection.execute(
            "CREATE FUNCTION taken() RETURNS SETOF keys LANGUAGE sql AS 'DELETE FROM keys RETURNING *'"
        )
    with pytest.raises(FailedError, match="read-only"):
        look_at_vault(scene(vault, layout))


@pytest.mark.postgres
def test_a_dead_server_is_an_error_and_no_verdict(vault: Installation, tmp_path: Path) -> None:
    """Who cannot look has seen nothing."""
    vault.write_env(AIHUMMER_DATABASE_URL=f"postgres://x@{str(tmp_path).replace('/', '%2F')}/x")
    with pytest.raises(DrtuiError):
        look_at_vault(scene(vault))


@pytest.mark.postgres
def test_another_form_is_told_and_opens(vault: Installation) -> None:
    """Values as base64 with line breaks and the tag in front; data keys in hexadecimal, in three columns."""
    fill(vault)
    with vault.connect() as connection:
        for statement in (
            "ALTER TABLE keys ADD nonce text, ADD tag text",
            "ALTER TABLE keys ALTER wrapped TYPE text USING encode(wrapped, 'hex')",
            "UPDATE keys SET nonce = left(wrapped, 24), tag = right(wrapped, 32),"
            " wrapped = substr(wrapped, 25, length(wrapped) - 56)",
            "ALTER TABLE vals ALTER sealed TYPE text USING encode('v1'::bytea"
            " || substr(sealed, length(sealed) - 15) || substr(sealed, 1, length(sealed) - 16), 'base64')",
        ):
            connection.execute(statement.encode())
    layout = VaultLayout(
        data_keys="SELECT tenant, wrapped, nonce, tag FROM keys",
        values="SELECT tenant, name, sealed FROM vals",
        layout="tag + nonce + ciphertext",
        encoding=Encoding.BASE64,
        prefix_bytes=2,
        wrapping=CiphertextForm(layout="ciphertext", encoding=Encoding.HEX),
    )
    seen = look_at_vault(scene(vault, layout))
    assert (seen.verdict, seen.observed) == (
        Verdict.PASSED,
        "opens 3 of 3 tenants' data keys, 15 sampled values",
    )
    wrong = msgspec.structs.replace(layout, layout="nonce+tag+ciphertext")
    assert look_at_vault(scene(vault, wrong)).observed.startswith("wrong key")


@pytest.mark.postgres
def test_a_vault_of_very_many_tenants_is_looked_at_in_part(
    vault: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value whose data key was not fetched is no orphan, and the limit is told."""
    monkeypatch.setattr("aihummer_drtui.recovery.key.opening.MOST_TENANTS", 2)
    fill(vault, tenants=3, values=5)
    seen = look_at_vault(scene(vault))
    assert (seen.verdict, seen.observed) == (
        Verdict.PASSED,
        "opens 2 of 2 tenants' data keys, 10 sampled values",
    )
    assert "more tenants" in seen.warnings[0]
