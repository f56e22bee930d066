"""Text that comes from elsewhere, made safe to show: no terminal control, bounded, one meaning.

Everything a child prints, a file is called, or a server answers passes through here before any
front end sees it. Control characters become visible escapes, so that nothing is hidden either.
"""

import re

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1 (ECMA-48, 5th edition, 5.2-5.3)
    "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"  # zero-width and bidirectional controls
)


def cleaned(text: str) -> str:
    """Text with every control character but tab and newline written as a visible escape."""
    return _CONTROL.sub(_visible, text)


def cleaned_line(text: str, limit: int = 200) -> str:
    """One line of at most `limit` characters, control characters visible, cut marked with `...`."""
    line = cleaned(text).replace("\n", "\\n").replace("\t", "\\t")
    return line if len(line) <= limit else line[: max(0, limit - 3)] + "..."


def cleaned_bytes(data: bytes) -> str:
    """Bytes read as UTF-8, what is not UTF-8 written as `\\xNN`, then cleaned."""
    return cleaned(data.replace(b"\r\n", b"\n").decode("utf-8", "backslashreplace"))


def _visible(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
