"""`check` without names: could we recover today? One line, an exit code, and the rows below."""

import json
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.cli.readiness import Readiness
from aihummer_drtui.cli.readiness_report import say_to_monitoring
from aihummer_drtui.cli.runbook_file import shipped_text
from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.folder import create_run
from aihummer_drtui.engine.journal import Journal
from aihummer_drtui.recovery.backup.set import DUMP, open_set
from aihummer_drtui.recovery.backup.verified import record_verified
from aihummer_drtui.recovery.readiness.answer import Answer, Row, Word, answer
from aihummer_drtui.recovery.readiness.sets import best, candidates
from aihummer_drtui.run import events as e
from aihummer_drtui.run.verdict import Observation, Verdict
from aihummer_drtui.runbook.model import RecoveryLevel
from tests.cli.calling import PROGRAM, call
from tests.cli.desk import Desk
from tests.engine.makers import DECLARED
from tests.recovery.backup.test_signature import make_keys
from tests.recovery.readiness.test_sets import LIMITS, SEEN, a_point
from tests.recovery.sealing import sealed_set
from tests.recovery.small_cluster import MASTER_KEY

OTHER_KEY = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
_PROGRAMS = """#!/bin/sh
echo "${0##*/} (PostgreSQL) 17.10"
"""


@dataclass(kw_only=True)
class Host:
    """An installation with a verified set of five hours ago, its escrow, and a drill of today."""

    place: Path
    more: str = ""
    """Further lines of its target.toml."""

    @property
    def target(self) -> Path:
        """Its configuration."""
        return self.place / "target.toml"

    @property
    def escrow(self) -> Path:
        """Its key escrow."""
        return self.place / "escrow" / "key"

    @property
    def backup(self) -> Path:
        """Its newest set."""
        return self.place / "backups" / "one"

    def build(self, *, reviewed: str = "") -> None:
        """Write all of it."""
        self.place.chmod(0o755)
        self.seal(hours=5)
        self.verify()
        self.write_escrow(MASTER_KEY)
        programs = self.place / "bin"
        programs.mkdir()
        for name in ("pg_dump", "pg_restore", "psql", "pg_dumpall"):
            (programs / name).write_text(_PROGRAMS)
            (programs / name).chmod(0o755)
        self.write_runbook(reviewed or f"{datetime.now(UTC):%Y-%m-%d}")
        self.write_target()
        self.drill(e.Mode.DRILL, RecoveryLevel.PROVEN)

    def write_target(self, more: str = "", readiness: str = "") -> None:
        """Write target.toml with these further lines."""
        self.target.write_text(
            f'gateway-env = "{self.place}/gateway.env"\nbackup-places = ["{self.backup.parent}"]\n'
            f'postgres-bin = "{self.place}/bin"\n{more}\n'
            f'[inputs]\nKEY_FILE = "{self.escrow}"\n'
            f'[readiness]\nrunbook = "{self.place}/runbook.md"\n{readiness}\n'
        )
        self.target.chmod(0o644)

    def write_runbook(self, reviewed: str) -> None:
        """The shipped runbook, reviewed on that day."""
        text = shipped_text()
        day = text.split("reviewed = ")[1].split("\n")[0]
        (self.place / "runbook.md").write_text(text.replace(f"reviewed = {day}", f"reviewed = {reviewed}"))
        (self.place / "runbook.md").chmod(0o644)

    def write_escrow(self, key: str) -> None:
        """Put that key into the escrow."""
        self.escrow.parent.mkdir(exist_ok=True)
        self.escrow.write_text(key)
        self.escrow.chmod(0o600)

    def seal(self, *, hours: float) -> None:
        """Seal the set so many hours ago."""
        at = datetime.now(UTC) - timedelta(hours=hours)
        sealed_set(self.backup, recovery_point=at.isoformat(timespec="seconds"))
        (self.backup / DUMP).write_bytes(b"PGDMP")

    def verify(self) -> None:
        """Leave the record of a verification beside it."""
        assert record_verified(open_set(self.backup), (self.backup / DUMP).lstat(), datetime.now(UTC)) == ""

    def drill(self, mode: e.Mode, level: RecoveryLevel, runbook: str = "disaster-recovery") -> None:
        """Leave the journal of a run that ended so."""
        state = self.place / "state"
        state.mkdir(mode=0o700, exist_ok=True)
        number = len(list((state / "runs").glob("*"))) + 1
        run = f"20260101-00000{number}-abcd"
        journal = Journal.create(create_run(state, run).path, SystemClock())
        declared = msgspec.structs.replace(DECLARED, run=run, mode=mode, runbook=runbook)
        journal.append(declared, "ada")
        journal.append(e.RunFinished(level=level, with_exceptions=False, unproven=()), "ada")
        journal.close()

    def check(self, *arguments: str, code: int) -> str:
        """Call `check`, and give what it printed."""
        done = call("--state-dir", self.place / "state", "check", *arguments, target=self.target)
        assert done.returncode == code, (done.stdout, done.stderr)
        assert done.stderr == ""
        return done.stdout


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host that could be recovered."""
    made = Host(place=tmp_path)
    made.build()
    return made


def test_yes_with_the_moment_and_its_age(host: Host) -> None:
    """One line first, for a person and a mail's subject; each row says what it rests on."""
    lines = host.check(code=0).splitlines()
    assert lines[0].startswith("YES, we could recover today: to 20")
    assert lines[0].endswith("UTC, 5 h 00 min ago (RPO 1 d)") or "5 h ago (RPO 1 d)" in lines[0]
    named = [line.split()[2] for line in lines if line.startswith("[")]
    assert named[0] == "recovery-point"
    assert {"escrow", "tools", "runbook", "drill"} <= set(named)


