"""What the processes of a drill did to its files, call by call, as strace saw it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

CALLS: Final = "openat,mkdir,rename,unlink,write,pwrite64,ftruncate,fallocate,fsync,fdatasync,sendto,chdir"
_LINE: Final = re.compile(r"^(\d+) +(.*)$")
_CALL: Final = re.compile(r"^(\w+)\((.*)\) += (-?\d+)(?:<(.*)>)?(?: .*)?$")
_STRING: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_DESCRIPTOR: Final = re.compile(r"^\d+<((?:\\x[0-9a-f]{2})*)")


def recording(log: Path) -> tuple[str, ...]:
    """The words in front of a program whose calls, and those of all that comes of it, are to be seen."""
    return (
        "strace",
        "-f",
        "-qq",
        "-y",
        "-xx",
        "-s",
        "200000",
        f"--trace={CALLS}",
        "--signal=none",
        "-o",
        str(log),
    )


@dataclass(frozen=True, kw_only=True)
class Made:
    """A file or a folder has a name now."""

    path: str
    folder: bool
    holds: bytes = b""
    """What was synced of it before its name was."""


@dataclass(frozen=True, kw_only=True)
class Renamed:
    """A file has another name."""

    path: str
    to: str


@dataclass(frozen=True, kw_only=True)
class Removed:
    """A file has no name any more."""

    path: str


@dataclass(frozen=True, kw_only=True)
class Written:
    """Bytes stand in a file: behind its others where `at` is None."""

    path: str
    data: bytes
    at: int | None


@dataclass(frozen=True, kw_only=True)
class Sized:
    """A file is that long; never shortened where `grown`."""

    path: str
    size: int
    grown: bool


@dataclass(frozen=True, kw_only=True)
class Synced:
    """What a file holds, or the names in a folder, are on the disk."""

    path: str


@dataclass(frozen=True, kw_only=True)
class Said:
    """Something went to a front end."""

    data: bytes


Done: TypeAlias = Made | Renamed | Removed | Written | Sized | Synced | Said


def calls_in(log: Path) -> Iterator[Done]:
    """What was done, in the order in which the calls ended; calls that failed did nothing."""
    begun: dict[str, str] = {}
    folders: dict[str, str] = {}
    for line in log.read_text().splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        process, text = found.groups()
        if text.endswith(" <unfinished ...>"):
            begun[process] = text.removesuffix(" <unfinished ...>")
            continue
        if text.startswith("<... "):
            text = begun.pop(process) + text.partition(" resumed>")[2]
        call = _CALL.match(text)
        if call is None or int(call[3]) < 0:
            continue
        strings = [_bytes(one) for one in _STRING.findall(call[2])]
        paths = [_absolute(one.decode(errors="replace"), folders.get(process, "/")) for one in strings[:2]]
        if call[1] == "chdir":
            folders[process] = paths[0]
            continue
        yield from _done(call[1], call[2], int(call[3]), call[4] or "", strings, paths)


def _done(
    name: str, arguments: str, result: int, opened: str, strings: list[bytes], paths: list[str]
) -> Iterator[Done]:
    descriptor = _DESCRIPTOR.match(arguments)
    file = _bytes(descriptor[1]).decode(errors="replace") if descriptor else ""
    numbers = [int(one) for one in re.findall(r", (\d+)(?=[,)]|$)", arguments)]
    match name:
        case "openat" if "O_CREAT" in arguments:
            yield Made(path=_bytes(opened).decode(errors="replace"), folder=False)
        case "mkdir":
            yield Made(path=paths[0], folder=True)
        case "rename":
            yield Renamed(path=paths[0], to=paths[1])
        case "unlink":
            yield Removed(path=paths[0])
        case "write":
            yield Written(path=file, data=strings[0][:result], at=None)
        case "pwrite64":
            yield Written(path=file, data=strings[0][:result], at=numbers[-1])
        case "ftruncate":
            yield Sized(path=file, size=numbers[-1], grown=False)
        case "fallocate":
            yield Sized(path=file, size=numbers[-2] + numbers[-1], grown=True)
        case "fsync" | "fdatasync":
            yield Synced(path=file)
        case "sendto":
            yield Said(data=strings[0])
        case _:
            return


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _absolute(path: str, folder: str) -> str:
    return path if path.startswith("/") else f"{folder.rstrip('/')}/{path}"
