"""A terminal that takes no UTF-8 gets none, and loses no column."""

import pytest
from rich.cells import cell_len

from aihummer_drtui.tui.ascii_only import in_ascii, needs_ascii


@pytest.mark.parametrize(
    ("environment", "needed"),
    [
        ({}, True),
        ({"LANG": "C"}, True),
        ({"LANG": "en_US.UTF-8"}, False),
        ({"LANG": "C.utf8"}, False),
        ({"LANG": "de_DE.UTF-8@euro"}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8", "LC_ALL": ""}, False),
    ],
)
def test_the_locale_decides(environment: dict[str, str], needed: bool) -> None:
    """By the variable that wins."""
    assert needs_ascii(environment) is needed


@pytest.mark.parametrize(
    ("text", "ascii_text"),
    [
        ("plain", "plain"),
        ("before-…", "before-."),
        ("\u201cZürich\u201d \u2013 café", '"Zurich" - cafe'),
        ("日本", "????"),
        ("ß", "?"),
    ],
)
def test_letters_keep_their_width(text: str, ascii_text: str) -> None:
    """So that nothing beside them moves."""
    assert in_ascii(text) == ascii_text
    assert cell_len(in_ascii(text)) == cell_len(text)
