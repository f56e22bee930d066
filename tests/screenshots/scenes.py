"""The screens that are kept as pictures: what is shown, at which moment of the run, and the keys to it."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from textual.message import Message

from aihummer_drtui.run.events import Mode
from aihummer_drtui.run.leftovers import Leftovers
from aihummer_drtui.run.progress import Parts, Progress
from aihummer_drtui.run.recovery_set import RecoverySets
from aihummer_drtui.run.verdict import Choice, TargetIdentity
from aihummer_drtui.testing import ScriptedCatalogue
from aihummer_drtui.tui.app import RunApp
from aihummer_drtui.tui.away import Away
from aihummer_drtui.tui.base import ScreensApp
from aihummer_drtui.tui.choices import HomeFacts
from aihummer_drtui.tui.home import HomeApp
from aihummer_drtui.tui.view import Connection, Output, View
from tests.screenshots import lost_host
from tests.screenshots.cells import Picture, picture_of
from tests.screenshots.still import standing, still_app
from tests.screenshots.telling import StillClock, Telling
from tests.tui.screens import Screens, ScriptedFacts

RUNS: Final = "/var/lib/aihummer-drtui/runs"
AT_80: Final = (80, 24)
_KEYS: Final = frozenset({"a", "colon", "e", "f1", "g", "i", "u", "v"})
"""What `keys` may name; anything else is typed."""
_PROGRESS: Final = {
    "database/restore-database": Progress(
        phase="restoring rows",
        done=17_900_000_000,
        total=41_600_000_000,
        unit="bytes",
        elapsed=540.0,
        parts=Parts(done=7, total=13, unit="tables"),
    ),
    "blobs/restore-blobs": Progress(
        phase="restoring blobs", done=78_000_000_000, total=212_000_000_000, unit="bytes", elapsed=560.0
    ),
}
_PROVING: Final = Output(
    item="proof/prove",
    attempt=1,
    lines=(
        f"[+] passed   master-key          the key in gateway.env: fingerprint {lost_host.FINGERPRINT}",
        f"[+] passed   vault-opens         {lost_host.OPENS}",
    ),
    size=152,
)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One screen at one moment."""

    name: str
    title: str
    """What is to be seen, for whoever cannot see it."""
    tell: Callable[[], Telling]
    after: float = 8.0
    """Seconds between the last thing that happened and the picture."""
    keys: tuple[str, ...] = ()
    """Pressed one after the other from the step on; a text of several letters is typed."""
    shows: tuple[str, ...]
    """What stands on the screen once it is whole."""
    size: tuple[int, int] = AT_80
    progress: Mapping[str, Progress] = field(default_factory=dict)
    output: Output | None = None
    is_home: bool = False
    is_coming_back: bool = False
    """Whether what happened meanwhile is told first."""


IN_README: Final = (
    "home",
    "recovery-set",
    "step",
    "gate",
    "unknown",
    "deviation",
    "timeline",
    "completion",
)
"""Those of which the README shows an image."""

