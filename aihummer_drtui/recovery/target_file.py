"""The target's configuration as a file: found, trusted, read, and all that is wrong with it told at once."""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Final, get_args, get_origin

import msgspec

from aihummer_drtui.errors import UsageError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import parse_duration
from aihummer_drtui.recovery.key.ciphertext import parts_of
from aihummer_drtui.recovery.target import CiphertextForm, ReadinessLimits, Target
from aihummer_drtui.recovery.trusted_file import read_trusted

SYSTEM_FILE: Final = Path("/etc/aihummer-drtui/target.toml")


def load_target(path: Path | None) -> Target:
    """The target that the file at `path` tells; None = the system's file, the user's, or the defaults.

    Raises PreconditionError when the file cannot be read or others can write it, and UsageError with
    every problem, a line each, when it is no valid configuration.
    """
    place = path or find_target_file()
    return Target() if place is None else read_target(place)


def find_target_file() -> Path | None:
    """Where the configuration is when nobody says: the system's place, then the user's, or None."""
    from platformdirs import user_config_path

    places = (SYSTEM_FILE, user_config_path("aihummer-drtui") / "target.toml")
    # lexists: a broken link or a file that cannot be read is a fault to be told, not "no file".
    return next((place for place in places if place.exists() or place.is_symlink()), None)


def read_target(path: Path) -> Target:
    """The target that the file at `path` tells. Raises as `load_target` does."""
    data = read_trusted(path, what="target configuration")
    try:
        tables = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(
            f"no valid TOML: {cleaned_line(str(error))}", where=str(path), hint="see docs/target.md"
        ) from error
    problems = [f"{path}: {problem}" for problem in target_problems(tables)]
    if problems:
        raise UsageError(
            "the target configuration is not valid\n" + "\n".join(problems),
            hint="each key is explained in docs/target.md",
        )
    return msgspec.convert(_expanded(tables), Target, dec_hook=_path_of)


def target_problems(tables: Mapping[str, Any]) -> list[str]:
    """Everything wrong with a configuration as TOML gives it: `key: what`, in the order of the file."""
    problems = list(_struct_problems(Target, tables, ""))
    return problems or list(_meaning_problems(msgspec.convert(_expanded(tables), Target, dec_hook=_path_of)))


def _struct_problems(kind: type[msgspec.Struct], table: Mapping[str, Any], prefix: str) -> Iterator[str]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for key, value in table.items():
        name = f"{prefix}{cleaned_line(key, 60)}"
        field = fields.get(key)
        if field is None:
            near = difflib.get_close_matches(key, fields, n=1)
            yield f"{name}: unknown key" + (f" (did you mean {near[0]}?)" if near else "")
            continue
        nested = _struct_in(field.type)
        if nested is None:
            yield from _value_problems(field.type, value, name)
        elif isinstance(value, Mapping):
            yield from _struct_problems(nested, value, f"{name}.")
        else:
            yield f"{name}: must be a table, written [{name}]"
    for key, field in fields.items():
        if field.required and key not in table:
            yield f"{prefix}{key}: is missing"


def _value_problems(kind: Any, value: Any, name: str) -> Iterator[str]:
    try:
        msgspec.convert(value, kind, dec_hook=_path_of)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        yield f"{name}{cleaned_line(place.rstrip('`'), 60)}: {cleaned_line(what)}"


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    candidates = get_args(kind) if get_origin(kind) is UnionType else (kind,)
    return next(
        (one for one in candidates if isinstance(one, type) and issubclass(one, msgspec.Struct)), None
    )


def _path_of(kind: type, value: Any) -> Any:
    if kind is not Path:
        raise NotImplementedError(f"no rule reads a {kind} from TOML")
    if not isinstance(value, str):
        raise TypeError(f"Expected a path in quotes, got `{type(value).__name__}`")
    if "\0" in value or not value:
        raise ValueError("A path must not be empty or contain NUL")
    path = Path(value).expanduser()
    if not path.is_absolute():
        raise ValueError("A path must be absolute, or begin with ~/")
    return path


def _expanded(tables: Mapping[str, Any]) -> Mapping[str, Any]:
    inputs = tables.get("inputs")
    if not isinstance(inputs, Mapping):
        return tables
    expanded = {
        key: str(Path(text).expanduser()) if text.startswith("~/") else text for key, text in inputs.items()
    }
    return {**tables, "inputs": expanded}


