"""The target's configuration: found, trusted, and all that is wrong with it told at once."""

import os
import tomllib
from pathlib import Path

import pytest

from aihummer_drtui.errors import PreconditionError, UsageError
from aihummer_drtui.recovery.target import (
    CiphertextForm,
    Encoding,
    MediaLayout,
    SandboxMark,
    Target,
    VaultLayout,
)
from aihummer_drtui.recovery.target_file import load_target


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a path in a folder that only we can write."""
    tmp_path.chmod(0o755)
    return tmp_path / "target.toml"


def test_every_key_reaches_its_place(file: Path) -> None:
    """A full configuration, as docs/target.md shows it."""
    file.write_text(
        """
        name = "eu-1"
        gateway-env = "/srv/gateway.env"
        aihummer = "/opt/aihummer"
        smoke = "~/smoke.sh"
        path = ["/opt/bin"]
        base-url = "https://gateway.example"
        backup-places = ["/a", "/b"]
        postgres-bin = "/pg/bin"
        maintenance-database = "template1"
        inputs = { KEY_FILE = "~/escrow" }
        media = { references = "SELECT 3", signed-path = "/v1/x" }
        sandbox = { id = "abc", root = "/sandbox" }
        [vault]
        data-keys = "SELECT 1"
        values = "SELECT 2"
        nonce-bytes = 16
        value-aad = "{name}"
        wrapping = { layout = "ciphertext", encoding = "hex" }
        """
    )
    assert load_target(file) == Target(
        name="eu-1",
        gateway_env=Path("/srv/gateway.env"),
        aihummer="/opt/aihummer",
        smoke=Path.home() / "smoke.sh",
        path=(Path("/opt/bin"),),
        base_url="https://gateway.example",
        backup_places=(Path("/a"), Path("/b")),
        postgres_bin=Path("/pg/bin"),
        maintenance_database="template1",
        inputs={"KEY_FILE": str(Path.home() / "escrow")},
        vault=VaultLayout(
            data_keys="SELECT 1",
            values="SELECT 2",
            nonce_bytes=16,
            value_aad="{name}",
            wrapping=CiphertextForm(layout="ciphertext", encoding=Encoding.HEX),
        ),
        media=MediaLayout(references="SELECT 3", signed_path="/v1/x"),
        sandbox=SandboxMark(id="abc", root=Path("/sandbox")),
    )


def test_all_problems_are_told_at_once_with_file_and_key(file: Path) -> None:
    """One edit, not one per run."""
    file.write_text(
        'name = 3\nbasurl = "x"\nsmoke = "relative"\nbackup-places = ["/a", 3]\nmedia = 1\n'
        "[vault]\nfoo = 1\n[inputs]\nKEY_FILE = 3\n"
    )
    with pytest.raises(UsageError) as told:
        load_target(file)
    for part in (
        "name: Expected `str`",
        "basurl: unknown key (did you mean base-url?)",
        "smoke: A path must be absolute",
        "backup-places[1]:",
        "media: must be a table",
        "vault.foo: unknown key",
        "vault.data-keys: is missing",
        "inputs[...]: Expected `str`",
    ):
        assert f"{file}: {part}" in told.value.what


def test_values_that_mean_nothing_are_told(file: Path) -> None:
    """The right type is not enough."""
    file.write_text(
        'name = " "\naihummer = "bin/aihummer"\nbase-url = "gateway:1"\nbackup-places = []\n'
        '[inputs]\nkey-file = "x"\n[media]\nsigned-path = "v1"\n'
        '[vault]\ndata-keys = " "\nvalues = ""\nnonce-bytes = 3\nvalue-aad = "{tenat}"\n'
        '[vault.wrapping]\nlayout = "nonce+tag"\nprefix-bytes = -1\n'
    )
    with pytest.raises(UsageError) as told:
        load_target(file)
    assert len(told.value.what.splitlines()) == 13
    assert f"{file}: vault.wrapping.layout: must be ciphertext and" in told.value.what


@pytest.mark.parametrize("content", [b"name = ", b"\xff", b"a = 1\na = 2\n", b"[" * 3000])
def test_what_is_no_toml_is_told(file: Path, content: bytes) -> None:
    """With the file's name, and the line where the parser knows it."""
    file.write_bytes(content)
    with pytest.raises(UsageError, match="TOML") as told:
        load_target(file)
    assert str(file) in str(told.value)


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_x06_a_file_that_others_can_write_is_refused(file: Path, mode: int) -> None:
    """It says which SQL and which programs are run."""
    file.write_text("")
    file.chmod(mode)
    with pytest.raises(PreconditionError, match="can be written by other accounts"):
        load_target(file)


