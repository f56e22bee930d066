"""A gateway behind TLS: only a certificate that holds is taken, and what is wrong with another is said."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.gateway import probes
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import Observation, Verdict
from tests.cli.calling import call
from tests.recovery.certificates import DAY, NOW, Authority, an_authority, tls_server, write_certificate
from tests.recovery.hostile_server import hostile_server

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Give one that signs, in a folder that only we can write."""
    tmp_path.chmod(0o755)
    return an_authority()


def _seen(url: str, ca_file: Path | None) -> Observation:
    return probes.look_at_readyz(Scene(target=Target(base_url=url, ca_file=ca_file), values={}))


def test_n01_a_certificate_of_the_named_authority_passes(authority: Authority, tmp_path: Path) -> None:
    """With `ca-file` in target.toml; without it the same gateway is refused, with the way out."""
    ca_file = authority.write(tmp_path / "ca.pem")
    with tls_server(write_certificate(tmp_path / "gateway.pem", authority)) as url:
        assert _seen(url, ca_file).verdict is Verdict.PASSED
        seen = _seen(url, None)
    assert seen.verdict is Verdict.FAILED
    assert "its certificate is of no authority that is trusted here" in seen.observed
    assert "ca-file in target.toml" in seen.hint


def test_n01_only_the_named_authority_counts(authority: Authority, tmp_path: Path) -> None:
    """One of the same name with another key is another."""
    ca_file = an_authority().write(tmp_path / "other.pem")
    with tls_server(write_certificate(tmp_path / "gateway.pem", authority)) as url:
        assert _seen(url, ca_file).verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("made", "told", "hint"),
    [
        (
            {"valid": (NOW - 3 * DAY, NOW - DAY)},
            f"its certificate has expired; this host's clock says {NOW:%Y-%m-%d}",
            "if the clock is wrong, set it; if not, renew",
        ),
        (
            {"valid": (NOW + DAY, NOW + 3 * DAY)},
            f"its certificate is not valid yet; this host's clock says {NOW:%Y-%m-%d}",
            "is the clock behind?",
        ),
        (
            {"address": "192.0.2.7"},
            "its certificate is not for the name 127.0.0.1",
            "set base-url in target.toml to a name that it is for",
        ),
    ],
)
def test_n01_a_certificate_that_does_not_hold_is_explained(
    authority: Authority, tmp_path: Path, made: dict[str, object], told: str, hint: str
) -> None:
    """Expired, not valid yet, for another name: red, with the clock where it matters."""
    certificate = write_certificate(tmp_path / "gateway.pem", authority, **made)  # type: ignore[arg-type]
    with tls_server(certificate) as url:
        seen = _seen(url, authority.write(tmp_path / "ca.pem"))
    assert seen.verdict is Verdict.FAILED
    assert told in seen.observed
    assert hint in seen.hint


@pytest.mark.skipif(not Path(FAKETIME).exists(), reason="libfaketime is not installed")
@pytest.mark.parametrize(("offset", "told"), [("+1y", "has expired"), ("-1y", "is not valid yet")])
def test_n01_s06_a_wrong_clock_is_named(authority: Authority, tmp_path: Path, offset: str, told: str) -> None:
    """The certificate is good, this host's clock is a year off: the message shows what it says."""
    certificate = write_certificate(tmp_path / "gateway.pem", authority)
    target = tmp_path / "target.toml"
    with tls_server(certificate) as url:
        ca_file = authority.write(tmp_path / "ca.pem")
        target.write_text(f'base-url = "{url}"\nca-file = "{ca_file}"\n')
        assert call("check", "readyz", target=target).returncode == 0
        seen = call("check", "readyz", target=target, LD_PRELOAD=FAKETIME, FAKETIME=offset)
    assert seen.returncode == 1
    text = " ".join(seen.stdout.split())
    assert told in text
    assert f"clock says {NOW.year + int(offset[:2])}" in text


def test_n01_the_option_names_an_authority_for_once(authority: Authority, tmp_path: Path) -> None:
    """`--ca-file` of `wait-ready`, `check` and `prove` goes before target.toml's."""
    target = tmp_path / "target.toml"
    ca_file = authority.write(tmp_path / "ca.pem")
    with tls_server(write_certificate(tmp_path / "gateway.pem", authority)) as url:
        target.write_text(f'base-url = "{url}"\n')
        refused = call("wait-ready", "--time-out", "1", target=target)
        assert refused.returncode == 1
        assert "no authority that is trusted here" in refused.stderr
        assert "ca-file in target.toml" in refused.stderr
        assert call("wait-ready", "--ca-file", ca_file, target=target).returncode == 0
        assert call("check", "--ca-file", ca_file, "readyz", target=target).returncode == 0
        proven = call("prove", "--ca-file", ca_file, "--json", target=target)
        assert json.loads(proven.stdout)[0]["observation"]["verdict"] == "passed"
    assert call("check", "--ca-file", ca_file, target=target).returncode == 2


@pytest.mark.parametrize("harm", ["missing", "empty", "text", "binary", "cut", "open to others", "pipe"])
def test_n01_a_file_of_authorities_that_cannot_be_used_is_refused(
    authority: Authority, tmp_path: Path, harm: str
) -> None:
    """It says whom to trust: nothing is asked by less than it."""
    ca_file = authority.write(tmp_path / "ca.pem")
    match harm:
        case "missing":
            ca_file.unlink()
        case "empty":
            ca_file.write_bytes(b"")
        case "text":
            ca_file.write_text("no certificate\n")
        case "binary":
            ca_file.write_bytes(b"\xff\x00")
        case "cut":
            ca_file.write_bytes(ca_file.read_bytes()[:200])
        case "open to others":
            ca_file.chmod(0o666)
        case _:
            ca_file.unlink()
            os.mkfifo(ca_file)
    with pytest.raises(PreconditionError) as refused:
        probes.ask_gateway(Target(base_url="https://127.0.0.1:9", ca_file=ca_file), "/readyz")
    assert str(ca_file) in str(refused.value)


def test_n01_neither_plain_http_nor_silence_passes_for_tls(tmp_path: Path) -> None:
    """A server that speaks no TLS has failed; one that never answers the handshake is unknown, in time."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        answer = probes.ask(f"https://127.0.0.1:{silent.getsockname()[1]}/readyz", seconds=0.6)
        assert answer.timed_out
        assert time.monotonic() - began < 2
    with hostile_server() as plain:
        answer = probes.ask(plain.url.replace("http:", "https:") + "/ok", seconds=2)
    assert answer.status is None
    assert not answer.is_ok


def test_n01_certificates_of_openssl_itself_are_taken(tmp_path: Path) -> None:
    """An authority as an operator makes it by hand, in one line."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    tmp_path.chmod(0o755)
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=gw"
    subprocess.run(
        [*made.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    both = tmp_path / "both.pem"
    both.write_bytes((tmp_path / "key.pem").read_bytes() + (tmp_path / "cert.pem").read_bytes())
    with tls_server(both) as url:
        assert _seen(url, tmp_path / "cert.pem").verdict is Verdict.PASSED, sys.version
