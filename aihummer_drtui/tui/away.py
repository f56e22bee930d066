"""What happened to a run while nobody was attached to it."""

from aihummer_drtui.run import events as e


class Away:
    """Hears every record of a run from its first on, and keeps those of the last absence."""

    def __init__(self) -> None:
        self._sitting: set[str] = set()
        self._absent = False
        self._kept: list[e.Record] = []
        self.before: e.Record | None = None
        """The last record that somebody may have seen."""

    def hear(self, record: e.Record) -> None:
        """Take in the next record."""
        match record.what:
            case e.SittingOpened(sitting=sitting):
                self._sitting.add(sitting)
                if not self._absent:
                    # Somebody was there and saw it.
                    self._kept.clear()
                self._absent = False
            case e.SittingClosed(sitting=sitting):
                self._sitting.discard(sitting)
                self._leave(record)
            case e.EngineStarted() | e.EngineStopped():
                # Sittings are connections to an engine: those of one that was killed are over.
                self._sitting.clear()
                self._leave(record)
            case _:
                pass
        if self._absent:
            self._kept.append(record)

    def _leave(self, record: e.Record) -> None:
        if not self._sitting and not self._absent:
            self._absent = True
            self._kept.clear()
            self.before = record

    def records(self) -> tuple[e.Record, ...]:
        """The records of the last absence; empty while somebody has been there all the time."""
        return tuple(self._kept)