def test_x06_a_folder_that_others_can_write_is_refused(file: Path) -> None:
    """Who can rename in it can replace the file; a sticky folder like /tmp protects it."""
    file.write_text("")
    file.parent.chmod(0o777)
    with pytest.raises(PreconditionError, match="folder"):
        load_target(file)
    file.parent.chmod(0o1777)
    assert load_target(file) == Target()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_x06_a_file_of_another_account_is_refused(file: Path) -> None:
    """Its owner can change it after it was looked at."""
    file.write_text("")
    os.chown(file, 12345, 0)
    with pytest.raises(PreconditionError, match="12345"):
        load_target(file)


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo", "huge"])
def test_x06_what_is_no_file_is_refused(file: Path, kind: str) -> None:
    """Named, and without waiting."""
    match kind:
        case "folder":
            file.mkdir()
        case "fifo":
            os.mkfifo(file)
        case "huge":
            file.write_bytes(b"#" * 1_000_001)
        case _:
            pass
    with pytest.raises(PreconditionError) as refused:
        load_target(file)
    assert str(file) in str(refused.value)


def test_nobody_saying_where_means_the_users_file_or_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any file the defaults of AiHummer's documentation hold."""
    monkeypatch.setattr("aihummer_drtui.recovery.target_file.SYSTEM_FILE", tmp_path / "none")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert load_target(None) == Target()
    (tmp_path / "aihummer-drtui").mkdir(mode=0o755)
    (tmp_path / "aihummer-drtui" / "target.toml").write_text('name = "mine"\n')
    assert load_target(None).name == "mine"


def test_the_documented_example_is_valid(file: Path) -> None:
    """docs/target.md shows a file that loads, and names every key but the sandbox's."""
    page = Path(__file__).parents[2] / "docs" / "target.md"
    example, *others = (block.partition("```")[0] for block in page.read_text().split("```toml\n")[1:])
    file.write_text(example)
    assert load_target(file).vault is not None
    keys = {name.replace("_", "-") for name in Target.__struct_fields__} - {"sandbox"}
    assert keys <= set(tomllib.loads(example)) | {"pgbackrest", "barman"}
    for other in others:
        file.write_text(other)
        load_target(file)
    assert {table for other in others for table in tomllib.loads(other)} >= {"pgbackrest", "barman"}


def test_wal_has_one_keeper(file: Path) -> None:
    """A recovery from the wrong one of two would bring back another moment than the one that was chosen."""
    file.write_text('[wal]\narchive = "/a"\n[pgbackrest]\nstanza = "main"\n[barman]\nserver = "main"\n')
    with pytest.raises(UsageError) as told:
        load_target(file)
    for table in ("pgbackrest", "barman"):
        assert f"{file}: {table}: WAL has one keeper, and [wal] is here already" in told.value.what


@pytest.mark.parametrize("name", ["", "-x", "../other", "two words", "a/b", "x\\u0000"])
def test_x05_names_that_become_words_of_a_command_are_plain(file: Path, name: str) -> None:
    """A stanza or server that looks like an option or a path is none."""
    for table, key in (("pgbackrest", "stanza"), ("barman", "server")):
        file.write_text(f'[{table}]\n{key} = "{name}"\nprogram = "a/b"\n')
        with pytest.raises(UsageError) as told:
            load_target(file)
        assert f"{table}.{key}: must be letters" in told.value.what
        assert f"{table}.program: must be a program's bare name" in told.value.what