def stale_set(host: Host) -> None:
    """A day and an hour old, and verified."""
    host.seal(hours=25)
    host.verify()


def missing_escrow(host: Host) -> None:
    """The medium is not there."""
    host.escrow.unlink()


def no_escrow_named(host: Host) -> None:
    """Nobody has told where it is."""
    host.target.write_text(host.target.read_text().replace("KEY_FILE", "OTHER_FILE"))


def old_programs(host: Host) -> None:
    """Older than the server that was dumped."""
    for program in (host.place / "bin").iterdir():
        program.write_text(_PROGRAMS.replace("17.10", "15.3"))


def no_drill(host: Host) -> None:
    """None was ever held here."""
    (host.place / "state" / "runs").rename(host.place / "elsewhere")


def only_a_tabletop(host: Host) -> None:
    """Nothing was executed; and a drill of another runbook."""
    no_drill(host)
    host.drill(e.Mode.TABLETOP, RecoveryLevel.PROVEN)
    host.drill(e.Mode.DRILL, RecoveryLevel.PROVEN, runbook="another")


def a_drill_that_failed_since(host: Host) -> None:
    """The last one ended short of proven."""
    host.drill(e.Mode.DRILL, RecoveryLevel.UP)


def no_place(host: Host) -> None:
    """The file system of the backups is not mounted."""
    host.backup.parent.rename(host.place / "unmounted")


def unsigned(host: Host) -> None:
    """Keys are trusted, and none of them signed the set."""
    keys = make_keys(host.place)
    host.write_target(more=f'trusted-keys = ["{keys.public}"]')


CASES = [
    (lambda host: host.seal(hours=5), 4, "NOT PROVEN: recovery-point: nobody has verified one of", 1),
    (stale_set, 1, "NO: recovery-point: the newest verified set is one of", 2),
    (no_place, 1, "NO: recovery-point:", 2),
    (missing_escrow, 1, "NO: escrow:", 2),
    (lambda host: host.write_escrow(OTHER_KEY), 1, "NO: escrow: wrong key: fingerprint", 2),
    (no_escrow_named, 4, "NOT PROVEN: escrow: target.toml names no escrow", 1),
    (old_programs, 1, "NO: tools:", 2),
    (no_drill, 4, "NOT PROVEN: drill: no drill of this runbook", 1),
    (only_a_tabletop, 4, "NOT PROVEN: drill: no drill of this runbook", 1),
    (a_drill_that_failed_since, 4, "NOT PROVEN: drill: the last one, ", 1),
    (lambda host: host.write_runbook("2020-02-29"), 4, "NOT PROVEN: runbook: Recover a lost AiHummer", 1),
    (unsigned, 1, "NO: recovery-point: no backup set that could be used; signature: no set is", 2),
]


