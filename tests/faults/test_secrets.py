"""K03, K05: whole drills with every front end, and not one secret in what they leave, show or pass on."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias, assert_never

import pytest

from aihummer_drtui.cli.runbook_file import load_runbook, shipped_text
from aihummer_drtui.recovery.database.connection import owner_in
from aihummer_drtui.recovery.gateway.environment import (
    APP_DATABASE_URL,
    MASTER_KEY,
    MEDIA_TOKEN_SECRET,
    parse_gateway_env,
)
from aihummer_drtui.runbook.model import CheckItem, CommandItem, ConfirmItem, InputItem, Runbook
from tests.canaries import Canaries, watched_processes
from tests.cli.at_a_terminal import sit
from tests.cli.at_screens import on_screens
from tests.cli.desk import Desk, a_desk
from tests.cli.test_drill import PHRASE, is_proven, type_on, words
from tests.cli.test_key_shares import words_of
from tests.conftest import short_folder

# One after the other: what tells of a run needs the run of the test before it.
pytestmark = [pytest.mark.postgres, pytest.mark.xdist_group("secrets")]

Record: TypeAlias = Callable[[str, object], None]
LEGAL = {"escrow/key.env", "host/etc/gateway.env"}
"""The files of a sandbox that hold its secrets, as those of an installation do."""
TOLD_BY_A_COMMAND = r"""  cat "$KEY_FILE"
  base64 -w0 "$KEY_FILE" >&2
  od -An -v -tx1 "$KEY_FILE" | tr -d ' \n'
  sed -n 's/^AIHUMMER_MASTER_KEY=//p' "$KEY_FILE" >&3
