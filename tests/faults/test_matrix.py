"""What the matrix says of a run of the tests."""

import pytest

from tests.faults.cases import CASES, PLACES
from tests.faults.matrix import Outcome, Tried, cases_of, matrix


@pytest.mark.parametrize(
    ("name", "cases"),
    [
        ("test_j01_kill", ("J01",)),
        ("test_j01_j02_kill[3-write]", ("J01", "J02")),
        ("test_x01[a]", ("X01",)),
        ("test_journal_kill", ()),
        ("test_2024_j01", ()),
    ],
)
def test_a_test_is_called_after_its_cases(name: str, cases: tuple[str, ...]) -> None:
    """The ids stand at the start of the name, and nowhere else."""
    assert cases_of(name) == cases


def line_of(case: str, *tried: Tried) -> str:
    """What the matrix says of a case."""
    (line,) = [line for line in matrix(tried) if line.startswith(f"  {case} ")]
    return line


def test_a_case_that_no_test_tried_is_not_survived() -> None:
    """Nothing stands for success when nothing ran."""
    assert "NOT TRIED" in line_of("J01")
    assert matrix([])[-1].startswith(f"{len(CASES)} cases: 0 survived")


def test_one_failure_is_the_word_for_the_case() -> None:
    """A case of which one test failed is not survived, however many passed."""
    passed = Tried(name="test_j01_a", outcome=Outcome.PASSED, injections=40)
    failed = Tried(name="test_j01_b", outcome=Outcome.FAILED)
    assert "FAILED" in line_of("J01", passed, failed)
    assert "survived  1 tests, 40 injected" in line_of("J01", passed)


def test_a_skipped_case_says_why() -> None:
    """A fault that cannot be injected here is told with its reason."""
    skipped = Tried(name="test_j16_cut", outcome=Outcome.SKIPPED, reason="no loop device")
    assert "skipped" in line_of("J16", skipped)
    assert "no loop device" in "\n".join(matrix([skipped]))


def test_a_test_of_two_cases_counts_its_faults_once() -> None:
    """The sum is of faults injected, not of cases touched."""
    both = Tried(name="test_j01_j02_kill", outcome=Outcome.PASSED, injections=7)
    assert matrix([both])[-1].endswith(
        f"2 survived, 0 skipped, 0 FAILED, {len(CASES) - 2} NOT TRIED; 7 faults injected"
    )


def test_every_case_has_its_place() -> None:
    """No case is left out of the printed matrix for want of a heading."""
    assert {case[0] for case in CASES} == set(PLACES)
