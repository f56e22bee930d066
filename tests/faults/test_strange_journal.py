"""A journal that is not ours to write: every command says so with its exit code, and leaves it as it is."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aihummer_drtui.engine.journal_reading import inspect_journal
from aihummer_drtui.engine.record import VERSION, encode
from aihummer_drtui.run import events as e
from tests.cli.desk import PHRASE, Desk, a_desk
from tests.conftest import short_folder
from tests.engine.makers import record

UNATTENDED = ("--yes", "--confirm", PHRASE)


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk with a run that waits at its gate, and no engine."""
    with short_folder() as place, a_desk(place) as made:
        made.call(made.run_words("--yes"), code=3)
        made.end_engine()
        yield made


def link(journal: Path) -> None:
    """Somebody put a link in its place."""
    journal.rename(journal.with_name("real"))
    journal.symlink_to("real")


def fifo(journal: Path) -> None:
    """Opening it would wait for ever."""
    journal.unlink()
    os.mkfifo(journal, 0o600)


def writable(journal: Path) -> None:
    """Another account could have written it."""
    journal.chmod(0o666)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (link, "a symbolic link"),
        (fifo, "no regular file"),
        (writable, "a file that other accounts may write"),
    ],
)
def test_j20_journal_that_is_none_is_refused_by_every_command(
    desk: Desk, change: Callable[[Path], None], told: str
) -> None:
    """Exit 3, what it is and where; nothing is begun by it, and nothing written through it."""
    journal = desk.folder().journal
    change(journal)
    before = journal.lstat()
    for words in (("resume", *UNATTENDED), ("status",), ("abandon", journal.parent.name, "--reason", "x")):
        ended = desk.call(desk.words(*words), code=3)
        assert f"refused: it is {told}" in ended.stderr
        assert str(journal) in ended.stderr
    after = journal.lstat()
    assert (before.st_ino, before.st_size, before.st_mtime_ns) == (
        after.st_ino,
        after.st_size,
        after.st_mtime_ns,
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another account")
def test_j20_journal_of_another_account_is_shown_and_not_gone_on_with(desk: Desk) -> None:
    """A spectator may look (exit as ever); only its owner's engine writes (exit 3)."""
    journal = desk.folder().journal
    data = journal.read_bytes()
    os.chown(journal, 65534, 65534)
    desk.call(desk.words("status"), code=3)
    ended = desk.call(desk.words("resume", *UNATTENDED), code=3)
    assert "owned by user 65534" in ended.stderr
    assert journal.read_bytes() == data


def test_j21_journal_of_a_newer_program_is_listed_and_not_touched(desk: Desk) -> None:
    """Exit 3 with the version, from whatever would go on with it; `runs` names it; its bytes stay."""
    journal = desk.folder().journal
    chain = inspect_journal(journal.parent).chain
    line, _ = encode(record(chain, e.NoteWritten(text="of tomorrow"), version=VERSION + 8), chain)
    with journal.open("ab") as file:
        file.write(line)
    data = journal.read_bytes()
    for words in (("resume", *UNATTENDED), ("status",), ("abandon", journal.parent.name, "--reason", "x")):
        ended = desk.call(desk.words(*words), code=3)
        assert f"written by a newer aihummer-drtui (record version {VERSION + 8}" in ended.stderr
        assert "HINT: use the version" in ended.stderr
    assert journal.parent.name in desk.call(desk.words("runs"), code=0).stdout
    assert journal.read_bytes() == data
    assert not list(journal.parent.glob("journal.*"))
