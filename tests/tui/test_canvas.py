"""Only what changed is sent: the changed columns of the changed rows."""

import pytest
from textual.app import App, ComposeResult
from textual.content import Content
from textual.geometry import Region

from aihummer_drtui.tui.widgets.canvas import Canvas, _changed
from aihummer_drtui.tui.widgets.pane import Line, Pane, fitted


@pytest.mark.parametrize(
    ("before", "after", "region"),
    [
        (Content("same"), Content("same"), None),
        (Content.styled("same", "bold"), Content.styled("same", "bold"), None),
        (Content("at 12:00:01 now"), Content("at 12:00:02 now"), Region(10, 0, 1, 1)),
        (Content.styled("at 1:01", "bold"), Content.styled("at 1:02", "bold"), Region(6, 0, 1, 1)),
        (Content("short"), Content("shorter"), Region(5, 0, 2, 1)),
        (Content("shorter"), Content("short"), Region(5, 0, 2, 1)),
        (Content("same"), Content.styled("same", "bold"), Region(0, 0, 4, 1)),
        (Content.assemble("ab", ("cd", "bold")), Content.assemble("ab", ("cd", "red")), Region(2, 0, 2, 1)),
        (Content(""), Content("new"), Region(0, 0, 3, 1)),
        (Content("日本a"), Content("日本b"), Region(4, 0, 1, 1)),
    ],
)
def test_the_changed_part_of_a_row(before: Content, after: Content, region: Region | None) -> None:
    """In columns, not in letters."""
    assert _changed(before, after, 0) == region


def test_a_command_is_broken_with_a_mark_and_whole() -> None:
    """What goes on from the line above can be told from a new line."""
    rows = fitted(Line(text="restore --from " + "x" * 20, verbatim=True), 20)
    assert [row.plain for row in rows] == ["| restore --from xxx", "+ xxxxxxxxxxxxxxxxx"]
    assert [row.plain for row in fitted(Line(text="", verbatim=True), 20)] == ["| "]


def test_a_sentence_is_broken_at_words_and_an_endless_word_anyway() -> None:
    """Nothing is wider than the screen."""
    rows = fitted(Line(text="Expect: rows as sealed", hang="        "), 16)
    assert [row.plain for row in rows] == ["Expect: rows as", "        sealed"]
    assert [row.plain for row in fitted(Line(text="y" * 25), 10)] == ["y" * 10, "y" * 10, "y" * 5]


class OnePane(App[None]):
    """A pane of five rows under its title."""

    def compose(self) -> ComposeResult:
        """The pane."""
        yield Pane()


async def test_a_pane_scrolls_searches_and_follows() -> None:
    """It keeps its place when lines come, unless it follows."""
    async with OnePane().run_test(size=(40, 6)) as pilot:
        pane = pilot.app.query_one(Pane)
        lines = tuple(Line(text=f"line {number}") for number in range(20))

        def shown() -> list[str]:
            return [row.plain for row in pane._drawn[1:]]

        pane.show("T", lines)
        assert shown() == [f"line {number}" for number in range(5)]
        assert "1-5 of 20" in pane._drawn[0].plain
        pane.page(1)
        assert shown()[0] == "line 4"
        pane.show("T", (*lines, Line(text="more")))
        assert shown()[0] == "line 4"
        assert pane.find("LINE 17")
        assert shown()[0] == "line 17"
        assert not pane.find("nowhere")
        pane.show("T", lines, follow=True)
        assert shown()[-1] == "line 19"
        pane.scroll(-1000)
        assert shown()[0] == "line 0"
        pane.show("U", lines[:2], restart=True)
        assert shown() == ["line 0", "line 1"]
        await pilot.resize_terminal(40, 3)
        assert len(pane._drawn) == 3


class OneCanvas(App[None]):
    """Rows and nothing else."""

    def compose(self) -> ComposeResult:
        """The rows."""
        yield Canvas()


async def test_a_row_that_is_too_wide_moves_no_other() -> None:
    """It is cut off: wrapped, it would push those below away from where their changes are drawn."""
    async with OneCanvas().run_test(size=(10, 3)) as pilot:
        canvas = pilot.app.query_one(Canvas)
        canvas.put([Content("one two three four"), Content("five"), Content("six")])
        await pilot.pause()
        assert [canvas.render_line(y).text.rstrip() for y in range(3)] == ["one two th", "five", "six"]


async def test_markup_is_never_read() -> None:
    """Foreign text stays as it is."""
    async with OnePane().run_test(size=(40, 6)) as pilot:
        pane = pilot.app.query_one(Pane)
        pane.show(
            "[bold]T[/bold]", (Line(text="[red]x[/] [/]"), Line(text="[@click=app.exit]", verbatim=True))
        )
        assert [row.plain for row in pane._drawn[1:]] == ["[red]x[/] [/]", "| [@click=app.exit]"]
        assert "[bold]T[/bold]" in pane._drawn[0].plain
        assert isinstance(pane, Canvas)
