"""The rules: what stops a run, what is advice, and where each is told."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aihummer_drtui.runbook.findings import problem_text
from aihummer_drtui.runbook.lint import judge, lint
from aihummer_drtui.runbook.model import CommandItem, Place, Problem, RecoveryLevel
from tests.runbook.sample import CHECKS, GOOD

ROOT = Path(__file__).parents[2]
PLANNED_CHECKS = CHECKS | {
    "version-installed",
    "version-running",
    "postgres-tools",
    "recovery-point",
    "key-escrow",
    "master-key",
    "vault-in-dump",
    "space",
    "gateway-env",
    "database-reachable",
    "database-ready",
    "dump-intact",
    "database-restored",
    "blob-folder",
    "vault-opens",
    "media-token",
}


def spoilt(old: str, new: str) -> str:
    """The good runbook with one thing changed."""
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def found(text: str) -> list[tuple[str, str]]:
    """The source line and the words of each problem."""
    lines = text.split("\n")
    return [(lines[p.place.line - 1].strip(), p.what) for p in lint(text, known_checks=CHECKS)]


def test_a_good_runbook_has_no_problem() -> None:
    """The sample that all tests spoil is itself clean."""
    assert lint(GOOD, known_checks=CHECKS) == ()


def test_the_shipped_runbook_has_no_problem() -> None:
    """What we ship passes what we ask of others."""
    text = (ROOT / "runbooks/disaster-recovery.md").read_text()
    assert lint(text, known_checks=PLANNED_CHECKS) == ()


def test_the_documented_example_has_no_problem() -> None:
    """The whole runbook in docs/runbook-format.md is one that works."""
    document = (ROOT / "docs/runbook-format.md").read_text()
    example = re.search(r"^````markdown\n(.*?)^````$", document, re.MULTILINE | re.DOTALL)
    assert example
    judgement = judge(example[1], known_checks=CHECKS)
    assert judgement.stopping == judgement.advice == ()
    assert judgement.runbook


STOPPING = [
    # what is replaced, by what, a part of the line it is told on, a part of what is told
    ("`check:healthz`", "`check:helthz`", "check:helthz", "there is no check `helthz`"),
    ("## 2. Work {#work}", "## 2. Work {#look}", "## 2. Work", "the id `look` is used twice"),
    ("`check:readyz`", "`check:healthz`", "It is ready", "the item `work/healthz` is used twice"),
    (
        "- [ ] `check:readyz`",
        "- [ ] `input:BACKUP_SET` Again.\n- [ ] `check:readyz`",
        "Again.",
        "the value `BACKUP_SET` is used twice",
    ),
    ('needs = ["look"]', 'needs = ["lok"]', "needs =", "needs the step `lok`, which does not exist"),
    ('needs = ["look"]', 'needs = ["work"]', "needs =", "needs form a circle: `work` -> `work`"),
    ('up = ["work/healthz"]', 'up = ["work/health"]', "up =", "`up` names no item with `work/health`"),
    ('up = ["work/healthz"]', 'up = ["look/BACKUP_SET"]', "up =", "`up` rests on the input"),
    ("  probe =", "  # probe =", "`command:swap`", "the command has no `probe`"),
    ("  destroys =", "  # destroys =", "`command:swap`", "has no `destroys`"),
    ("  undo =", "  # undo =", "`command:swap`", "the destructive command has no `undo`"),
    ("destructive = true", "destructive = false", "destroys =", "`destroys` without `destructive = true`"),
    ("destructive = true", "destructive = false", 'swap --from "$B', "in a command that is not destructive"),
    ('--confirm "$DRTUI_CONFIRM"', "--force", 'swap --from "$B', "does not use `$DRTUI_CONFIRM`"),
    ('"$DRTUI_CONFIRM"', "$DRTUI_CONFIRM", "--confirm", "`$DRTUI_CONFIRM` stands outside double quotes"),
    ('"$DRTUI_CONFIRM"', "'$DRTUI_CONFIRM'", 'swap --from "$B', "does not use `$DRTUI_CONFIRM`"),
    ('"$DRTUI_CONFIRM"', '"$DRTUI_CONFIRM" "$HOSTE"', "--confirm", "nothing gives `$HOSTE` a value"),
    ('"$DRTUI_CONFIRM"', '"$DRTUI_CONFIRM" "${DRTUI_MODUS}"', "--confirm", "nothing gives `$DRTUI_MODUS`"),
    (
        'test -e \\"$BACKUP_SET\\"',
        'test -e \\"$DRTUI_CONFIRM\\"',
        "probe =",
        "nothing gives `$DRTUI_CONFIRM` a value",
    ),
    ("`input:BACKUP_SET` Folder", "Folder", 'swap --from "$B', "nothing gives `$BACKUP_SET` a value"),
]


@pytest.mark.parametrize(("old", "new", "line", "what"), STOPPING)
def test_what_makes_a_run_unsafe_stops_it(old: str, new: str, line: str, what: str) -> None:
    """Each rule is told at the line that breaks it, and no runbook is given."""
    text = spoilt(old, new)
    assert any(line in source and what in words for source, words in found(text))
    judgement = judge(text, known_checks=CHECKS)
    assert judgement.runbook is None
    assert any(what in problem.what and problem.hint for problem in judgement.stopping)


ADVICE = [
    ("## 2. Work", "## 3. Work", "## 3. Work", "the step is not numbered 2"),
    ("**Call.** The team.\n\nMore", "More", "## 1. Look", "the step has no `**Call.**`"),
    ("  expect =", "  # expect =", "`command:swap`", "does not say what to `expect`"),
    (
        "- [ ] `check:readyz`",
        "- [ ] one\n" * 7 + "- [ ] `check:readyz`",
        "- [ ] `check:readyz`",
        "the step has 10 items, more than 9",
    ),
    ('  swap --from "$BACKUP_SET"', '  cat x | swap "$BACKUP_SET"', "cat x", "a pipe: how the program"),
    ('  swap --from "$BACKUP_SET"', '  rm x || true; swap "$BACKUP_SET"', "rm x", "a failure is thrown away"),
    ("## 2. Work", "## 2. Talk {#talk}\n\n## 3. Work", "## 2. Talk", "the step has no checklist"),
]


@pytest.mark.parametrize(("old", "new", "line", "what"), ADVICE)
def test_what_is_merely_hard_to_follow_is_advice(old: str, new: str, line: str, what: str) -> None:
    """In an outage a runbook with a thin step is still followed: advice stops no run."""
    text = spoilt(old, new)
    assert any(line in source and what in words for source, words in found(text))
    assert judge(text, known_checks=CHECKS).runbook


HARMLESS = [
    ('"$DRTUI_CONFIRM"', '"$DRTUI_CONFIRM" "${LEVEL:-3}"'),
    ('"$DRTUI_CONFIRM"', '"$DRTUI_CONFIRM"; NEXT=1; echo "$NEXT" "$HOME"'),
    ('"$DRTUI_CONFIRM"', '"$DRTUI_CONFIRM"; for x in a b; do echo "$x"; done'),
    ('"$DRTUI_CONFIRM"', "\"$DRTUI_CONFIRM\" '$NOT | me' \\$NOR # $THIS | one"),
    ('"$DRTUI_CONFIRM"', '"$DRTUI_CONFIRM" "a | b || true"'),
    ('"$DRTUI_CONFIRM"', '"$DRTUI_CONFIRM" || exit 3'),
    ('"$DRTUI_CONFIRM"', '"$DRTUI_CONFIRM"; case a in a|b) ls;; esac'),
    ('"$DRTUI_CONFIRM"', '"$DRTUI_CONFIRM" "it\'s $BACKUP_SET"'),
    ('"$DRTUI_CONFIRM"', '"$DRTUI_CONFIRM" \'never closed'),
    ('"$DRTUI_CONFIRM"', '"$DRTUI_CONFIRM" # the last word'),
]


@pytest.mark.parametrize(("old", "new"), HARMLESS)
def test_scripts_that_are_in_order_are_left_alone(old: str, new: str) -> None:
    """Defaults, the script's own variables, quotes and comments raise no false alarm."""
    assert lint(spoilt(old, new), known_checks=CHECKS) == ()


