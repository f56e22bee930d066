"""Other people's programs that bring a blob folder: rsync, rclone, restic.

Each is given an allow-list of its own variables, so that secrets come from its configuration and never
stand in argv. Each goes on by its own means where an earlier try was; what it brought is judged after it.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, assert_never

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.blobs.place import make_own_folder
from aihummer_drtui.recovery.blobs.removal import remove_tree
from aihummer_drtui.recovery.blobs.source import (
    EngineSource,
    RcloneSource,
    ResticSource,
    RsyncSource,
    source_text,
    without_passwords,
)
from aihummer_drtui.recovery.children import child_environment, run_child
from aihummer_drtui.recovery.database.program import run_program
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target

_OF_CLOUDS: Final = ("AWS_", "AZURE_", "B2_", "GOOGLE_", "OS_", "ST_")
_OWN: Final = {
    "rsync": ("RSYNC_", "SSH_AUTH_SOCK"),
    "rclone": ("RCLONE_", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME", *_OF_CLOUDS),
    "restic": ("RESTIC_", "RCLONE_", "SSH_AUTH_SOCK", "XDG_CACHE_HOME", *_OF_CLOUDS),
}
"""Beginnings of the variables that each program is let have of ours."""


def bring_by_engine(source: EngineSource, folder: Path, target: Target, reporter: Reporter) -> None:
    """Let the source's program fill `folder`; what is in it and not in the source goes.

    Raises PreconditionError when the program is missing, FailedError when it does not end with 0, OSError.
    """
    reporter.phase(f"bringing blobs by {_program_of(source)}")
    match source:
        case RsyncSource():
            # Links come as links, so that they are seen and refused; devices and pipes do not come.
            options = ("--recursive", "--links", "--times", "--delete", "--partial", "--no-human-readable")
            _run(source, target, [*options, "--", f"{source.place.rstrip('/')}/", f"{folder}/"], reporter)
        case RcloneSource():
            config = target.blobs.rclone_config
            named = ("--config", str(config)) if config else ()
            _run(source, target, ["sync", *named, "--", source.place, str(folder)], reporter)
        case ResticSource():
            _by_restic(source, folder, target, reporter)
        case _:
            assert_never(source)


def _by_restic(source: ResticSource, folder: Path, target: Target, reporter: Reporter) -> None:
    """Restic restores whole paths: beside first, then the folder that was asked for takes its place."""
    path = source.path or _only_path(source, target)
    beside = folder.with_name(f"{folder.name}.restic")
    make_own_folder(beside)
    escaped = "".join(f"[{each}]" if each in "*?[" else each for each in path)
    arguments = ["restore", source.snapshot, "--include", escaped, "--target", str(beside)]
    _run(source, target, [*_restic_options(target), *arguments], reporter)
    brought = beside / path.lstrip("/")
    if not brought.is_dir() or brought.is_symlink():
        raise FailedError(
            f"the snapshot has no folder {cleaned_line(path)}",
            where=source_text(source),
            hint="`restic ls` shows what is in it; name the folder: restic:REPOSITORY#snapshot:/path",
        )
    remove_tree(folder)
    brought.rename(folder)
    folder.chmod(0o700)
    remove_tree(beside)


def _only_path(source: ResticSource, target: Target) -> str:
    arguments = [*_restic_options(target), "snapshots", "--json", source.snapshot]
    program, environment = find_engine(source, target)
    done = run_child([program, *arguments], target, seconds=300, limit=4_000_000, more=environment)
    try:
        paths = json.loads(done.output.strip().rpartition("\n")[2])[-1]["paths"] if done.succeeded else None
    except (ValueError, LookupError, TypeError):
        paths = None
    if not done.succeeded:
        raise _failed(source, f"ended: {done.ending}", _cause(source, done.output))
    if not isinstance(paths, list) or len(paths) != 1 or not isinstance(paths[0], str):
        raise FailedError(
            "it is not clear which folder of the snapshot holds the blobs",
            where=source_text(source),
            hint="name it: restic:REPOSITORY#snapshot:/path",
        )
    return paths[0].rstrip("/")


def _restic_options(target: Target) -> tuple[str, ...]:
    file = target.blobs.restic_password_file
    return ("--no-lock", *(("--password-file", str(file)) if file else ()))


def _program_of(source: EngineSource) -> str:
    match source:
        case RsyncSource():
            return "rsync"
        case RcloneSource():
            return "rclone"
        case ResticSource():
            return "restic"
        case _:
            assert_never(source)


def find_engine(source: EngineSource, target: Target) -> tuple[str, Mapping[str, str]]:
    """The source's program, and what it is given as its environment.

    Raises PreconditionError when it is missing.
    """
    name = _program_of(source)
    environment = child_environment(target)
    program = shutil.which(name, path=environment["PATH"])
    if program is None:
        raise PreconditionError(
            f"the program {name} is not on the PATH",
            where=source_text(source),
            hint=f"install it (apt-get install {name}), or name its folder in `path` of target.toml",
        )
    environment |= _only_own(name, os.environ)
    if isinstance(source, ResticSource):
        # By the environment: a repository's URL may hold a password.
        environment["RESTIC_REPOSITORY"] = source.repository
    return program, environment


def _only_own(name: str, environment: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in environment.items() if key.startswith(_OWN[name])}


def _run(source: EngineSource, target: Target, arguments: Sequence[str], reporter: Reporter) -> None:
    program, environment = find_engine(source, target)
    ended = run_program(
        [program, *arguments],
        environment=environment,
        descriptors=(),
        meanwhile=lambda: reporter.reached(0),
    )
    if ended.code != 0:
        raise _failed(source, ended.how, _cause(source, ended.words))


def _cause(source: EngineSource, words: str) -> str:
    """The line that names the cause: the first of what rsync and restic say, the last of rclone's notices."""
    lines = [line for line in words.splitlines() if line.strip()] or ["it said nothing"]
    return lines[-1 if isinstance(source, RcloneSource) else 0]


def _failed(source: EngineSource, how: str, words: str) -> FailedError:
    return FailedError(
        f"{_program_of(source)} {how}: {cleaned_line(without_passwords(words), 300)}",
        where=source_text(source),
        hint="the live blobs were not touched; mend that, then run the same command again: it goes on",
    )
