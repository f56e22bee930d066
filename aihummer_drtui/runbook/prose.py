"""Markdown prose as plain text: wrapped, nothing of the markup left, blocks of code as they are."""

import html
import re
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

    from aihummer_drtui.runbook.outline import Text

_BETWEEN: Final = 2_000
"""Characters that one pair of marks may span; a bound, so that a hostile text costs no square of its size."""
_INLINE: Final = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    rf"|(?P<ticks>(?<!`)`+(?!`))(?P<code>.{{1,{_BETWEEN}}}?)(?<!`)(?P=ticks)(?!`)"
    r"|!?\[(?P<link>[^\[\]]{0,500})\]\((?P<url>[^()\s]{1,500})\)"
    r"|<(?P<auto>https?://[^<>\s]{1,500}|[^<>@\s]{1,100}@[^<>@\s]{1,100})>"
    rf"|(?P<mark>\*\*|\*|(?<!\w)__|(?<!\w)_)(?=\S)(?P<marked>[^*]{{1,{_BETWEEN}}}?)(?<=\S)(?P=mark)(?!\w)",
    re.DOTALL,
)


def plain_prose(markdown: str, *, width: int = 80, indent: str = "") -> str:
    """The blocks of a piece of Markdown as plain text, each line at most `width` wide where words allow."""
    # The parser is large, and words alone do not need it.
    from aihummer_drtui.runbook.outline import read_blocks

    text = read_blocks(tuple(markdown.split("\n")))
    return "\n\n".join(_blocks(text, text.tree, width, indent))


def plain_words(markdown: str) -> str:
    """Inline Markdown without its markup: `code` and *stress* become plain, links `text (address)`."""
    return html.unescape(_INLINE.sub(_unmarked, markdown))


def wrapped(words: str, *, width: int = 80, first: str = "", rest: str = "") -> str:
    """Words filled into lines; `first` and `rest` stand before the first line and the others."""
    return textwrap.fill(
        words,
        width=width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _unmarked(found: re.Match[str]) -> str:
    if found["escaped"]:
        return str(found["escaped"])
    if found["code"]:
        return str(found["code"]).strip()
    if found["url"]:
        words, url = plain_words(found["link"]), found["url"]
        return f"{words} ({url})" if words and words != url else str(url)
    if found["auto"]:
        return str(found["auto"])
    return plain_words(found["marked"])


def _blocks(text: "Text", parent: "SyntaxTreeNode", width: int, indent: str) -> Iterator[str]:
    for node in parent.children:
        if node.type in ("paragraph", "heading"):
            words = "".join(child.content for child in node.children)
            yield wrapped(plain_words(" ".join(words.split())), width=width, first=indent, rest=indent)
        elif node.type in ("fence", "code_block"):
            yield textwrap.indent(node.content.rstrip("\n"), indent + "    ")
        elif node.type in ("bullet_list", "ordered_list"):
            yield _list(text, node, width, indent)
        elif node.type == "blockquote":
            yield "\n\n".join(_blocks(text, node, width, indent + "  "))
        elif node.type == "html_block":
            yield textwrap.indent(text.source(node), indent)


def _list(text: "Text", node: "SyntaxTreeNode", width: int, indent: str) -> str:
    start = int(node.attrs.get("start", 1))
    entries = []
    for number, item in enumerate(node.children, start=start):
        mark = "- " if node.type == "bullet_list" else f"{number}. "
        inner = indent + " " * len(mark)
        content = "\n\n".join(_blocks(text, item, width, inner))
        entries.append(indent + mark + content[len(inner) :])
    return "\n".join(entries)
