"""`run` and `resume`: what is refused before anything begins, and what is left behind by a refusal."""

import json
import os
from pathlib import Path

import pytest

from aihummer_drtui.engine.folder import list_runs
from aihummer_drtui.run import events as e
from tests.cli.desk import PHRASE, Desk

UNATTENDED = ("--yes", "--confirm", PHRASE)


def nothing_begun(desk: Desk) -> bool:
    """Whether no run was declared."""
    return not desk.state.is_dir() or not list_runs(desk.state)


@pytest.mark.parametrize(
    ("moment", "what"),
    [
        ("yesterday", "is no moment"),
        ("2026-02-30T00:00:00Z", "is no moment"),
        ("2026-01-01T03:10:00", "has no zone"),
        ("2999-01-01T00:00:00Z", "lies in the future"),
    ],
)
def test_an_incident_time_that_cannot_be(desk: Desk, moment: str, what: str) -> None:
    """A year typed wrong, a zone forgotten: exit 2, with an example."""
    ended = desk.call(desk.run_words("--incident-at", moment), code=2)
    assert what in ended.stderr
    assert "--incident-at" in ended.stderr
    assert nothing_begun(desk)


def test_the_incident_time_is_kept_with_its_zone(desk: Desk) -> None:
    """The clock of the RTO begins there."""
    desk.call(desk.run_words("--incident-at", "2026-01-01T03:10:00+01:00"), code=3)
    assert desk.now().declared.incident_at == "2026-01-01T03:10:00+01:00"


@pytest.mark.parametrize(
    ("text", "what"),
    [(None, "No such file"), ("[answers\n", "not TOML"), ("x = 1\n", "is no text")],
)
def test_answers_that_cannot_be_read_begin_nothing(desk: Desk, text: str | None, what: str) -> None:
    """Exit 2 and no run left behind that would stand in the way of the next."""
    answers = desk.place / "answers.toml"
    if text is not None:
        answers.write_text(text)
    ended = desk.call(desk.run_words("--answers", answers), code=2)
    assert what in ended.stderr
    assert "HINT:" in ended.stderr
    assert nothing_begun(desk)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "target"),
        ("name = \n", "TOML"),
        ('gateway-env = "relative/path"\n', "absolute"),
        ('gateway-envv = "/x"\n', "gateway-envv"),
    ],
)
def test_a_target_that_cannot_be_read(desk: Desk, text: str | None, what: str) -> None:
    """Missing, malformed, a key of no meaning: what, where, hint."""
    if text is None:
        desk.target.unlink()
    else:
        desk.target.write_text(text)
    ended = desk.call(desk.run_words())
    assert ended.returncode in {2, 3}
    assert what in ended.stderr
    assert "HINT:" in ended.stderr
    assert nothing_begun(desk)


def make_sandbox_of(desk: Desk, name: str = "1") -> None:
    """Let the target say that it is a sandbox, and the folder that it is this one."""
    before = desk.target.read_text().partition("aihummer =")[0]
    programs = f'aihummer = "{desk.place}/bin/aihummer"\nsmoke = "{desk.place}/smoke.sh"\n'
    desk.target.write_text(f'{before}{programs}[sandbox]\nid = "{name}"\nroot = "{desk.place}"\n')
    (desk.place / "sandbox.json").write_text(json.dumps({"id": name}))


def test_x09_a_real_run_never_acts_on_a_sandbox(desk: Desk) -> None:
    """Exit 3; it would prove nothing and might be believed."""
    make_sandbox_of(desk)
    ended = desk.call(desk.run_words("--mode", "real"), code=3)
    assert "is a sandbox" in ended.stderr
    assert nothing_begun(desk)


@pytest.mark.parametrize("mode", ["drill", "training"])
def test_x09_a_drill_never_acts_on_what_is_no_sandbox(desk: Desk, mode: str) -> None:
    """Exit 3, whatever the operator meant."""
    ended = desk.call(desk.run_words("--mode", mode), code=3)
    assert "is no sandbox" in ended.stderr
    assert nothing_begun(desk)


def test_a_drill_on_a_sandbox_begins(desk: Desk) -> None:
    """And says so in its first line."""
    make_sandbox_of(desk)
    ended = desk.call(desk.run_words("--mode", "drill"), code=3)
    assert ended.stdout.startswith("*** DRILL: commands act on a sandbox only ***")


@pytest.mark.parametrize("text", ["", "# no front matter\n", "+++\nid = 3\n+++\n"])
def test_a_runbook_that_is_none(desk: Desk, text: str) -> None:
    """Exit 3, every problem with its line, and nothing begun."""
    desk.runbook.write_text(text)
    ended = desk.call(desk.run_words(), code=3)
    assert "cannot be followed" in ended.stderr
    assert f"{desk.runbook}:1:" in ended.stderr
    assert nothing_begun(desk)


def test_one_live_run_for_a_target(desk: Desk) -> None:
    """Exit 5, with the run that has it and the ways out, whether its engine lives or not."""
    desk.call(desk.run_words(), code=3)
    run = desk.folder().id
    assert f"resume {run}" in desk.call(desk.run_words(), code=5).stderr
    desk.end_engine()
    ended = desk.call(desk.run_words(), code=5)
    assert f"resume {run}" in ended.stderr
    assert f"abandon {run}" in ended.stderr
    assert len(list_runs(desk.state)) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_state_folder_that_is_not_writable(desk: Desk) -> None:
    """Exit 3, with how to name another."""
    desk.state.mkdir(mode=0o500)
    ended = desk.call(desk.run_words(), code=3)
    assert "not writable" in ended.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_state_folder_of_another_account(desk: Desk) -> None:
    """Exit 3: what others may write is not believed."""
    desk.state.mkdir(mode=0o700)
    os.chown(desk.state, 65534, 65534)
    ended = desk.call(desk.run_words(), code=3)
    assert "belongs to user 65534" in ended.stderr


