"""Runbooks as files: the one that is shipped, a team's own, and when either is refused."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from aihummer_drtui.errors import PreconditionError, UsageError
from aihummer_drtui.runbook.model import Problem, Runbook

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from aihummer_drtui.runbook.lint import Judgement

SHIPPED: Final = "disaster-recovery.md"
_LARGEST: Final = 1 << 20
"""Bytes, as the reader's own bound in characters."""


def load_runbook(path: Path | None) -> tuple[str, Runbook]:
    """The text of a runbook, as it is in the file, and the runbook; None = the shipped one.

    Raises PreconditionError when the file is missing, not to be trusted (others could have written
    it), or has a problem that makes a run unsafe: every such problem is told, a line each.
    """
    text = trusted_text(path)
    return text, runbook_of(text, name=SHIPPED if path is None else str(path))


def trusted_text(path: Path | None) -> str:
    """The text of a runbook, not judged yet; None = the shipped one.

    Raises PreconditionError when the file is missing, or not to be trusted.
    """
    if path is None:
        return shipped_text()
    from aihummer_drtui.recovery.trusted_file import read_trusted

    return decoded(read_trusted(path, what="runbook"), name=str(path))


def runbook_of(text: str, *, name: str = "runbook.md") -> Runbook:
    """The runbook a text holds; `name` is what messages call it. Raises PreconditionError, see above."""
    judgement = judged(text)
    if judgement.runbook is None:
        raise _not_followed(name, judgement.stopping)
    return judgement.runbook


def followed_runbook(text: str) -> Runbook:
    """The runbook of a text that a run goes by already. Raises PreconditionError when it cannot be read.

    It was held against the rules when the run accepted it, and is again by every engine that takes the
    run up: looking on at it loads none of the checks.
    """
    from aihummer_drtui.runbook.reader import read_runbook

    reading = read_runbook(text)
    if reading.runbook is None:
        raise _not_followed("runbook.md", reading.problems)
    return reading.runbook


def _not_followed(name: str, problems: tuple[Problem, ...]) -> PreconditionError:
    from aihummer_drtui.runbook.findings import problem_text

    told = "\n".join(problem_text(name, problem) for problem in problems)
    return PreconditionError(
        f"the runbook cannot be followed as it is\n{told}",
        where=name,
        hint="mend it (`aihummer-drtui lint FILE` tells the same), or take the shipped one",
    )


def judged(text: str) -> "Judgement":
    """A text held against the rules and the checks that this program has."""
    from aihummer_drtui.recovery.catalogue import check_names
    from aihummer_drtui.runbook.lint import judge

    return judge(text, known_checks=frozenset(check_names()))


def shipped_text() -> str:
    """The text of the shipped runbook. Raises PreconditionError when the installation lacks it."""
    from importlib.resources import files

    package = files("aihummer_drtui")
    # An editable installation has the folder beside the package, a wheel inside it.
    for folder in (package / "runbooks", package / ".." / "runbooks"):
        if (folder / SHIPPED).is_file():
            return _text(folder / SHIPPED)
    raise PreconditionError(
        f"the shipped runbook {SHIPPED} is not in this installation",
        where=str(package),
        hint="install the program anew, or give a runbook of your own with --runbook FILE",
    )


def author_text(path: Path) -> str:
    """The text of a runbook that is only looked at, whoever may write it. Raises UsageError."""
    try:
        if not path.is_file():
            raise UsageError("there is no such file", where=str(path), hint="give the path of a runbook")
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(
            f"the runbook cannot be read: {error.strerror}", where=str(path), hint="give a readable file"
        ) from error
    return decoded(data, name=str(path))


def decoded(data: bytes, *, name: str) -> str:
    """The text of a file, line ends and all left as they are. Raises PreconditionError if it is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise PreconditionError(
            f"not UTF-8 (byte {data[error.start]:#04x})",
            where=f"{name}:{line}:{column}",
            hint="save the file as UTF-8",
        ) from error


def _text(shipped: "Traversable") -> str:
    return decoded(shipped.read_bytes(), name=shipped.name)
