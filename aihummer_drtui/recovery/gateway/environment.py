"""The gateway's environment file: read tolerantly, changed line by line, written durably.

The syntax is what systemd.exec(5) EnvironmentFile= and a POSIX shell both understand: `NAME=value`
lines, an optional `export`, single or double quotes, comments, blank lines. No value is ever part of
a message or a repr: most of them are secrets.
"""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aihummer_drtui.durable import make_open_folders, write_durably
from aihummer_drtui.errors import PreconditionError, UsageError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.regular_file import read_regular
from aihummer_drtui.recovery.trusted_file import refuse_open_to_others

MASTER_KEY: Final = "AIHUMMER_MASTER_KEY"
MEDIA_TOKEN_SECRET: Final = "AIHUMMER_MEDIA_TOKEN_SECRET"  # noqa: S105 - a name
DATABASE_URL: Final = "AIHUMMER_DATABASE_URL"
APP_DATABASE_URL: Final = "AIHUMMER_DB_APP_URL"
BLOB_DIR: Final = "AIHUMMER_BLOB_DIR"
GATEWAY_ADDRESS: Final = "AIHUMMER_GATEWAY_ADDR"
AUTO_UPDATE: Final = "AIHUMMER_AUTO_UPDATE"
OIDC_ISSUER: Final = "AIHUMMER_OIDC_ISSUER"

LIMIT: Final = 1_000_000
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BARE: Final = re.compile(r"[A-Za-z0-9_./:@%+=,~-]*")
_EXPORT: Final = re.compile(r"\Aexport[ \t]+")


@dataclass(frozen=True, kw_only=True)
class EnvProblem:
    """A line that cannot be understood; `line` counts from 1."""

    line: int
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


@dataclass(frozen=True, kw_only=True)
class GatewayEnv:
    """What an environment file says. A file that is missing is one that says nothing (`exists` False)."""

    path: Path
    exists: bool
    variables: Mapping[str, str] = field(repr=False)
    problems: tuple[EnvProblem, ...] = ()
    """Lines that neither systemd nor a shell would take as meant."""
    doubts: tuple[EnvProblem, ...] = ()
    """Lines that are understood, but which another reader may understand otherwise."""
    text: str = field(default="", repr=False)

    def get(self, name: str) -> str | None:
        """The value of a variable; None when it is absent or empty."""
        return self.variables.get(name) or None

    def require(self, name: str) -> str:
        """The value of a variable. Raises PreconditionError when it is absent or empty."""
        value = self.get(name)
        if value is None:
            what = f"{name} is not set" if self.exists else f"there is no such file, so {name} is not set"
            raise PreconditionError(
                what,
                where=str(self.path),
                hint=f"put {name}=… into it, from the key escrow or the configuration management",
            )
        return value

    @property
    def blob_folder(self) -> Path | None:
        """Where the blobs are; None = unset: the media service is inactive, nothing to restore."""
        folder = self.get(BLOB_DIR)
        return Path(folder) if folder else None


def read_gateway_env(path: Path) -> GatewayEnv:
    """Read an environment file; a missing one is no error.

    Raises PreconditionError when it is there and cannot be read, is no regular file, is too large, or when
    other accounts could have written it.
    """
    try:
        data, state = read_regular(path, limit=LIMIT)
    except FileNotFoundError:
        if path.is_symlink():
            raise PreconditionError(
                "is a link that leads nowhere", where=str(path), hint="remove the link"
            ) from None
        return GatewayEnv(path=path, exists=False, variables={})
    except OSError as error:
        raise PreconditionError(
            f"cannot be read: {error.strerror}",
            where=str(path),
            hint="run this as root or as the account that owns the file",
        ) from error
    # It tells which database and which folder are replaced. Whose it is depends on who runs AiHummer.
    refuse_open_to_others(path, state)
    return parse_gateway_env(data, path=path)


def parse_gateway_env(data: bytes, *, path: Path = Path("gateway.env")) -> GatewayEnv:
    """Understand the bytes of an environment file. Raises nothing: what is wrong stands in `problems`."""
    problems: list[EnvProblem] = []
    doubts: list[EnvProblem] = []
    variables: dict[str, str] = {}
    # surrogateescape: bytes that are no UTF-8 are reported and still written back as they were.
    text = data.decode("utf-8", "surrogateescape")
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        try:
            found = _parse_line(line.strip(" \t\r"))
        except _NotUnderstoodError as error:
            problems.append(EnvProblem(line=number, what=str(error)))
            continue
        if found is None:
            continue
        name, value, doubt = found
        if name in variables:
            doubts.append(EnvProblem(line=number, what=f"{name} stands here again; the last one counts"))
        if doubt:
            doubts.append(EnvProblem(line=number, what=doubt))
        variables[name] = value
    return GatewayEnv(
        path=path,
        exists=True,
        variables=variables,
        problems=tuple(problems),
        doubts=tuple(doubts),
        text=text,
    )


