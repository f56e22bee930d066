"""Every case of the matrix has a test that is called after it; none is called after a case there is not."""

import re
from pathlib import Path

from tests.faults.cases import CASES
from tests.faults.matrix import cases_of

_TEST = re.compile(r"^ *(?:async )?def (test_\w+)", re.MULTILINE)


def test_every_case_is_tried() -> None:
    """A case that nobody injects would be missed only by who reads the printed matrix to its end."""
    files = Path(__file__).parents[1].rglob("test_*.py")
    names = {name for file in files for name in _TEST.findall(file.read_text())}
    tried = {case for name in names for case in cases_of(name)}
    assert tried == set(CASES)
