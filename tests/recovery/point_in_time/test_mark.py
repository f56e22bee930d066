"""What a mark says of the server that is in place."""

import pytest
from msgspec.structs import replace

from aihummer_drtui.recovery.point_in_time.mark import DataMark, Stage

FORMER = DataMark(
    stage=Stage.RESTORED, id="0" * 8, point="latest", base="b1", timeline=2, system_identifier=7, at="t1"
)
BEGUN = replace(FORMER, stage=Stage.LAYING, id="1" * 8, at="t2")


@pytest.mark.parametrize("stage", Stage)
def test_a_recovery_stands_once_it_has_begun_to_take_its_place(stage: Stage) -> None:
    """Until then what was recovered before is in place, and has its way back."""
    mark = replace(BEGUN, stage=stage, former=FORMER)
    assert mark.standing is (FORMER if stage in {Stage.LAYING, Stage.RECOVERING} else mark)


@pytest.mark.parametrize("stage", Stage)
def test_the_first_recovery_has_no_other(stage: Stage) -> None:
    """What it says of itself is all there is."""
    mark = replace(BEGUN, stage=stage)
    assert mark.standing is mark
