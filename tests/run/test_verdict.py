"""Verdicts and what identifies a target."""

import pytest
from msgspec import ValidationError, json

from aihummer_drtui.run.verdict import PROBE_EXIT_CODES, Observation, ProbeResult, TargetIdentity


def test_there_is_no_verdict_by_default() -> None:
    """A look that does not say what it saw is no look."""
    with pytest.raises(ValidationError, match="verdict"):
        json.decode(b'{"expected": "a", "observed": "b"}', type=Observation)


def test_the_gate_asks_for_host_and_database() -> None:
    """The words typed before an irreversible command name what it acts on."""
    assert TargetIdentity(host="db1", database="aihummer", facts=()).phrase == "db1/aihummer"


def test_only_three_exit_codes_of_a_probe_say_something() -> None:
    """Any other code, a signal's too, is `unknown`, and `unknown` is no exit code."""
    assert PROBE_EXIT_CODES == {0: ProbeResult.DONE, 1: ProbeResult.NOT_DONE, 10: ProbeResult.PARTIAL}
