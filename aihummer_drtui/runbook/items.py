"""One item of a checklist: a check, a command, an input, or something a person confirms."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from markdown_it.tree import SyntaxTreeNode

from aihummer_drtui.runbook.findings import Findings, quoted
from aihummer_drtui.runbook.model import CheckItem, CommandItem, ConfirmItem, InputItem, Item, Place
from aihummer_drtui.runbook.names import told_id, told_variable
from aihummer_drtui.runbook.outline import Text, first_line
from aihummer_drtui.runbook.toml_block import LARGEST, TomlBlock

_TASK: Final = re.compile(r"\[ \]\s+(?P<words>\S.*)", re.DOTALL)
_TICKED: Final = re.compile(r"\[[xX]\]\s")
_SPAN: Final = re.compile(r"`(?P<span>[^`]*)`\s*(?P<text>.*)", re.DOTALL)

Places: TypeAlias = dict[tuple[str, str], Place]
"""Where a key of an item or a step is written: (`step/name`, `probe`); `script` is its `sh` block."""


@dataclass(frozen=True, kw_only=True)
class _Head:
    """The first words of an item."""

    kind: str
    name: str
    text: str
    place: Place


class ItemReader:
    """Reads the items of one step in order, and remembers where each thing stood."""

    def __init__(self, text: Text, step: str, findings: Findings, places: Places) -> None:
        """`step` is the id of the step, empty if it has none."""
        self._text = text
        self._step = step
        self._findings = findings
        self._places = places
        self._confirms = 0
        self.lines: set[int] = set()
        """The lines that were read as the beginning of an item."""

    def read(self, node: SyntaxTreeNode) -> Item | None:
        """The item a list item holds; None if it holds none, which was told."""
        self.lines.add(first_line(node))
        head = self._head(node)
        if head is None:
            return None
        blocks = {fence.info.strip(): fence for fence in self._fences(node, head)}
        if head.kind == "command":
            return self._command(head, blocks)
        if head.kind == "check":
            name = told_id(head.name, head.place, self._findings)
            return CheckItem(id=self._id(name), check=name, text=head.text, place=head.place)
        if head.kind == "input":
            name = told_variable(head.name, head.place, self._findings)
            return InputItem(id=self._id(name), variable=name, text=head.text, place=head.place)
        self._confirms += 1
        return ConfirmItem(id=self._id(f"confirm-{self._confirms}"), text=head.text, place=head.place)

    def _id(self, name: str) -> str:
        return f"{self._step}/{name}"

    def _head(self, node: SyntaxTreeNode) -> _Head | None:
        place = self._text.place(node)
        paragraphs = [paragraph_text(child) for child in node.children if child.type == "paragraph"]
        first = paragraphs[0] if paragraphs and node.children[0].type == "paragraph" else ""
        found = _TASK.fullmatch(first)
        if not found:
            what = "the item is ticked already" if _TICKED.match(first) else "this is no checklist item"
            self._findings.stop(place, what, "write `- [ ] text`; a line of text keeps any other list apart")
            return None
        words = " ".join(found["words"].split())
        span = _SPAN.fullmatch(words)
        if not span:
            return _Head(kind="confirm", name="", text="\n\n".join([words, *paragraphs[1:]]), place=place)
        kind, colon, name = span["span"].partition(":")
        if kind not in ("check", "command", "input") or not colon:
            self._findings.stop(
                place,
                f"{quoted(span['span'])} is no `check:NAME`, `command:NAME` or `input:VARIABLE`",
                "an item that a person confirms begins with a word, not with a code span",
            )
            return None
        return _Head(kind=kind, name=name, text="\n\n".join([span["text"], *paragraphs[1:]]), place=place)

    def _fences(self, node: SyntaxTreeNode, head: _Head) -> Iterator[SyntaxTreeNode]:
        """The `sh` and the `toml` block of a command; everything else below an item is told."""
        seen: set[str] = set()
        for child in node.children:
            info = child.info.strip() if child.type == "fence" else ""
            place = self._text.place(child)
            if child.type == "paragraph":
                continue
            if info not in ("sh", "toml"):
                self._findings.stop(
                    place,
                    "this stands inside an item and is not read",
                    "an item holds text, a command one `sh` and one `toml` block too; move it above the list",
                )
            elif head.kind != "command":
                self._findings.stop(
                    place, f"a {head.kind} takes no `{info}` block", "make it a `command:NAME`"
                )
            elif info in seen:
                self._findings.stop(place, f"a second `{info}` block", "one command does one thing: make two")
            else:
                seen.add(info)
                yield child

    def _command(self, head: _Head, blocks: dict[str, SyntaxTreeNode]) -> CommandItem:
        item_id = self._id(told_id(head.name, head.place, self._findings))
        script = self._script(blocks.get("sh"), head)
        if script:
            self._places[item_id, "script"] = self._text.inside(blocks["sh"])
        if "toml" not in blocks:
            self._findings.stop(
                head.place,
                "the command has no `toml` block",
                "say time-out, expect and probe below its script",
            )
        block = self._block(blocks.get("toml"), head)
        for key in ("time-out", "estimate", "expect", "probe", "destructive", "destroys", "undo"):
            self._places[item_id, key] = block.place(key)
        item = CommandItem(
            id=item_id,
            name=head.name,
            text=head.text,
            place=head.place,
            script=script,
            time_out=block.duration("time-out", required="toml" in blocks) or 0.0,
            estimate=block.duration("estimate"),
            expect=block.text("expect"),
            probe=block.text("probe"),
            destructive=block.flag("destructive"),
            destroys=block.text("destroys"),
            undo=block.text("undo"),
        )
        block.finish()
        return item

    def _script(self, fence: SyntaxTreeNode | None, head: _Head) -> str:
        script = fence.content.rstrip("\n") if fence else ""
        if not script.strip():
            self._findings.stop(
                head.place, "the command has no `sh` block", "indent it by two spaces below it"
            )
            return ""
        if len(script) > LARGEST:
            self._findings.stop(
                head.place, "the script is larger than 16 KiB", "make it a program and call that"
            )
            return ""
        return script

    def _block(self, fence: SyntaxTreeNode | None, head: _Head) -> TomlBlock:
        name = f"the command {quoted(head.name)}"
        if fence is None:
            return TomlBlock("", first=head.place, findings=self._findings, name=name)
        first = self._text.inside(fence)
        return TomlBlock(fence.content, first=first, findings=self._findings, name=name)


def paragraph_text(paragraph: SyntaxTreeNode) -> str:
    """What a paragraph says, its markup left in."""
    return "".join(child.content for child in paragraph.children).strip()
