"""Answers given in advance: an answers file, well and ill written."""

from pathlib import Path

import pytest

from aihummer_drtui.errors import UsageError
from aihummer_drtui.plain.answers import read_answers


def test_answers_by_item(tmp_path: Path) -> None:
    """What stands under [answers]."""
    file = tmp_path / "a.toml"
    file.write_text('[answers]\n"a/b" = "yes"\n"outcome:a/c" = "not done it is not there"\n')
    assert read_answers(file) == {"a/b": "yes", "outcome:a/c": "not done it is not there"}


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (None, "No such file"),
        (b"[answers\n", "not TOML"),
        (b"\xff\xfe", "not TOML"),
        (b"yes = 1\n", "the answer to `yes` is no text"),
        (b"answers = 3\n", "the answers are no table"),
        (b'[answers]\n"a/b" = true\n', "the answer to `a/b` is no text"),
        (b"[answers]\n" + b"#" * (1 << 20), "at most 1 MiB"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, data: bytes | None, what: str) -> None:
    """Each says what and where, and shows what such a file looks like."""
    file = tmp_path / "a.toml"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(UsageError) as raised:
        read_answers(file)
    assert what in raised.value.what
    assert raised.value.where == str(file)
    assert "briefing/BACKUP_SET" in raised.value.hint