@pytest.mark.parametrize(("change", "code", "line", "monitored"), CASES)
def test_what_stands_in_the_way_is_the_answer(
    host: Host, change: object, code: int, line: str, monitored: int
) -> None:
    """The word, the reason and the code, for a person and for monitoring."""
    assert callable(change)
    change(host)
    assert host.check(code=code).splitlines()[0].startswith(line)
    told = host.check("--nagios", code=monitored)
    word = {1: "WARNING", 2: "CRITICAL"}[monitored]
    assert told.startswith(f"{word} - {line}")
    assert len(told.splitlines()) == 1


def test_monitoring_gets_performance_data(host: Host) -> None:
    """Age with its thresholds, and the room where the sets lie; without a set the age is not known."""
    host.write_target(readiness='rpo = "30h"\nrpo-warning = "26h"')
    told = host.check("--nagios", "--at", _from_now(hours=0), code=1 if _escrow_is_near(host) else 0)
    text, _, data = told.partition(" | ")
    assert "|" not in text
    age, free = data.split()
    assert age.removeprefix("age=").split(";")[1:] == ["93600", "108000", "0"]
    assert free.startswith("free=")
    assert free.endswith("B;;;0")
    no_place(host)
    assert host.check("--nagios", code=2).rstrip().endswith("| age=U;93600;108000;0")


def _from_now(**more: float) -> str:
    return (datetime.now(UTC) + timedelta(**more)).isoformat()


def _escrow_is_near(host: Host) -> bool:
    """Whether escrow and backups share a file system, of which a test's folder cannot be cured."""
    return host.escrow.parent.stat().st_dev == host.backup.parent.stat().st_dev


def test_as_json_the_fields_are_stable(host: Host) -> None:
    """Scripts read these."""
    told = json.loads(host.check("--json", code=0))
    assert list(told) == [
        "answer", "line", "at", "set", "verified", "recovery_point", "age_seconds", "rpo_seconds", "rows"
    ]  # fmt: skip
    assert (told["answer"], told["set"], told["verified"]) == ("yes", str(host.backup), True)
    assert list(told["rows"][0]) == [
        "name", "title", "verdict", "expected", "observed", "hint", "warnings"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("days", "code", "line"),
    [
        (1, 1, "NO: recovery-point: the newest verified set is one of"),
        (91, 1, "NO: recovery-point: "),
        (-2, 1, "NO: recovery-point: no backup set that could be used"),
    ],
)
def test_another_moment_is_judged_by_its_own_clock(host: Host, days: float, code: int, line: str) -> None:
    """What will be on Monday, and what was before the drill and the set."""
    told = host.check("--at", _from_now(days=days), code=code)
    assert told.startswith(line)
    drill = next(one for one in told.splitlines() if " drill " in one)
    assert ("[+]" in drill) is (days == 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--json", "--nagios"),
        ("--at", "yesterday"),
        ("--at", "2026-11-24T06:00:00"),
        ("--backup-set", "/x"),
        ("--all", "readyz"),
        ("--all", "--at", "2026-11-24T06:00:00Z"),
        ("readyz", "--runbook", "x.md"),
    ],
)
def test_what_makes_no_sense_together_is_refused(host: Host, arguments: tuple[str, ...]) -> None:
    """An option that would be passed over in silence answers another question than was asked."""
    done = call("check", *arguments, target=host.target)
    assert done.returncode == 2
    assert done.stdout == ""


