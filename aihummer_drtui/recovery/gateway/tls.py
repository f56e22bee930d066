"""Whom the gateway's certificate may be of, and what a failed handshake means in words."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.trusted_file import read_trusted

if TYPE_CHECKING:
    import ssl

# Of OpenSSL, include/openssl/x509_vfy.h (X509_V_ERR_…); Python names none of them.
_NOT_YET: Final = 9
_EXPIRED: Final = 10
_UNKNOWN_AUTHORITY: Final = frozenset({18, 19, 20, 21})
"""Self-signed, alone or in a chain; no issuer; the first cannot be verified."""
_OTHER_NAME: Final = frozenset({62, 64})
"""Of a host, of an address."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a request came to nothing."""

    what: str
    hint: str = ""
    """What to do, where it is known better than that nobody answers."""


def authorities(path: Path | None) -> str:
    """The certificates in a file, in PEM; empty for no file.

    Raises PreconditionError when it cannot be read, holds none, or others could have written it.
    """
    import ssl

    if path is None:
        return ""
    data = read_trusted(path, what="ca-file")
    try:
        text = data.decode("ascii")
        tls_context(text or "an empty file")
    except (UnicodeDecodeError, ssl.SSLError):
        raise PreconditionError(
            "holds no certificate in PEM that can be read",
            where=str(path),
            hint="it begins with -----BEGIN CERTIFICATE-----; from DER: openssl x509 -inform der -in FILE",
        ) from None
    return text


def tls_context(authorities: str) -> "ssl.SSLContext":
    """A client's settings: certificate and name are verified, by these authorities or by this host's.

    Raises ssl.SSLError when `authorities` holds no certificate but is not empty.
    """
    import ssl

    # Given some, Python adds none of the system's: only these may have signed.
    return ssl.create_default_context(cadata=authorities or None)


def failure_of(error: Exception) -> Failure:
    """Why a request failed; of a certificate, what is wrong with it and what to do."""
    import ssl

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    if cause is not None:
        return _of_certificate(cause.verify_code, cleaned_line(cause.verify_message, 120))
    return Failure(what=cleaned_line(str(error) or type(error).__name__))


def _of_certificate(code: int, message: str) -> Failure:
    clock = f"this host's clock says {datetime.now(UTC):%Y-%m-%d %H:%M}Z"
    if code == _EXPIRED:
        return Failure(
            what=f"its certificate has expired; {clock}",
            hint="if the clock is wrong, set it; if not, renew the certificate",
        )
    if code == _NOT_YET:
        return Failure(
            what=f"its certificate is not valid yet; {clock}",
            hint="is the clock behind? set it; else look at the certificate",
        )
    if code in _UNKNOWN_AUTHORITY:
        return Failure(
            what=f"its certificate is of no authority that is trusted here: {message}",
            hint="name the authority's certificate as ca-file in target.toml, if it is the gateway's",
        )
    if code in _OTHER_NAME:
        name = re.search(r"'([^']*)'", message)
        return Failure(
            what=f"its certificate is not for the name {name[1] if name else 'that was asked'}",
            hint="set base-url in target.toml to a name that it is for; or is it another server?",
        )
    return Failure(what=f"its certificate is refused: {message}", hint="look at the certificate")
