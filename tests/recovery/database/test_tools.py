"""The programs that read a dump: found, named with their holes, or clearly missing."""

import re
from pathlib import Path

import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database.holes import AS_OF, holes_of
from aihummer_drtui.recovery.database.programs import ServerPrograms
from aihummer_drtui.recovery.database.tools import find_tools, look_at_tools
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


def test_d05_known_holes_are_told_before_a_restore(tmp_path: Path) -> None:
    """The check passes with a warning that names hole, effect and the release that closes it."""
    old = _programs(tmp_path / "old", "16.3")
    seen = look_at_tools(Scene(target=Target(postgres_bin=old), values={}))
    assert seen.verdict is Verdict.PASSED
    assert seen.warnings == (
        "pg_dump and pg_restore 16.3: CVE-2025-8714, CVE-2025-8715 (a hostile dump runs code or SQL where "
        "it is restored); update to 16.10 or later",
        "pg_dump 16.3: CVE-2024-7348 (who may create objects in the database runs SQL as the role that "
        "dumps it); update to 16.4 or later",
    )
    safe = look_at_tools(Scene(target=Target(postgres_bin=_programs(tmp_path / "safe", "17.6")), values={}))
    assert safe.warnings == ()
    assert f"no hole of those published until {AS_OF}" in safe.observed


@pytest.mark.parametrize(
    ("version", "names"),
    [
        ((17, 5), ["CVE-2025-8714, CVE-2025-8715"]),
        ((17, 2), ["CVE-2025-8714, CVE-2025-8715", "CVE-2025-1094"]),
        ((17, 6), []),
        ((16, 9), ["CVE-2025-8714, CVE-2025-8715"]),
        ((15, 18), []),
        ((13, 15), ["CVE-2025-8714, CVE-2025-8715", "CVE-2025-1094", "CVE-2024-7348"]),
        ((12, 22), ["CVE-2025-8714, CVE-2025-8715", "CVE-2025-1094"]),
        ((18, 0), []),
    ],
)
def test_d05_each_hole_is_closed_by_its_release(version: tuple[int, int], names: list[str]) -> None:
    """By major and minor; a major that got no update is named as that."""
    told = list(holes_of(frozenset({"pg_dump", "pg_restore", "psql"}), *version))
    assert [re.search(r"CVE-[^(]*", one)[0].strip() for one in told] == names  # type: ignore[index]
    assert all(("no update closes it" in one) is (version[0] == 12) for one in told)


def test_d05_psql_of_the_server_is_named_too(tmp_path: Path) -> None:
    """It carries the superuser's statements of a recovery to a point in time."""
    programs = ServerPrograms(folder=tmp_path, major=17, version="17.2")
    assert [one.partition(":")[0] for one in programs.known_holes] == ["psql 17.2"]
