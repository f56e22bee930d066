"""The stand-in's smoke test: is the gateway there, alive, ready? Exit code 0 or 1."""

import argparse
import http.client
import sys
from pathlib import Path
from typing import Final

from aihummer_drtui.sandbox.environment import listen_address, read_environment

_PATHS: Final = ("/v1/ping", "/healthz", "/readyz")


def main() -> None:
    """Ask each path and print a line for it."""
    parser = argparse.ArgumentParser(prog="smoke.sh (training stand-in)")
    parser.add_argument("--home", type=Path, required=True)
    home: Path = parser.parse_args().home
    host, port = listen_address(read_environment(home / "etc" / "gateway.env"))
    answers = [_status(host, port, path) for path in _PATHS]
    for path, answer in zip(_PATHS, answers, strict=True):
        sys.stdout.write(f"{'ok  ' if answer == '200' else 'FAIL'} GET {path} {answer}\n")
    sys.exit(0 if set(answers) == {"200"} else 1)


def _status(host: str, port: int, path: str) -> str:
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", path)
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return f"no answer ({type(error).__name__})"
    finally:
        connection.close()


if __name__ == "__main__":
    main()
