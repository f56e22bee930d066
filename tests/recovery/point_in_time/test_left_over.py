"""What a recovery to a point leaves, and which moment it has brought back: by a real one."""

from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.recovery.catalogue import Catalogue
from aihummer_drtui.recovery.point_in_time.model import Latest
from aihummer_drtui.run.verdict import Part, Verdict
from tests.recovery.point_in_time.lost_host import LostHost
from tests.recovery.point_in_time.recovering import restored

pytestmark = pytest.mark.postgres
SECONDS = 20.0


def test_a_data_directory_that_was_put_aside_is_named(host: LostHost) -> None:
    """After a recovery to a point the whole old server lies beside."""
    restored(host, Latest())
    (folder,) = [one for one in Catalogue(host.target).leftovers(SECONDS).found if "directory" in one.kind]
    assert Path(folder.name).is_dir()
    assert folder.undo == "restore database --undo"
    assert folder.until is not None
    short = msgspec.structs.replace(host.target, keep_old="1s")
    (sooner,) = [one for one in Catalogue(short).leftovers(SECONDS).found if "directory" in one.kind]
    assert sooner.until is not None
    assert sooner.until < folder.until


def test_the_moment_that_was_reached_is_told(host: LostHost) -> None:
    """The RPO is that of what came back, not of what was asked for."""
    restored(host, Latest())
    seen = Catalogue(host.target).look("database-restored", {"RECOVERY_POINT": "latest"})
    assert seen.verdict is Verdict.PASSED
    (brought,) = seen.brings
    assert brought.part is Part.DATABASE
    assert brought.moment.tzinfo is not None