SCENES: Final = (
    Scene(
        name="home",
        title="Home: an unfinished run first, then what can be begun",
        tell=lost_host.restoring,
        after=95.0,
        shows=("Enter: Resume",),
        is_home=True,
    ),
    Scene(
        name="briefing",
        title="Briefing: what this run is, before its first step",
        tell=lost_host.declared,
        shows=("It answers as host", "It takes"),
    ),
    Scene(
        name="recovery-set",
        title="The recovery set: database, blobs and key of each set, and what it would lose",
        tell=lost_host.at_the_set,
        keys=("g",),
        shows=("no backup: ", "BACKUP_SET> /backups"),
    ),
    Scene(
        name="value",
        title="A value: what it is for, and what stands in the line",
        tell=lost_host.at_the_key,
        keys=("g",),
        shows=("Change what stands in the line", "KEY_FILE> /root"),
    ),
    Scene(
        name="tabletop",
        title="A tabletop: nothing is executed, and what a check would find is told",
        tell=lambda: lost_host.at_the_set(Mode.TABLETOP).give(150, "briefing/BACKUP_SET", lost_host.SET),
        keys=("i",),
        shows=("it could not be known there",),
    ),
    Scene(
        name="step",
        title="A step: its checklist, the selected command as it will run, what Enter does",
        tell=lost_host.at_the_gate,
        shows=("Enter: open the gate",),
    ),
    Scene(
        name="step-not-green",
        title="A step with a check that failed: expected against observed, and what to do",
        tell=lost_host.short_of_room,
        shows=("Enter: look at key/space again",),
    ),
    Scene(
        name="step-output",
        title="A step whose command runs: its output and how far it is",
        tell=lost_host.proving,
        after=65.0,
        output=_PROVING,
        progress={
            "proof/prove": Progress(
                phase="comparing blobs with the database",
                done=27_300_000_000,
                total=212_000_000_000,
                unit="bytes",
                elapsed=62.0,
            )
        },
        shows=("OUTPUT of proof/prove", "comparing blobs"),
    ),
    Scene(
        name="step-wide",
        title="A step on a larger terminal: the steps as a list, every pane at once",
        tell=lost_host.restoring,
        after=340.0,
        size=(120, 40),
        progress=_PROGRESS,
        output=Output(item="database/restore-database", attempt=1),
        shows=("THE STEP'S TEXT", "restoring rows"),
    ),
    Scene(
        name="gate",
        title="A gate: what is destroyed, what undoes it, host and database typed by hand",
        tell=lost_host.at_the_gate,
        keys=("a", "gw-2/aihum"),
        shows=("It acts on host gw-2", "HOST/DATABASE> gw-2/aihum"),
    ),
    Scene(
        name="unknown",
        title="An outcome that nobody saw: what the probe sees, and what is safe",
        tell=lost_host.lost_on_the_way,
        keys=("u",),
        shows=("UNKNOWN OUTCOME",),
    ),
    Scene(
        name="deviation",
        title="A deviation: what follows from it, and a reason that goes on record",
        tell=lost_host.short_of_room,
        keys=("v", "/srv is being grown to 800 GB, done by 04:00"),
        shows=("Override key/space", "by 04:00"),
    ),
    Scene(
        name="absence",
        title="While you were away: what happened while nobody was attached",
        tell=lost_host.restored,
        is_coming_back=True,
        shows=("WHILE YOU WERE AWAY",),
    ),
    Scene(
        name="timeline",
        title="The timeline: steps, commands, waits on people, the clocks against their objectives",
        tell=lost_host.proving,
        after=120.0,
        keys=("e",),
        shows=("TIMELINE", "declared"),
    ),
    Scene(
        name="palette",
        title="The palette: every action that is legal now",
        tell=lost_host.at_the_gate,
        keys=("colon",),
        shows=("Every action that is legal now",),
    ),
    Scene(
        name="help",
        title="Help: the keys of the screen",
        tell=lost_host.at_the_gate,
        keys=("f1",),
        shows=("HELP",),
    ),
    Scene(
        name="completion",
        title="The end of the run: the level that was reached, clocks, what to do next",
        tell=lost_host.proven,
        shows=("THE END OF THE RUN", "Next: "),
    ),
)


async def pictured(scene: Scene, place: Path) -> Picture:
    """The scene's picture; its journal is written below `place`, an empty folder."""
    told = scene.tell()
    with standing(StillClock(seconds=told.seconds + scene.after)):
        app: ScreensApp[Any] = _home(told) if scene.is_home else _run(scene, told, place)
        return await _shown(app, scene)


def _home(told: Telling) -> HomeApp:
    target = "Target aihummer-prod (/etc/aihummer-drtui/target.toml)"
    return HomeApp(HomeFacts(target=target, unfinished=(told.state,)), settle=0.0)


def _run(scene: Scene, told: Telling, place: Path) -> RunApp:
    view = View(
        folder=told.written(place, f"{RUNS}/{lost_host.RUN}"),
        runbook=told.runbook,
        state=told.state,
        connection=Connection.LIVE,
        progress=scene.progress,
        output=scene.output,
    )
    away = Away()
    if scene.is_coming_back:
        for record in told.records:
            away.hear(record)
    return still_app(view, ToldFacts(world=ScriptedCatalogue(place / "none")), away)


class ToldFacts(ScriptedFacts):
    """What is known of the lost host's replacement."""

    def suggestion(self, variable: str) -> str | None:
        """What backup places and target.toml lead to."""
        return lost_host.SUGGESTED.get(variable)

    def choices(self, variable: str) -> tuple[Choice, ...]:  # noqa: ARG002
        """None beside the sets."""
        return ()

    def recovery_sets(self, seconds: float) -> Iterator[RecoverySets]:  # noqa: ARG002
        """Two sets, and one that was never finished."""
        yield lost_host.SETS

    def leftovers(self, seconds: float) -> Leftovers:  # noqa: ARG002
        """The host was new: nothing had to be put aside."""
        return Leftovers()

    def identity(self) -> TargetIdentity:
        """The target before anything is there."""
        return lost_host.IDENTITY


async def _shown(app: ScreensApp[Any], scene: Scene) -> Picture:
    moved = asyncio.Event()

    def heard(message: Message) -> None:
        moved.set()

    async with app.run_test(size=scene.size, message_hook=heard) as pilot:
        screens = Screens(app=app, pilot=pilot, moved=moved)
        await screens.until_shown("Enter")
        for key in scene.keys:
            if key in _KEYS:
                await screens.press(key)
            else:
                await screens.write(key)
        await screens.until_shown(*scene.shows)
        await pilot.pause()
        return picture_of(app)
