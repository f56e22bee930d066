"""A drill touches its sandbox and nothing else; a real run never touches a sandbox."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from aihummer_drtui.errors import PreconditionError, UsageError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.database.dsn import Place, dsn_place, libpq_dsn, owner_dsn
from aihummer_drtui.recovery.gateway.environment import DATABASE_URL, read_gateway_env
from aihummer_drtui.recovery.target import SandboxMark, Target
from aihummer_drtui.run.events import Mode

MODE_VARIABLE = "DRTUI_MODE"
_HINT = "a drill acts on a sandbox only: `aihummer-drtui sandbox up`, and its target.toml"


class _Marker(msgspec.Struct, frozen=True):
    """What of a sandbox's `sandbox.json` matters here."""

    id: str
    gateway_port: int = msgspec.field(name="gateway-port", default=0)


def refuse_wrong_mode(target: Target, mode: str) -> None:
    """Let pass a target that a run of this mode may act upon; an empty mode (typed by hand) is either.

    Raises PreconditionError for a drill whose target has anything outside its sandbox, for a real run
    on a sandbox and for a tabletop exercise; UsageError for a mode that there is not.
    """
    if not mode:
        return
    if mode not in set(Mode):
        raise UsageError(
            f"{MODE_VARIABLE} is {cleaned_line(mode, 40)!r}", hint=f"it is one of {', '.join(sorted(Mode))}"
        )
    match Mode(mode):
        case Mode.TABLETOP:
            raise PreconditionError("a tabletop exercise executes nothing", hint="use a drill")
        case Mode.REAL:
            if target.sandbox is not None:
                raise PreconditionError(
                    "this is a real run, and the target is a sandbox",
                    where=str(target.sandbox.root),
                    hint="use --target with the configuration of the real installation",
                )
        case Mode.DRILL | Mode.TRAINING:
            _refuse_anything_outside(target)


def refuse_outside(target: Target, mode: str, path: Path, what: str) -> None:
    """Let pass a place that a run of this mode may touch: found out on the way, not configured.

    Raises PreconditionError for a drill where it lies outside its sandbox.
    """
    if target.sandbox is not None and mode in {Mode.DRILL, Mode.TRAINING}:
        _inside(path, target.sandbox, what)


def _refuse_anything_outside(target: Target) -> None:
    mark = target.sandbox
    if mark is None:
        raise PreconditionError(f"this is a drill, and {target.name} is no sandbox", hint=_HINT)
    marker = _refuse_another_sandbox(mark)
    _inside(target.gateway_env, mark, "gateway-env")
    _refuse_another_gateway(target, marker.gateway_port)
    for program, what in ((target.aihummer, "aihummer"), (str(target.smoke), "smoke")):
        # A bare name would be found on this host when the sandbox has lost its own.
        if not program.startswith("/"):
            raise PreconditionError(
                f"this is a drill, and {what} is no path: this host's own could be started",
                where=cleaned_line(program, 80),
                hint=_HINT,
            )
        _inside(Path(program), mark, what)
    for path, what in _server_places(target):
        _inside(path, mark, what)
    _refuse_another_server(target, mark)
    env = read_gateway_env(target.gateway_env)
    if env.blob_folder is not None:
        _inside(env.blob_folder, mark, "the blob folder")
    if env.get(DATABASE_URL):
        _refuse_another_socket(dsn_place(owner_dsn(env)), mark, "the database", where=str(target.gateway_env))


def _refuse_another_server(target: Target, mark: SandboxMark) -> None:
    """A sandbox's server is started and stopped by pg_ctl, and its WAL comes back by our own command."""
    named = {
        "postgres.start": target.postgres.start,
        "postgres.stop": target.postgres.stop,
        "wal.restore-command": target.wal is not None and target.wal.restore_command,
    }
    for what, command in named.items():
        if command:
            raise PreconditionError(
                f"this is a drill, and {what} is set: it could act on this host's own server",
                where=str(mark.root),
                hint="take it out of the sandbox's target.toml; a sandbox needs none",
            )
    if target.postgres.admin:
        place = dsn_place(libpq_dsn(target.postgres.admin, where="`admin` in [postgres] of target.toml"))
        _refuse_another_socket(place, mark, "postgres.admin", where="`admin` in [postgres] of target.toml")


def _refuse_another_socket(place: Place, mark: SandboxMark, what: str, *, where: str) -> None:
    if not place.host.startswith("/"):
        raise PreconditionError(
            f"this is a drill, and {what} is not the sandbox's: {cleaned_line(str(place), 120)}",
            where=where,
            hint=_HINT,
        )
    _inside(Path(place.host), mark, f"{what}'s socket")


def _server_places(target: Target) -> Iterator[tuple[Path, str]]:
    """Every place that a recovery to a moment reads or replaces, as far as the configuration names it."""
    if target.postgres.data_directory is not None:
        yield target.postgres.data_directory, "postgres.data-directory"
    if target.wal is not None:
        yield target.wal.archive, "wal.archive"
        yield from ((place, "a folder of wal.base-places") for place in target.wal.base_places)
    # Without a configuration of its own, such a program would take the one of this host.
    if target.pgbackrest is not None:
        yield target.pgbackrest.config or Path("/etc/pgbackrest.conf"), "pgbackrest.config"
    if target.barman is not None:
        yield target.barman.config or Path("/etc/barman.conf"), "barman.config"


def _refuse_another_gateway(target: Target, port: int) -> None:
    """A drill that asks a living gateway would be proven by it."""
    if not target.base_url:
        return
    try:
        asked = urlsplit(target.base_url)
        same = (asked.scheme, asked.hostname, asked.port) == ("http", "127.0.0.1", port)
    except ValueError:
        same = False
    if not same:
        raise PreconditionError(
            f"this is a drill, and base-url is not the sandbox's gateway (http://127.0.0.1:{port})",
            where=cleaned_line(target.base_url, 120),
            hint=_HINT,
        )


def _refuse_another_sandbox(mark: SandboxMark) -> _Marker:
    marker = mark.root / "sandbox.json"
    try:
        found = msgspec.json.decode(marker.read_bytes(), type=_Marker)
    except (OSError, msgspec.MsgspecError) as error:
        raise PreconditionError(
            f"the sandbox's mark cannot be read: {cleaned_line(str(error))}", where=str(marker), hint=_HINT
        ) from None
    if found.id != mark.id:
        raise PreconditionError(
            f"this is another sandbox ({cleaned_line(found.id, 60)}, not {cleaned_line(mark.id, 60)})",
            where=str(marker),
            hint="use the target.toml that lies in the sandbox's own folder",
        )
    return found


def _inside(path: Path, mark: SandboxMark, what: str) -> None:
    # Resolved: a link inside the sandbox must not lead a drill out of it.
    if not path.resolve().is_relative_to(mark.root.resolve()):
        raise PreconditionError(
            f"this is a drill, and {what} is outside the sandbox {mark.root}", where=str(path), hint=_HINT
        )
