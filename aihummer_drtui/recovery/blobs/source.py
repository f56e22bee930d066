"""Where blobs may be brought from, as it is typed after `--from`."""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, assert_never

from aihummer_drtui.errors import UsageError
from aihummer_drtui.foreign import cleaned_line

FORMS: Final = (
    "FOLDER, FILE.tar[.gz|.zst][#inside], rsync:[HOST:]/path, rclone:remote:path, "
    "restic:REPOSITORY[#snapshot[:path]]"
)


class Packing(StrEnum):
    """How a tar is compressed."""

    NONE = "none"
    GZIP = "gzip"
    ZSTANDARD = "zstandard"


@dataclass(frozen=True, kw_only=True)
class FolderSource:
    """A folder of this host."""

    path: Path


@dataclass(frozen=True, kw_only=True)
class TarSource:
    """A tar archive of this host."""

    path: Path
    packing: Packing
    inside: str
    """The folder in it that is the blob folder; empty = its root."""


@dataclass(frozen=True, kw_only=True)
class RsyncSource:
    """A folder that rsync reaches: by ssh, by its own protocol, or here."""

    place: str


@dataclass(frozen=True, kw_only=True)
class RcloneSource:
    """A folder of a remote that rclone's configuration names."""

    place: str


@dataclass(frozen=True, kw_only=True)
class ResticSource:
    """A folder in a snapshot of a restic repository."""

    repository: str
    snapshot: str
    path: str
    """In the snapshot; empty = the one folder that was backed up."""


EngineSource = RsyncSource | RcloneSource | ResticSource
Source = FolderSource | TarSource | EngineSource

_PACKINGS: Final = {
    ".tar": Packing.NONE,
    ".tar.gz": Packing.GZIP,
    ".tgz": Packing.GZIP,
    ".tar.zst": Packing.ZSTANDARD,
    ".tzst": Packing.ZSTANDARD,
}
_HOST: Final = re.compile(
    r"(?:[A-Za-z0-9._][A-Za-z0-9._-]*@)?(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])"
)
_REMOTE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. +@-]*:")
_SNAPSHOT: Final = re.compile(r"latest|[0-9a-f]{4,64}")


def parse_source(text: str) -> Source:
    """What `--from` names. Raises UsageError for what is none of the known forms."""
    if not text or "\0" in text or cleaned_line(text, 5000) != text:
        raise _bad(text, "is empty, or holds control characters")
    kind, colon, rest = text.partition(":")
    match kind if colon else "":
        case "rsync":
            return _rsync(text, rest)
        case "rclone":
            return _rclone(text, rest)
        case "restic":
            return _restic(text, rest)
        case _:
            return _local(text)


def _local(text: str) -> Source:
    name, mark, inside = text.rpartition("#")
    if not mark or _is_there(Path(text)):
        name, inside = text, ""
    lower = name.lower()
    for ending, packing in _PACKINGS.items():
        if lower.endswith(ending) and not Path(name).is_dir():
            return TarSource(path=Path(name).absolute(), packing=packing, inside=_inside(text, inside))
    return FolderSource(path=Path(text).absolute())


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _inside(text: str, inside: str) -> str:
    parts = [part for part in inside.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise _bad(text, "leads out of the archive")
    return "/".join(parts)


def _rsync(text: str, rest: str) -> RsyncSource:
    if rest.startswith("///"):
        rest = rest[2:]
    if rest.startswith("//"):
        host, slash, _ = rest[2:].partition("/")
        known = _HOST.fullmatch(host.rpartition(":")[0] if re.search(r":\d+$", host) else host)
        if not known or not slash:
            raise _bad(text, "is no rsync://HOST/MODULE/path")
        return RsyncSource(place=f"rsync:{rest}")
    if rest.startswith("/"):
        return RsyncSource(place=rest)
    host, colon, path = rest.partition("]:") if rest.startswith("[") else rest.partition(":")
    host += "]" if colon == "]:" else ""
    if not _HOST.fullmatch(host) or not path.startswith("/"):
        raise _bad(text, "names neither HOST:/path nor /path")
    return RsyncSource(place=rest)


def _rclone(text: str, rest: str) -> RcloneSource:
    # A remote made up on the spot (":sftp,pass=…:") would bring secrets into argv.
    if not _REMOTE.match(rest):
        raise _bad(text, "names no remote of rclone's configuration")
    return RcloneSource(place=rest)


def _restic(text: str, rest: str) -> ResticSource:
    repository, _, of = rest.partition("#")
    snapshot, _, path = of.partition(":")
    snapshot = snapshot or "latest"
    if not repository or not _SNAPSHOT.fullmatch(snapshot):
        raise _bad(text, "names no repository, or no snapshot (`latest`, or its id)")
    if path and (not path.startswith("/") or ".." in path.split("/")):
        raise _bad(text, "names a path in the snapshot that is not absolute")
    return ResticSource(repository=repository, snapshot=snapshot, path=path.rstrip("/"))


def _bad(text: str, why: str) -> UsageError:
    return UsageError(f"--from {cleaned_line(text)} {why}", hint=f"it is one of: {FORMS}")


def source_text(source: Source) -> str:
    """The source in one clean line, a password in a URL left out."""
    match source:
        case FolderSource():
            text = str(source.path)
        case TarSource():
            text = f"{source.path}{f'#{source.inside}' if source.inside else ''}"
        case RsyncSource() | RcloneSource():
            text = source.place
        case ResticSource():
            text = f"restic:{source.repository}#{source.snapshot}{f':{source.path}' if source.path else ''}"
        case _:
            assert_never(source)
    return cleaned_line(without_passwords(text))


def without_passwords(text: str) -> str:
    """Text in which no URL shows its password."""
    return re.sub(r"(//[^/@:\s]*):[^/@\s]*@", r"\1:…@", text)


def source_mark(source: Source) -> str:
    """What the mark beside the live folder calls blobs that came from there without a set."""
    return f"from-{hashlib.sha256(source_text(source).encode()).hexdigest()[:16]}"
