"""The engine's socket under fire: mutated requests, many connections, half lines; and who may come at all."""

import contextlib
import os
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aihummer_drtui.engine.journal_reading import read_journal
from aihummer_drtui.engine.wire import to_line
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.fold import fold
from aihummer_drtui.run.requests import Accepted, Refused
from aihummer_drtui.run.state import Living
from tests.engine.engine_house import House, a_house, accepted, book, command, until
from tests.engine.test_commands import SWAP, has_ended
from tests.engine.test_server import ATTACH, Raw

Record = Callable[[str, object], None]
VALID: tuple[r.Request, ...] = (
    r.Attach(operator="eve", host="h", front_end="f"),
    r.ShowStep(step="work"),
    r.LookAgain(item="work/before"),
    r.GiveInput(item="brief/BACKUP_SET", value="/a"),
    r.Confirm(item="brief/confirm-1", statement="seen"),
    r.StartCommand(item=SWAP, confirmation="db.example/aihummer"),
    r.StopCommand(item=SWAP),
    r.ProbeOutcome(item=SWAP),
    r.SettleOutcome(item=SWAP, done=True, reason="so"),
    r.Skip(item="work/before", reason="so"),
    r.Override(item="work/before", reason="so"),
    r.WriteNote(text="so"),
    r.AcceptRunbook(text="{}", reason="so"),
    r.Finish(),
)
"""All but `abandon`: what is left of it is one too mostly, and an engine whose run was given up ends."""
OF_ITSELF = (
    e.CheckObserved,
    e.LevelReached,
    e.CommandStarted,
    e.CommandEnded,
    e.OutcomeLost,
    e.OutcomeProbed,
)
"""What an engine records that nobody asked for at that moment."""
LINES = st.sampled_from([to_line(one)[:-1] for one in VALID])
CHANGES = st.lists(
    st.tuples(st.integers(0, 200), st.sampled_from(["flip", "drop", "twice", "insert"]), st.integers(1, 255)),
    min_size=1,
    max_size=4,
)


def changed(line: bytes, changes: list[tuple[int, str, int]]) -> bytes:
    """The line with some of its bytes other, missing, twice, or between."""
    data = bytearray(line)
    for place, how, byte in changes:
        at = place % max(1, len(data))
        match how:
            case "flip" if data:
                data[at] ^= byte
            case "drop":
                del data[at : at + byte % 8]
            case "twice":
                data[at:at] = data[at : at + 16]
            case _:
                data[at:at] = bytes([byte])
    return bytes(data).replace(b"\n", b" ") + b"\n"


def replayed(house: House) -> int:
    """How far the journal goes; it must be one that can be folded."""
    state = fold(read_journal(house.folder.path))
    return state.sequence


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A run that is under fire."""
    with a_house(tmp_path_factory.mktemp("h"), book(command(SWAP, "true", destructive=True))) as made:
        made.connect().close()
        yield made


@settings(max_examples=120, deadline=None)
@given(lines=st.lists(st.tuples(LINES, CHANGES), min_size=1, max_size=6), attached=st.booleans())
def test_mutated_requests_are_journalled_or_change_nothing(
    house: House, lines: list[tuple[bytes, list[tuple[int, str, int]]]], attached: bool
) -> None:
    """Whatever a byte too many or too few makes of a request, it is refused whole or done whole."""
    with Raw(house) as raw:
        if attached:
            assert isinstance(raw.ask(ATTACH), Accepted)
        for line, changes in lines:
            before = len(house.events())
            heard = raw.ask(changed(line, changes))
            assert isinstance(heard, Accepted | Refused)
            if isinstance(heard, Refused):
                assert heard.reason
                assert heard.hint
                assert [one for one in house.events()[before:] if not isinstance(one, OF_ITSELF)] == []
        raw.socket.shutdown(socket.SHUT_WR)
        while raw.hear() is not None:
            pass
    assert house.engine().is_alive()


def test_after_the_fire_the_journal_is_whole(house: House) -> None:
    """What it holds can be folded, and a new connection is answered."""
    assert replayed(house) >= 1
    with Raw(house) as raw:
        assert isinstance(raw.ask(ATTACH), Accepted)


def test_many_connections_that_say_nothing_or_half_a_line_keep_nobody_out(
    folder: Path, record_property: Record
) -> None:
    """Idle ones, ones that dribble, ones that left in the middle: the next one is answered as ever."""
    with a_house(folder, book(command(SWAP, "true"))) as house, contextlib.ExitStack() as open_ones:
        session = house.sit()
        for number in range(150):
            raw = open_ones.enter_context(Raw(house))
            if number % 3 == 1:
                raw.socket.sendall(ATTACH[: number % len(ATTACH)])
            elif number % 3 == 2:
                raw.socket.close()
        dribbling = open_ones.enter_context(Raw(house))
        for byte in ATTACH:
            dribbling.socket.sendall(bytes([byte]))
            accepted(session, r.WriteNote(text="still here"))
        assert isinstance(dribbling.hear(), Accepted | r.Grew)
    record_property("injections", 151)


def test_state_and_run_are_closed_to_others(folder: Path, record_property: Record) -> None:
    """Folders 0700, files and socket 0600, also what a command wrote; another account gets nowhere."""
    secret = "c4nary-0f-th3-run"
    with a_house(folder, book(command(SWAP, f"umask 0; echo {secret}; echo x > /dev/stderr"))) as house:
        session = house.sit()
        accepted(session, r.GiveInput(item="brief/BACKUP_SET", value="/a"))
        accepted(session, r.Confirm(item="brief/confirm-1", statement="seen"))
        accepted(session, r.ShowStep(step="work"))
        until(session, lambda state: "work/before" in state.items)
        accepted(session, r.StartCommand(item=SWAP))
        until(session, has_ended)
        modes = {}
        for path in (house.state, *house.state.rglob("*")):
            seen = path.lstat()
            assert seen.st_uid == os.geteuid()
            modes[path] = (stat.S_ISDIR(seen.st_mode), stat.S_IMODE(seen.st_mode))
        made_by_tests = {house.state / "world.json"}
        wide = {
            path: mode
            for path, (is_folder, mode) in modes.items()
            if mode & 0o077 and path not in made_by_tests
        }
        assert wide == {}
        assert len(modes) > 10
        if os.geteuid() != 0:
            pytest.skip("only root can become another account")
        for path in (house.folder.socket, house.folder.journal, house.attempt(SWAP).output):
            reader = subprocess.run(
                ["/bin/cat", path],
                user=65_534,
                group=65_534,
                extra_groups=[],
                capture_output=True,
                check=False,
            )
            assert (reader.returncode, reader.stdout) == (1, b"")
        assert isinstance(session.state.ending, Living)
    record_property("injections", len(modes))