def test_bad_limits_are_told_with_their_keys(host: Host) -> None:
    """All at once, as every mistake in target.toml."""
    host.write_target(readiness='rpo = "soon"\nrpo-warning = "x"\ndrill-within = ""\nreviewed-within = "1"')
    done = call("check", target=host.target)
    assert done.returncode == 2
    for key in ("rpo", "rpo-warning", "drill-within", "reviewed-within"):
        assert f"readiness.{key}: must be a duration" in done.stderr


def test_settings_that_cannot_be_read_are_unknown_to_monitoring(host: Host) -> None:
    """On stdout, where it looks, and with its code; others get the error as everywhere."""
    gone = str(host.place / "gone.md")
    assert host.check("--nagios", "--runbook", gone, code=3).startswith(f"UNKNOWN - {gone}: the runbook")
    assert call("check", "--runbook", gone, target=host.target).returncode == 3
    host.target.write_text("nonsense")
    assert host.check("--nagios", code=3).startswith(f"UNKNOWN - {host.target}: no valid TOML")


def test_programs_that_hang_hold_nothing_up(host: Host) -> None:
    """They are given their time and no more."""
    (host.place / "bin" / "pg_restore").write_text("#!/bin/sh\nexec sleep 600\n")
    assert host.check("--nagios", code=2).startswith("CRITICAL - NO: tools:")


@pytest.mark.parametrize(
    ("verdict", "code", "word"),
    [(Verdict.UNKNOWN, 3, "UNKNOWN - NOT PROVEN: "), (Verdict.UNPROVEN, 1, "WARNING - NOT PROVEN: ")],
)
def test_a_look_without_an_answer_is_unknown_to_monitoring(
    capsys: pytest.CaptureFixture[str], verdict: Verdict, code: int, word: str
) -> None:
    """It is neither well nor bad: somebody has to look at the looking."""
    seen = Observation(verdict=verdict, expected="e", observed="no | answer")
    rows = (Row(name="tools", title="t", observation=seen),)
    readiness = Readiness(
        at=datetime.now(UTC), limits=LIMITS, rows=rows, chosen=None, answer=answer(rows, None, LIMITS)
    )
    assert say_to_monitoring(readiness) == code
    assert capsys.readouterr().out == f"{word}tools: no / answer | age=U;72000;86400;0\n"


def test_a_place_that_is_gone_again_has_no_room_to_tell(capsys: pytest.CaptureFixture[str]) -> None:
    """Between the look and the line it was unmounted."""
    chosen = best(candidates([a_point("nowhere", 5, verified=SEEN)], signed_only=False))
    told = Answer(word=Word.YES, line="YES")
    readiness = Readiness(at=datetime.now(UTC), limits=LIMITS, rows=(), chosen=chosen, answer=told)
    assert say_to_monitoring(readiness) == 0
    assert capsys.readouterr().out == "OK - YES | age=18000s;72000;86400;0 free=U\n"


@pytest.mark.postgres
def test_a_sandbox_goes_from_not_proven_to_yes(office: Desk) -> None:
    """A drill and a verification are what is missing at first; nothing is faked."""
    program = [str(PROGRAM), "--state-dir", str(office.state)]
    office.call([*program, "sandbox", "up"], code=0)
    (target,) = office.state.glob("sandbox/**/target.toml")
    check = [*program, "--target", str(target), "check"]
    told = office.call(check, code=4).stdout
    assert told.startswith("NOT PROVEN: recovery-point: nobody has verified")
    assert "; drill: no drill" in told.splitlines()[0]
    (backup,) = (path for path in office.state.glob("sandbox/**/backups/*") if path.is_dir())
    office.call([*program, "--target", str(target), "backup", "verify", str(backup)], code=0)
    office.call([*program, "drill", "--yes", "--confirm", f"{socket.gethostname()}/aihummer"], code=0)
    assert office.call(check, code=0).stdout.startswith("YES, we could recover today: to ")
    assert office.call([*check, "--nagios"], code=0).stdout.startswith("OK - YES, ")
