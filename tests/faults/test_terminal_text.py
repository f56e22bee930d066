"""X01, X02: whatever comes in, by whichever way, a real terminal is sent none of it as control or markup."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from aihummer_drtui.engine.wire import message_of, short_path, to_line
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned
from aihummer_drtui.recovery.target_file import load_target
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.requests import Accepted, Grew
from aihummer_drtui.run.verdict import Choice
from aihummer_drtui.runbook.reader import read_runbook
from aihummer_drtui.testing import Script, ScriptedCheck
from tests.cli.at_screens import ScreenTerminal, give_the_set, on_screens
from tests.cli.calling import PROGRAM
from tests.cli.desk import PHRASE, Desk, passing
from tests.cli.test_screens import environment
from tests.hostile_text import LONG, MARKUP, SEQUENCES, as_json_text, as_text, controls_in, packed

Record = Callable[[str, object], None]
NAME = b"n\x1b]52;c;eA==\x07\x9b31m\x1bc\xe2\x80\xae\x1b[6n[bold][/]\xff"
"""For a field that is told once and short: a little of each."""
CHUNKS = packed(90)
TOLD = (*CHUNKS, *(" ".join(part).encode() for part in (MARKUP[:5], MARKUP[5:])))
"""All of it in a dozen lines: an engine looks at a check once a second."""
SAID = (*CHUNKS, *map(str.encode, MARKUP), *LONG)
NOTES = len(SAID)
SENT_BY_TEXTUAL = {"CSI ?h", "CSI ?l", "CSI H", "CSI m", "CSI >u", "CSI ?p", "ESC ]22", "U+000D"}
"""All that the screens send of themselves: modes, places, colours, keyboard protocol, pointer's shape."""


def looks_like(text: bytes) -> Script:
    """A world in which every look sees that, and the target is told as everything that is hostile."""
    told = as_json_text(text).replace("{", "{{").replace("}", "}}")
    checks = {name: ScriptedCheck(observed=told, interval=0.1) for name in ("gateway-env", "healthz")}
    facts = tuple(as_json_text(one) for one in (*CHUNKS, *map(str.encode, MARKUP)))
    return Script(checks=checks, facts=facts)


class Stranger:
    """A front end that says whatever it is told to."""

    def __init__(self, desk: Desk) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short_path(desk.folder().socket) as name:
            self.socket.connect(name)
        self.lines = self.socket.makefile("rb")

    def says(self, request: r.Request) -> None:
        """Say what must be accepted."""
        self.socket.sendall(to_line(request))
        while isinstance(reply := message_of(self.lines.readline()), Grew):
            pass
        assert isinstance(reply, Accepted), reply

    def leave(self) -> None:
        """Go."""
        self.lines.close()
        self.socket.close()


def hostile_desk(desk: Desk, *, then: str = "exit 0") -> None:
    """Let target, choices, output and runbook say what they can.

    No target's name and no runbook holds controls: both are refused (tests of their own).
    """
    desk.target.write_text(
        f'name = "shop {" ".join(MARKUP[:3])}"\ngateway-env = "{desk.place}/gateway.env"\n'
    )
    desk.pipe("go")
    lines = (*CHUNKS, *map(str.encode, MARKUP), *LONG, *CHUNKS, b"[bold]the last line[/]")
    (desk.place / "told").write_bytes(b"\n".join(lines) + b"\n")
    desk.write_runbook(prepare=f"cat '{desk.place}/told'; cat '{desk.place}/go'; {then}")
    text = desk.runbook.read_text()
    for plain in ("To know.", "The users know.", "Prepare.", "Prepared.", "All well.", "The old one."):
        text = text.replace(plain, f"{plain} {' '.join(MARKUP[:8])}")
    desk.runbook.write_text(text.replace("Folder of the set.", f"Folder {MARKUP[1]} of {MARKUP[0]}"))
    choice = Choice(value="/backups/newest", told=tuple(as_json_text(one) for one in CHUNKS))
    desk.world.tell(Script(checks=passing().checks, choices={"BACKUP_SET": (choice,)}))


def attached(desk: Desk) -> Stranger:
    """Have another operator sit down."""
    stranger = Stranger(desk)
    stranger.says(
        r.Attach(operator=as_json_text(NAME), host=as_json_text(NAME), front_end=as_json_text(NAME))
    )
    return stranger


def abandoned_by_a_stranger(desk: Desk) -> None:
    """Have another operator end the run."""
    stranger = attached(desk)
    stranger.says(r.Abandon(reason=as_json_text(NAME)))
    stranger.leave()


def written_by_a_stranger(desk: Desk) -> None:
    """Have another operator put everything on record."""
    stranger = attached(desk)
    for number, chunk in enumerate(SAID):
        stranger.says(r.WriteNote(text=f"m{number}q {as_json_text(chunk[:1_000])}"))
    stranger.leave()


