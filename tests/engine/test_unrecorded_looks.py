"""What was seen and found no room in the journal is not as if it had not been seen."""

import msgspec

from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.state import Living, Status
from aihummer_drtui.run.verdict import Verdict
from aihummer_drtui.runbook.model import LevelProof, RecoveryLevel, Runbook
from aihummer_drtui.testing import Script, ScriptedCheck
from tests.conftest import short_folder
from tests.engine.engine_house import PHRASE, House, a_house, accepted, book, command, logged, refused, until
from tests.faults.injecting import Fault, needs_strace

pytestmark = needs_strace
RED = ScriptedCheck(verdict=Verdict.FAILED, observed="it is gone", interval=0.2)
GREEN = ScriptedCheck(interval=0.2)


def no_room_at(house: House, record: int) -> Fault:
    """A disk that is full for one record of a new engine, counted from its own first."""
    journal = house.folder.journal
    return Fault(
        call="write", what="error=ENOSPC", when=str(record), log=house.state / "strace", paths=(journal,)
    )


def test_j08_failure_that_found_no_room_opens_no_gate() -> None:
    """An irreversible command does not start on a pass that the engine itself has seen to be over."""
    runbook = book(command("work/swap", "true", destructive=True))
    with short_folder() as place, a_house(place, runbook) as house:
        house.world.tell(Script(checks={"before": GREEN, "after": GREEN}))
        session = house.sit(before=no_room_at(house, 7).words)
        for request in (
            r.GiveInput(item="brief/BACKUP_SET", value="/b"),
            r.Confirm(item="brief/confirm-1", statement="yes"),
            r.ShowStep(step="work"),
        ):
            accepted(session, request)
        until(session, lambda state: state.status("work/before") is Status.PASSED)
        house.world.tell(Script(checks={"before": RED, "after": GREEN}))
        logged(house, "no room for the record")
        assert "work/before" in refused(session, r.StartCommand(item="work/swap", confirmation=PHRASE))
        assert house.of_kind(e.CommandIntended) == []


def proven_by_after() -> Runbook:
    """A run that is up because of its last check."""
    proof = LevelProof(level=RecoveryLevel.UP, items=("work/after",))
    return msgspec.structs.replace(book(command("work/swap", "true")), levels=(proof,))


def test_j08_run_does_not_end_on_a_proof_whose_loss_found_no_room() -> None:
    """Room that is kept for endings is no way round what was seen at the end."""
    with short_folder() as place, a_house(place, proven_by_after()) as house:
        session = house.sit(before=no_room_at(house, 10).words)
        for request in (
            r.GiveInput(item="brief/BACKUP_SET", value="/b"),
            r.Confirm(item="brief/confirm-1", statement="yes"),
            r.ShowStep(step="work"),
        ):
            accepted(session, request)
        until(session, lambda state: state.status("work/before") is Status.PASSED)
        accepted(session, r.Skip(item="work/swap", reason="not now"))
        until(session, lambda state: state.level is RecoveryLevel.UP)
        house.world.tell(Script(checks={"before": ScriptedCheck(), "after": RED}))
        assert "no room for the record" in refused(session, r.Finish())
        assert isinstance(session.state.ending, Living)
        assert "not settled: work/after" in refused(session, r.Finish())
