"""The catalogue under an engine that looks at several checks at once."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import threading
from pathlib import Path
from aihummer_drtui.recovery.catalogue import Catalogue
from aihummer_drtui.recovery.target import Target
folder = Path("{folder}")
catalogue = Catalogue(Target(gateway_env=folder / "gateway.env"))
names = ["database-reachable", "database-ready", "gateway-env", "database-restored"]
together = threading.Barrier(len(names))
seen = []
def look(name):
    together.wait()
    seen.append(catalogue.look(name, {{"BACKUP_SET": str(folder)}}).observed)
threads = [threading.Thread(target=look, args=(name,)) for name in names]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(seen)
"""


def test_the_first_looks_of_a_process_may_come_together(tmp_path: Path) -> None:
    """No look breaks because another one is importing the same library in that moment."""
    (folder := tmp_path / "f").mkdir()
    (folder / "gateway.env").write_text("AIHUMMER_DATABASE_URL=postgres://a@127.0.0.1:1/a\n")
    (folder / "gateway.env").chmod(0o600)
    program = PROGRAM.format(folder=folder)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "broke" not in ended.stdout
    assert "refused" in ended.stdout
