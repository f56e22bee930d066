"""Whom PostgreSQL's server runs as, told without one that runs."""

import os
import pwd
from pathlib import Path

import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.database.account import servers_account
from aihummer_drtui.recovery.target import Postgres, Target


def test_the_servers_account_is_told_by_the_target_or_by_its_files(tmp_path: Path) -> None:
    """The data directory may be lost with the host: then it is `postgres`, or whoever is not root."""
    owner = pwd.getpwuid(tmp_path.stat().st_uid).pw_name
    here = Target(postgres=Postgres(data_directory=tmp_path))
    # As root it does not run: a folder that root made says nothing.
    assert servers_account(here).name == (owner if owner != "root" else "postgres")
    copy = tmp_path / "copy"
    copy.mkdir()
    if os.geteuid() == 0:
        os.chown(copy, 12345, 12345)
        assert servers_account(here, tmp_path / "gone", copy).uid == 12345
    assert servers_account(Target(), copy).uid == copy.stat().st_uid
    assert servers_account(Target(postgres=Postgres(account=owner))).name == owner
    with pytest.raises(PreconditionError, match="there is no account"):
        servers_account(Target(postgres=Postgres(account="of nobody")))
    lost = Target(postgres=Postgres(data_directory=tmp_path / "gone"))
    if os.geteuid() != 0:
        assert servers_account(lost).uid == os.geteuid()
    elif "postgres" in {entry.pw_name for entry in pwd.getpwall()}:
        assert servers_account(lost).name == "postgres"
