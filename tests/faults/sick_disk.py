"""A whole sitting in line mode on a disk that fills up, runs out of inodes, or turns read-only.

Run as a program under `unshare`, so that no mount outlives it: `sick_disk CASE PLACE`. It ends with 77 where
it may not mount.
"""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aihummer_drtui.engine.journal_reading import read_journal
from aihummer_drtui.run import events as e
from aihummer_drtui.run.state import Finished
from tests.cli.desk import PHRASE, WITHIN, Desk, Terminal, a_desk
from tests.faults.power import CANNOT, Boot, CutDisk

GIVE, SAY, PREPARE = "INPUT look/BACKUP_SET", "CONFIRM look/confirm-1", "COMMAND work/prepare"
GATE, DONE = "COMMAND work/swap", "CONFIRM done/confirm-1"


def mounted(desk: Desk, options: str) -> None:
    """Put a small file system where the state will be."""
    desk.state.mkdir(mode=0o700)
    words = ["mount", "-t", "tmpfs", "-o", f"mode=0700,{options}", "tmpfs", str(desk.state)]
    if subprocess.run(words, check=False).returncode:
        sys.exit(CANNOT)


def remounted(desk: Desk, option: str) -> None:
    """Mount it anew. Who was killed may still be letting go of it; no event tells when that is over."""
    deadline = time.monotonic() + WITHIN
    words = ["mount", "-o", f"remount,{option}", str(desk.state)]
    while subprocess.run(words, check=False, stderr=subprocess.DEVNULL).returncode:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def fill(desk: Desk) -> Path:
    """Leave no byte free; give the file that takes them."""
    filler = desk.state / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return filler


def take_inodes(desk: Desk) -> list[Path]:
    """Leave no name free; give those taken."""
    taken: list[Path] = []
    with contextlib.suppress(OSError):
        while True:
            path = desk.state / f"taken-{len(taken)}"
            path.touch()
            taken.append(path)
    return taken


def begun(desk: Desk) -> Terminal:
    """A sitting at the first command."""
    terminal = desk.sit(desk.run_words("--operator", "ada"))
    terminal.answer(GIVE, "")
    terminal.answer(SAY, "yes")
    return terminal


def use_up_the_last_block(terminal: Terminal) -> None:
    """Write notes until not even the rest of the journal's last block takes one more."""
    for size in (2000, 1000, 500, 200, 100, 50, 20, 1):
        for _ in range(3):
            terminal.type("note " + "x" * size)
            if "REFUSED" in terminal.prompted("Still open: "):
                break


def goes_on(desk: Desk, terminal: Terminal) -> None:
    """From the first command to the end of the run, without another program having been started."""
    terminal.answer(PREPARE, "start")
    terminal.answer(GATE, PHRASE)
    terminal.answer(DONE, "")
    assert terminal.end() == 0
    assert isinstance(desk.now().ending, Finished)
    assert len(desk.of_kind(e.EngineStarted)) == 1


def no_room(desk: Desk) -> None:
    """Nothing begins on a full disk; what to do is said; once there is room the same sitting goes on."""
    mounted(desk, "size=1m")
    terminal = begun(desk)
    terminal.prompted(PREPARE)
    filler = fill(desk)
    use_up_the_last_block(terminal)
    for _ in range(2):
        terminal.type("start")
        told = terminal.expect("free some space on this file system and try again")
        refused = "no room for the record (No space left on device): nothing was recorded"
        assert f"{desk.folder().journal}: {refused}" in " ".join(told.split())
        terminal.prompted("Still open: ")
    assert desk.of_kind(e.CommandIntended) == []
    assert list(desk.folder().path.glob("attempts/*")) == []
    filler.unlink()
    terminal.type("start")
    terminal.answer(GATE, PHRASE)
    terminal.answer(DONE, "")
    assert terminal.end() == 0
    assert len(desk.of_kind(e.EngineStarted)) == 1


def no_room_for_the_end(desk: Desk) -> None:
    """A command that ends on a full disk has its end recorded from the room that was kept for it."""
    go = desk.pipe("go")
    desk.write_runbook(prepare=f"read x < {go}")
    mounted(desk, "size=1m")
    terminal = begun(desk)
    terminal.answer(PREPARE, "start")
    terminal.expect("running: work/prepare, attempt 1")
    filler = fill(desk)
    go.write_text("go\n")
    terminal.prompted(GATE)
    use_up_the_last_block(terminal)
    terminal.type(PHRASE)
    terminal.expect("free some space on this file system and try again")
    (ended,) = desk.of_kind(e.CommandEnded)
    assert (ended.item, ended.code) == ("work/prepare", 0)
    filler.unlink()
    terminal.answer("Still open: ", PHRASE)
    terminal.answer(DONE, "")
    assert terminal.end() == 0


