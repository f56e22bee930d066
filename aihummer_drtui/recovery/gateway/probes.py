"""The gateway's probes, asked in a way that no answer can hold up, fill up or lead astray.

KNOWN: `GET /healthz` lives without a database; `GET /readyz` is 503 while PostgreSQL is unreachable;
the default address is `:8765`. UNKNOWN: the bodies. So the status is the answer, and the body is only
shown, cleaned.
"""

import queue
import re
import threading
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_bytes, cleaned_line
from aihummer_drtui.recovery.check import Check, Scene
from aihummer_drtui.recovery.gateway.environment import GATEWAY_ADDRESS, read_gateway_env
from aihummer_drtui.recovery.gateway.tls import authorities, failure_of, tls_context
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import CheckDescription, Observation, Verdict

DEFAULT_ADDRESS: Final = ":8765"
LIMIT: Final = 64_000
"""Bytes of a body; a probe's answer is a line or two."""
SECONDS: Final = 5.0
_EVERY_ADDRESS: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]", "*": "127.0.0.1"}  # noqa: S104
_BAD_WORDS: Final = re.compile(
    r"\b(error|fail\w*|unavailable|degraded|not[ _-]ready|unhealthy)\b", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, or why nothing did."""

    url: str
    status: int | None = None
    """None = no complete answer came."""
    body: str = ""
    """Cleaned; empty when it was not readable."""
    size: int = 0
    """Bytes of the body that were read; a long body that is no text is not read to its end."""
    trouble: str = ""
    """What is wrong with the answer as such; a status may be known all the same."""
    timed_out: bool = False
    hint: str = ""
    """What to do about the trouble, where it is known."""

    @property
    def is_ok(self) -> bool:
        """A whole, readable answer with status 200, and nothing less."""
        return self.status == 200 and not self.trouble

    @property
    def in_words(self) -> str:
        """One line for people."""
        body = f": {cleaned_line(self.body.strip(), 100)}" if self.body.strip() else ""
        status = f"{self.status}{body}" if self.status else "no answer"
        return f"{status} ({self.trouble})" if self.trouble else status

    def not_ok(self, *, expected: str) -> Observation:
        """The observation of an answer that is not ok: a time-out is `unknown`, all else has failed."""
        refused = self.status is None and not self.timed_out
        return Observation(
            verdict=Verdict.UNKNOWN if self.timed_out else Verdict.FAILED,
            expected=expected,
            observed=f"{self.url}: {self.in_words}",
            hint=self.hint
            or (
                "start it with `aihummer up`, or correct base-url in target.toml"
                if refused
                else "look at the gateway's log"
            ),
        )


def base_url(target: Target) -> str:
    """Where the gateway answers, without a slash at the end.

    Raises PreconditionError when gateway.env cannot be read or its address cannot be understood.
    """
    if target.base_url:
        return target.base_url.rstrip("/")
    env = read_gateway_env(target.gateway_env)
    return address_url(env.get(GATEWAY_ADDRESS) or DEFAULT_ADDRESS, where=str(env.path))


def address_url(address: str, *, where: str) -> str:
    """The URL for a listen address as Go writes it: `:8765`, `0.0.0.0:80`, `[::]:80`, `host:80`.

    Raises PreconditionError for anything else.
    """
    if address.startswith(("http://", "https://")):
        return address.rstrip("/")
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+(?:%\w+)?\]|[A-Za-z0-9._-]*|\*):(\d{1,5})", address)
    if not found or not 1 <= int(found[2]) <= 65_535:
        raise PreconditionError(
            f"{GATEWAY_ADDRESS} is no address that can be asked: {cleaned_line(address, 80)}",
            where=where,
            hint="it is written :8765 or host:8765; or set base-url in target.toml",
        )
    host = _EVERY_ADDRESS.get(found[1], found[1])
    return f"http://{host}:{found[2]}"


def ask_gateway(target: Target, path: str, *, seconds: float = SECONDS, text: bool = True) -> Answer:
    """GET a path of the target's gateway.

    Raises PreconditionError when its address is not known, or `ca-file` cannot be used.
    """
    return ask(base_url(target) + path, seconds=seconds, text=text, trusted=authorities(target.ca_file))


def ask(url: str, *, seconds: float = SECONDS, text: bool = True, trusted: str = "") -> Answer:
    """GET a URL; the answer is there within `seconds`, whatever the server, the network or DNS do.

    With `text` an answer counts only whole and readable; without it only that bytes come is looked at.
    `trusted` (PEM) are those that may have signed the server's certificate, empty = this host's.
    Redirects and proxies are not followed. Raises nothing.
    """
    answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()

    def answer() -> None:
        answers.put(_ask_in_loop(url, seconds, text=text, trusted=trusted))

    # A thread of its own: name resolution cannot be interrupted, and the caller may have a loop running.
    threading.Thread(target=answer, daemon=True).start()
    try:
        return answers.get(timeout=seconds + 1)
    except queue.Empty:
        return Answer(url=url, trouble=f"the name was not resolved within {seconds:g} s", timed_out=True)


def _ask_in_loop(url: str, seconds: float, *, text: bool, trusted: str) -> Answer:
    import asyncio

    try:
        return asyncio.run(_ask(url, seconds, text=text, trusted=trusted))
    except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to; the class is told
        return Answer(url=url, trouble=cleaned_line(f"{type(error).__name__}: {error}"))


async def _ask(url: str, seconds: float, *, text: bool, trusted: str) -> Answer:
    import asyncio

    import httpx

    status: int | None = None
    try:
        # trust_env would bring proxies and ~/.netrc; OpenSSL itself still honours SSL_CERT_FILE.
        verify = tls_context(trusted) if urlsplit(url).scheme == "https" else False
        async with (
            asyncio.timeout(seconds),
            # Sooner than the whole: a handshake that is cancelled, not timed out, leaves its socket open.
            httpx.AsyncClient(
                trust_env=False, follow_redirects=False, timeout=seconds * 0.9, verify=verify
            ) as client,
            client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response,
        ):
            status = response.status_code
            data = b""
            async for chunk in response.aiter_raw(4096):
                data += chunk
                if len(data) > LIMIT and text:
                    return Answer(url=url, status=status, trouble=f"a body of more than {LIMIT} bytes")
                if len(data) > LIMIT:
                    break
            return _answer(url, response, data, text=text)
    except (TimeoutError, httpx.TimeoutException):
        part = "the answer was not complete" if status else "nothing came"
        return Answer(url=url, trouble=f"{part} within {seconds:g} s", timed_out=True)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        failure = failure_of(error)
        return Answer(url=url, trouble=failure.what, hint=failure.hint)


def _answer(url: str, response: object, data: bytes, *, text: bool) -> Answer:
    import httpx

    assert isinstance(response, httpx.Response)  # noqa: S101 - httpx is imported late
    encoding = response.headers.get("content-encoding", "identity")
    if encoding != "identity":
        trouble = f"the body is encoded as {cleaned_line(encoding, 40)} though that was not asked for"
        return Answer(url=url, status=response.status_code, trouble=trouble)
    if response.is_redirect:
        # Of a signed URL what follows the ? is a credential.
        place = response.headers["location"].partition("?")[0]
        trouble = f"redirects to {cleaned_line(place, 100)}, which is not followed"
        return Answer(url=url, status=response.status_code, trouble=trouble)
    if not text:
        return Answer(url=url, status=response.status_code, size=len(data))
    trouble = ""
    try:
        data.decode()
    except UnicodeDecodeError:
        trouble = "the body is not readable text"
    return Answer(
        url=url, status=response.status_code, body=cleaned_bytes(data), size=len(data), trouble=trouble
    )


def look_at_healthz(scene: Scene) -> Observation:
    """Look whether the gateway process answers at all."""
    answer = ask_gateway(scene.target, "/healthz")
    expected = "/healthz answers 200"
    if not answer.is_ok:
        return answer.not_ok(expected=expected)
    return Observation(verdict=Verdict.PASSED, expected=expected, observed=f"{answer.url}: {answer.in_words}")


def look_at_readyz(scene: Scene) -> Observation:
    """Look whether the gateway reaches its database."""
    answer = ask_gateway(scene.target, "/readyz")
    expected = "/readyz answers 200"
    if answer.status == 503 and not answer.timed_out:
        return Observation(
            verdict=Verdict.FAILED,
            expected=expected,
            observed=f"{answer.url}: {answer.in_words}",
            hint="the gateway runs but does not reach PostgreSQL: look at the check database-reachable",
        )
    if not answer.is_ok:
        return answer.not_ok(expected=expected)
    word = _BAD_WORDS.search(answer.body)
    return Observation(
        verdict=Verdict.PASSED,
        expected=expected,
        observed=f"{answer.url}: {answer.in_words}",
        warnings=(f"the body says {cleaned_line(word[0], 30)!r} although the status is 200",) if word else (),
    )


CHECKS: Final = (
    Check(
        description=CheckDescription(
            name="healthz",
            title="Gateway answers (/healthz)",
            proves="the gateway process is up; it answers so even without a database",
        ),
        look=look_at_healthz,
    ),
    Check(
        description=CheckDescription(
            name="readyz",
            title="Gateway is ready (/readyz)",
            proves="the gateway reaches PostgreSQL; not that the vault opens or that blobs are there",
        ),
        look=look_at_readyz,
    ),
)
