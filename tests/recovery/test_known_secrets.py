"""Which secrets of a target are known, wherever they stand."""

import pwd
from pathlib import Path

import pytest

from aihummer_drtui.recovery.children import run_child
from aihummer_drtui.recovery.known_secrets import known_secrets
from aihummer_drtui.recovery.target import BlobSettings, Postgres, Target

KEY = "yMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5uc="
OTHER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of one's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def a_target(home: Path, env: str, *, escrow: str = "", admin: str = "", pgpass: str = "") -> Target:
    """A target with these files."""
    (home / "gateway.env").write_text(env)
    (home / "escrow").write_text(escrow)
    (home / ".pgpass").write_text(pgpass)
    (home / "restic").write_text("restic-words\n")
    return Target(
        gateway_env=home / "gateway.env",
        inputs={"KEY_FILE": str(home / "escrow")} if escrow else {},
        postgres=Postgres(admin=admin),
        blobs=BlobSettings(restic_password_file=home / "restic"),
    )


@pytest.mark.parametrize(
    ("env", "secrets"),
    [
        (f"AIHUMMER_MASTER_KEY={KEY}", {KEY}),
        ("AIHUMMER_MEDIA_TOKEN_SECRET='a b c d'", {"a b c d"}),
        ("AIHUMMER_INBOUND_SECRET=in\nMODEL_API_KEY=m\nX_TOKEN=t\nX_PASSPHRASE=p", {"in", "m", "t", "p"}),
        ("AIHUMMER_DATABASE_URL=postgres://a:p%40ss@h/d", {"p%40ss", "p@ss"}),
        ("AIHUMMER_DATABASE_URL=postgres://a:pw@h/d?pool_max_conns=4", {"pw"}),
        ("AIHUMMER_DB_APP_URL='host=h user=a password=pw sslpassword=tls'", {"pw", "tls"}),
        ("AIHUMMER_DATABASE_URL=postgres://a:p@ss@:no:dsn", {"p"}),
        ("SMTP_URL=smtp://mail:sm%2Ftp@host:25/", {"sm%2Ftp"}),
        ("AIHUMMER_GATEWAY_ADDR=127.0.0.1:8765\nAIHUMMER_BLOB_DIR=/b", set()),
        # What stands in every message hides nothing.
        ("AIHUMMER_DATABASE_URL=postgres://owner:owner@h/base", set()),
        ("AIHUMMER_DATABASE_URL=postgres://owner:postgres@h/base", set()),
    ],
)
def test_secrets_of_gateway_env(home: Path, env: str, secrets: set[str]) -> None:
    """By the names of its variables, and in its connection strings."""
    target = a_target(home, env)
    assert known_secrets(target, {}) == {one.encode() for one in secrets | {"restic-words"}}


def test_secrets_of_the_escrow_are_known_before_they_are_written(home: Path) -> None:
    """The one named in the run counts, else the one that target.toml proposes."""
    target = a_target(home, "", escrow=f"AIHUMMER_MASTER_KEY={KEY}\nAIHUMMER_MEDIA_TOKEN_SECRET=media")
    assert {KEY.encode(), b"media"} <= known_secrets(target, {})
    (home / "bare").write_text(OTHER_KEY)
    assert OTHER_KEY.encode() in known_secrets(target, {"KEY_FILE": str(home / "bare")})


def test_secrets_of_password_files(home: Path) -> None:
    """The one a connection string names, the superuser's, and the account's own, with their escapes."""
    (home / "named").write_text("h:5432:d:u:na\\:med\\\\\n#h:1:d:u:comment\nnot a line\n")
    (home / "admin").write_text("*:*:*:*:adm1n\n")
    env = f"AIHUMMER_DATABASE_URL=postgres://a@h/d?passfile={home}/named"
    target = a_target(home, env, admin=f"passfile={home}/admin", pgpass="h:5432:d:me:own\nh:1:d:me:me\n")
    found = known_secrets(target, {})
    assert found == {b"na:med\\", b"adm1n", b"own", b"restic-words"}


def test_nothing_that_is_there_or_not_makes_it_fail(home: Path) -> None:
    """No file, folders in their places, bytes that are no text."""
    assert known_secrets(Target(gateway_env=home / "none"), {"KEY_FILE": str(home)}) == frozenset()
    target = a_target(home, "A_KEY=\nB_KEY=\udcff".encode("utf-8", "surrogateescape").decode("latin-1"))
    assert b"restic-words" in known_secrets(target, {"KEY_FILE": "relative\0"})


def test_k05_what_a_program_of_the_target_says_is_masked(home: Path) -> None:
    """Also where it is shown at a terminal and no supervisor stands between."""
    target = a_target(home, f"AIHUMMER_MASTER_KEY={KEY}")
    said = run_child(["/bin/echo", "starting with", KEY], target, seconds=10)
    assert said.output == "starting with [secret]\n"


def test_an_account_without_a_home_has_no_password_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No HOME and no entry in passwd, as in a container: the others are known all the same."""
    target = a_target(home, f"AIHUMMER_MASTER_KEY={KEY}", pgpass="h:1:d:u:hidden")

    def unknown(_: int) -> object:
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert known_secrets(target, {}) == {KEY.encode(), b"restic-words"}
