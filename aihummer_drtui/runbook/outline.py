"""The blocks of a Markdown text with the lines they stand on. Only block structure is read, no markup.

Inline markup is left alone on purpose: what a pattern of brackets or asterisks costs to parse is
for the writer of a hostile text to choose, the cost of the blocks is bounded by `MOST_LINES`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from aihummer_drtui.foreign import cleaned, cleaned_line
from aihummer_drtui.runbook.findings import Findings
from aihummer_drtui.runbook.model import Place

LARGEST: Final = 1 << 20
"""Characters of a runbook."""
MOST_LINES: Final = 5_000

_TASK_LIKE = re.compile(r"[\s>]*(?:[-*+]|\d{1,9}[.)])\s+(?:[-*+>]\s+)*\[ ?[ xX]? ?\](?![(\[])")
_FENCE_END = re.compile(r"[\s>]*(`{3,}|~{3,})\s*$")


@dataclass(frozen=True, kw_only=True)
class Text:
    """A runbook's text in lines that are safe to show, and the Markdown tree over them."""

    lines: tuple[str, ...]
    tree: SyntaxTreeNode

    def place(self, node: SyntaxTreeNode) -> Place:
        """Where the block begins."""
        return self.at(first_line(node))

    def at(self, line: int) -> Place:
        """The first character of a line that is no blank; lines count from 1."""
        written = self.lines[line - 1] if line <= len(self.lines) else ""
        return Place(line=line, column=len(written) - len(written.lstrip()) + 1)

    def source(self, node: SyntaxTreeNode) -> str:
        """The block as it is written."""
        begin, end = node.map or (0, 0)
        return "\n".join(self.lines[begin:end]).strip("\n")

    def inside(self, fence: SyntaxTreeNode) -> Place:
        """Where the content of a fenced block begins."""
        return Place(line=first_line(fence) + 1, column=self.place(fence).column)


def first_line(node: SyntaxTreeNode) -> int:
    """The line a block begins on, counted from 1."""
    return (node.map or (0, 0))[0] + 1


def clean_lines(text: str, findings: Findings) -> tuple[str, ...]:
    """The lines of a text, line ends made one kind, a byte order mark dropped, control characters told."""
    if len(text) > LARGEST:
        findings.stop(Place(line=1), "the text is larger than 1 MiB", "a runbook is read by people: split it")
        return ()
    whole = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines = whole.split("\n")
    if len(lines) > MOST_LINES:
        findings.stop(Place(line=MOST_LINES), "the text has more than 5000 lines", "split it")
        lines = lines[:MOST_LINES]
    return tuple(_clean_line(line, number, findings) for number, line in enumerate(lines, start=1))


def _clean_line(line: str, number: int, findings: Findings) -> str:
    # A lone surrogate cannot be written to any file or terminal; `replace` makes it a question mark.
    safe = cleaned(line).encode("utf-8", "replace").decode("utf-8")
    if safe != line:
        column = next((i for i, (a, b) in enumerate(zip(line, safe, strict=False)) if a != b), 0) + 1
        findings.stop(
            Place(line=number, column=column),
            f"an invisible or control character (U+{ord(line[column - 1]):04X})",
            "take it out: what is run must be what is seen",
        )
    return safe


def read_blocks(lines: tuple[str, ...]) -> Text:
    """The Markdown tree over `lines`."""
    parser = MarkdownIt("commonmark")
    parser.core.ruler.enableOnly(["normalize", "block"])
    parser.disable(["reference"])
    return Text(lines=lines, tree=SyntaxTreeNode(parser.parse("\n".join(lines))))


def fences(text: Text) -> Iterator[SyntaxTreeNode]:
    """Every fenced block, however deep."""
    return (node for node in text.tree.walk() if node.type == "fence")


def tell_open_fences(text: Text, findings: Findings) -> None:
    """A block that is never closed, or only by the end of another, swallows what lies between: tell it."""
    for fence in fences(text):
        begin, end = fence.map or (0, 0)
        closed = _FENCE_END.match(text.lines[end - 1]) if end - begin > 1 else None
        swallowed = re.search(rf"^[\s>]*{re.escape(fence.markup)}[^\n]*\w", fence.content, re.MULTILINE)
        if swallowed or not closed or not closed.group(1).startswith(fence.markup):
            findings.stop(
                text.place(fence),
                "a fenced block that is never closed"
                if not swallowed
                else "a fenced block that swallows another",
                f"close it with {cleaned_line(fence.markup, 20)} on a line of its own, indented like its "
                "beginning",
            )


def tell_unread_tasks(text: Text, read: set[int], findings: Findings) -> None:
    """Tell every line that looks like a checklist item and was not read as one. `read`: lines from 1."""
    quiet = {line for fence in fences(text) for line in range(*(fence.map or (0, 0)))}
    for number, line in enumerate(text.lines, start=1):
        if number not in read and number - 1 not in quiet and _TASK_LIKE.match(line):
            findings.stop(
                text.at(number),
                "this looks like a checklist item and is not read as one",
                "write `- [ ] text` at the beginning of a line, inside a step, in no other list or quote",
            )
