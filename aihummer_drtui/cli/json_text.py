"""What `--json` prints."""

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec


def json_text(value: object) -> str:
    """One line of JSON in ASCII: read back it is the same, and a terminal can obey nothing in it.

    Names of files that are not UTF-8, and terminals that lack a letter, cannot break it either.
    """
    return json.dumps(msgspec.to_builtins(value, enc_hook=_plain), separators=(",", ":"))


def _plain(value: object) -> object:
    match value:
        case Path():
            return str(value)
        case Mapping():
            return dict(value)
        case _:
            raise TypeError(f"{type(value)} has no form in JSON")