def test_x01_x02_on_the_screens(desk: Desk, record_property: Record) -> None:
    """Output, notes, operators, checks, facts of the target, runbook, reasons: on the screens of a run."""
    hostile_desk(desk)
    with on_screens(desk.run_words("--mode", "real"), environment(desk), size=(160, 50)) as terminal:
        give_the_set(terminal)
        terminal.until_shown("Enter: state that you have seen it")
        terminal.press("\x1b[B")
        terminal.until_shown("CHECK look/gateway-env")
        for number, chunk in enumerate(TOLD):
            desk.world.tell(looks_like(f"c{number}q ".encode() + chunk))
            terminal.until_shown(f"c{number}q")
        assert MARKUP[-1] in terminal.text
        terminal.enter_when("back to what comes next")
        terminal.enter_when("state that you have seen it")
        terminal.enter_when("go to step 2")
        assert " ".join(MARKUP[:3]) in terminal.text
        terminal.enter_when("start work/prepare")
        terminal.until_shown("> running  command prepare", "[bold]the last line[/]")
        written_by_a_stranger(desk)
        terminal.press("e")
        for text in ("m0q", f"m{NOTES - 1}q"):
            page_down_to(terminal, text)
        terminal.press("\x1bOR")
        terminal.until_shown("> running  command prepare")
        (desk.place / "go").write_text("")
        terminal.enter_when("open the gate of work/swap")
        terminal.until_shown("HOST/DATABASE>", r"\x1b[2J")
        terminal.press("\x1bOR")
        terminal.until_shown("Enter: open the gate of work/swap")
        abandoned_by_a_stranger(desk)
        terminal.until_shown("ABANDONED: ", r"n\x1b]52;c;eA==")
        assert controls_in(bytes(terminal.wrote)) <= SENT_BY_TEXTUAL
        assert "owned" not in terminal.screen.title + terminal.screen.icon_name
    record_property("injections", 4 * len(SEQUENCES) + 4 * len(MARKUP) + 2 * len(LONG))


def test_x01_x02_in_line_mode(desk: Desk, record_property: Record) -> None:
    """The same, where not even a carriage return is sent; and in what looks at the run afterwards."""
    hostile_desk(desk, then=f"test -e '{desk.place}/again' || {{ touch '{desk.place}/again'; exit 1; }}")
    terminal = desk.sit(desk.run_words("--plain", "--mode", "real", "--operator", as_text(NAME)))
    terminal.answer("INPUT look/BACKUP_SET", "")
    terminal.prompted("look/confirm-1")
    for number, chunk in enumerate(TOLD):
        desk.world.tell(looks_like(f"c{number}q ".encode() + chunk))
        until_journalled(desk, f"c{number}q")
    written_by_a_stranger(desk)
    terminal.type("yes")
    terminal.prompted("COMMAND work/prepare")
    terminal.type("start")
    (desk.place / "go").write_text("")
    terminal.expect("[bold]the last line[/]")
    terminal.rest_of_question()
    terminal.type("again")
    (desk.place / "go").write_text("")
    terminal.prompted("HOST/DATABASE")
    terminal.type(f"note {MARKUP[0]} {MARKUP[5]}")
    terminal.rest_of_question()
    terminal.type("quit")
    terminal.end()
    assert controls_in(bytes(terminal.everything)) == set()
    for text in (*MARKUP, "[bold]the last line[/]", r"\x1b]52;c;cm0gLXJm\x07", r"\u202egpj.exe"):
        assert "".join(text.split()) in "".join(terminal.text.split())
    for words in (["status"], ["runs"], ["status", "--json"], ["print", "--run", desk.folder().id]):
        looking = desk.sit(desk.words(*words))
        looking.end()
        assert looking.everything
        assert controls_in(bytes(looking.everything)) == set()
    record_property("injections", 5 * len(SEQUENCES) + 6 * len(MARKUP) + 2 * len(LONG))


def page_down_to(terminal: ScreenTerminal, text: str) -> None:
    """Turn the pages until that stands on the screen."""
    deadline = time.monotonic() + 20
    terminal.until_shown("TIMELINE")
    while text not in (before := terminal.text):
        assert time.monotonic() < deadline, f"no {text} in\n{before}"
        terminal.press("\x1b[6~")
        terminal.until(lambda shown, before=before: shown != before, text)  # type: ignore[misc]


def until_journalled(desk: Desk, text: str) -> None:
    """Wait until the journal holds that."""
    deadline = time.monotonic() + 20
    while text.encode() not in desk.folder().journal.read_bytes():
        assert time.monotonic() < deadline, text