def _meaning_problems(target: Target) -> Iterator[str]:
    if not target.name.strip() or cleaned_line(target.name, 60) != target.name:
        yield "name: must be one printable line of 1 to 60 characters"
    if not target.aihummer or ("/" in target.aihummer and not target.aihummer.startswith("/")):
        yield "aihummer: must be a program's bare name or an absolute path"
    if target.base_url and not target.base_url.startswith(("http://", "https://")):
        yield "base-url: must begin with http:// or https://"
    if not target.backup_places:
        yield "backup-places: must name at least one folder"
    if parse_duration(target.keep_old) is None:
        yield "keep-old: must be a duration, as in 7d, 12h or 1d 12h"
    for variable in target.inputs:
        if not (variable.isascii() and variable.isidentifier() and variable.upper() == variable):
            yield f"inputs.{cleaned_line(variable, 60)}: must be written in capitals, digits and underscores"
    if target.media.signed_path and not target.media.signed_path.startswith("/"):
        yield "media.signed-path: must begin with /"
    yield from _readiness_problems(target.readiness)
    for key, mode in (("file-mode", target.blobs.file_mode), ("folder-mode", target.blobs.folder_mode)):
        if mode and not re.fullmatch(r"0?[0-7]{3}", mode):
            yield f"blobs.{key}: must be three octal digits like 0640"
    if target.vault is not None:
        yield from _vault_problems(target)
    yield from _keeper_problems(target)


def _readiness_problems(told: ReadinessLimits) -> Iterator[str]:
    for key, text in (("rpo", told.rpo), ("rpo-warning", told.rpo_warning)):
        if text and not parse_duration(text):
            yield f"readiness.{key}: must be a duration such as 24h or 1d 2h"
    for key, text in (("reviewed-within", told.reviewed_within), ("drill-within", told.drill_within)):
        if not parse_duration(text):
            yield f"readiness.{key}: must be a duration such as 90d"


def _vault_problems(target: Target) -> Iterator[str]:
    layout = target.vault
    assert layout is not None  # noqa: S101 - the caller asked
    if not layout.data_keys.strip():
        yield "vault.data-keys: must be SQL that gives (tenant, wrapped data key)"
    if not layout.values.strip():
        yield "vault.values: must be SQL that gives (tenant, name, sealed value)"
    yield from _form_problems(layout, "vault")
    if layout.wrapping is not None:
        yield from _form_problems(layout.wrapping, "vault.wrapping")
    for key, template, known in (
        ("data-key-aad", layout.data_key_aad, {"{tenant}", "{prefix}"}),
        ("value-aad", layout.value_aad, {"{tenant}", "{name}", "{prefix}"}),
    ):
        if set(re.findall(r"\{\w*\}", template)) - known:
            yield f"vault.{key}: may hold {', '.join(sorted(known))}, and no other name in braces"


def _form_problems(form: CiphertextForm, table: str) -> Iterator[str]:
    try:
        parts_of(form.layout)
    except ValueError as error:
        yield f"{table}.layout: {error}"
    # 8 to 128 bytes is what the cryptography library's AESGCM takes; 12 is what NIST SP 800-38D advises.
    if not 8 <= form.nonce_bytes <= 128:
        yield f"{table}.nonce-bytes: must be from 8 to 128 (AES-GCM; 12 is usual)"
    if not 0 <= form.prefix_bytes <= 1024:
        yield f"{table}.prefix-bytes: must be from 0 to 1024"


def _keeper_problems(target: Target) -> Iterator[str]:
    named = [name for name in ("wal", "pgbackrest", "barman") if getattr(target, name) is not None]
    for second in named[1:]:
        yield f"{second}: WAL has one keeper, and [{named[0]}] is here already: leave the one in use"
    names = []
    if target.pgbackrest is not None:
        names += [("pgbackrest.stanza", target.pgbackrest.stanza)]
        names += [("pgbackrest.program", target.pgbackrest.program)]
    if target.barman is not None:
        names += [("barman.server", target.barman.server), ("barman.program", target.barman.program)]
    for key, name in names:
        if key.endswith(".program"):
            if not name or ("/" in name and not name.startswith("/")):
                yield f"{key}: must be a program's bare name or an absolute path"
        # They become words of a command and parts of a path.
        elif not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", name):
            yield f"{key}: must be letters, digits, `_`, `-` and `.`, and must not begin with the latter two"
