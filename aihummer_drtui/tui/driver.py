"""The terminal as the screens use it: Textual's driver, sparing on the wire, in ASCII where it must be."""

import os
from typing import Any, Final

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from aihummer_drtui.tui.ascii_only import in_ascii, needs_ascii
from aihummer_drtui.tui.wire import Wire

_MOUSE_ON: Final = "\x1b[?1000h\x1b[?1006h"
_MOUSE_OFF: Final = "\x1b[?1000l\x1b[?1006l"
"""Buttons only, and no movement: every movement would go over the wire (xterm's ctlseqs, Mouse Tracking)."""


class ScreensDriver(LinuxDriver):
    """Writes what the terminal does not show yet."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._wire = Wire()
        self._is_ascii = needs_ascii(os.environ)

    def write(self, data: str) -> None:
        """Write what of this data makes a difference."""
        spared = self._wire.spare(in_ascii(data) if self._is_ascii else data)
        if spared:
            super().write(spared)

    def forget(self) -> None:
        """Take what the terminal shows to be unknown."""
        self._wire.forget()

    def set_mouse(self, *, on: bool) -> None:
        """Turn the mouse on or off; it stays so after a shell or a pager."""
        # What Textual keeps is what it undoes at the end, and does again when it comes back.
        self._mouse = on
        self.write(_MOUSE_ON if on else _MOUSE_OFF)
