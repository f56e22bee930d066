"""One command at a time on a server's databases, by real sessions."""

import threading

import pytest

from aihummer_drtui.errors import LockedError
from aihummer_drtui.recovery.database.alone import take_lock
from aihummer_drtui.recovery.database.connection import connect, owner_of
from tests.recovery.small_cluster import Installation

pytestmark = pytest.mark.postgres


def test_a_command_that_has_just_ended_does_not_lock_out_the_next(installation: Installation) -> None:
    """The server notices the end of a session a moment late: the next command waits that moment out."""
    owner = owner_of(installation.target)
    holder = connect(owner, database="postgres", autocommit=True)
    take_lock(holder, owner)
    with connect(owner, database="postgres", autocommit=True) as waiting:
        asked = threading.Event()

        def end() -> None:
            asked.wait(10)
            holder.close()

        ending = threading.Thread(target=end)
        ending.start()
        asked.set()
        take_lock(waiting, owner)
        ending.join()


def test_a_command_at_work_locks_out_another(installation: Installation) -> None:
    """Who goes on holding the lock is not waited for forever."""
    owner = owner_of(installation.target)
    with connect(owner, database="postgres", autocommit=True) as holder:
        take_lock(holder, owner)
        with (
            connect(owner, database="postgres", autocommit=True) as other,
            pytest.raises(LockedError, match="another `restore database` is at work"),
        ):
            take_lock(other, owner)
