"""What is told of a recovery that nobody saw end, and of one that ended."""

import msgspec
import pytest

from aihummer_drtui.recovery.catalogue import Catalogue
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database.check import probe_database
from aihummer_drtui.recovery.point_in_time.mark import Stage
from aihummer_drtui.recovery.point_in_time.place import DataPlace
from aihummer_drtui.recovery.point_in_time.points import spelled
from aihummer_drtui.recovery.point_in_time.undo import undo_point_in_time
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.run.verdict import ProbeResult, Verdict
from tests.recovery.point_in_time.lost_host import LostHost
from tests.recovery.point_in_time.recovering import killed_at, mark_of, restored

pytestmark = pytest.mark.postgres


def seen(host: LostHost, tick: int = 5) -> tuple[ProbeResult, str]:
    """What the probe says for the point after a tick."""
    values = {"RECOVERY_POINT": spelled(host.between(tick))}
    probed = probe_database(Scene(target=host.target, values=values))
    return probed.result, probed.observed


def test_a_recovery_that_was_made_is_done_for_its_point_only(host: LostHost) -> None:
    """Before it, after it, for another point, and once it was undone."""
    assert seen(host) == (
        ProbeResult.NOT_DONE,
        f"{host.data} does not carry the mark of a recovery to a point",
    )
    restored(host, host.between(5))
    result, told = seen(host)
    assert result is ProbeResult.DONE
    assert "5 rows in 1 tables then" in told
    assert seen(host, tick=4)[0] is ProbeResult.NOT_DONE
    undo_point_in_time(host.target, confirm=host.phrase, mode="", reporter=Reporter.silent())
    result, told = seen(host)
    assert result is ProbeResult.NOT_DONE
    assert "was undone" in told


def test_a_recovered_server_that_does_not_answer_is_no_recovery(host: LostHost) -> None:
    """Stopped, or replaced by hand."""
    restored(host, host.between(5))
    host.control("stop", "-m", "fast")
    result, told = seen(host)
    assert result is ProbeResult.PARTIAL
    assert "does not answer as it should" in told
    kept = host.folder / mark_of(host).kept
    host.data.rename(host.folder / "main.by-hand")
    kept.rename(host.data)
    assert seen(host)[0] is ProbeResult.NOT_DONE


@pytest.mark.parametrize(
    ("phase", "told"),
    [
        ("laying the base backup out", "is laying beside"),
        ("verifying what was recovered", "the live data directory was not replaced"),
        (
            "exchanging the data directories",
            "old data directory is in place, and its server does not run",
        ),
        (
            "starting the recovered server",
            "recovered data directory is in place, and its server does not",
        ),
    ],
)
def test_a_killed_recovery_is_partly_done_and_says_what_is_in_place(
    host: LostHost, phase: str, told: str
) -> None:
    """By it the operator knows whether anything serves."""
    killed_at(phase, lambda reporter: restored(host, host.between(5), reporter=reporter))
    result, said = seen(host)
    assert result is ProbeResult.PARTIAL
    assert told in said
    with DataPlace(live=host.data).locked():
        assert "(it is at work now)" in seen(host)[1]


def test_a_killed_way_back_is_partly_done(host: LostHost) -> None:
    """It is told apart from a switch that was not ended."""
    restored(host, host.between(5))
    place = DataPlace(live=host.data)
    place.write(msgspec.structs.replace(mark_of(host), stage=Stage.UNDOING))
    result, told = seen(host)
    assert result is ProbeResult.PARTIAL
    assert "the way back was not ended" in told


def test_without_a_sensible_point_nothing_is_known(host: LostHost) -> None:
    """An unknown is said, not guessed."""
    scene = Scene(target=host.target, values={"RECOVERY_POINT": "yesterday"})
    assert probe_database(scene).result is ProbeResult.UNKNOWN


def test_the_check_after_a_recovery_goes_by_the_same(host: LostHost) -> None:
    """database-restored, on the route to a point in time."""
    catalogue = Catalogue(host.target)
    values = {"RECOVERY_POINT": spelled(host.between(5))}
    looked = catalogue.look("database-restored", values)
    assert looked.verdict is Verdict.FAILED
    assert "restore database --to" in looked.hint
    restored(host, host.between(5))
    assert catalogue.look("database-restored", values).verdict is Verdict.PASSED
    values = {"RECOVERY_POINT": "nonsense"}
    assert catalogue.look("database-restored", values).verdict is Verdict.UNKNOWN
