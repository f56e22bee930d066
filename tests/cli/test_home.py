"""What home says of the target that it was opened with."""

from pathlib import Path

import click
import pytest

from aihummer_drtui.cli import home
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.tui.choices import HomeFacts


@pytest.mark.parametrize("text", ["name = ", "unknown = 1\nkeep-old = 3\n", 'keep-old = "soon"\n'])
def test_a_target_that_is_none_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Its first fault, and its place only where there is one."""
    path = tmp_path / "target.toml"
    path.write_text(text)
    path.chmod(0o600)
    shown: list[HomeFacts] = []

    def leave(facts: HomeFacts) -> None:
        shown.append(facts)

    monkeypatch.setattr("aihummer_drtui.tui.home.chosen_at_home", leave)
    settings = Settings(target_path=path, state_dir=tmp_path / "state")
    home.stay_at_home(click.Context(click.Command("home")), settings)
    told = shown[0].target
    assert told.startswith("No target yet: ")
    assert "()" not in told
    assert "\n" not in told
