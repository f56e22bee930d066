"""A process that writes a journal, so that a test can break it: `journal_program FOLDER WORD...`.

Each word is done in turn and answered with a line: `ok`, or the error's class and text.
"""

import contextlib
import sys
from pathlib import Path

from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.journal import Journal
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.run.events import Event, OutcomeLost
from tests.engine.makers import DECLARED, ENDED, INTENDED, note

EVENTS: dict[str, Event] = {
    "declare": DECLARED,
    "intend": INTENDED,
    "end": ENDED,
    # Longer than what may be left of a block that the journal has already.
    "long-note": note("x" * 5000),
    "long-end": OutcomeLost(item="key/restore-key", attempt=1, why="x" * 5000),
}


def fill_disk(folder: Path) -> None:
    """Leave no byte free on the folder's file system."""
    with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))


def main(folder: Path, words: list[str]) -> None:
    """Do the words in turn."""
    journal: Journal | None = None
    for word in words:
        answer = "ok"
        try:
            if word == "create":
                journal = Journal.create(folder, SystemClock())
            elif word == "open":
                journal = Journal.open(folder, SystemClock())
            elif word == "fill":
                fill_disk(folder)
            elif word == "free":
                (folder / "filler").unlink()
            else:
                assert journal is not None
                journal.append(EVENTS[word], "engine")
        except DrtuiError as error:
            answer = f"{type(error).__name__}: {error.what}"
        print(answer, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
