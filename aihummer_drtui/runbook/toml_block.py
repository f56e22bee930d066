"""A block of TOML inside a runbook, read key by key; what is wrong is told at the file's own line."""

import datetime
import re
import tomllib
from typing import Final

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import parse_duration
from aihummer_drtui.runbook.findings import Findings, quoted
from aihummer_drtui.runbook.model import LONGEST_DURATION, Place

LARGEST: Final = 16_384
"""Characters of one block; tomllib takes quadratic time on some larger ones."""

_ERROR_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


class TomlBlock:
    """The keys of one table. Every key that was not asked for is told by `finish`."""

    def __init__(self, source: str, *, first: Place, findings: Findings, name: str) -> None:
        """Parse `source`, whose first character stands at `first`; `name` is what messages call it."""
        self._lines = source.split("\n")
        self._first = first
        self._begin = first
        self._findings = findings
        self._name = name
        self._left = self._parsed(source)

    def place(self, key: str) -> Place:
        """Where the key is written; where the block begins if it is not."""
        written = re.compile(rf"\s*(?:\[\s*)?[\"']?{re.escape(key)}[\"']?\s*[=.\]]")
        for number, line in enumerate(self._lines):
            if written.match(line):
                blanks = len(line) - len(line.lstrip())
                return Place(line=self._first.line + number, column=self._first.column + blanks)
        return self._begin

    def text(self, key: str, *, required: bool = False) -> str:
        """The text of `key`, without blanks around it; empty if it is missing or wrong."""
        value = self._take(key, required)
        if value is None:
            return ""
        if not isinstance(value, str):
            self._wrong(key, "a text", f'write {key} = "…"')
            return ""
        if not value.strip():
            self._wrong(key, "a text that says something", "fill it in or take it out")
        return value.strip()

    def duration(self, key: str, *, required: bool = False) -> float | None:
        """The seconds of `key`; None if it is missing or wrong."""
        value = self._take(key, required)
        if value is None:
            return None
        # The length first: Python refuses to read integers of more than 4300 digits.
        seconds = parse_duration(value) if isinstance(value, str) and len(value) <= 32 else None
        if seconds is None or not 0 < seconds <= LONGEST_DURATION:
            self._wrong(key, "a duration above nothing and up to 30 days", f'write it like {key} = "1h 30m"')
            return None
        return seconds

    def flag(self, key: str) -> bool:
        """The truth of `key`; False if it is missing or wrong."""
        value = self._take(key, required=False)
        if value is not None and not isinstance(value, bool):
            self._wrong(key, "true or false", f"write {key} = true, without quotes")
        return value is True

    def date(self, key: str) -> str:
        """The ISO date of `key`, written bare or quoted; empty if it is missing or wrong."""
        value = self._take(key, required=True)
        if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            return value.isoformat()
        if isinstance(value, str):
            try:
                return datetime.date.fromisoformat(value).isoformat()
            except ValueError:
                pass
        if value is not None:
            self._wrong(key, "a day", f"write it like {key} = 2026-03-14")
        return ""

    def names(self, key: str, *, required: bool = False) -> tuple[str, ...] | None:
        """The list of texts of `key`; None if it is missing or wrong."""
        value = self._take(key, required)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            self._wrong(key, "a list of texts", f'write it like {key} = ["one", "two"]')
            return None
        return tuple(value)

    def table(self, key: str) -> "TomlBlock":
        """The table of `key`, empty if it is missing or wrong."""
        value = self._take(key, required=True)
        inner = TomlBlock("", first=self.place(key), findings=self._findings, name=f"[{key}]")
        inner._lines, inner._first = self._lines, self._first
        if isinstance(value, dict):
            inner._left = dict(value)
            return inner
        inner._broken = True
        if value is not None:
            self._wrong(key, "a table", f"write [{key}] on a line of its own")
        return inner

    def finish(self) -> None:
        """Tell every key that nobody asked for: a misspelt `destructive` must not go unseen."""
        for key in self._left:
            self._findings.stop(
                self.place(key),
                f"{self._name} has no key {quoted(key)}",
                "look at its spelling; docs/runbook-format.md lists the keys",
            )

    def _take(self, key: str, required: bool) -> object:
        value: object = self._left.pop(key, None)
        if value is None and required and not self._broken:
            self._findings.stop(self._begin, f"{self._name} lacks `{key}`", "docs/runbook-format.md shows it")
        return value

    def _wrong(self, key: str, wanted: str, hint: str) -> None:
        self._findings.stop(self.place(key), f"`{key}` is not {wanted}", hint)

    def _parsed(self, source: str) -> dict[str, object]:
        self._broken = True
        if len(source) > LARGEST:
            self._findings.stop(self._first, f"{self._name} is larger than 16 KiB", "keep it short")
            return {}
        try:
            parsed: dict[str, object] = tomllib.loads(source)
        except (ValueError, RecursionError) as error:
            self._tell(error)
            return {}
        self._broken = False
        return parsed

    def _tell(self, error: ValueError | RecursionError) -> None:
        """tomllib's message ends with its own line and column: they become those of the file."""
        message = str(error)
        line, column = self._first.line, self._first.column
        found = _ERROR_PLACE.search(message)
        if found:
            message = message[: found.start()]
            number = int(found.group(1) or max(1, len("\n".join(self._lines).rstrip().split("\n"))))
            line += number - 1
            column += int(found.group(2) or 1) - 1
        self._findings.stop(
            Place(line=line, column=column),
            f"{self._name} is not TOML: {cleaned_line(message, 120)}",
            'keys are written `key = "text"`; see https://toml.io',
        )
