"""From Markdown to a runbook. All problems are told at once; no text whatever makes it raise."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
from markdown_it.tree import SyntaxTreeNode

from aihummer_drtui.runbook.findings import Findings, in_order, quoted
from aihummer_drtui.runbook.front_matter import FrontMatter, read_front_matter, split_front_matter
from aihummer_drtui.runbook.items import ItemReader, Places, paragraph_text
from aihummer_drtui.runbook.model import Item, Place, Problem, RecoveryLevel, Runbook, Step
from aihummer_drtui.runbook.names import told_id
from aihummer_drtui.runbook.outline import (
    Text,
    clean_lines,
    read_blocks,
    tell_open_fences,
    tell_unread_tasks,
)
from aihummer_drtui.runbook.toml_block import TomlBlock

GUIDANCE: Final = ("Why", "Expect", "Time", "Undo", "Call")
"""The labels of the paragraphs that every step has: `**Why.** …`."""
MOST_STEPS: Final = 99

_LABEL: Final = re.compile(rf"^\*\*({'|'.join(GUIDANCE)})\.\*\*[ \n]?", re.MULTILINE)
_HEADING: Final = re.compile(r"(?:(?P<number>\d{1,3})\.\s+)?(?P<title>.*?)\s*(?:\{#(?P<id>[^{}]*)\})?")
_TASK_LIST: Final = re.compile(r"\[[ xX]\]\s")


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What came of reading a text: a runbook only if it has the form of one, and every problem with it."""

    runbook: Runbook | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """As much of a runbook as could be read, for the rules to judge; what could not be read is empty."""

    runbook: Runbook
    findings: Findings
    places: Places
    level_places: Mapping[RecoveryLevel, Place]
    numbers: Mapping[str, int]
    """The number written before each step's title, by the step's id; absent if none is written."""


def read_runbook(text: str) -> Reading:
    """Read a runbook from its Markdown (docs/runbook-format.md)."""
    draft = read_draft(text)
    problems = in_order(draft.findings.stopping)
    return Reading(runbook=None if problems else draft.runbook, problems=problems)


def read_draft(text: str) -> Draft:
    """Read what can be read of a runbook, with the problems of its form."""
    findings = Findings()
    source, body = split_front_matter(clean_lines(text, findings), findings)
    front = read_front_matter(source, findings)
    blocks = read_blocks(body)
    tell_open_fences(blocks, findings)
    reader = _BodyReader(blocks, findings)
    reader.read(front.title)
    runbook = Runbook(
        id=front.id,
        title=front.title,
        version=front.version,
        owner=front.owner,
        reviewed=front.reviewed,
        rto=front.rto,
        rpo=front.rpo,
        levels=front.levels,
        prose=reader.prose,
        steps=reader.steps,
        sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
    )
    return _draft(runbook, front, reader, findings)


def _draft(runbook: Runbook, front: FrontMatter, reader: "_BodyReader", findings: Findings) -> Draft:
    if len(runbook.steps) > MOST_STEPS:
        place = runbook.steps[MOST_STEPS].place
        findings.stop(place, f"the runbook has more than {MOST_STEPS} steps", "make two runbooks of it")
        runbook = msgspec.structs.replace(runbook, steps=runbook.steps[:MOST_STEPS])
    if not runbook.steps:
        findings.stop(Place(line=1), "the runbook has no step", "a step begins with `## 1. Title {#id}`")
    return Draft(
        runbook=runbook,
        findings=findings,
        places=reader.places,
        level_places=front.level_places,
        numbers=reader.numbers,
    )


@dataclass(kw_only=True)
class _StepParts:
    """A step while its blocks are read."""

    id: str
    title: str
    place: Place
    needs: tuple[str, ...] = ()
    estimate: float | None = None
    prose: list[str] = field(default_factory=list)
    guidance: dict[str, str] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)

    def step(self) -> Step:
        """The finished step."""
        return Step(
            id=self.id,
            title=self.title,
            place=self.place,
            needs=self.needs,
            estimate=self.estimate,
            prose="\n\n".join(self.prose),
            why=self.guidance.get("Why", ""),
            expect=self.guidance.get("Expect", ""),
            time=self.guidance.get("Time", ""),
            undo=self.guidance.get("Undo", ""),
            call=self.guidance.get("Call", ""),
            items=tuple(self.items),
        )