THREE = """
## 3. Third {{#third}}

```toml
needs = [{}]
```

**Why.** a
**Expect.** a
**Time.** a
**Undo.** a
**Call.** a

- [ ] done
"""


@pytest.mark.parametrize(
    ("second", "third", "told"),
    [
        ('"look", "third"', '"look"', ["needs the later step `third`"]),
        ('"third"', '"work"', ["needs form a circle: `work` -> `third` -> `work`"]),
        ('"look"', '"look", "work"', []),
    ],
)
def test_needs_lead_upwards_only(second: str, third: str, told: list[str]) -> None:
    """A step that waits for a later one could not be reached from the top; circles are shown whole."""
    text = spoilt('needs = ["look"]', f"needs = [{second}]") + THREE.format(third)
    assert [what for _, what in found(text)] == told


def test_a_circle_over_several_steps_names_the_shortest_way() -> None:
    """The writer sees every step of the circle."""
    fourth = THREE.format('"third"').replace("3. Third {#third}", "4. Fourth {#fourth}")
    text = spoilt('needs = ["look"]', 'needs = ["fourth"]') + THREE.format('"work"') + fourth
    assert [what for _, what in found(text)] == [
        "needs form a circle: `work` -> `fourth` -> `third` -> `work`"
    ]


def test_a_value_asked_for_too_late_is_said_so() -> None:
    """The hint tells that the input is there, only further below."""
    text = GOOD.replace("- [ ] `input:BACKUP_SET` Folder of the set.\n", "")
    text += "- [ ] `input:BACKUP_SET` Folder of the set.\n"
    assert any("further below" in problem.hint for problem in lint(text, known_checks=CHECKS))


