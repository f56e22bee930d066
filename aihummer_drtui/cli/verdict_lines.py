"""A look's outcome as lines on a terminal: glyph, word, name, what was seen; what to do below."""

from typing import Final

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.verdict import Observation, Verdict

GLYPHS: Final = {
    Verdict.PASSED: "[+]",
    Verdict.FAILED: "[x]",
    Verdict.UNPROVEN: "[~]",
    Verdict.UNKNOWN: "[?]",
}


def verdict_lines(name: str, seen: Observation) -> list[str]:
    """One line for what was seen; expectation and hint where it is not well; each warning."""
    lines = [f"{GLYPHS[seen.verdict]} {seen.verdict.value:<8} {name:<19} {cleaned_line(seen.observed, 300)}"]
    if seen.verdict is not Verdict.PASSED:
        lines.append(f"             expected: {cleaned_line(seen.expected, 300)}")
        lines.append(f"             hint: {cleaned_line(seen.hint, 300)}")
    return [*lines, *(f"             warning: {cleaned_line(warning, 300)}" for warning in seen.warnings)]
