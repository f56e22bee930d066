"""What an operator can want, once each: from one entry come the key, the footer, the help and the palette.

Keys are letters, digits, Enter, arrows and F-keys: not what tmux, screen or flow control take for
themselves (Ctrl-A, Ctrl-B, Ctrl-S, Ctrl-Q), not Alt, and Escape only beside another key.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from textual.binding import Binding, BindingType


@dataclass(frozen=True, kw_only=True)
class Intent:
    """One thing to want on a screen."""

    action: str
    """The screen's or the application's method `action_...`."""
    keys: str
    """As Textual names them, separated by commas."""
    shown: str
    """The key as it is shown."""
    word: str = ""
    """Its word in the footer; empty = only in the help."""
    does: str
    in_palette: bool = False

    def binding(self) -> Binding:
        """The key bound to the action."""
        return Binding(self.keys, self.action, self.does, show=False)


def bindings(intents: Iterable[Intent]) -> list[BindingType]:
    """The bindings of a screen."""
    return [intent.binding() for intent in intents]


HELP: Final = Intent(
    action="app.help", keys="f1,question_mark", shown="F1", word="help", does="explain the keys"
)
PALETTE: Final = Intent(
    action="palette",
    keys="colon,f2",
    shown=":",
    word="more",
    does="list every action that is legal now",
)
LEAVE: Final = Intent(
    action="app.leave",
    keys="q,f10,ctrl+c",
    shown="q",
    word="leave",
    does="leave; the run stays, and commands go on",
    in_palette=True,
)
BACK: Final = Intent(action="back", keys="f3,escape,ctrl+c", shown="F3", word="back", does="go back")
REDRAW: Final = Intent(
    action="app.redraw",
    keys="f5,ctrl+l",
    shown="F5",
    does="draw the screen anew, when something else wrote into it",
    in_palette=True,
)
RUN: Final = (
    Intent(action="app.note", keys="n", shown="n", word="note", does="put a note on record", in_palette=True),
    Intent(
        action="app.briefing",
        keys="b",
        shown="b",
        does="what this run is: target, mode, clocks, whom to call",
        in_palette=True,
    ),
    Intent(
        action="app.recovery_set",
        keys="d",
        shown="d",
        does="the recovery set: database, blobs, key, and what each would lose",
        in_palette=True,
    ),
    Intent(action="app.timeline", keys="e", shown="e", does="the timeline of events so far", in_palette=True),
    Intent(
        action="app.copy",
        keys="c",
        shown="c",
        does="copy the selected command or text (OSC 52), and name the file in which it lies",
        in_palette=True,
    ),
    Intent(
        action="app.print",
        keys="p",
        shown="p",
        does="leave the screen and print this as plain text",
        in_palette=True,
    ),
    Intent(
        action="app.shell",
        keys="exclamation_mark",
        shown="!",
        does="open a shell on this host, and come back with `exit`",
        in_palette=True,
    ),
    Intent(
        action="app.mouse",
        keys="m",
        shown="m",
        does="turn the mouse on or off (on, it cannot mark text)",
        in_palette=True,
    ),
    Intent(
        action="app.reconnect",
        keys="r",
        shown="r",
        word="reconnect",
        does="try again to have an engine",
        in_palette=True,
    ),
    REDRAW,
    Intent(action="app.abandon", keys="f8", shown="F8", does="give the run up", in_palette=True),
)
"""Everywhere in a run."""
_AT_A_TABLE_ONLY: Final = frozenset({"about('tell')"})
_NOT_AT_A_TABLE: Final = frozenset(
    {"about('stop')", "show('output')", "follow", "pager", "app.shell", "app.recovery_set"}
)
"""Where nothing is executed there is nothing to stop, to read of or to look at, by hand or otherwise."""
STEP: Final = (
    HELP,
    PALETTE,
    LEAVE,
    Intent(action="next", keys="enter", shown="Enter", does="do what the line above the footer says"),
    Intent(action="select(-1)", keys="up", shown="Up, Down", does="select an item of the checklist"),
    Intent(action="select(1)", keys="down", shown="Down", does=""),
    Intent(
        action="about('again')",
        keys="a",
        shown="a",
        word="again",
        does="look at the selected check again, or start the selected command once more",
    ),
    Intent(
        action="about('tell')",
        keys="i",
        shown="i",
        word="say it",
        does="tabletop: say what the selected check finds, also otherwise, or how the command ended",
    ),
    Intent(
        action="about('stop')",
        keys="t",
        shown="t",
        word="stop it",
        does="end the selected command (or the running one)",
    ),
    Intent(
        action="about('give')",
        keys="g",
        shown="g",
        word="give value",
        does="give the selected value, or give it anew",
    ),
    Intent(
        action="about('settle')",
        keys="u",
        shown="u",
        word="unknown outcome",
        does="decide what became of a command",
    ),
    Intent(
        action="about('skip')",
        keys="x",
        shown="x",
        word="skip",
        does="leave the item out (a deviation)",
    ),
    Intent(
        action="about('override')",
        keys="v",
        shown="v",
        word="override",
        does="go on although it is not green (a deviation)",
    ),
    Intent(
        action="show('text')", keys="w", shown="w", word="why", does="read the step's text, or fold it away"
    ),
    Intent(
        action="show('output')",
        keys="o",
        shown="o",
        word="output",
        does="see what the command wrote, or hide it",
    ),
    Intent(action="zoom", keys="z", shown="z", does="give the pane the whole screen, or take it back"),
    Intent(action="follow", keys="f,space", shown="f", does="follow the output, or pause"),
    Intent(
        action="find", keys="slash", shown="/", does="search in the pane; / and Enter alone: the next place"
    ),
    Intent(action="pager", keys="l", shown="l", does="open the whole output in a pager", in_palette=True),
    Intent(action="page(1)", keys="pagedown", shown="PgUp, PgDn", does="scroll the pane"),
    Intent(action="page(-1)", keys="pageup", shown="PgUp", does=""),
    Intent(action="scroll(-1000000)", keys="home", shown="Home, End", does="to the pane's top, or its end"),
    Intent(action="scroll(1000000)", keys="end", shown="End", does=""),
    Intent(action="steps", keys="s", shown="s", word="steps", does="list the steps, and go to one"),
    *(
        Intent(
            action=f"step({number})",
            keys=str(number),
            shown="1 ... 9",
            does="go to that step" if number == 1 else "",
        )
        for number in range(1, 10)
    ),
)
"""On the screen of a step."""
ELSEWHERE: Final = (
    HELP,
    BACK,
    *(one for one in RUN if one.action in {"app.note", "app.copy", "app.print", "app.shell", "app.mouse"}),
    *(one for one in RUN if one.action in {"app.reconnect", "app.redraw"}),
)
"""On the other screens of a run that are read, not typed into."""
TYPING: Final = (
    Intent(action="app.help", keys="f1", shown="F1", word="help", does="explain the keys"),
    BACK,
    REDRAW,
)
"""Where letters go into what is typed."""
SCROLL: Final = (
    Intent(action="page(1)", keys="pagedown", shown="PgUp, PgDn", does="scroll what is to be read"),
    Intent(action="page(-1)", keys="pageup", shown="PgUp", does=""),
)
CHOOSE: Final = (
    Intent(action="move(-1)", keys="up", shown="Up, Down", does="choose the row above or below"),
    Intent(action="move(1)", keys="down", shown="Down", does=""),
)
"""What is beside the letters, where there is something to read or to choose from."""


def in_mode(intents: Iterable[Intent], *, tabletop: bool) -> tuple[Intent, ...]:
    """Those that can ever do something in a run of that mode."""
    without = _NOT_AT_A_TABLE if tabletop else _AT_A_TABLE_ONLY
    return tuple(one for one in intents if one.action not in without)
