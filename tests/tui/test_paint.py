"""Colours come on top of words and signs, and have contrast enough."""

import re

import msgspec
import pytest
from textual.color import Color

from aihummer_drtui.run.events import Mode
from aihummer_drtui.run.state import CommandState, RunState, Status
from aihummer_drtui.run.words import GLYPHS
from aihummer_drtui.runbook.model import Item
from aihummer_drtui.tui import paint
from tests.run.story import RECOVERY, Story

STYLES = {
    name: value
    for name, value in vars(paint).items()
    if isinstance(value, str) and re.search(r"#[0-9a-f]{6}", value) and name != "BACKGROUND"
} | {f"mode {mode}": style for mode, (_, style) in paint.MODES.items()}


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.2, "contrast ratio"."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """WCAG's relative luminance."""
    parts = [part / 255 for part in Color.parse(colour).rgb]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("name", STYLES)
def test_every_colour_can_be_read(name: str) -> None:
    """At least 4.5:1 on its background."""
    colours = re.findall(r"#[0-9a-f]{6}", STYLES[name])
    assert contrast(colours[0], colours[1] if len(colours) > 1 else paint.BACKGROUND) >= 4.5


def test_modes_are_told_apart_without_colour() -> None:
    """Each has a word and marks of its own."""
    words = [word for word, _ in paint.MODES.values()]
    assert set(paint.MODES) == set(Mode)
    assert len({word[0] for word in words}) == len(words)


def test_statuses_are_told_apart_without_colour() -> None:
    """By a word and a sign of their own; both are there wherever one is drawn."""
    assert set(GLYPHS) == set(Status)
    assert len(set(GLYPHS.values())) == len({str(status) for status in Status}) == len(Status)
    assert all(len(glyph) == 1 and glyph.isascii() for glyph in GLYPHS.values())
    for status in Status:
        state, item = a_state_with(status)
        assert paint.status_cell(state, item).plain == f"{GLYPHS[status]} {status:<8}"


def a_state_with(status: Status) -> tuple[RunState, Item]:
    """A run in which a command stands like that."""
    item = next(one for one in RECOVERY.items if one.id == "side/mail-up")
    told = CommandState(status=status, attempts=())
    return msgspec.structs.replace(Story().state, items={item.id: told}), item


def test_every_status_has_a_style() -> None:
    """None is forgotten."""
    assert set(paint.STATUS) == set(Status)
    assert [paint.cut("abcdef", width) for width in (6, 5, 2, 0)] == ["abcdef", "ab...", "..", ""]
