"""A whole recovery of a lost sandbox, from the key to the proof, against the page's steps typed by hand."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from aihummer_drtui.cli.sandbox import build_sandbox
from aihummer_drtui.sandbox import lifecycle
from aihummer_drtui.sandbox.environment import read_environment
from aihummer_drtui.sandbox.layout import Layout
from aihummer_drtui.sandbox.marker import read_marker
from tests.benchmarks.measuring import measure_program, measure_shell
from tests.benchmarks.side_by_side import Comparison, Contender, Measured
from tests.benchmarks.subjects import Setting

_PROGRAM: Final = (sys.executable, "-m", "aihummer_drtui")
_BY_HAND: Final = """
cp "$ESCROW" "$HOST_FOLDER/etc/gateway.env"; chmod 600 "$HOST_FOLDER/etc/gateway.env"
"$BIN/createdb" --no-password --maintenance-db="$URL_OF_POSTGRES" aihummer
"$BIN/pg_restore" --exit-on-error {jobs} --no-password --dbname="$URL" "$SET/database.dump"
cp -a "$SET/blobs" "$HOST_FOLDER/blobs"
sync -f "$HOST_FOLDER/blobs"
"$HOST_FOLDER/bin/aihummer" up
until curl -fsS -o /dev/null "$BASE/readyz"; do sleep 0.2; done
"$HOST_FOLDER/deploy/host/smoke.sh"
"""
"""The page's order. No hash is compared, no key proven, no old thing kept."""


@contextmanager
def recovery(setting: Setting) -> Iterator[Sequence[Comparison]]:
    """A sandbox that is lost and recovered in each round."""
    root = setting.folder / "s"
    layout = Layout(root=root.resolve())
    build_sandbox(root, size="small" if setting.quick else "large", seed=1, postgres_bin=None)
    try:
        by_hand = _by_hand(layout)
        yield [
            Comparison(
                name="whole recovery, key to proven",
                baseline="by hand",
                contenders=(
                    Contender(
                        name="by hand",
                        prepare=lambda: _lose(root),
                        run=lambda: measure_shell(by_hand.format(jobs=""), layout.root),
                    ),
                    Contender(
                        name="by hand, 2 jobs",
                        prepare=lambda: _lose(root),
                        run=lambda: measure_shell(by_hand.format(jobs="--jobs=2"), layout.root),
                    ),
                    Contender(
                        name="aihummer-drtui run",
                        prepare=lambda: _lose(root),
                        run=lambda: _run(layout, setting.folder / "state"),
                    ),
                ),
                limit="PostgreSQL (loading, indexes), then the disk; by hand nothing is proven",
            )
        ]
    finally:
        lifecycle.down(root)


def _lose(root: Path) -> None:
    lifecycle.break_host(root)


def _by_hand(layout: Layout) -> str:
    """The steps with their values put before them; the password in the URL is the sandbox's own."""
    url = read_environment(layout.escrow)["AIHUMMER_DATABASE_URL"]
    marker = read_marker(layout)
    values = {
        "ESCROW": layout.escrow,
        "HOST_FOLDER": layout.host,
        "BIN": marker.postgres_bin,
        "URL": url,
        "URL_OF_POSTGRES": url.replace("/aihummer?", "/postgres?"),
        "SET": max(path for path in layout.backups.iterdir() if not path.name.startswith(".")),
        "BASE": f"http://127.0.0.1:{marker.gateway_port}",
    }
    return "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in values.items()) + _BY_HAND


def _run(layout: Layout, state: Path) -> Measured:
    import socket

    return measure_program(
        [
            *_PROGRAM,
            f"--target={layout.target}",
            f"--state-dir={state}",
            "run",
            "--mode=drill",
            "--yes",
            f"--confirm={socket.gethostname()}/aihummer",
        ],
        folder=layout.root,
    )
