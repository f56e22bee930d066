"""The runbook's text, kept with the run."""

from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.engine.runbook_text import accept_text, keep_text, runbook_difference, text_in_force
from aihummer_drtui.errors import CorruptJournalError, PreconditionError
from aihummer_drtui.run.fold import fold
from aihummer_drtui.run.state import RunState
from tests.run.story import Story

BEFORE, AFTER = "# Book\r\n\nold line\nsame\n", "# Book\r\n\nnew line\nsame\n"


def in_force(folder: RunFolder, text: str) -> RunState:
    """A state that goes by that text."""
    return msgspec.structs.replace(fold(Story().records), runbook_sha256=keep_text(folder, text))


def test_text_comes_back_byte_for_byte(tmp_path: Path) -> None:
    """Line ends and letters are the operators' own."""
    folder = RunFolder(path=tmp_path)
    for text in (BEFORE, "", "ä\u2028\n"):
        assert text_in_force(folder, in_force(folder, text)) == text


def test_accepting_gives_the_difference_and_keeps_both(tmp_path: Path) -> None:
    """What was followed before the change can be shown after it."""
    folder = RunFolder(path=tmp_path)
    state = in_force(folder, BEFORE)
    new = in_force(folder, AFTER).runbook_sha256
    difference = accept_text(folder, state, AFTER, new)
    assert "-old line" in difference
    assert "+new line" in difference
    assert difference == runbook_difference(BEFORE, AFTER)
    assert text_in_force(folder, state) == BEFORE


def test_hash_of_another_text_is_a_fault(tmp_path: Path) -> None:
    """A record never names a text that is not there."""
    folder = RunFolder(path=tmp_path)
    with pytest.raises(AssertionError):
        accept_text(folder, in_force(folder, BEFORE), AFTER, "0" * 64)


def test_text_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    """A change that cannot be stored is not accepted."""
    folder = RunFolder(path=tmp_path)
    state = in_force(folder, BEFORE)
    new = in_force(folder, AFTER).runbook_sha256
    path = tmp_path / f"runbook.{new[:16]}.md"
    path.unlink()
    path.mkdir()
    with pytest.raises(PreconditionError, match="cannot be kept with the run"):
        accept_text(folder, state, AFTER, new)


def test_missing_or_changed_text_stops(tmp_path: Path) -> None:
    """Nobody goes by a text that is not the one agreed on."""
    folder = RunFolder(path=tmp_path)
    state = in_force(folder, BEFORE)
    (path,) = tmp_path.glob("runbook.*")
    path.write_text(AFTER)
    with pytest.raises(CorruptJournalError, match="missing or was changed"):
        text_in_force(folder, state)
    path.unlink()
    with pytest.raises(CorruptJournalError, match="missing or was changed"):
        text_in_force(folder, state)
