"""What the screens ask beside their event loop: answers, errors, and a host without threads."""

import pytest

from aihummer_drtui.errors import DrtuiError, PreconditionError
from aihummer_drtui.tui.aside import asked, told


@pytest.mark.usefixtures("no_threads")
async def test_a_host_without_threads_is_told_and_ends_no_screen() -> None:
    """The question was not asked, and why stands where the answer would."""
    done: list[str] = []
    seen = await asked(lambda: done.append("asked"))
    assert isinstance(seen, PreconditionError)
    heard = [one async for one in told(lambda: iter(("one", "two")))]
    assert [type(one) for one in heard] == [PreconditionError]
    assert done == []


async def test_what_comes_of_a_question_is_given_and_its_error_comes_last() -> None:
    """One answer, or several of which the latest holds all."""

    def broken() -> str:
        raise PreconditionError("no", hint="yes")

    assert await asked(lambda: 7) == 7
    assert isinstance(await asked(broken), DrtuiError)
    heard = [one async for one in told(lambda: iter((1, 2, 3)))]
    assert heard[-1] == 3