def test_hints_name_what_was_meant() -> None:
    """A slip gets the right word; a stranger gets the list; a long list is not printed."""
    near, far = (spoilt("`check:healthz`", f"`check:{name}`") for name in ("healtz", "qqqqq"))
    many = frozenset(f"name-{number}" for number in range(300))

    def hint(text: str, known: frozenset[str]) -> str:
        return next(
            p.hint for p in lint(text, known_checks=known) if "no check" in p.what and ":" in p.what + ":"
        )

    assert hint(near, CHECKS) == "did you mean `healthz`?"
    assert hint(far, CHECKS) == "known: backup-set, blobs-referenced, healthz, readyz"
    assert hint(far, many) == "look at its spelling"


def test_problems_of_form_and_of_rules_are_told_together() -> None:
    """One pass of the linter is enough, in the order of the text, none twice."""
    text = spoilt("`check:healthz`", "`check:helthz`").replace('rto = "2h"', "rto = 2")
    assert [what for _, what in found(text)] == [
        "`rto` is not a duration above nothing and up to 30 days",
        "the level `up` names no item with `work/healthz`",
        "there is no check `helthz`",
    ]


def test_a_problem_is_printed_as_compilers_print_it() -> None:
    """Editors jump to file:line:column; a file's name carries no terminal control."""
    problem = Problem(place=Place(line=3, column=7), what="it is wrong", hint="mend it")
    assert problem_text("a\x1bb.md", problem) == "a\\x1bb.md:3:7: it is wrong\n    HINT: mend it"


def test_the_shipped_runbook_keeps_the_order_of_the_page_and_proves_the_key_first() -> None:
    """The key is proven before anything is replaced; the vault opens before `aihummer up` and after it."""
    runbook = judge((ROOT / "runbooks/disaster-recovery.md").read_text(), known_checks=PLANNED_CHECKS).runbook
    assert runbook
    assert [step.id for step in runbook.steps] == [
        "briefing",
        "host",
        "key",
        "database",
        "blobs",
        "start",
        "proof",
    ]
    ids = [item.id for item in runbook.items]
    first_destructive = next(
        item.id for item in runbook.items if isinstance(item, CommandItem) and item.destructive
    )
    assert first_destructive == "database/restore-database"
    for earlier in (
        "briefing/recovery-point",
        "host/dump-intact",
        "host/version-installed",
        "key/master-key",
        "key/vault-in-dump",
        "key/space",
    ):
        assert ids.index(earlier) < ids.index(first_destructive)
    start = runbook.step("start")
    assert start
    assert set(start.needs) == {"key", "database", "blobs"}
    blobs = runbook.step("blobs")
    assert blobs
    assert "database" not in blobs.needs, "the blobs are brought back while the database is"
    assert ids.index("database/vault-opens") < ids.index("start/aihummer-up") < ids.index("proof/vault-opens")
    assert {proof.level: proof.items for proof in runbook.levels} == {
        RecoveryLevel.UP: ("start/healthz",),
        RecoveryLevel.SERVING: ("start/readyz", "start/smoke"),
        RecoveryLevel.PROVEN: (
            "proof/vault-opens",
            "proof/blobs-referenced",
            "proof/media-token",
            "proof/master-key",
        ),
    }


PIECES = st.sampled_from(
    [*GOOD.split("\n"), "```", "## 9. X {#look}", "- [ ] `input:X_Y`", "  $A|b", '  probe = "$Z"']
)


@given(
    st.lists(st.one_of(PIECES, st.text(st.characters(codec=None), max_size=12)), max_size=60).map("\n".join)
)
@settings(max_examples=300, deadline=None)
def test_no_text_makes_the_linter_raise(text: str) -> None:
    """Whatever was read, the rules can be held against it; none is given with a stopping problem."""
    judgement = judge(text, known_checks=CHECKS)
    assert (judgement.runbook is None) == bool(judgement.stopping)


@given(st.permutations(GOOD.split("\n")))
@settings(max_examples=100, deadline=None)
def test_no_order_of_lines_makes_the_linter_raise(lines: list[str]) -> None:
    """Not even the right lines in the wrong places."""
    lint("\n".join(lines), known_checks=CHECKS)


def test_what_follows_from_a_missing_id_is_not_told_again() -> None:
    """One slip, one problem: neither ids nor needs are judged where the id itself is missing."""
    text = GOOD.replace(" {#look}", "").replace(" {#work}", "").replace('needs = ["look"]\n', "")
    whats = [what for _, what in found(text)]
    assert whats.count("the step has no id") == 2
    assert not [what for what in whats if "twice" in what or "needs" in what]
