"""Versions: found in any text, compared as SemVer says, and the two checks that ask for the same one.

KNOWN: a recovery wants the same version; `aihummer version` and /healthz tell it. UNKNOWN: in which
words. So any SemVer in the text is taken (https://semver.org/spec/v2.0.0.html), the likeliest first.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from aihummer_drtui.errors import FailedError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.sealed import NO_SET_HINT, sealed_manifest
from aihummer_drtui.recovery.check import Check, Scene
from aihummer_drtui.recovery.children import ChildEnd, ChildResult, run_child
from aihummer_drtui.recovery.gateway.probes import ask_gateway
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import CheckDescription, Observation, Verdict

_NUMBER: Final = r"(?:0|[1-9]\d{0,8})"
_PRE: Final = r"(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)"
_SEMVER: Final = re.compile(
    rf"(?<![\w.])v?({_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_PRE}(?:\.{_PRE})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)"
    r"(?![\w+-]|\.\d)"
)
_COLOUR: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\\x1b\[[0-?]*[ -/]*[@-~]")
_OTHERS: Final = re.compile(
    r"go|api|schema|postgres|database|db|openssl|runtime|kernel|node|python|min|next|latest|newer|available"
)
"""Words of a label by which a version is another thing's than the gateway's."""
SECONDS: Final = 10.0


def find_version(text: str) -> str | None:
    """The likeliest SemVer in a text or a JSON document, without `v`; None if there is none.

    Addresses (four numbers) and dates are never taken.
    """
    text = _COLOUR.sub("", text)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return _best(_in_text(text))
    return _best(_in_document(document, "", 0))


def same_version(one: str, other: str) -> bool:
    """Whether two texts are the same SemVer; pre-release counts, build metadata does not."""
    from semver import Version

    try:
        return Version.parse(one.removeprefix("v")) == Version.parse(other.removeprefix("v"))
    except ValueError:
        return False


def installed_version(target: Target) -> str:
    """What `aihummer version` says. Raises FailedError when it says nothing that is a version."""
    return _version_in(run_child([target.aihummer, "version"], target, seconds=SECONDS), target)


def _version_in(result: ChildResult, target: Target) -> str:
    if result.end is ChildEnd.NOT_STARTED:
        raise FailedError(
            f"{target.aihummer} {result.ending}",
            hint="install AiHummer, or name the program in target.toml (`aihummer`, `path`)",
        )
    if not result.succeeded:
        raise FailedError(
            f"`{target.aihummer} version`: {result.ending}: {cleaned_line(result.last_line)}",
            hint=f"run `{target.aihummer} version` by hand",
        )
    found = find_version(result.output)
    if found is None:
        raise FailedError(
            f"`{target.aihummer} version` says no version: {cleaned_line(result.output.strip(), 120)!r}",
            hint="compare it by eye with the version in the backup's manifest.json",
        )
    return found


def running_version(target: Target) -> str:
    """What the running gateway's /healthz says. Raises FailedError when it says no version."""
    answer = ask_gateway(target, "/healthz")
    if not answer.is_ok:
        raise FailedError(
            f"the gateway's /healthz: {answer.in_words}", hint=f"start it: {target.aihummer} up"
        )
    found = find_version(answer.body)
    if found is None:
        raise FailedError(
            f"/healthz says no version: {cleaned_line(answer.body.strip(), 120)!r}",
            hint=f"run `{target.aihummer} version`; it tells the same one",
        )
    return found


