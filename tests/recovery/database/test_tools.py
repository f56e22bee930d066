"""The programs that read a dump: found, named with their holes, or clearly missing."""

from pathlib import Path

import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database.tools import PostgresTools, find_tools, look_at_tools
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import Verdict


def _programs(folder: Path, version: str) -> Path:
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        program.chmod(0o755)
    return folder


def test_the_named_folder_is_taken_and_no_other(tmp_path: Path) -> None:
    """`postgres-bin` wins, and when it is too old nothing else is taken behind the operator's back."""
    named = _programs(tmp_path / "named", "15.14 (Debian 15.14-1)")
    target = Target(postgres_bin=named, path=(_programs(tmp_path / "other", "17.6"),))
    assert find_tools(target).version == "15.14"
    with pytest.raises(PreconditionError, match=r"17 or newer is needed, found 15\.14"):
        find_tools(target, at_least=17)


def test_the_first_that_is_new_enough_is_taken(tmp_path: Path) -> None:
    """An old client that comes first on the PATH must not stop a restore."""
    old, new = _programs(tmp_path / "old", "14.2"), _programs(tmp_path / "new", "98beta1")
    target = Target(path=(old, new))
    assert find_tools(target).major == 14
    assert find_tools(target, at_least=97).folder == new


def test_programs_that_are_not_there_or_answer_nothing_are_named(tmp_path: Path) -> None:
    """The check fails with the place where it looked."""
    seen = look_at_tools(Scene(target=Target(postgres_bin=tmp_path), values={}))
    assert seen.verdict is Verdict.FAILED
    broken = _programs(tmp_path / "broken", "nothing")
    with pytest.raises(PreconditionError, match="not found"):
        find_tools(Target(postgres_bin=broken))


@pytest.mark.parametrize(
    ("version", "holes"),
    [("17.5", True), ("17.6", False), ("16.9", True), ("15.18", False), ("12.22", True), ("18.0", False)],
)
def test_known_holes_are_named(version: str, *, holes: bool) -> None:
    """A client by which a hostile dump runs code is warned of before the restore."""
    major, _, minor = version.partition(".")
    tools = PostgresTools(folder=Path("/"), version=version, major=int(major), minor=int(minor))
    assert ("CVE-2025-8714" in tools.known_hole) is holes