def no_inodes(desk: Desk) -> None:
    """A command whose folder cannot be made did not start, says so, and starts once there are names again."""
    mounted(desk, "size=8m,nr_inodes=60")
    terminal = begun(desk)
    terminal.prompted(PREPARE)
    taken = take_inodes(desk)
    terminal.type("start")
    told = terminal.expect("free some space there (`df`, `df -i`) and try again")
    assert "the command was not started: No space left on device" in " ".join(told.split())
    assert desk.of_kind(e.CommandStarted) == []
    for path in taken:
        path.unlink()
    terminal.answer("FAILED work/prepare", "again")
    terminal.answer(GATE, PHRASE)
    terminal.answer(DONE, "")
    assert terminal.end() == 0
    assert next(one.kind for one in desk.of_kind(e.CommandEnded)) is e.EndKind.NOT_STARTED


def no_room_at_the_start(desk: Desk) -> None:
    """A run that could not be recorded is not begun: exit 3, what to do, and nothing in the way later."""
    mounted(desk, "size=1m")
    filler = fill(desk)
    ended = desk.call(desk.run_words(), code=3)
    assert "No space left on device" in ended.stderr
    assert "HINT: " in ended.stderr
    filler.unlink()
    goes_on(desk, begun(desk))


def read_only_at_the_start(desk: Desk) -> None:
    """No run begins on a read-only disk, a look at what is there is still had, and it goes on once mended."""
    mounted(desk, "size=1m")
    desk.call(desk.run_words("--yes"), code=3)
    desk.end_engine()
    remounted(desk, "ro")
    for words in (desk.run_words(), desk.words("resume")):
        ended = desk.call(words, code=3)
        assert "not writable" in ended.stderr
        assert "--state-dir" in ended.stderr
    assert "work" in desk.call(desk.words("status"), code=3).stdout
    remounted(desk, "rw")
    desk.call(desk.words("resume", "--yes", "--confirm", PHRASE), code=0)


def lost(desk: Desk, lose: Callable[[CutDisk], None], *told: str) -> None:
    """The disk fails under a run: the sitting ends with the reason; after its repair the run goes on."""
    runs = desk.state / "runs"
    runs.mkdir(mode=0o700, parents=True)
    desk.state.chmod(0o700)
    try:
        disk = CutDisk(desk.place / "disk", runs, Boot(desk.place))
    except subprocess.CalledProcessError:
        sys.exit(CANNOT)
    terminal = begun(desk)
    terminal.prompted(PREPARE)
    before = len(read_journal(desk.folder().path))
    lose(disk)
    terminal.type("start")
    for each in told:
        terminal.expect(each)
    assert terminal.end() == 3
    assert "Traceback" not in terminal.text
    disk.unmount()
    disk.mount()
    assert len(read_journal(desk.folder().path)) >= before
    assert desk.of_kind(e.CommandIntended) == []
    desk.call(desk.words("resume", "--yes", "--confirm", PHRASE), code=0)
    disk.unmount()


def read_only_under_way(desk: Desk) -> None:
    """ext4 turns itself read-only, as after an error of its own."""

    def abort(disk: CutDisk) -> None:
        subprocess.run(["mount", "-o", "remount,abort", str(disk.at)], check=True)

    lost(
        desk,
        abort,
        "the journal could not be written: Read-only file system HINT: look at the disk",
        "Nothing is lost",
        "Read-only file system HINT: the state folder must be ",
    )


def errors_under_way(desk: Desk) -> None:
    """Every call on the disk fails."""
    lost(desk, CutDisk.cut, "the journal cannot be read: Input/output error HINT: look whether")


CASES: Final[dict[str, Callable[[Desk], None]]] = {
    case.__name__: case
    for case in (
        no_room,
        no_room_for_the_end,
        no_inodes,
        no_room_at_the_start,
        read_only_at_the_start,
        read_only_under_way,
        errors_under_way,
    )
}


if __name__ == "__main__":
    with a_desk(Path(sys.argv[2])) as its_desk:
        CASES[sys.argv[1]](its_desk)
