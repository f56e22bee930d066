"""Waiting for readiness, the smoke test, and the probes of the service commands."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.gateway import media, services
from aihummer_drtui.recovery.gateway import version as versions
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import MediaLayout, Target
from aihummer_drtui.run.verdict import ProbeResult, Verdict
from tests.recovery.hostile_server import HostileServer, hostile_server


@pytest.fixture
def server() -> Iterator[HostileServer]:
    """Give a hostile server."""
    with hostile_server() as started:
        yield started


def test_n01_one_green_answer_is_not_ready(server: HostileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, 200, 503, 200, 200: only the last two in a row end the wait."""
    monkeypatch.setattr(services, "BETWEEN", 0.01)
    answer = services.wait_ready(Target(base_url=server.url), 10, Reporter.silent())
    assert answer.is_ok
    assert len(server.asked) == 5


@pytest.mark.parametrize("path", ["/hang", "/drip-head", "/unready"])
def test_n01_waiting_ends_in_time_with_the_last_answer(server: HostileServer, path: str) -> None:
    """Not ready in time is a failure that says why."""
    began = time.monotonic()
    with pytest.raises(FailedError, match="not ready after"):
        services.wait_ready(Target(base_url=f"{server.url}{path}?"), 1, Reporter.silent())
    assert time.monotonic() - began < 3


def _smoke(tmp_path: Path, script: str, *, mode: int = 0o755) -> Scene:
    smoke = tmp_path / "deploy" / "host" / "smoke.sh"
    smoke.parent.mkdir(parents=True)
    smoke.write_text(f"#!/bin/sh\n{script}\n")
    smoke.chmod(mode)
    return Scene(target=Target(smoke=smoke), values={})


def test_smoke_runs_in_the_root_of_the_installation(tmp_path: Path) -> None:
    """As its documented place, deploy/host/, suggests."""
    observation = services.look_at_smoke(_smoke(tmp_path, "pwd"))
    assert observation.verdict is Verdict.PASSED
    assert observation.observed.endswith(str(tmp_path))


@pytest.mark.parametrize("script", ["echo all green; exit 1", "echo OK; kill -9 $$", "exec /nonexistent"])
def test_smoke_passes_by_its_exit_code_only(tmp_path: Path, script: str) -> None:
    """Whatever it prints; a signal is no pass."""
    assert services.look_at_smoke(_smoke(tmp_path, script)).verdict is Verdict.FAILED


@pytest.mark.parametrize("mode", [0o755, 0o644])
def test_smoke_that_cannot_be_run_has_failed(tmp_path: Path, mode: int) -> None:
    """Missing or not executable, with a hint."""
    scene = _smoke(tmp_path, "exit 0", mode=mode)
    if mode == 0o755:
        scene.target.smoke.unlink()
    observation = services.look_at_smoke(scene)
    assert observation.verdict is Verdict.FAILED
    assert "target.toml" in observation.hint


@pytest.mark.parametrize(("mode", "folder"), [(0o777, 0o755), (0o775, 0o755), (0o755, 0o777)])
def test_x06_a_smoke_test_that_others_can_write_is_not_run(tmp_path: Path, mode: int, folder: int) -> None:
    """It would run as whoever runs this, as a rule root."""
    scene = _smoke(tmp_path, f"touch '{tmp_path}/ran'", mode=mode)
    scene.target.smoke.parent.chmod(folder)
    seen = services.look_at_smoke(scene)
    assert seen.verdict is Verdict.FAILED
    assert "can be written by other accounts" in seen.observed
    assert "chmod" in seen.hint
    assert not (tmp_path / "ran").exists()


def test_smoke_that_does_not_end_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows what it would have said."""
    monkeypatch.setattr(services.run_smoke, "__kwdefaults__", {"seconds": 0.3})
    assert services.look_at_smoke(_smoke(tmp_path, "sleep 30")).verdict is Verdict.UNKNOWN


def test_probes_say_what_answers(server: HostileServer) -> None:
    """Done when it answers 200, not done when it does not, unknown when it answers too late."""
    scene = Scene(target=Target(base_url=server.url), values={})
    assert services.probe_up(scene).result is ProbeResult.NOT_DONE  # this server has no /healthz
    assert [services.probe_ready(scene).result for _ in range(2)] == [ProbeResult.NOT_DONE, ProbeResult.DONE]
    assert services.probe_rerunnable(scene).result is ProbeResult.NOT_DONE


def test_a_probe_without_a_known_address_is_unknown(tmp_path: Path) -> None:
    """It must not read as `not done`."""
    env = tmp_path / "gateway.env"
    env.write_text("AIHUMMER_GATEWAY_ADDR=nonsense\n")
    assert services.probe_up(Scene(target=Target(gateway_env=env), values={})).result is ProbeResult.UNKNOWN


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        ("/binary", Verdict.PASSED),
        ("/empty", Verdict.FAILED),
        ("/nowhere", Verdict.FAILED),
        ("", Verdict.UNPROVEN),
    ],
)
def test_an_old_media_url_must_be_served(
    server: HostileServer, tmp_path: Path, path: str, verdict: Verdict
) -> None:
    """Bytes of any kind pass, an empty 200 does not, and without a URL nothing is proven."""
    env = tmp_path / "gateway.env"
    env.write_text("AIHUMMER_BLOB_DIR=/blobs\n")
    target = Target(gateway_env=env, base_url=server.url, media=MediaLayout(signed_path=path))
    observation = media.look_at_media_token(Scene(target=target, values={}))
    assert observation.verdict is verdict
    env.write_text("A=1\n")
    inactive = media.look_at_media_token(Scene(target=target, values={}))
    assert (inactive.verdict, "inactive" in inactive.observed) == (Verdict.PASSED, True)


@pytest.mark.parametrize(
    ("script", "verdict"),
    [
        ("echo aihummer v1.2.3", Verdict.UNPROVEN),
        ("echo hello", Verdict.UNPROVEN),
        ("echo 1.2.3; exit 1", Verdict.FAILED),
    ],
)
def test_an_installed_version_alone_proves_nothing(tmp_path: Path, script: str, verdict: Verdict) -> None:
    """There is nothing to compare it with, or it was not told in words that can be read."""
    program = tmp_path / "aihummer"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    scene = Scene(target=Target(path=(tmp_path,)), values={})
    assert versions.look_at_installed(scene).verdict is verdict


def test_a_missing_program_has_failed() -> None:
    """The host is not ready for a recovery."""
    scene = Scene(target=Target(aihummer="/nonexistent/aihummer"), values={})
    assert versions.look_at_installed(scene).verdict is Verdict.FAILED
