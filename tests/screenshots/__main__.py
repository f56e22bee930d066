"""`python -m tests.screenshots [OUT]`: every picture anew, for the README and for the tests."""

import asyncio
import tempfile
from pathlib import Path

import click

from tests.screenshots.plain_text import text_of
from tests.screenshots.scenes import IN_README, SCENES, pictured
from tests.screenshots.svg import svg_of

SNAPSHOTS = Path(__file__).parent / "snapshots"
IMAGES = Path(__file__).parents[2] / "docs" / "images"


@click.command()
@click.argument("out", required=False, type=click.Path(path_type=Path, file_okay=False))
def main(out: Path | None) -> None:
    """Draw each screen of a made-up recovery, the same on every machine.

    Without OUT the README's images and the tests' snapshots are written anew: look at what changed
    (`git diff`) before it is committed. With OUT every scene goes there as SVG, and nothing else.
    """
    for scene in SCENES:
        with tempfile.TemporaryDirectory() as place:
            picture = asyncio.run(pictured(scene, Path(place)))
        image = svg_of(picture, scene.title)
        if out is not None:
            _write(out / f"{scene.name}.svg", image)
            continue
        _write(SNAPSHOTS / f"{scene.name}.txt", text_of(picture))
        if scene.name in IN_README:
            _write(IMAGES / f"{scene.name}.svg", image)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    click.echo(path)


if __name__ == "__main__":
    main()