class _BodyReader:
    """Goes through the top blocks once, from the first to the last."""

    def __init__(self, text: Text, findings: Findings) -> None:
        self._text = text
        self._findings = findings
        self._parts: list[_StepParts] = []
        self._preamble: list[str] = []
        self._item_lines: set[int] = set()
        self._items: ItemReader | None = None
        self.places: Places = {}
        self.numbers: dict[str, int] = {}

    @property
    def prose(self) -> str:
        """What stands before the first step."""
        return "\n\n".join(self._preamble)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps in reading order."""
        return tuple(parts.step() for parts in self._parts)

    def read(self, title: str) -> None:
        """Read every block; `title` is the front matter's, which a `#` heading must repeat."""
        before: SyntaxTreeNode | None = None
        for node in self._text.tree.children:
            if node.type == "heading" and node.tag in ("h1", "h2"):
                self._heading(node, title)
            elif node.type == "fence" and node.info.strip() == "toml":
                self._attributes(node, below=before)
            elif node.type == "bullet_list" and self._is_checklist(node):
                self._checklist(node)
            elif node.type == "paragraph":
                self._paragraph(node)
            elif node.type == "html_block" and node.content.lstrip().startswith("<!--"):
                pass  # a remark for whoever edits the runbook, not for whoever follows it
            else:
                self._other(node)
            before = node
        tell_unread_tasks(self._text, self._item_lines, self._findings)

    @property
    def _prose(self) -> list[str]:
        return self._parts[-1].prose if self._parts else self._preamble

    def _heading(self, node: SyntaxTreeNode, title: str) -> None:
        words, place = paragraph_text(node), self._text.place(node)
        if node.tag == "h1":
            if words != title or self._parts:
                self._findings.stop(
                    place,
                    "a `#` heading that is not the runbook's title at the top",
                    "steps are `##`, headings inside a step `###`; the title is said in the front matter",
                )
            return
        found = _HEADING.fullmatch(" ".join(words.split()))
        step_id = (found["id"] if found else None) or ""
        if not step_id:
            self._findings.stop(place, "the step has no id", "end its heading with {#id}")
        told_id(step_id, place, self._findings)
        parts = _StepParts(id=step_id, title=found["title"] if found else "", place=place)
        if found and not parts.title:
            self._findings.stop(place, "the step has no title", "write `## 1. Title {#id}`")
        if found and found["number"]:
            self.numbers[step_id] = int(found["number"])
        # What is true of most steps, unless the step says otherwise.
        parts.needs = (self._parts[-1].id,) if self._parts else ()
        self._parts.append(parts)
        self._items = ItemReader(self._text, step_id, self._findings, self.places)

    def _attributes(self, node: SyntaxTreeNode, *, below: SyntaxTreeNode | None) -> None:
        if below is None or below.type != "heading" or below.tag != "h2":
            self._findings.stop(
                self._text.place(node),
                "a `toml` block that belongs to nothing",
                "it stands right below a step's heading, or indented by two spaces below a command",
            )
            return
        parts = self._parts[-1]
        first = self._text.inside(node)
        name = f"the step {quoted(parts.id)}"
        block = TomlBlock(node.content, first=first, findings=self._findings, name=name)
        self.places[parts.id, "needs"] = block.place("needs")
        needs = block.names("needs")
        parts.needs = parts.needs if needs is None else needs
        if len(parts.needs) > MOST_STEPS:
            self._findings.stop(
                block.place("needs"), "the step needs more steps than there can be", "thin it out"
            )
            parts.needs = ()
        parts.estimate = block.duration("estimate")
        block.finish()

    def _is_checklist(self, node: SyntaxTreeNode) -> bool:
        return any(
            item.children and _TASK_LIST.match(paragraph_text(item.children[0]) + " ")
            for item in node.children
            if item.children and item.children[0].type == "paragraph"
        )

    def _checklist(self, node: SyntaxTreeNode) -> None:
        if self._items is None:
            return  # told by `tell_unread_tasks`: it stands in no step
        for child in node.children:
            item = self._items.read(child)
            if item is not None:
                self._parts[-1].items.append(item)
        self._item_lines |= self._items.lines

    def _paragraph(self, node: SyntaxTreeNode) -> None:
        """Prose, or guidance: each label begins a line, so that one paragraph may hold several."""
        pieces = _LABEL.split(paragraph_text(node))
        if not self._parts or len(pieces) == 1:
            self._prose.append(self._text.source(node))
            return
        if pieces[0].strip():
            self._prose.append(pieces[0].strip())
        guidance = self._parts[-1].guidance
        for label, words in zip(pieces[1::2], pieces[2::2], strict=True):
            if label in guidance:
                self._findings.stop(
                    self._text.place(node), f"a second `**{label}.**` in this step", "keep one"
                )
            guidance[label] = " ".join(words.split())

    def _other(self, node: SyntaxTreeNode) -> None:
        if node.type == "fence" and node.info.strip() == "sh":
            self._findings.stop(
                self._text.place(node),
                "an `sh` block that belongs to no command",
                "indent it by two spaces below its item, or mark it `console` if a person types it",
            )
        self._prose.append(self._text.source(node))
