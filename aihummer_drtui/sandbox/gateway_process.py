"""The stand-in's gateway as a process: reads its settings, listens on this machine only, serves."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from aihummer_drtui.sandbox.daemon import record_ourselves
from aihummer_drtui.sandbox.environment import listen_address, read_environment
from aihummer_drtui.sandbox.gateway import gateway_of
from aihummer_drtui.sandbox.gateway_http import server_of
from aihummer_drtui.sandbox.installation import read_installation


def main() -> None:
    """Serve until SIGTERM. `--ready FD` names a descriptor that gets a line once it listens."""
    parser = argparse.ArgumentParser(prog="aihummer gateway (training stand-in)")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--ready", type=int, required=True)
    options = parser.parse_args()
    home: Path = options.home
    with open(options.ready, "w", encoding="utf-8") as ready:  # noqa: PTH123 - a descriptor, no path
        try:
            variables = read_environment(home / "etc" / "gateway.env")
            address = listen_address(variables)
            gateway = gateway_of(variables, version=read_installation(home).version)
            server = server_of(gateway, address)
        except (OSError, ValueError) as error:
            ready.write(f"failed: {error}\n")
            sys.exit(1)
        gateway.migrate()
        record_ourselves(home)
        # Where the starter was killed meanwhile this raises BrokenPipeError, and we end with it.
        ready.write("listening\n")
    # shutdown() waits for serve_forever(), which this very thread runs: another one must call it.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    with server:
        server.serve_forever()


if __name__ == "__main__":
    main()
