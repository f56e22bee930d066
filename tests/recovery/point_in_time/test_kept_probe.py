"""What is told of a way back and of its end, after real recoveries to a point."""

import pytest

from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.point_in_time.kept_probe import probe_drop_of_either, probe_undo_of_either
from aihummer_drtui.recovery.point_in_time.model import Latest
from aihummer_drtui.recovery.point_in_time.undo import drop_old_data_directory, undo_point_in_time
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.run.verdict import ProbeResult
from tests.recovery.point_in_time.lost_host import LostHost
from tests.recovery.point_in_time.recovering import restored

pytestmark = pytest.mark.postgres


def test_the_way_back_is_told_at_each_of_its_ends(host: LostHost) -> None:
    """A resumed run must learn from the server itself whether the old one is back, and whether it is gone."""
    scene = Scene(target=host.target, values={})
    assert probe_undo_of_either(scene).result is ProbeResult.UNKNOWN
    assert probe_drop_of_either(scene).result is ProbeResult.DONE
    restored(host, Latest())
    assert probe_undo_of_either(scene).result is ProbeResult.NOT_DONE
    assert probe_drop_of_either(scene).result is ProbeResult.NOT_DONE
    undo_point_in_time(host.target, confirm=host.phrase, mode="", reporter=Reporter.silent())
    assert probe_undo_of_either(scene).result is ProbeResult.DONE
    drop_old_data_directory(host.target, confirm=host.phrase, mode="", reporter=Reporter.silent())
    assert probe_drop_of_either(scene).result is ProbeResult.DONE