@pytest.mark.parametrize("blocked", ["file", "open"])
def test_a_state_folder_that_is_none(desk: Desk, blocked: str) -> None:
    """A file in its place, or a folder that everybody may write: exit 3, --state-dir named."""
    if blocked == "file":
        desk.state.write_text("")
    else:
        desk.state.mkdir()
        desk.state.chmod(0o777)
    ended = desk.call(desk.run_words(), code=3)
    assert "--state-dir" in ended.stderr


def test_a_run_that_is_not_there(desk: Desk) -> None:
    """Exit 2 with the runs that are."""
    assert "there is none yet" in desk.call(desk.words("resume", "nope"), code=2).stderr
    assert "no unfinished run" in desk.call(desk.words("resume"), code=2).stderr
    desk.call(desk.run_words(), code=3)
    assert desk.folder().id in desk.call(desk.words("resume", "nope"), code=2).stderr


def test_of_several_unfinished_runs_one_has_to_be_named(desk: Desk) -> None:
    """Exit 2 with both."""
    desk.call(desk.run_words(), code=3)
    first = desk.folder().id
    desk.target.write_text(f'name = "two"\ngateway-env = "{desk.place}/other.env"\n')
    desk.call(desk.run_words(), code=3)
    ended = desk.call(desk.words("resume"), code=2)
    assert first in ended.stderr
    assert all(one.id in ended.stderr for one in list_runs(desk.state))


def test_a_run_is_resumed_on_its_own_target_only(desk: Desk) -> None:
    """The target is found again without being named; another one is refused (exit 3)."""
    desk.call(desk.run_words(), code=3)
    assert "shop" in desk.call(desk.words("resume"), code=3).stdout
    other = desk.place / "other.toml"
    other.write_text(f'name = "two"\ngateway-env = "{desk.place}/other.env"\n')
    other.chmod(0o600)
    ended = desk.call(desk.words("--target", other, "resume"), code=3)
    assert "`two` is not the one" in ended.stderr
    desk.target.write_text(other.read_text())
    assert "is not the one" in desk.call(desk.words("resume"), code=3).stderr


def test_a_sandbox_built_anew_is_another_target(desk: Desk) -> None:
    """In the same folder, with another id: what was recovered there is gone with the old one."""
    make_sandbox_of(desk)
    desk.call(desk.run_words("--mode", "drill"), code=3)
    make_sandbox_of(desk, "2")
    assert "is not the one" in desk.call(desk.words("resume"), code=3).stderr


def test_a_run_that_has_ended_says_how(desk: Desk) -> None:
    """Resuming it changes nothing and repeats its end and its exit code."""
    desk.call(desk.run_words(*UNATTENDED), code=0)
    run = desk.folder().id
    ended = desk.call(desk.words("resume", run), code=0)
    assert "Recovery level: PROVEN" in ended.stdout
    assert "looked at again" not in ended.stdout


def test_a_corrupt_journal_is_not_gone_on_with(desk: Desk) -> None:
    """Exit 6 from every command that would, where it is corrupt, and nothing written to it.

    Its target is free once its folder was moved away, as every hint says, and not before.
    """
    desk.call(desk.run_words(), code=3)
    desk.end_engine()
    journal = desk.folder().journal
    data = bytearray(journal.read_bytes())
    data[len(data) // 2] ^= 1
    journal.write_bytes(data)
    run = desk.folder().id
    for words in (["resume", run], ["status", run], ["abandon", run, "--reason", "broken"]):
        ended = desk.call(desk.words(*words), code=6)
        assert "corrupt at record" in ended.stderr
        assert str(journal) in ended.stderr
        assert "move (`mv`) its folder out of `runs`" in ended.stderr
    assert journal.read_bytes() == bytes(data)
    broken = journal.parent
    refused = desk.call(desk.run_words(), code=5)
    assert f"move (`mv`) {broken} out of {broken.parent}" in refused.stderr
    assert "resume" not in refused.stderr
    broken.rename(desk.place / "broken")
    desk.call(desk.run_words(), code=3)
    assert desk.folder().id != run


def test_the_operator_is_the_login_or_who_they_say(desk: Desk) -> None:
    """Behind sudo, both names."""
    desk.call(["env", "SUDO_USER=grace", *desk.run_words()], code=3)
    desk.call(desk.words("resume", "--operator", "ada"), code=3)
    operators = [one.operator for one in desk.of_kind(e.SittingOpened)]
    assert operators[0].startswith("grace (as ")
    assert operators[1] == "ada"


def test_no_operator_is_called_as_the_engine(desk: Desk) -> None:
    """Their acts would lose their author; nothing is begun under that name."""
    for name in ("engine", " engine "):
        ended = desk.call(desk.run_words("--operator", name), code=2)
        assert "stands for the engine's own records" in ended.stderr
    assert nothing_begun(desk)


def test_the_shipped_runbook_is_the_default(desk: Desk, tmp_path: Path) -> None:
    """Read from the installation, whatever the working folder is."""
    ended = desk.call(["env", "-C", str(tmp_path), *desk.words("--target", desk.target, "run")], code=3)
    assert "Runbook disaster-recovery" in ended.stdout
    assert desk.now().declared.runbook_source == ""
