"""What a runbook's commands find in their environment."""

import pytest

from tests.cli.desk import PHRASE, Desk

SHOWN = "{ env; command -v aihummer-drtui; readlink /proc/self/fd/0; }"


@pytest.fixture
def environment(desk: Desk) -> dict[str, str]:
    """The environment that a command of a run wrote down."""
    desk.write_runbook(prepare=f'{SHOWN} > "{desk.place}/seen"')
    secret = ["env", "SECRET_TOKEN=hush", "LD_PRELOAD=", "PYTHONPATH=/nowhere"]
    desk.call([*secret, *desk.run_words("--yes", "--confirm", PHRASE)], code=0)
    lines = (desk.place / "seen").read_text().splitlines()
    seen = dict(line.split("=", 1) for line in lines if "=" in line)
    return seen | {"program": lines[-2], "stdin": lines[-1], "desk": str(desk.place)}


def test_commands_know_run_mode_target_and_values(environment: dict[str, str]) -> None:
    """Values as variables, never pasted into the text."""
    assert environment["DRTUI_MODE"] == "real"
    assert environment["DRTUI_TARGET"] == f"{environment['desk']}/target.toml"
    assert environment["DRTUI_STATE_DIR"] == f"{environment['desk']}/state"
    assert environment["DRTUI_RUN"].startswith("20")
    assert environment["BACKUP_SET"] == "/backups/newest"


def test_commands_inherit_nothing_by_chance(environment: dict[str, str]) -> None:
    """An allow-list: no secret of the operator's shell, nothing to read from."""
    assert "SECRET_TOKEN" not in environment
    assert "PYTHONPATH" not in environment
    assert environment["stdin"] == "/dev/null"


def test_commands_find_this_very_program(environment: dict[str, str]) -> None:
    """Whatever the operator's PATH is."""
    assert environment["program"].endswith("/aihummer-drtui")
