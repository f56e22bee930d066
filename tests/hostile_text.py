"""Text that would take a terminal, or a reader of it, for its own: one table, used by every test of it.

Beside it, a reader of what a terminal was sent that knows nothing of how the product cleans it: control
sequences by ECMA-48 and xterm's ctlseqs, invisible characters by their Unicode categories.
"""

import re
import unicodedata
from typing import Final

SEQUENCES: Final[dict[str, bytes]] = {
    "link (OSC 8)": b"\x1b]8;;http://evil.invalid\x1b\\click\x1b]8;;\x1b\\",
    "clipboard (OSC 52)": b"\x1b]52;c;cm0gLXJm\x07",
    "clipboard asked for": b"\x1b]52;c;?\x07",
    "title (OSC 0)": b"\x1b]0;owned\x07",
    "title ended by ST": b"\x1b]2;owned\x1b\\",
    "palette (OSC 4)": b"\x1b]4;1;#000000\x07",
    "OSC without an end": b"\x1b]0;swallow ",
    "DCS": b"\x1bP1$r0m\x1b\\",
    "DCS without an end": b"\x1bPq",
    "APC": b"\x1b_Gf=32;AAAA\x1b\\",
    "PM": b"\x1b^private\x1b\\",
    "SOS": b"\x1bXstring\x1b\\",
    "where is the cursor": b"\x1b[6n",
    "who are you": b"\x1b[c\x1b[>c\x1bZ",
    "window": b"\x1b[8;1;1t\x1b[21t",
    "erase": b"\x1b[2J\x1b[H\x1b[3J",
    "alternate screen": b"\x1b[?1049l\x1b[?25l",
    "mouse": b"\x1b[?1003h\x1b[?2004l",
    "colours": b"\x1b[31;1;5mred\x1b[8mhidden",
    "reset (RIS)": b"\x1bc",
    "soft reset": b"\x1b[!p",
    "save and restore": b"\x1b7\x1b8",
    "other letters": b"\x1b(0\x0e\x0f",
    "lone ESC": b"\x1b",
    "half a CSI": b"\x1b[",
    "CSI in 8 bits": b"\x9b31m\x9b6n",
    "OSC in 8 bits": b"\x9d0;owned\x9c",
    "DCS, APC, PM, SOS in 8 bits": b"\x90q\x9c\x9fa\x9c\x9ep\x9c\x98s\x9c",
    "next line, index in 8 bits": b"\x85\x84\x8d",
    "CSI in UTF-8": "\x9b31m\x9b6n".encode(),
    "OSC in UTF-8": "\x9d0;owned\x9c".encode(),
    "all of C1 in UTF-8": "".join(map(chr, range(0x80, 0xA0))).encode(),
    "all of C0 but NUL, tab, line end": bytes(one for one in range(1, 32) if one not in b"\t\n"),
    "overwritten": b"exit 1\rexit 0",
    "taken back": b"failed\b\b\b\b\b\bpassed",
    "DEL": b"a\x7fb",
    "bidi override": "\u202egpj.exe\u202c".encode(),
    "bidi embedding and isolates": "\u202a\u202b\u202d\u2066\u2067\u2068\u2069".encode(),
    "bidi marks": "\u200e\u200f\u061c".encode(),
    "zero width": "a\u200bb\u200cc\u200dd\u2060e\ufefff".encode(),
    "soft hyphen": "pass\u00adword".encode(),
    "line and paragraph separators": "a\u2028b\u2029c".encode(),
    "tags": "".join(map(chr, (0xE0001, 0xE0041, 0xE007F))).encode(),
    "annotations": "\ufff9a\ufffab\ufffb".encode(),
    "invisible operators": "\u2061\u2062\u2063\u2064\u206f".encode(),
    "no UTF-8": b"\xff\xfe\xc3(",
    "overlong": b"\xc0\xaf\xe0\x80\x9b\xf0\x80\x80\x9b",
    "cut off": b"\xe2\x82",
    "surrogate": b"\xed\xa0\x80",
    "beyond Unicode": b"\xf4\x90\x80\x80",
}
"""What controls, hides or turns around."""
MARKUP: Final[tuple[str, ...]] = (
    "[/]",
    "[bold]",
    "[a]",
    "[/bold]",
    "[red]not red[/red]",
    "[@click=app.quit]press[/]",
    "[link=http://evil.invalid]here[/link]",
    "[[double]]",
    r"\[bold]",
    ":smile:",
)
"""What rich or textual would take for their own; it must stand on the screen as it is."""
LONG: Final[tuple[bytes, ...]] = (b"x" * 100_000, "漢字".encode() * 5_000, "e\u0301\u0301".encode() * 5_000)
"""Lines longer than any screen, of narrow, wide and combining letters."""


def packed(most: int) -> list[bytes]:
    """All of `SEQUENCES` in lines of about so many bytes, so that a field that is cut keeps every one."""
    lines = [b""]
    for one in SEQUENCES.values():
        if lines[-1] and len(lines[-1]) + len(one) > most:
            lines.append(b"")
        lines[-1] += one
    return lines


def as_text(data: bytes) -> str:
    """As Python reads a file's name or an argument: what is no UTF-8 as lone surrogates."""
    return data.decode("utf-8", "surrogateescape")


def as_json_text(data: bytes) -> str:
    """As a client can send it: what is no UTF-8 as the letters of the same numbers."""
    return "".join(chr(ord(one) - 0xDC00) if "\udc80" <= one <= "\udcff" else one for one in as_text(data))


_TOKEN: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # ECMA-48, 5.4
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|\Z|(?=\x1b))"
    r"|\x1b[ -/]*[0-~]"
    r"|\x1b"
)


def controls_in(data: bytes) -> set[str]:
    """What in these bytes is no plain text, by name: sequences, controls, invisible characters."""
    text = data.decode("utf-8", "surrogateescape")
    found = {_name(token.group()) for token in _TOKEN.finditer(text)}
    plain = _TOKEN.sub("", text)
    found |= {f"U+{ord(one):04X}" for one in set(plain) if _is_hidden(one)}
    return found - {"U+000A"}


def _name(sequence: str) -> str:
    if sequence.startswith("\x1b["):
        private = sequence[2] if sequence[2:3] in {"?", ">", "<", "="} else ""
        return f"CSI {private}{sequence[-1]}"
    if sequence[1:2] in {"]", "P", "X", "^", "_"}:
        return f"ESC {sequence[1]}{sequence[2:].partition(';')[0]}"
    return f"ESC {sequence[1:]}"


def _is_hidden(one: str) -> bool:
    return unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
