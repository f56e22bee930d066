"""An engine that gets no thread more (pids.max, RLIMIT_NPROC): it refuses, forgets nothing, and goes on."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.state import Status
from tests.conftest import short_folder
from tests.engine.engine_house import PHRASE, House, a_house, accepted, book, command, logged, refused, until
from tests.engine.test_commands import counting, is_probed, runs
from tests.faults.injecting import Fault, needs_strace

SWAP = "work/swap"
TOLD = "this host does not let the engine do that: no thread could be started"
pytestmark = needs_strace


@contextmanager
def with_no_thread(when: str, script: str = "true", *, destructive: bool = False) -> Iterator[House]:
    """A run whose engine does not get the threads of these numbers; its first is for the sitting."""
    with (
        short_folder() as place,
        a_house(place, book(command(SWAP, script, destructive=destructive))) as house,
    ):
        fault = Fault(call="clone,clone3", what="error=EAGAIN", when=when, log=place / "strace")
        accepted(house.sit(before=fault.words), r.Skip(item="work/before", reason="x"))  # the second thread
        yield house


def test_request_is_refused_and_the_engine_lives() -> None:
    """It cannot be judged without a thread, which is said; the next one is."""
    with with_no_thread("3") as house:
        (session,) = house.sessions
        engine = house.engine()
        assert TOLD in refused(session, r.WriteNote(text="not recorded"))
        accepted(session, r.WriteNote(text="recorded"))
        assert house.engine() == engine


def test_gate_that_cannot_be_looked_at_is_refused() -> None:
    """What the target is cannot be known: nothing has begun."""
    with with_no_thread("5", destructive=True) as house:  # the fourth looks at the check
        (session,) = house.sessions
        assert TOLD in refused(session, r.StartCommand(item=SWAP, confirmation=PHRASE))
        assert house.of_kind(e.CommandIntended) == []
        accepted(session, r.StartCommand(item=SWAP, confirmation=PHRASE))
        until(session, lambda state: state.status(SWAP) is Status.PASSED)


def test_command_that_gets_no_thread_is_not_started_and_not_later_either(tmp_path: Path) -> None:
    """Its intent has an end, nothing of it is run by a thread that comes later, and `again` runs it once."""
    with with_no_thread("4", counting(tmp_path)) as house:
        (session,) = house.sessions
        assert TOLD in refused(session, r.StartCommand(item=SWAP))
        until(session, lambda state: state.status(SWAP) is Status.FAILED)
        (ended,) = house.of_kind(e.CommandEnded)
        assert isinstance(ended, e.CommandEnded)
        assert ended.kind is e.EndKind.NOT_STARTED
        accepted(session, r.StartCommand(item=SWAP))
        until(session, lambda state: state.status(SWAP) is Status.PASSED)
        assert runs(tmp_path) == 1


def test_start_without_a_process_says_what_to_raise(tmp_path: Path) -> None:
    """The supervisor is a process too; the hint names the limit and not a log in which nothing stands."""
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from aihummer_drtui.engine.attempt import Attempt\n"
        "from aihummer_drtui.errors import PreconditionError\n"
        "try: Attempt(Path(sys.argv[1])).start('true', {}, 60.0)\n"
        "except PreconditionError as error: print(error)\n"
    )
    fault = Fault(call="/^(v?fork|clone3?)$", what="error=EAGAIN", when="1", log=tmp_path / "strace")
    words = [*fault.words, sys.executable, "-c", program, str(tmp_path / "attempts" / "work.swap.1")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert "not started: Resource temporarily unavailable" in done.stdout
    assert "raise the engine's limit of processes" in done.stdout


def test_lost_command_whose_probe_gets_no_thread_is_probed_later() -> None:
    """That nobody saw its end is recorded once, however often the probe has to be tried."""
    with with_no_thread("5..6", "kill -9 $PPID; kill -9 $$") as house:
        (session,) = house.sessions
        accepted(session, r.StartCommand(item=SWAP))
        until(session, is_probed)
        logged(house, "no thread could be started")
        assert len(house.of_kind(e.OutcomeLost)) == 1
