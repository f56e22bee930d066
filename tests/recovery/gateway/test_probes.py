"""The bounded client and the gateway's checks, against a server that misbehaves."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.gateway import probes as gateway
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import Verdict
from tests.recovery.hostile_server import HostileServer, hostile_server


@pytest.fixture
def server() -> Iterator[HostileServer]:
    """Give a hostile server."""
    with hostile_server() as started:
        yield started


def test_a_whole_readable_200_is_ok(server: HostileServer) -> None:
    """The one kind of answer that counts."""
    answer = gateway.ask(server.url + "/ok")
    assert answer.is_ok
    assert "1.4.2" in answer.body


@pytest.mark.parametrize(
    ("path", "status", "trouble"),
    [
        ("/unready", 503, ""),
        ("/redirect", 302, "not followed"),
        ("/endless", 200, "more than 64000 bytes"),
        ("/cut", None, "complete message body"),
        ("/reset", None, ""),
        ("/garbage", None, ""),
        ("/binary", 200, "not readable"),
        ("/gzip", 200, "encoded"),
        ("/nowhere", 404, ""),
    ],
)
def test_n01_nothing_else_is_ok(server: HostileServer, path: str, status: int | None, trouble: str) -> None:
    """Redirects, floods, torn, unreadable and packed bodies are never a pass, and are named."""
    answer = gateway.ask(server.url + path, seconds=3)
    assert not answer.is_ok
    assert answer.status == status
    assert trouble in answer.trouble
    assert not answer.timed_out
    assert "\x1b" not in answer.in_words


@pytest.mark.parametrize("path", ["/hang", "/drip-head", "/drip-body"])
def test_n01_a_slow_server_cannot_hold_the_look_up(server: HostileServer, path: str) -> None:
    """The deadline is for the whole answer, not for each byte; it ends as `unknown`."""
    began = time.monotonic()
    answer = gateway.ask(server.url + path, seconds=0.6)
    assert time.monotonic() - began < 2
    assert answer.timed_out
    assert answer.not_ok(expected="").verdict is Verdict.UNKNOWN


def test_k03_a_redirect_to_a_signed_url_shows_no_signature(server: HostileServer) -> None:
    """What follows the ? opens that file to whoever reads the journal."""
    answer = gateway.ask(server.url + "/redirect-signed", text=False)
    assert "redirects to https://cdn.example/a.png, which" in answer.in_words
    assert "sig" not in answer.in_words


def test_n01_a_redirect_is_not_followed(server: HostileServer) -> None:
    """The server is asked once, and for nothing it pointed to."""
    gateway.ask(server.url + "/redirect")
    assert server.asked == ["/redirect"]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
def test_n01_proxies_of_the_environment_are_ignored(
    server: HostileServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A proxy that answers 200 must not make a dead gateway look alive."""
    monkeypatch.setenv(name, server.url)
    for scheme in ("http", "https"):
        assert gateway.ask(f"{scheme}://127.0.0.1:9/ok", seconds=2).status is None
    assert not server.asked


def test_n01_nobody_listening_has_failed(server: HostileServer) -> None:
    """A refused connection is an answer: the gateway is not up."""
    observation = gateway.look_at_healthz(_scene("http://127.0.0.1:9"))
    assert observation.verdict is Verdict.FAILED
    assert "aihummer up" in observation.hint


def test_n01_a_200_that_speaks_of_errors_is_warned_about(server: HostileServer) -> None:
    """The status is the answer (KNOWN), but the operator sees the contradiction."""
    observation = gateway.look_at_readyz(_scene(server.url + "/degraded"))
    assert observation.verdict is Verdict.PASSED
    assert "degraded" in observation.warnings[0]


def test_n01_readyz_is_red_on_503_and_green_on_200(server: HostileServer) -> None:
    """The hint of a 503 leads to the database."""
    scene = _scene(server.url)
    red, green = gateway.look_at_readyz(scene), gateway.look_at_readyz(scene)
    assert (red.verdict, green.verdict) == (Verdict.FAILED, Verdict.PASSED)
    assert "PostgreSQL" in red.hint


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (":8765", "http://127.0.0.1:8765"),
        ("0.0.0.0:1", "http://127.0.0.1:1"),
        ("[::]:1", "http://[::1]:1"),
        ("[fe80::1%eth0]:80", "http://[fe80::1%eth0]:80"),
        ("host.example:8080", "http://host.example:8080"),
        ("https://gateway.example/", "https://gateway.example"),
    ],
)
def test_a_listen_address_is_asked_where_it_answers(address: str, url: str) -> None:
    """Go's ways to write an address, with `every address` asked on this host."""
    assert gateway.address_url(address, where="") == url


@pytest.mark.parametrize("address", ["8765", ":0", ":70000", "a b:1", "/run/socket", ":http", "host:1/path"])
def test_an_address_that_cannot_be_asked_is_refused(address: str) -> None:
    """No guess where the gateway might be."""
    with pytest.raises(PreconditionError):
        gateway.address_url(address, where="")


def test_the_base_url_goes_before_the_environment_file(tmp_path: Path) -> None:
    """An installation tells its own address; without it gateway.env does, without that the default."""
    env = tmp_path / "gateway.env"
    assert gateway.base_url(Target(gateway_env=env)) == "http://127.0.0.1:8765"
    env.write_text("AIHUMMER_GATEWAY_ADDR=:9000\n")
    assert gateway.base_url(Target(gateway_env=env)) == "http://127.0.0.1:9000"
    assert gateway.base_url(Target(gateway_env=env, base_url="http://other/")) == "http://other"


def _scene(url: str) -> Scene:
    return Scene(target=Target(base_url=url), values={})
