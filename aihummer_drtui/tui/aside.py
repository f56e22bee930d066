"""What the screens ask of the target's facts: it may block, so it is asked beside the event loop."""

from collections.abc import Callable
from typing import TypeVar

from aihummer_drtui.engine.aside import aside
from aihummer_drtui.errors import DrtuiError

T = TypeVar("T")


async def asked(question: Callable[[], T]) -> T | DrtuiError:
    """The answer, or why there is none."""
    try:
        return await aside(question)
    except DrtuiError as error:
        return error
