"""Text that comes from elsewhere, made safe to show: no terminal control, bounded, one meaning.

Everything a child prints, a file is called, or a server answers passes through here before any
front end sees it. Control characters become visible escapes, so that nothing is hidden either.
"""

import re

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1 (ECMA-48, 5th edition, 5.2-5.3)
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # invisible, or turning the direction
    "\ufff9-\ufffb\U000e0000-\U000e007f"  # annotations and tags, invisible too
    "\ud800-\udfff]"  # bytes of a file's name that are no UTF-8 (os.fsdecode): printing them would raise
)


def cleaned(text: str) -> str:
    """Text with every control character but tab and newline written as a visible escape."""
    return _CONTROL.sub(_visible, text)


def cleaned_line(text: str, limit: int = 200) -> str:
    """One line of at most `limit` characters, control characters visible, cut marked with `...`."""
    line = cleaned(text).replace("\n", "\\n").replace("\t", "\\t")
    return line if len(line) <= limit else line[: max(0, limit - 3)] + "..."[:limit]


def cleaned_bytes(data: bytes) -> str:
    """Bytes read as UTF-8, what is not UTF-8 written as `\\xNN`, then cleaned."""
    return cleaned(data.replace(b"\r\n", b"\n").decode("utf-8", "backslashreplace"))


def _visible(found: re.Match[str]) -> str:
    code = ord(found.group())
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
