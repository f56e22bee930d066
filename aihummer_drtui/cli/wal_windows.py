"""Windows of base backups and WAL, as `wal status` and `backup list` show them."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text, duration_text
from aihummer_drtui.recovery.point_in_time.segments import lsn_text

if TYPE_CHECKING:
    from aihummer_drtui.recovery.point_in_time.model import Window


def window_lines(window: "Window", now: datetime) -> list[str]:
    """A few lines of at most 80 columns on one window."""
    base = window.base
    verified = f"verified {ago(base.verified, now)}" if base.verified else "never verified"
    lines = [
        f"{'window':<14} from {moment_text(window.earliest)}, {ago(window.earliest, now)}",
        f"{'':<14} to   {end_text(window, now)}",
        f"{'':<14} base {cleaned_line(base.label, 60)}, {bytes_text(base.size)}, {verified}",
    ]
    if window.timeline != base.timeline:
        lines.append(f"{'':<14} timeline {window.timeline}; the base backup is of timeline {base.timeline}")
    if window.gap:
        lines.append(f"{'':<14} WAL file {cleaned_line(window.gap, 60)} is missing after that")
    return lines


def end_text(window: "Window", now: datetime) -> str:
    """Where a window ends, in words."""
    if window.latest is None:
        return f"WAL position {lsn_text(window.latest_lsn)}; no commit was found after the base backup"
    return f"{moment_text(window.latest)}, {ago(window.latest, now)} (RPO now)"


def window_as_json(window: "Window", now: datetime) -> dict[str, object]:
    """One window in JSON; times in ISO 8601, UTC."""
    base = window.base
    end = window.latest or window.earliest
    return {
        "base": base.label,
        "keeper": base.keeper,
        "earliest": window.earliest,
        "latest": window.latest,
        "latest_lsn": lsn_text(window.latest_lsn),
        "rpo_now_seconds": (now - end).total_seconds(),
        "timeline": window.timeline,
        "gap": window.gap,
        "size": base.size,
        "server_major": base.server_major,
        "system_identifier": str(base.system_identifier),
        "verified_at": base.verified,
    }


def moment_text(moment: datetime) -> str:
    """A moment with its zone: `2026-01-31 23:59:59Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def ago(moment: datetime, now: datetime) -> str:
    """`3 h 12 min ago`; a time to come is named as one."""
    seconds = (now - moment).total_seconds()
    return f"{duration_text(seconds)} ago" if seconds >= 0 else f"{duration_text(-seconds)} from now"
