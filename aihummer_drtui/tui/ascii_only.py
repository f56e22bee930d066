"""Letters that the terminal's locale lacks, replaced by ASCII of the same width before they are written."""

import unicodedata
from collections.abc import Mapping
from typing import Final

from rich.cells import cell_len

_LIKE: Final = str.maketrans(
    {
        "\u2026": ".",  # three dots in one letter
        "\u2013": "-",  # dashes
        "\u2014": "-",
        "\u2018": "'",  # quotation marks
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2022": "*",  # a bullet
    }
)


def needs_ascii(environment: Mapping[str, str]) -> bool:
    """Whether the locale says that the terminal takes no UTF-8 (locale(7): which variable wins)."""
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "C")
    return not locale.lower().replace("-", "").partition("@")[0].endswith("utf8")


def in_ascii(text: str) -> str:
    """The text in ASCII, as wide as it was; a letter without a likeness becomes `?`."""
    return "".join(letter if letter.isascii() else _likeness(letter) for letter in text.translate(_LIKE))


def _likeness(letter: str) -> str:
    plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    width = cell_len(letter)
    return plain if len(plain) == width else "?" * width
