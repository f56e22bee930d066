"""Textual's own names that the screens lean on: a version that lacks one is told here, not at 3 a.m."""

import inspect
from pathlib import Path

import pytest
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from aihummer_drtui.tui.base import ScreensApp
from aihummer_drtui.tui.choices import HomeFacts
from aihummer_drtui.tui.driver import ScreensDriver
from aihummer_drtui.tui.home import HomeApp
from tests.engine.engine_house import a_house, book, command
from tests.tui.screens import shown


@pytest.mark.parametrize(
    ("where", "name", "what_for"),
    [
        (App._handle_exception, "_fatal_error", "no traceback with the values of variables (tui/base.py)"),
        (App._handle_exception, "_exception", "a fault is told by whoever called (tui/base.py)"),
        (App._fatal_error, "_close_messages_no_wait", "the end after a fault (tui/base.py)"),
        (App._process_messages, "_driver", "the driver that is sparing on the wire (tui/base.py)"),
        (LinuxDriver._disable_mouse_support, "_mouse", "the mouse turned on and off (tui/driver.py)"),
        (LinuxDriver._enable_mouse_support, "_mouse", "the mouse turned on and off (tui/driver.py)"),
    ],
)
def test_textual_still_has(where: object, name: str, what_for: str) -> None:
    """Names that no version of Textual promises."""
    assert callable(where)
    assert name in inspect.getsource(where), f"this Textual does without `{name}`, needed for: {what_for}"


def test_a_fault_is_raised_and_not_shown() -> None:
    """Neither its traceback nor the value of a variable reaches the terminal."""

    class Faulty(HomeApp):
        def on_mount(self) -> None:
            raise ZeroDivisionError("the value of a secret")

    app = Faulty(HomeFacts(target="t"))
    app.run(headless=True)
    assert isinstance(app._exception, ZeroDivisionError)
    assert app._exit_renderables == []
    assert isinstance(app, ScreensApp)


def test_the_driver_is_asked_for_by_a_public_name() -> None:
    """Textual calls it when it starts on a terminal."""
    assert HomeApp(HomeFacts(target="t")).driver_class is ScreensDriver


async def test_the_terminal_is_watched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual calls `on_mount` of every class of an application: none calls that of its base."""
    watched: list[object] = []
    monkeypatch.setattr("aihummer_drtui.tui.base.watch_terminal", watched.append)
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house) as screens:
            assert watched == [screens.app]