def _in_document(value: Any, label: str, depth: int) -> Iterator[tuple[int, str]]:
    """Each version with its rank: the lower, the likelier."""
    if depth > 20:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(key)).lower()
            yield from _in_document(inner, words, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _in_document(inner, label, depth + 1)
    elif isinstance(value, str):
        for rank, version in _in_text(value):
            yield (depth if "version" in label else 1_000 + rank) + _penalty(label), version


def _in_text(text: str) -> Iterator[tuple[int, str]]:
    for found in _SEMVER.finditer(text):
        if _is_date(found[1]):
            continue
        before = text[max(0, found.start() - 40) : found.start()].rpartition("\n")[2].lower()
        label = (re.findall(r"[a-z]+", before) or [""])[-2:]
        rank = 100 if not any(word in before for word in ("version", "aihummer")) else 0
        yield rank + _penalty(" ".join(label)), found[1]


def _penalty(label: str) -> int:
    return 10_000 if any(_OTHERS.fullmatch(word) for word in re.findall(r"[a-z]+", label)) else 0


def _best(found: Iterator[tuple[int, str]]) -> str | None:
    # min() keeps the first of equals: what is written first.
    return min(found, key=lambda each: each[0], default=(0, None))[1]


def _is_date(version: str) -> bool:
    one, two, three = (int(part) for part in re.split(r"[.+-]", version)[:3])
    year_first = 1900 <= one <= 2100 and 1 <= two <= 12 and 1 <= three <= 31
    return year_first or (1 <= one <= 31 and 1 <= two <= 12 and 1900 <= three <= 2100)


def _compared(scene: Scene, seen: str, what: str) -> Observation:
    manifest = sealed_manifest(scene)
    if manifest is None or not manifest.aihummer_version:
        return Observation(
            verdict=Verdict.UNPROVEN,
            expected="the version sealed in the backup set",
            observed=f"{what} {seen}; nothing to compare it with",
            hint=NO_SET_HINT if manifest is None else "the set was sealed without a version: ask who made it",
        )
    sealed = manifest.aihummer_version
    same = same_version(seen, sealed)
    return Observation(
        verdict=Verdict.PASSED if same else Verdict.FAILED,
        expected=f"{sealed} (sealed in the backup set)",
        observed=f"{what} {seen}",
        hint="" if same else f"install AiHummer {sealed} on this host before anything is restored",
    )


def look_at_installed(scene: Scene) -> Observation:
    """Look whether the installed program has the version sealed in the backup set."""
    result = run_child([scene.target.aihummer, "version"], scene.target, seconds=SECONDS)
    if result.succeeded and find_version(result.output) is None:
        return Observation(
            verdict=Verdict.UNPROVEN,
            expected="a version in what `aihummer version` prints",
            observed=cleaned_line(result.output.strip(), 120) or "nothing",
            hint="compare it by eye with the version in the backup's manifest.json",
        )
    try:
        seen = _version_in(result, scene.target)
    except FailedError as error:
        return Observation(
            verdict=Verdict.UNKNOWN if result.end is ChildEnd.TIMED_OUT else Verdict.FAILED,
            expected="an installed AiHummer that tells its version",
            observed=cleaned_line(error.what),
            hint=error.hint,
        )
    return _compared(scene, seen, "installed")


def look_at_running(scene: Scene) -> Observation:
    """Look whether the running gateway has the version sealed in the backup set."""
    answer = ask_gateway(scene.target, "/healthz")
    if not answer.is_ok:
        return answer.not_ok(expected="/healthz answers with a version")
    seen = find_version(answer.body)
    if seen is None:
        return Observation(
            verdict=Verdict.UNPROVEN,
            expected="a version in the body of /healthz",
            observed=cleaned_line(answer.body.strip(), 120) or "an empty body",
            hint=f"run `{scene.target.aihummer} version`; it tells the same one",
        )
    return _compared(scene, seen, "running")


CHECKS: Final = (
    Check(
        description=CheckDescription(
            name="version-installed",
            title="Same AiHummer version installed",
            proves="`aihummer version` tells the version that the backup was taken with",
            interval=15.0,
        ),
        look=look_at_installed,
    ),
    Check(
        description=CheckDescription(
            name="version-running",
            title="Same AiHummer version running",
            proves="/healthz tells the version that the backup was taken with; not that it works",
        ),
        look=look_at_running,
    ),
)
