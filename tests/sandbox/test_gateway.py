"""The stand-in's gateway, asked over HTTP on a real PostgreSQL."""

import json
from dataclasses import dataclass

import httpx
import psycopg
import pytest

from aihummer_drtui.durable import write_durably
from aihummer_drtui.sandbox.account import server_account
from aihummer_drtui.sandbox.daemon import running_gateway, start_gateway, stop_gateway
from aihummer_drtui.sandbox.environment import media_signature, media_url, write_environment
from aihummer_drtui.sandbox.installation import VERSION
from aihummer_drtui.sandbox.marker import read_marker
from aihummer_drtui.sandbox.status import cluster_of
from tests.conftest import SmallSandbox

pytestmark = pytest.mark.postgres


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A status and a JSON body."""

    status: int
    body: dict[str, object]


def ask(sandbox: SmallSandbox, path: str) -> Answer:
    """GET a path of the gateway."""
    answer = httpx.get(sandbox.status().gateway_url + path, trust_env=False, timeout=10)
    return Answer(status=answer.status_code, body=json.loads(answer.text))


def restarted_with(sandbox: SmallSandbox, **changed: str) -> None:
    """Restart the gateway with some variables changed."""
    stop_gateway(sandbox.layout.host)
    text = write_environment({**sandbox.variables(), **changed}, comment="test")
    write_durably(sandbox.layout.gateway_env, text)
    start_gateway(sandbox.layout.host)


def test_probes_of_a_whole_stand_in_are_green(small_sandbox: SmallSandbox) -> None:
    """/healthz tells the version; /readyz, /v1/ping and /v1/time answer 200."""
    assert ask(small_sandbox, "/healthz").body["version"] == VERSION
    assert [ask(small_sandbox, path).status for path in ("/readyz", "/v1/ping", "/v1/time")] == [200] * 3


def test_unknown_route_has_the_documented_error_body(small_sandbox: SmallSandbox) -> None:
    """Errors are {"error": {"message", "type", "code"}}."""
    answer = ask(small_sandbox, "/metrics")
    assert answer.status == 404
    assert set(json.loads(json.dumps(answer.body["error"]))) == {"message", "type", "code"}


def test_signed_media_is_served_byte_for_byte(small_sandbox: SmallSandbox) -> None:
    """A URL signed with the token secret gives the blob, letters beyond ASCII in its name or not."""
    secret = small_sandbox.variables()["AIHUMMER_MEDIA_TOKEN_SECRET"]
    url = small_sandbox.status().gateway_url
    named = next(small_sandbox.layout.blobs.rglob("Pr*.pdf"))
    for file in (named, next(small_sandbox.layout.blobs.rglob("*.png"))):
        path = file.relative_to(small_sandbox.layout.blobs).as_posix()
        answer = httpx.get(url + media_url(secret, path), trust_env=False)
        assert (answer.status_code, answer.content) == (200, file.read_bytes())


def test_media_without_a_valid_signature_is_forbidden(small_sandbox: SmallSandbox) -> None:
    """A wrong signature is 403, whether or not the file is there."""
    assert ask(small_sandbox, "/v1/media/nothing?sig=00").status == 403
    assert ask(small_sandbox, "/v1/media/nothing").status == 403


def test_signed_path_out_of_the_blob_folder_is_refused(small_sandbox: SmallSandbox) -> None:
    """Even a valid signature serves nothing but regular files of the blob folder."""
    secret = small_sandbox.variables()["AIHUMMER_MEDIA_TOKEN_SECRET"]
    for path in ("../etc/gateway.env", "plugins", "/etc/passwd"):
        encoded = path.replace("/", "%2F").replace(".", "%2E")
        answer = ask(small_sandbox, f"/v1/media/{encoded}?sig={media_signature(secret, path)}")
        assert answer.status == 404


def test_not_ready_while_postgres_is_stopped(fresh_sandbox: SmallSandbox) -> None:
    """/readyz is 503 and /healthz stays 200 while PostgreSQL is away; both are green when it is back."""
    cluster = cluster_of(fresh_sandbox.layout, read_marker(fresh_sandbox.layout))
    assert cluster is not None
    cluster.stop()
    assert ask(fresh_sandbox, "/readyz").status == 503
    assert ask(fresh_sandbox, "/healthz").body["mode"] == "health-only"
    restarted_with(fresh_sandbox)
    assert ask(fresh_sandbox, "/healthz").status == 200
    cluster.start()
    assert ask(fresh_sandbox, "/readyz").status == 200


def test_wrong_key_stays_green_and_no_key_disables_the_vault(fresh_sandbox: SmallSandbox) -> None:
    """The dangerous behaviour: nothing but a look into the vault shows that a key is wrong."""
    restarted_with(fresh_sandbox, AIHUMMER_MASTER_KEY="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    assert ask(fresh_sandbox, "/healthz").body["vault"] == "enabled"
    assert ask(fresh_sandbox, "/readyz").status == 200
    restarted_with(fresh_sandbox, AIHUMMER_MASTER_KEY="", AIHUMMER_DB_APP_URL="")
    assert ask(fresh_sandbox, "/healthz").body["vault"] == "disabled"
    assert ask(fresh_sandbox, "/healthz").body["row_level_security"] is False
    assert ask(fresh_sandbox, "/readyz").status == 200


def test_start_on_an_empty_database_makes_an_empty_schema(fresh_sandbox: SmallSandbox) -> None:
    """Migrations run at the start, so that a gateway started too early is green with nothing in it."""
    cluster = cluster_of(fresh_sandbox.layout, read_marker(fresh_sandbox.layout))
    assert cluster is not None
    with cluster.connected() as connection:
        connection.execute("DROP DATABASE aihummer WITH (FORCE)")
        connection.execute("CREATE DATABASE aihummer OWNER aihummer")
    restarted_with(fresh_sandbox)
    assert ask(fresh_sandbox, "/readyz").status == 200
    with psycopg.connect(fresh_sandbox.variables()["AIHUMMER_DATABASE_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (0,)


def test_gateway_dies_with_its_stop_and_is_not_found_again(fresh_sandbox: SmallSandbox) -> None:
    """A stopped gateway is gone; stopping again says that there was none."""
    assert stop_gateway(fresh_sandbox.layout.host)
    assert running_gateway(fresh_sandbox.layout.host) is None
    assert not stop_gateway(fresh_sandbox.layout.host)


def test_server_runs_as_an_unprivileged_account(small_sandbox: SmallSandbox) -> None:
    """PostgreSQL refuses root, so its files belong to another account wherever we are root."""
    account = server_account()
    owner = small_sandbox.layout.data.stat().st_uid
    assert owner != 0
    assert account.uid is None or owner == account.uid