def test_x01_x02_as_json(desk: Desk, record_property: Record) -> None:
    """One event a line, of printable letters only, that says the same when it is read."""
    hostile_desk(desk)
    terminal = desk.sit(desk.run_words("--json", "--yes", "--confirm", PHRASE, "--operator", as_text(NAME)))
    terminal.expect("command-started")
    written_by_a_stranger(desk)
    terminal.expect(f"m{NOTES - 1}q")
    (desk.place / "go").write_text("")
    terminal.end()
    assert controls_in(bytes(terminal.everything)) == set()
    lines = [line for line in terminal.text.splitlines() if line.startswith("{")]
    notes = [json.loads(line)["what"]["text"] for line in lines if '"note-written"' in line]
    assert notes == [f"m{number}q {as_json_text(chunk[:1_000])}" for number, chunk in enumerate(SAID)]
    record_property("injections", NOTES + len(SEQUENCES) + len(MARKUP))


def test_x01_names_of_files(desk: Desk, record_property: Record) -> None:
    """A file that is called like this is refused or read; its name is shown, and is only shown."""
    names = [line.replace(b"/", b"_") for line in (*CHUNKS, *map(str.encode, MARKUP))]
    ways = (["lint"], ["run", "--runbook"], ["print"], ["check", "--key-file"])
    for number, name in enumerate(names):
        file = desk.place / as_text(name)
        file.write_bytes(b"no runbook\n")
        terminal = desk.sit([*desk.words("--target", desk.target), *ways[number % 4], str(file)])
        assert terminal.end() in {1, 2, 3}
        assert terminal.everything
        assert controls_in(bytes(terminal.everything)) == set()
        assert b"a fault in this program" not in terminal.everything
    record_property("injections", len(SEQUENCES) + len(MARKUP))


def test_x01_x02_text_of_runbooks_and_names_of_targets(desk: Desk, record_property: Record) -> None:
    """No runbook and no target holds a control or an invisible character: both are refused by line."""
    plain = desk.runbook.read_text()
    for place in ("A small one", "To know.", "The users know.", "echo prepared", "Prepared.", "Swap again."):
        broken = plain.replace(place, f"{place} @HERE@", 1).encode()
        desk.runbook.write_bytes(b"".join(broken.replace(b"@HERE@", one) for one in (CHUNKS[0], CHUNKS[-2])))
        terminal = desk.sit(desk.words("lint", desk.runbook))
        assert terminal.end() == 1
        assert controls_in(bytes(terminal.everything)) == set()
    for chunk in SEQUENCES.values():
        found = read_runbook(plain.replace("To know.", f"To know. {as_json_text(chunk)}")).problems
        # A carriage return is a line end, and bytes that are no UTF-8 came as letters.
        assert found or controls_in(as_json_text(chunk).encode()) <= {"U+000D"}, chunk
    for chunk in (one for one in SEQUENCES.values() if controls_in(as_json_text(one).encode())):
        desk.target.write_text(f"name = {json.dumps(as_json_text(chunk))}\n")
        with pytest.raises(DrtuiError) as refused:
            load_target(desk.target)
        assert controls_in(cleaned(str(refused.value)).encode()) == set()
    record_property("injections", 6 * 2 + 2 * len(SEQUENCES))


@contextmanager
def answering(listener: socket.socket) -> Iterator[str]:
    """A gateway whose every answer holds everything: in its reason, its headers, its body."""
    answers = [(chunk, status) for chunk in TOLD for status in (200, 503)]

    def serve() -> None:
        for number in range(1_000):
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                chunk, status = answers[number % len(answers)]
                line = chunk.replace(b"\r", b"")
                head = b"HTTP/1.1 %d %s\r\nServer: %s\r\nX-A: %s\r\nConnection: close\r\n\r\n"
                with contextlib.suppress(OSError):
                    connection.sendall(
                        head % (status, line, line, line) + b'{"version":"1.4.2","a":"' + chunk
                    )

    serving = threading.Thread(target=serve, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        # Not by close(2) alone, which leaves accept(2) waiting.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        serving.join()


def test_x01_answers_of_servers(desk: Desk, record_property: Record) -> None:
    """What a gateway, or who stands in its place, says of itself is told, and only told."""
    with answering(socket.create_server(("127.0.0.1", 0))) as url:
        desk.target.write_text(f'base-url = "{url}"\ngateway-env = "{desk.place}/gateway.env"\n')
        for words in (
            ["check", "healthz"],
            ["check", "readyz"],
            ["check", "version-running"],
            ["wait-ready"],
        ) * 3:
            more = ["--time-out", "1"] if words == ["wait-ready"] else []
            call = [str(PROGRAM), "--state-dir", str(desk.state), "--target", str(desk.target), *words, *more]
            terminal = desk.sit(call)
            terminal.end()
            assert terminal.everything
            # A bar at a terminal is drawn over itself.
            bar = {"U+000D"} if words == ["wait-ready"] else set()
            assert controls_in(bytes(terminal.everything)) <= bar
            assert b"a fault in this program" not in terminal.everything
    record_property("injections", 8)
