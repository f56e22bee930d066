"""Every probe that can be typed is there, and is a probe."""

from pathlib import Path

import pytest

from aihummer_drtui.cli.probe import PROBES, probe_called
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import ProbeResult


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_of_nothing_is_never_done(tmp_path: Path, name: str) -> None:
    """On a host where nothing was restored yet each answers, in one line."""
    target = Target(gateway_env=tmp_path / "none.env", base_url="http://127.0.0.1:9")
    found = probe_called(name)(Scene(target=target, values={}))
    assert found.result is not ProbeResult.DONE
    assert found.observed
    assert "\n" not in found.observed