"""
"""What no sane command does: right after the key was written it prints all that it was written from."""


def canaries_of(sandbox: Path) -> Canaries:
    """Every secret of a sandbox, read from its escrow, which is there before and after the loss."""
    env = parse_gateway_env((sandbox / "escrow" / "key.env").read_bytes())
    app = re.findall(r"://[^:]*:([^@]+)@", env.require(APP_DATABASE_URL))[0]
    return Canaries(
        secrets={
            "master key": env.require(MASTER_KEY).encode(),
            "media token secret": env.require(MEDIA_TOKEN_SECRET).encode(),
            "password of the owner": owner_in(env).password.encode(),
            "password of the restricted role": app.encode(),
            "inbound secret": env.require("AIHUMMER_INBOUND_SECRET").encode(),
        }
    )


@contextmanager
def every_program_noted(desk: Desk) -> Iterator[list[str]]:
    """The words that have every execve(2) of a call noted with its arguments and environment.

    The notes lie among the files that are searched afterwards. Nothing is noted where there is no strace.
    """
    notes = desk.place / "programs"
    if shutil.which("strace") is None:
        yield []
        return
    # Stopped at execve only (seccomp): the database server that a drill starts is traced as well, and would
    # be many times slower. Once strace is gone, what it traced cannot start a program any more (seccomp(2),
    # SECCOMP_RET_TRACE): of a drill that is over there are only the server and the stand-in left.
    only = ["--seccomp-bpf", "-e", "trace=execve"]
    try:
        yield ["strace", "-D", "-f", *only, "-qq", "-v", "-s", "65536", "-o", str(notes)]
        assert notes.read_bytes().count(b"execve(") > 20
    finally:
        # What a drill leaves running is traced until its end, which would be the test's.
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                line = (process / "cmdline").read_bytes() if process.name.isdigit() else b""
                if line.startswith(b"strace\0-D") and str(notes).encode() in line:
                    os.kill(int(process.name), signal.SIGTERM)


def unattended(desk: Desk, sandbox: Path) -> bytes:
    """All answered beforehand: the events as JSON, the talk in line mode; a command prints the secrets."""
    book = desk.place / "telling.md"
    line = '  aihummer-drtui restore key --from "$KEY_FILE" --backup-set "$BACKUP_SET"\n'
    text = shipped_text()
    assert line in text
    book.write_text(text.replace(line, line + TOLD_BY_A_COMMAND))
    book.chmod(0o600)
    drill = words(
        desk, "drill", "--dir", str(sandbox), "--yes", "--confirm", PHRASE, "--json", "--runbook", str(book)
    )
    with every_program_noted(desk) as noting, (desk.place / "shown").open("w+b") as file:
        # Into a file: what is traced on would keep a pipe open.
        subprocess.run(
            [*noting, *drill], stdout=file, stderr=file, env=desk.environment(), timeout=120, check=True
        )
        file.seek(0)
        shown = file.read()
    output = desk.folder().attempt("key/restore-key", 1) / "output"
    assert output.read_text().count("[secret]") >= 5, output.read_text()
    return shown


def real_and_unattended(desk: Desk, sandbox: Path) -> bytes:
    """A real run: the sandbox without the lines that say it is one."""
    desk.call(words(desk, "sandbox", "break", "--dir", str(sandbox)), code=0)
    target = desk.place / "target.toml"
    target.write_text((sandbox / "target.toml").read_text().partition("[sandbox]")[0])
    target.chmod(0o600)
    run = ["--target", str(target), "run", "--mode", "real", "--yes", "--confirm", PHRASE, "--json"]
    ended = desk.call(words(desk, *run), code=0)
    return (ended.stdout + ended.stderr).encode()


def typed_in_line_mode(desk: Desk, sandbox: Path) -> bytes:
    """A person at a terminal, in training."""
    terminal = desk.sit(words(desk, "drill", "--dir", str(sandbox), "--training", "--plain"))
    type_on(terminal, "*** COMPLETED.")
    assert terminal.end() == 0
    return bytes(terminal.everything)


def by_keys_on_the_screens(desk: Desk, sandbox: Path) -> bytes:
    """A person at a terminal that shows screens."""
    environment = {**desk.environment(), "TERM": "xterm-256color"}
    with on_screens(words(desk, "drill", "--dir", str(sandbox)), environment, size=(120, 40)) as terminal:
        deadline = time.monotonic() + 150
        while "THE END OF THE RUN" not in terminal.text:
            assert time.monotonic() < deadline, terminal.text
            shown = terminal.text
            if re.search(r"HOST/DATABASE>\W*$", shown, re.MULTILINE):
                terminal.pass_gate(PHRASE)
            elif "Enter" in shown:
                terminal.press("\r")
            terminal.watch(0.5)
        while b"\x1b[?1049l" not in terminal.wrote:
            terminal.press("q")
            terminal.watch(1.0)
        terminal.end()
        return bytes(terminal.wrote)


FRONT_ENDS: dict[str, Callable[[Desk, Path], bytes]] = {
    "unattended": unattended,
    "typed in line mode": typed_in_line_mode,
    "by keys on the screens": by_keys_on_the_screens,
    "unattended, in mode real": real_and_unattended,
}
"""A run from its loss to its end by each, giving every byte shown. A new front end goes in here."""
AFTERWARDS = (
    ["status"],
    ["status", "--json"],
    ["runs"],
    ["print"],
    ["print", "run"],
    ["check"],
    ["key", "check"],
    ["key", "fingerprint"],
    ["backup", "list"],
    ["backup", "create"],
)
"""What tells of runs and target, and is handed on; and the programs that a drill does not start."""


@pytest.fixture(scope="module")
def drilling() -> Iterator[tuple[Desk, Path]]:
    """A desk and its sandbox, which is lost and recovered by one front end after the other."""
    with short_folder() as place, a_desk(place) as desk, pytest.MonkeyPatch.context() as patch:
        (place / "tmp").mkdir()
        (place / "tmp").chmod(0o1777)
        patch.setenv("TMPDIR", str(place / "tmp"))
        sandbox = place / "k"
        try:
            desk.call(words(desk, "sandbox", "up", "--dir", str(sandbox)), code=0)
            yield desk, sandbox
        finally:
            desk.call(words(desk, "sandbox", "down", "--dir", str(sandbox)))


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_k03_k05_a_whole_drill_leaves_no_secret(
    drilling: tuple[Desk, Path], front_end: str, record_property: Record
) -> None:
    """Not in a file but the two that hold them, not on the terminal, not in an argument or environment."""
    desk, sandbox = drilling
    canaries = canaries_of(sandbox)
    with watched_processes(canaries) as watch:
        shown = FRONT_ENDS[front_end](desk, sandbox)
        assert is_proven(desk)
    assert canaries.found_on_screen(shown) == set()
    assert watch.processes > 10
    assert watch.shown == {}
    held = canaries.files_with(desk.place)
    assert set(held) == {f"{sandbox.relative_to(desk.place)}/{legal}" for legal in LEGAL}
    record_property("injections", len(canaries.secrets) * 4)


def answers_of(runbook: Runbook) -> str:
    """All that is told in a tabletop that goes well."""
    told = []
    for item in runbook.items:
        match item:
            case CheckItem():
                told.append(f'"{item.id}" = "passed as ever"')
            case CommandItem():
                told.append(f'"told:{item.id}" = "done"')
            case InputItem():
                told.append(f'"{item.id}" = "/said/at/the/table"')
            case ConfirmItem():
                pass
            case _ as never:
                assert_never(never)
    return "\n".join(told)


def test_k03_a_whole_tabletop_leaves_no_secret(drilling: tuple[Desk, Path], record_property: Record) -> None:
    """It is named after a target, and looks at nothing of it."""
    desk, sandbox = drilling
    canaries = canaries_of(sandbox)
    answers = desk.place / "answers.toml"
    answers.write_text(answers_of(load_runbook(None)[1]))
    answers.chmod(0o600)
    talk = ["--target", sandbox / "target.toml", "tabletop", "--name", "shop", "--yes", "--json"]
    with watched_processes(canaries) as watch:
        told = desk.call(
            words(desk, *map(str, talk), "--answers", str(answers), "--confirm", "shop/aihummer"), code=1
        )
    assert "TABLETOP GONE THROUGH" in told.stderr
    assert canaries.found_on_screen((told.stdout + told.stderr).encode()) == set()
    assert watch.shown == {}
    held = canaries.files_with(desk.place)
    assert set(held) == {f"{sandbox.relative_to(desk.place)}/{legal}" for legal in LEGAL}
    record_property("injections", len(canaries.secrets))


def test_k03_what_tells_of_a_run_and_a_target_tells_no_secret(
    drilling: tuple[Desk, Path], record_property: Record
) -> None:
    """What is printed, exported and handed on."""
    desk, sandbox = drilling
    canaries = canaries_of(sandbox)
    with watched_processes(canaries) as watch:
        for call in AFTERWARDS:
            told = [desk.folder().id if one == "run" else one for one in call]
            ended = desk.call([*words(desk, "--target", str(sandbox / "target.toml")), *told])
            assert canaries.found_in((ended.stdout + ended.stderr).encode()) == set()
            assert ended.stdout
    assert watch.shown == {}
    record_property("injections", len(AFTERWARDS) * len(canaries.secrets))


PASSPHRASE = "c4nary of six words and more"


def test_k03_passphrases_and_shares_are_not_shown(
    drilling: tuple[Desk, Path], record_property: Record
) -> None:
    """Typed at a terminal, or by a descriptor: sealed and opened, split and combined."""
    desk, sandbox = drilling
    target = sandbox / "target.toml"
    out = desk.place / "kept"
    out.mkdir(mode=0o700)
    sealed, clear = out / "sealed", out / "clear"
    known = canaries_of(sandbox)
    with watched_processes(Canaries(secrets={"passphrase": PASSPHRASE.encode(), **known.secrets})) as watch:
        twice = [("new passphrase", PASSPHRASE), ("again", PASSPHRASE)]
        sat = [sit("key", "escrow", "create", sealed, target=target, answers=twice)]
        once = [("passphrase", PASSPHRASE)]
        sat += [sit("key", "escrow", "recover", sealed, "--out", clear, target=target, answers=once)]
        made: list[str | Path] = [
            "key",
            "shares",
            "split",
            "--need",
            "2",
            "--of",
            "3",
            "--out-dir",
            out / "shares",
        ]
        sat += [sit(*made, target=target, answers=[])]
        files = sorted((out / "shares").iterdir())
        shares = [words_of(file) for file in files]
        typed = [("share 1", shares[0]), ("share 2", shares[2])]
        sat += [sit("key", "shares", "combine", target=target, answers=typed)]
    assert [one.returncode for one in sat] == [0, 0, 0, 0], sat
    words_of_shares = {f"share {number}": share.encode() for number, share in enumerate(shares)}
    canaries = Canaries(secrets={"passphrase": PASSPHRASE.encode(), **known.secrets, **words_of_shares})
    assert canaries.found_on_screen("".join(one.shown for one in sat).encode()) == set()
    assert watch.processes >= 4
    assert watch.shown == {}
    held = canaries.files_with(desk.place)
    legal = {f"{sandbox.relative_to(desk.place)}/{one}" for one in LEGAL} | {"kept/clear"}
    assert set(held) == legal | {f"kept/shares/{file.name}" for file in files}
    record_property("injections", len(canaries.secrets) * len(sat))
