"""X09: a drill against anything but its sandbox is impossible, and so is a real run against a sandbox."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from aihummer_drtui.errors import PreconditionError, UsageError
from aihummer_drtui.recovery.drill_safety import refuse_outside, refuse_wrong_mode
from aihummer_drtui.recovery.target import Barman, PgBackRest, Postgres, SandboxMark, Target, WalArchive


@pytest.fixture
def sandbox(tmp_path: Path) -> Target:
    """Give a target that lies wholly in its sandbox."""
    root = tmp_path / "sandbox"
    (root / "host").mkdir(parents=True)
    (root / "sandbox.json").write_text('{"id": "abc", "gateway-port": 20001}')
    target = Target(
        gateway_env=root / "host" / "gateway.env",
        aihummer=str(root / "host" / "bin" / "aihummer"),
        smoke=root / "host" / "smoke.sh",
        base_url="http://127.0.0.1:20001",
        sandbox=SandboxMark(id="abc", root=root),
    )
    _write(target, root / "pg", root / "blobs")
    return target


def _write(target: Target, socket: Path | str, blobs: Path) -> None:
    host = str(socket).replace("/", "%2F")
    target.gateway_env.write_text(f"AIHUMMER_DATABASE_URL=postgres://u@{host}/x\nAIHUMMER_BLOB_DIR={blobs}\n")


@pytest.mark.parametrize("mode", ["drill", "training", ""])
def test_a_drill_may_act_on_its_sandbox(sandbox: Target, mode: str) -> None:
    """Everything it would touch lies inside; also while gateway.env is lost."""
    refuse_wrong_mode(sandbox, mode)
    sandbox.gateway_env.unlink()
    refuse_wrong_mode(sandbox, mode)


def test_x09_a_real_run_may_not(sandbox: Target) -> None:
    """Nobody shall believe to have recovered what was a stand-in."""
    with pytest.raises(PreconditionError, match="real run"):
        refuse_wrong_mode(sandbox, "real")
    refuse_wrong_mode(Target(), "real")


@pytest.mark.parametrize("mode", ["drill", "training"])
def test_x09_a_drill_without_a_sandbox_is_refused(mode: str) -> None:
    """The default target is the real one."""
    with pytest.raises(PreconditionError, match="no sandbox"):
        refuse_wrong_mode(Target(), mode)


def test_x09_a_drill_does_not_reach_out_of_its_sandbox(sandbox: Target, tmp_path: Path) -> None:
    """Database by TCP or another socket, blobs, gateway.env, links: each is refused."""
    root = sandbox.gateway_env.parent.parent
    for socket, blobs, what in (
        ("db.example", root / "blobs", "database"),
        ("/var/run/postgresql", root / "blobs", "socket"),
        (root / "pg", tmp_path / "elsewhere", "blob folder"),
        (root / "pg", root / ".." / "elsewhere", "blob folder"),
    ):
        _write(sandbox, socket, blobs)
        with pytest.raises(PreconditionError, match=what):
            refuse_wrong_mode(sandbox, "drill")
    (tmp_path / "outside").mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    _write(sandbox, root / "pg", root / "link" / "blobs")
    with pytest.raises(PreconditionError, match="blob folder"):
        refuse_wrong_mode(sandbox, "drill")
    with pytest.raises(PreconditionError, match="gateway-env"):
        refuse_wrong_mode(msgspec.structs.replace(sandbox, gateway_env=tmp_path / "gateway.env"), "drill")


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"postgres": Postgres(data_directory=Path("/var/lib/postgresql/17/main"))}, "data-directory"),
        ({"wal": WalArchive(archive=Path("/var/backups/wal"))}, "wal.archive"),
        (
            {"wal": WalArchive(archive=Path("{root}/wal"), base_places=(Path("{root}/base"), Path("/base")))},
            "base-places",
        ),
        ({"pgbackrest": PgBackRest(stanza="main")}, "pgbackrest.config"),
        ({"barman": Barman(server="main", config=Path("/etc/barman.conf"))}, "barman.config"),
        ({"postgres": Postgres(start=("systemctl", "start", "postgresql"))}, "postgres.start is set"),
        ({"postgres": Postgres(stop=("systemctl", "stop", "postgresql"))}, "postgres.stop is set"),
        (
            {"wal": WalArchive(archive=Path("{root}/wal"), restore_command="scp backup:%f %p")},
            "wal.restore-command is set",
        ),
        ({"postgres": Postgres(admin="host=db.example user=postgres")}, "postgres.admin is not"),
        ({"postgres": Postgres(admin="host=/var/run/postgresql user=postgres")}, "postgres.admin's socket"),
        ({"postgres": Postgres(admin="user=postgres")}, "postgres.admin is not"),
        ({"postgres": Postgres(admin="host={root}/pg hostaddr=10.0.0.1")}, "postgres.admin is not"),
    ],
)
def test_x09_a_drill_neither_reads_nor_replaces_another_server(
    sandbox: Target, changes: dict[str, Any], what: str
) -> None:
    """Data directory, archive, base backups, other keepers: all lie in the sandbox, or it is refused."""
    assert sandbox.sandbox is not None
    root = str(sandbox.sandbox.root)
    if wal := changes.get("wal"):
        changes = {
            "wal": msgspec.structs.replace(
                wal,
                archive=Path(str(wal.archive).replace("{root}", root)),
                base_places=tuple(Path(str(one).replace("{root}", root)) for one in wal.base_places),
            )
        }
    if postgres := changes.get("postgres"):
        admin = postgres.admin.replace("{root}", root)
        changes = {"postgres": msgspec.structs.replace(postgres, admin=admin)}
    target = msgspec.structs.replace(sandbox, **changes)
    with pytest.raises(PreconditionError, match=what):
        refuse_wrong_mode(target, "drill")
    refuse_wrong_mode(target, "")
    inside = msgspec.structs.replace(sandbox, postgres=Postgres(admin=f"host={root}/pg user=postgres"))
    refuse_wrong_mode(inside, "drill")


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"aihummer": "aihummer"}, "aihummer is no path"),
        ({"aihummer": "/usr/local/bin/aihummer"}, "aihummer is outside"),
        ({"smoke": Path("/home/.aihummer/deploy/host/smoke.sh")}, "smoke is outside"),
        ({"base_url": "https://gateway.example"}, "base-url is not the sandbox's"),
        ({"base_url": "http://127.0.0.1:8765"}, "base-url is not the sandbox's"),
        ({"base_url": "http://127.0.0.1:20001@gateway.example"}, "base-url is not the sandbox's"),
        ({"base_url": "http://[::1"}, "base-url is not the sandbox's"),
    ],
)
def test_x09_a_drill_neither_starts_nor_asks_the_real_one(
    sandbox: Target, changes: dict[str, Any], what: str
) -> None:
    """The real program, found where the sandbox has lost its own; a living gateway, always green."""
    target = msgspec.structs.replace(sandbox, **changes)
    for mode in ("drill", "training"):
        with pytest.raises(PreconditionError, match=what):
            refuse_wrong_mode(target, mode)
    refuse_wrong_mode(msgspec.structs.replace(sandbox, base_url=""), "drill")


def test_x09_a_link_in_the_sandbox_does_not_lead_to_the_real_program(sandbox: Target, tmp_path: Path) -> None:
    """Resolved before it is believed."""
    program = Path(sandbox.aihummer)
    program.parent.mkdir()
    program.symlink_to(tmp_path / "aihummer")
    with pytest.raises(PreconditionError, match="aihummer is outside"):
        refuse_wrong_mode(sandbox, "drill")


def test_x09_what_is_found_on_the_way_is_held_to_the_same(sandbox: Target, tmp_path: Path) -> None:
    """The data directory that a server itself tells."""
    assert sandbox.sandbox is not None
    refuse_outside(sandbox, "drill", sandbox.sandbox.root / "pg", "the data directory")
    refuse_outside(sandbox, "", tmp_path / "pg", "the data directory")
    refuse_outside(Target(), "real", tmp_path / "pg", "the data directory")
    for mode in ("drill", "training"):
        with pytest.raises(PreconditionError, match="the data directory is outside"):
            refuse_outside(sandbox, mode, tmp_path / "pg", "the data directory")


@pytest.mark.parametrize("text", ['{"id": "other"}', "", "{}", '{"id": 3}'])
def test_x09_a_mark_that_does_not_fit_is_refused(sandbox: Target, text: str) -> None:
    """The folder was made anew, or never was a sandbox."""
    assert sandbox.sandbox is not None
    (sandbox.sandbox.root / "sandbox.json").write_text(text)
    with pytest.raises(PreconditionError):
        refuse_wrong_mode(sandbox, "drill")


def test_other_modes_execute_nothing(sandbox: Target) -> None:
    """A tabletop exercise has no commands, and an unknown mode is nobody's."""
    with pytest.raises(PreconditionError):
        refuse_wrong_mode(sandbox, "tabletop")
    with pytest.raises(UsageError):
        refuse_wrong_mode(sandbox, "Drill")
