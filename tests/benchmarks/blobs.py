"""Blobs at real size: verified against sha256sum, restored against rsync and cp."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tests.benchmarks.blob_set import ISSUE, MANY, MANY_QUICK, QUICK, Shape, make_set
from tests.benchmarks.measuring import drop_caches, measure_program, measure_shell
from tests.benchmarks.side_by_side import AtMost, Comparison, Contender, Faster, Measured, MemoryUnder
from tests.benchmarks.subjects import Setting

_XARGS: Final = "xargs sha256sum"
_VERIFY: Final = "backup verify"
_RESTORE: Final = "restore blobs"
_RSYNC: Final = "rsync -a"
_SYNCED: Final = "rsync -a, sync"
_HASHING: Final = (
    "the hash: of 4.2 s of processor time SHA-256 takes 2.7 (1.98 GB/s a core), reading 0.8, opening 0.3, "
    "start 0.1; xargs 12 s: on cores that others want too the ratio is that of processor time, 2.8"
)
_READING: Final = (
    "the kernel's reading: 6 to 8 s of processor time in the page cache against 2.8 s of hashing"
)
_WRITING: Final = "the kernel's making and writing of files: three fifths of the processor time; the hash one"
_PROGRAM: Final = (sys.executable, "-m", "aihummer_drtui")


@contextmanager
def blobs(setting: Setting) -> Iterator[Sequence[Comparison]]:
    """100 000 blobs of 4 to 64 kB and two of 1 GB; and a million of next to nothing."""
    backup = make_set(setting.folder / "set", QUICK if setting.quick else ISSUE)
    restoring = _Restoring(folder=setting.folder, backup=backup)
    yield (
        _verify(backup, "warm", lambda: None, times=3, limit=_HASHING),
        _verify(backup, "cold", drop_caches, times=1.6, limit=_READING),
        restoring.comparison(),
        _at_a_million(setting.folder / "many" / "set", MANY_QUICK if setting.quick else MANY),
    )


def _at_a_million(backup: Path, shape: Shape) -> Comparison:
    """What a million blobs cost in memory; time is that of their folders' entries."""
    # The inodes of all rounds would not find room beside each other.
    restoring = _Restoring(folder=backup.parent, backup=backup, removes=True)
    first = restoring.by_rsync(_RSYNC)

    def prepare() -> None:
        # Not before it is its turn: making a million files takes minutes.
        if not backup.exists():
            make_set(backup, shape)
        first.prepare()

    return Comparison(
        name="a million blobs",
        baseline=_RSYNC,
        contenders=(
            replace(first, prepare=prepare),
            Contender(
                name=_VERIFY, run=lambda: measure_program([sys.executable, "-c", _VERIFIER, str(backup)])
            ),
            restoring.ours(),
        ),
        goals=(
            MemoryUnder(contender=_VERIFY, size=100_000_000),
            MemoryUnder(contender=_RESTORE, size=100_000_000),
        ),
    )


def _verify(backup: Path, how: str, prepare: Callable[[], None], *, times: float, limit: str) -> Comparison:
    def xargs(options: str) -> Measured:
        script = f"find . -type f -print0 | xargs -0 -P$(nproc) {options} sha256sum >/dev/null"
        return measure_shell(script, backup / "blobs")

    def ours() -> Measured:
        return measure_program([sys.executable, "-c", _VERIFIER, str(backup)])

    return Comparison(
        name=f"verify blobs, {how}",
        baseline=_XARGS,
        contenders=(
            Contender(name=_XARGS, run=lambda: xargs(""), prepare=prepare),
            # Better shared out among the cores than a person would think of.
            Contender(name=f"{_XARGS}, 64 at a time", run=lambda: xargs("-n64"), prepare=prepare),
            Contender(name=_VERIFY, run=ours, prepare=prepare),
        ),
        goals=(Faster(contender=_VERIFY, times=times),),
        limit=limit,
    )


_VERIFIER: Final = """
import sys
from pathlib import Path
from aihummer_drtui.recovery.backup.set import open_set
from aihummer_drtui.recovery.backup.verify import read_blobs
from aihummer_drtui.recovery.reporting import Reporter
read_blobs(open_set(Path(sys.argv[1])), Reporter.silent())
"""
"""What `backup verify` does with the blobs, without a dump to decode."""


@dataclass(frozen=True, kw_only=True)
class _Restoring:
    """An installation without a server: restoring blobs asks the database nothing."""

    folder: Path
    backup: Path
    removes: bool = False
    """Between rounds, what the last one made; otherwise it is put aside and emptied."""

    @property
    def _live(self) -> Path:
        return self.folder / "host" / "blobs"

    def comparison(self) -> Comparison:
        source = self.backup / "blobs"
        return Comparison(
            name="restore blobs",
            baseline=_RSYNC,
            contenders=(
                self.by_rsync(_RSYNC),
                self._by(_SYNCED, f"rsync -a '{source}/' '{self._live}/'; sync -f '{self._live}'"),
                self._by("cp -a, sync", f"cp -a '{source}' '{self._live}'; sync -f '{self._live}'"),
                self.ours(),
            ),
            goals=(
                # Verified and durable against neither: the strict reading.
                AtMost(contender=_RESTORE, times=1),
                AtMost(contender=_RESTORE, times=1, baseline=_SYNCED),
            ),
            limit=_WRITING,
        )

    def by_rsync(self, name: str) -> Contender:
        """A copy that nobody verified or synced."""
        return self._by(name, f"rsync -a '{self.backup}/blobs/' '{self._live}/'")

    def ours(self) -> Contender:
        """`restore blobs`: proven, synced, exchanged, marked."""
        return Contender(name=_RESTORE, run=self._ours, prepare=self._clear)

    def _by(self, name: str, script: str) -> Contender:
        return Contender(name=name, run=lambda: measure_shell(script, self.folder), prepare=self._clear)

    def _clear(self) -> None:
        # ext4 without a journal gives no inode out again for one to six minutes and looks at each of those
        # again for every new file (fs/ext4/ialloc.c, recently_deleted): after a removal of 100,000 files
        # the next round, whoever's, would take several times as long.
        host = self._live.parent
        if self.removes:
            shutil.rmtree(host, ignore_errors=True)
        elif host.exists():
            aside = self.folder / f"aside-{len([*self.folder.glob('aside-*')])}"
            host.rename(aside)
            for path in aside.rglob("*"):
                if path.is_file():
                    os.truncate(path, 0)
        host.mkdir()
        os.sync()

    def _ours(self) -> Measured:
        env = self.folder / "gateway.env"
        env.write_text(
            f"AIHUMMER_DATABASE_URL=postgresql://hum@/hum?host=/tmp\nAIHUMMER_BLOB_DIR={self._live}\n"
        )
        target = self.folder / "target.toml"
        target.write_text(f'gateway-env = "{env}"\n')
        confirm = f"{os.uname().nodename}/hum"
        command = ["restore", "blobs", f"--backup-set={self.backup}", f"--confirm={confirm}"]
        return measure_program([*_PROGRAM, f"--target={target}", *command])
