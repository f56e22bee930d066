"""What recoveries of this target have put aside and is still there: looked up, not remembered."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial

from aihummer_drtui.recovery.blobs.drop import old_folders
from aihummer_drtui.recovery.database.kept import keep_time, kept_now
from aihummer_drtui.recovery.gateway.environment import read_gateway_env
from aihummer_drtui.recovery.point_in_time.undo import kept_data_directories, mark_of
from aihummer_drtui.recovery.side_by_side import Came, Over, Quiet, side_by_side
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.leftovers import Leftover, Leftovers


def leftovers_of(target: Target, seconds: float) -> Leftovers:
    """Look at database server, data directory and blob folder, side by side, within so many seconds."""
    looks: Mapping[str, Callable[[], Iterator[Leftover]]] = {
        "old databases": partial(_databases, target),
        "old data directories": partial(_data_directories, target),
        "old blob folders": partial(_blob_folders, target),
    }
    found: list[Leftover] = []
    unseen: list[str] = []
    for news in side_by_side(looks, seconds, quiet=seconds):
        match news:
            case Came(what=one):
                found.append(one)
            case Over(why=why) if why:
                unseen.append(why)
            case Over() | Quiet():
                pass
    return Leftovers(found=tuple(sorted(found, key=lambda one: (one.kind, one.name))), unseen=tuple(unseen))


def _databases(target: Target) -> Iterator[Leftover]:
    for kept in kept_now(target):
        name = f" --kept {kept.name}" if kept.name.replace("_", "").isalnum() else ""
        yield Leftover(
            kind="old database",
            name=kept.name,
            size=kept.seen.size if kept.seen.size >= 0 else None,
            since=kept.marker.moment,
            until=kept.until,
            undo=f"restore database --undo{name}",
            drop=f"restore database --drop-old{name}",
        )


def _data_directories(target: Target) -> Iterator[Leftover]:
    found = mark_of(target)
    mark = found and found.standing
    for folder in kept_data_directories(target):
        is_last = mark is not None and folder.name == mark.kept
        since = datetime.fromisoformat(mark.at).astimezone(UTC) if mark is not None and is_last else None
        yield Leftover(
            kind="old data directory",
            name=str(folder),
            size=None,
            since=since,
            until=None if since is None else since + keep_time(target),
            undo="restore database --undo" if is_last else "",
            drop="restore database --drop-old",
        )


def _blob_folders(target: Target) -> Iterator[Leftover]:
    if target.gateway_env.exists() and read_gateway_env(target.gateway_env).blob_folder is None:
        # The media service is off: there never was a folder to put aside.
        return
    for folder in old_folders(target):
        yield Leftover(
            kind="rest of an old blob folder" if folder.dropping else "old blob folder",
            name=str(folder.path),
            size=None,
            since=None,
            until=folder.until,
            undo="restore blobs --undo" if folder.comes_back else "",
            drop="restore blobs --drop-old",
        )
