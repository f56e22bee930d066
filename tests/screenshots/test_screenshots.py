"""The screens as they were looked at last, and the README's images: made anew and compared."""

import asyncio
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner

from aihummer_drtui.run.events import Mode
from aihummer_drtui.tui import paint
from tests.screenshots import lost_host
from tests.screenshots.__main__ import IMAGES, SNAPSHOTS, main
from tests.screenshots.cells import Picture
from tests.screenshots.plain_text import text_of
from tests.screenshots.scenes import IN_README, SCENES, Scene, pictured
from tests.screenshots.svg import svg_of
from tests.tui.test_paint import contrast

ANEW = "look at the difference; if it is meant: python -m tests.screenshots"
README = Path(__file__).parents[2] / "README.md"
scene = pytest.mark.parametrize("scene", SCENES, ids=lambda one: one.name)


def drawn(scene: Scene) -> Picture:
    """The scene's picture."""
    with TemporaryDirectory() as place:
        return asyncio.run(pictured(scene, Path(place)))


@cache
def _of(name: str) -> Picture:
    return drawn(next(one for one in SCENES if one.name == name))


def picture(scene: Scene) -> Picture:
    """The same, of a scene that is kept; drawn once for all tests here."""
    return _of(scene.name)


@scene
def test_the_screen_is_as_it_was_looked_at_last(scene: Scene) -> None:
    """Letter by letter and look by look, at a fixed size, clock and theme."""
    kept = (SNAPSHOTS / f"{scene.name}.txt").read_text("utf-8")
    assert text_of(picture(scene)).splitlines() == kept.splitlines(), ANEW


@pytest.mark.parametrize("scene", [one for one in SCENES if one.name in IN_README], ids=lambda one: one.name)
def test_the_readme_shows_what_the_program_shows(scene: Scene) -> None:
    """An image that is older than its screen fails here."""
    assert (IMAGES / f"{scene.name}.svg").read_text("utf-8") == svg_of(picture(scene), scene.title), ANEW


def test_nothing_else_is_kept() -> None:
    """A scene that is gone leaves nothing behind, and the README names no image that is not there."""
    assert {path.stem for path in SNAPSHOTS.iterdir()} == {one.name for one in SCENES}
    assert {path.stem for path in IMAGES.iterdir()} == set(IN_README)
    named = set(re.findall(r"docs/images/([\w-]+)\.svg", README.read_text("utf-8")))
    assert named <= set(IN_README)


@scene
def test_everything_on_the_screen_can_be_read(scene: Scene) -> None:
    """Every letter has a contrast of at least 4.5:1 with what is behind it (WCAG 2.2, 1.4.3)."""
    for row in picture(scene).rows:
        for run in row:
            if run.text.strip():
                assert contrast(run.look.ink, run.look.ground) >= 4.5, run


@scene
def test_the_screen_is_filled_and_not_overfilled(scene: Scene) -> None:
    """ASCII alone, but for what the runbook says; every row as wide as the terminal."""
    lines = picture(scene).lines
    assert len(lines) == scene.size[1]
    assert {len(line) for line in lines} == {scene.size[0]}
    assert all(line.replace("\u2026", ".").isascii() for line in lines)


@pytest.mark.parametrize("mode", [Mode.REAL, Mode.DRILL, Mode.TRAINING, Mode.TABLETOP])
def test_the_mode_is_told_apart_without_colour(mode: Mode) -> None:
    """By its word and the marks around it, in the first row, on every screen of the run."""
    shown = Scene(
        name=mode,
        title="",
        tell=lambda: lost_host.at_the_set(mode),
        shows=("Enter:",),
    )
    first = drawn(shown).lines[0]
    others = [word for other, (word, _) in paint.MODES.items() if other is not mode]
    assert first.startswith(f" {paint.MODES[mode][0]} ")
    assert not any(word.strip("*[](<>) ") in first for word in others)


def test_the_command_draws_every_scene_where_it_is_told(tmp_path: Path) -> None:
    """As SVG without a font from elsewhere, small, its letters searchable, and nothing is kept elsewhere."""
    called = CliRunner().invoke(main, [str(tmp_path / "out")])
    assert called.exit_code == 0, called.output
    made = {path.stem: path.read_text("utf-8") for path in (tmp_path / "out").iterdir()}
    assert set(made) == {one.name for one in SCENES}
    for image in made.values():
        assert len(image) < 10_000
        assert "http" not in image.replace("http://www.w3.org/2000/svg", "")
    assert ">GATE: database/restore-database is IRREVERSIBLE<" in made["gate"]