def with_values(env: GatewayEnv, values: Mapping[str, str]) -> str:
    """The file's text with these variables set: in their old lines, else at the end; all else as it was.

    Raises UsageError for a name or a value that an environment file cannot hold.
    """
    for name, value in values.items():
        _refuse_unwritable(name, value)
    left = dict(values)
    lines = env.text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    for index, line in enumerate(lines):
        here = _name_of(line)
        if here is not None and here in values:
            prefix = "export " if _EXPORT.match(line.strip(" \t\r\ufeff")) else ""
            lines[index] = f"{prefix}{here}={quoted(values[here])}"
            left.pop(here, None)
    lines += [f"{name}={quoted(value)}" for name, value in left.items()]
    return "".join(f"{line}\n" for line in lines)


def quoted(value: str) -> str:
    """A value as systemd and a shell both read it back."""
    if _BARE.fullmatch(value):
        return value
    if "'" not in value:
        return f"'{value}'"
    return '"' + re.sub(r'(["\\$`])', r"\\\1", value) + '"'


def write_gateway_env(path: Path, text: str) -> None:
    """Put `text` at `path` durably: mode and owner stay; a new file is 0600 and its folder's owner's.

    Raises PreconditionError when a link or something else than a file is there, and OSError when the
    folder is full or not writable; the old file is then untouched.
    """
    make_open_folders(path.parent)
    refuse_link(path)
    try:
        found = path.lstat()
    except FileNotFoundError:
        folder = path.parent.stat()
        mode, owner = 0o600, (folder.st_uid, folder.st_gid)
    else:
        mode, owner = stat.S_IMODE(found.st_mode), (found.st_uid, found.st_gid)
    data = text.encode("utf-8", "surrogateescape")
    may_give_away = os.geteuid() == 0
    write_durably(path, data, mode=mode, owner=owner if may_give_away else None)


def refuse_link(path: Path) -> None:
    """Let pass a name that is free or a regular file's. Raises PreconditionError, and OSError."""
    try:
        regular = stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not regular:
        raise PreconditionError(
            "is no regular file, and a link here could lead a secret anywhere",
            where=str(path),
            hint="move it away, or name the file it leads to as gateway-env in target.toml",
        )


class _NotUnderstoodError(Exception):
    """A line of the file; the message never repeats a value."""


def _parse_line(line: str) -> tuple[str, str, str] | None:
    """Name, value and doubt of a line, or None for a comment or a blank. Raises _NotUnderstoodError."""
    if not line or line[0] in "#;":
        return None
    if any(ord(character) < 32 and character != "\t" for character in line):
        raise _NotUnderstoodError("holds a control character")
    if any("\udc80" <= character <= "\udcff" for character in line):
        raise _NotUnderstoodError("is not UTF-8")
    name, equals, rest = _EXPORT.sub("", line, count=1).partition("=")
    if not equals:
        raise _NotUnderstoodError("is no NAME=value; was the file cut off, or a value broken over two lines?")
    if not _NAME.fullmatch(name):
        # The name itself is not repeated: it may be the second half of a secret.
        raise _NotUnderstoodError("what stands before = is no variable's name")
    value, doubt = _parse_value(rest.lstrip(" \t"))
    if not doubt and rest[:1] in {" ", "\t"} and value:
        doubt = "a space after =: systemd skips it, a shell does not"
    return name, value, doubt


def _parse_value(text: str) -> tuple[str, str]:
    """A value without its quotes, and a doubt. Quoted and bare parts may follow each other."""
    value = ""
    doubt = ""
    position = 0
    while position < len(text):
        character = text[position]
        if character in "'\"":
            part, position = _quoted_part(text, position)
            value += part
        elif character in " \t" and re.match(r"[ \t]+#", text[position:]):
            doubt = "text after # : a shell takes it as a comment, systemd as a part of the value"
            break
        elif character == "\\":
            if position + 1 == len(text):
                raise _NotUnderstoodError("ends with a backslash: values over two lines are not supported")
            value += text[position + 1]
            position += 2
        else:
            value += character
            position += 1
    return value.rstrip(" \t") if text[-1:] not in {"'", '"'} else value, doubt


def _quoted_part(text: str, start: int) -> tuple[str, int]:
    quote = text[start]
    part = ""
    position = start + 1
    while position < len(text):
        character = text[position]
        if character == quote:
            return part, position + 1
        if character == "\\" and quote == '"' and text[position + 1 : position + 2] in {'"', "\\", "$", "`"}:
            position += 1
            character = text[position]
        part += character
        position += 1
    raise _NotUnderstoodError("a quote is opened and not closed; was the file cut off?")


def _name_of(line: str) -> str | None:
    line = line.strip(" \t\r\ufeff")
    try:
        found = _parse_line(line)
    except _NotUnderstoodError:
        # A damaged line of a variable that is being set: it is this very line that must be replaced.
        name, equals, _ = _EXPORT.sub("", line, count=1).partition("=")
        return name if equals else None
    return found[0] if found else None


def _refuse_unwritable(name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{cleaned_line(name, 60)} is no variable's name", hint="names are letters, digits and _"
        )
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise UsageError(
            f"the value for {name} holds a control character or a line break",
            hint="an environment file cannot hold it; look at where the value comes from",
        )
