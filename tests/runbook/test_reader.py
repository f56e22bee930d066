"""From Markdown to a runbook: what is read, and what is told with its place."""

import datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aihummer_drtui.runbook.model import (
    CheckItem,
    CommandItem,
    ConfirmItem,
    InputItem,
    Place,
    RecoveryLevel,
    Runbook,
)
from aihummer_drtui.runbook.reader import read_runbook
from tests.runbook.sample import GOOD


def whole(text: str) -> Runbook:
    """The runbook of a text that must have no problem."""
    reading = read_runbook(text)
    assert reading.problems == ()
    assert reading.runbook is not None
    return reading.runbook


def told(text: str) -> list[tuple[int, int, str]]:
    """Line, column and words of each problem of a text that must be refused."""
    reading = read_runbook(text)
    assert reading.runbook is None
    assert all(problem.hint for problem in reading.problems)
    return [(problem.place.line, problem.place.column, problem.what) for problem in reading.problems]


def line_of(text: str, words: str) -> int:
    """The line the words stand on, counted from 1."""
    return text[: text.index(words)].count("\n") + 1


def test_front_matter_is_read_with_its_units() -> None:
    """Objectives are seconds, the day of review is ISO, levels rise."""
    runbook = whole(GOOD)
    assert (runbook.id, runbook.title, runbook.version, runbook.owner) == (
        "small",
        "A small one",
        "1",
        "Team",
    )
    assert (runbook.rto, runbook.rpo) == (7200.0, 86_400.0)
    assert runbook.reviewed == datetime.date(2026, 3, 14).isoformat()
    assert [proof.level for proof in runbook.levels] == [
        RecoveryLevel.UP,
        RecoveryLevel.SERVING,
        RecoveryLevel.PROVEN,
    ]
    assert runbook.prose == "Before the first step."


def test_steps_keep_prose_and_guidance_apart() -> None:
    """Guidance may stand in one paragraph or five; lists without boxes stay prose."""
    look, work = whole(GOOD).steps
    assert (look.id, look.title, look.needs, look.estimate) == ("look", "Look", (), None)
    assert look.expect == "One set."
    assert look.prose == "More prose, with a list:\n\n- apples\n- pears\n\nThen:"
    assert (work.needs, work.estimate, work.prose) == (("look",), 3600.0, "")
    assert (work.why, work.call) == ("It is broken.", "The team.")


def test_items_are_read_in_order_with_their_ids() -> None:
    """The first code span says what an item is; ids are step/name."""
    items = whole(GOOD).items
    assert [(type(item), item.id) for item in items] == [
        (InputItem, "look/BACKUP_SET"),
        (ConfirmItem, "look/confirm-1"),
        (CommandItem, "work/swap"),
        (CheckItem, "work/healthz"),
        (CheckItem, "work/readyz"),
    ]
    assert items[1].text == "The users know, all of them."
    assert items[0].place == Place(line=line_of(GOOD, "- [ ] `input"), column=1)


def test_a_command_is_what_a_person_could_paste() -> None:
    """The script comes out without its indentation, line continuations and all."""
    command = whole(GOOD).item("work/swap")
    assert isinstance(command, CommandItem)
    assert command.script == 'swap --from "$BACKUP_SET" \\\n  --confirm "$DRTUI_CONFIRM"'
    assert (command.time_out, command.estimate, command.destructive) == (3600.0, 1800.0, True)
    assert (command.probe, command.undo) == ('test -e "$BACKUP_SET"', "Swap again.")


def test_needs_default_to_the_step_before() -> None:
    """Most steps follow from the one above; a step may say that it needs none."""
    default = GOOD.replace('needs = ["look"]\n', "")
    none = GOOD.replace('needs = ["look"]\n', "needs = []\n")
    assert [whole(text).steps[1].needs for text in (default, none)] == [("look",), ()]


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_and_byte_order_marks_change_nothing(end: str) -> None:
    """A file saved on another system is the same runbook; only its hash differs."""
    changed = whole("\ufeff" + GOOD.replace("\n", end))
    assert changed.steps == whole(GOOD).steps
    assert changed.sha256 != whole(GOOD).sha256


def test_remarks_for_editors_are_not_shown() -> None:
    """An HTML comment is nobody's prose."""
    assert whole(GOOD.replace("Before the", "<!-- TODO -->\n\nBefore the")).prose == "Before the first step."


def test_text_may_follow_in_further_paragraphs() -> None:
    """A second paragraph below an item belongs to it."""
    runbook = whole(GOOD.replace("Swap them.\n", "Swap them.\n\n  Slowly.\n"))
    assert runbook.items[2].text == "Swap them.\n\nSlowly."


def test_prose_before_a_label_in_the_same_paragraph_is_kept() -> None:
    """Nothing a writer wrote gets lost."""
    assert whole(GOOD.replace("**Why.** It", "Hm.\n**Why.** It")).steps[1].prose == "Hm."


REPLACEMENTS = [
    # what is replaced, by what, the words on whose line it is told, a part of what is told
    ("+++\nid", "---\nid", "---\nid", "the front matter is YAML"),
    ("+++\nid", "id", 'id = "small"', "does not begin with front matter"),
    ("+++\n\n# A", "\n\n# A", "+++\nid", "never closed"),
    ('rto = "2h"', 'rto = "2h', 'rto = "2h', "the front matter is not TOML: Illegal character"),
    ('rto = "2h"', 'rto = "soon"', "rto =", "`rto` is not a duration"),
    ('rto = "2h"', 'rto = "' + "9" * 5000 + 's"', "rto =", "`rto` is not a duration"),
    ('rto = "2h"', 'rto = "0s"', "rto =", "`rto` is not a duration"),
    ('rto = "2h"', "rto = 2", "rto =", "`rto` is not a duration"),
    ('rto = "2h"', "", 'id = "small"', "the front matter lacks `rto`"),
    ('rto = "2h"', "rto = " + "[" * 9000, 'id = "small"', "the front matter is not TOML"),
    ('rto = "2h"', "rto = " + "9" * 9000, 'id = "small"', "the front matter is not TOML"),
    ('rto = "2h"', "# " + "x" * 20_000, 'id = "small"', "larger than 16 KiB"),
    ("reviewed = 2026-03-14", "reviewed = 2026-03-14T10:00:00Z", "reviewed", "`reviewed` is not a day"),
    ("reviewed = 2026-03-14", 'reviewed = "last year"', "reviewed", "`reviewed` is not a day"),
    ("reviewed = 2026-03-14", "", 'id = "small"', "lacks `reviewed`"),
    ('owner = "Team"', "owner = 3", "owner", "`owner` is not a text"),
    ('owner = "Team"', 'owner = " "', "owner", "`owner` is not a text that says"),
    ('owner = "Team"', 'owner = "T"\nonwer = "T"', "onwer", "the front matter has no key `onwer`"),
    ('id = "small"', 'id = "Small One"', 'id = "Small', "`Small One` is no name"),
    ('up = ["work/healthz"]', "up = []", "up = []", "the level `up` names no item"),
    ('up = ["work/healthz"]', "", "[levels]", "[levels] lacks `up`"),
    ('up = ["work/healthz"]', "up = [1]", "up =", "`up` is not a list of texts"),
    ('up = ["work/healthz"]', 'down = ["a"]', "down", "[levels] has no key `down`"),
    ("[levels]\n", "levels = 3\n[other]\n", "levels = 3", "`levels` is not a table"),
    ("# A small one", "# Another", "# Another", "not the runbook's title"),
    ("Look {#look}", "Look", "## 1. Look", "the step has no id"),
    ("## 1. Look {#look}", "## {#look}", "## {#look}", "the step has no title"),
    ("{#look}", "{#Look}", "## 1. Look", "`Look` is no name"),
    ('estimate = "1h"\n', 'estimate = "1h"\nneed = []\n', "need = []", "the step `work` has no key `need`"),
    ('estimate = "1h"\n', "estimate 1h\n", "estimate 1h", "the step `work` is not TOML"),
    ("More prose,", "```toml\na = 1\n```\n\nMore,", "```toml\na", "a `toml` block that belongs to nothing"),
    ("More prose,", "```sh\nls\n```\n\nMore,", "```sh\nls", "an `sh` block that belongs to no command"),
    ("More prose,", "**Why.** Again.\n\nMore,", "**Why.** Again", "a second `**Why.**`"),
    ("More prose,", "```console\nMore,", "```console", "swallows another"),
    ("- [ ] `check:readyz`", "```console\n- [ ] `check:readyz`", "```console", "never closed"),
    ("Then:", "", "- apples", "this is no checklist item"),
    ("More prose,", "Zero\u200bwidth,", "Zero", "control character (U+200B)"),
    ("More prose,", "Esc\x1b[31m,", "Esc", "control character (U+001B)"),
    ("More prose,", "Half \ud800,", "Half", "control character (U+D800)"),
    ("More prose,", "> - [ ] quoted\n\nMore,", "> - [ ]", "looks like a checklist item"),
    ("More prose,", "1. [ ] numbered\n\nMore,", "1. [ ]", "looks like a checklist item"),
    ("More prose,", "- [] near\n\nMore,", "- [] near", "looks like a checklist item"),
    ("Before the first", "- [ ] too early\n\nBefore", "- [ ] too", "looks like a checklist item"),
    ("- [ ] The users know,", "- [x] The users know,", "- [x]", "ticked already"),
    ("- [ ] The users know,", "- The users know,", "- The users", "this is no checklist item"),
    ("- [ ] The users know,", "- [ ]\n- [ ] The users,", "- [ ]\n", "this is no checklist item"),
    ("- [ ] The users know,", "- [ ] `ls` shows it,", "- [ ] `ls`", "`ls` is no `check:NAME`"),
    ("- [ ] The users know,", "- [ ] `chek:foo` it,", "- [ ] `chek", "`chek:foo` is no `check:NAME`"),
    ("  all of them.", "  all.\n\n  - [ ] inner", "  - [ ] inner", "this stands inside an item"),
    ("  all of them.", "  all.\n\n  ```sh\n  ls\n  ```", "  ```sh\n  ls", "a confirm takes no `sh` block"),
    ("`input:BACKUP_SET`", "`input:backup`", "- [ ] `input", "`backup` is no variable"),
    ("`input:BACKUP_SET`", "`input:LD_PRELOAD`", "- [ ] `input", "`LD_PRELOAD` means something"),
    ("`command:swap`", "`command:Swap`", "- [ ] `command", "`Swap` is no name"),
    ('  time-out = "1h"\n', "", '  estimate = "30m"', "the command `swap` lacks `time-out`"),
    ("destructive = true", "destructve = true", "  destructve", "has no key `destructve`"),
    ("destructive = true", 'destructive = "yes"', "  destructive", "`destructive` is not true or false"),
    (
        "- [ ] `check:healthz`",
        "  ```sh\n  ls\n  ```\n\n- [ ] `check:healthz`",
        "  ```sh\n  ls",
        "a second `sh`",
    ),
    ("  ```sh\n  swap", "  ```bash\n  swap", "- [ ] `command", "the command has no `sh` block"),
    ("  ```toml\n  time-out", "  ```text\n  time-out", "- [ ] `command", "the command has no `toml` block"),
    ("  swap --from", "  " + "x" * 20_000, "- [ ] `command", "the script is larger than 16 KiB"),
]


@pytest.mark.parametrize(("old", "new", "words", "part"), [row for row in REPLACEMENTS if row[3]])
def test_each_problem_is_told_where_it_stands(old: str, new: str, words: str, part: str) -> None:
    """A writer finds every mistake by its line."""
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    matching = [line for line, _, what in told(text) if part in what]
    assert line_of(text, words) in matching


def test_a_toml_error_is_told_at_the_files_line_and_column() -> None:
    """The parser's own line counts from the block; the writer's from the file, indentation and all."""
    text = GOOD.replace('  expect = "Swapped."', "  expect = Swapped.")
    assert [(line, column) for line, column, _ in told(text)] == [(line_of(text, "  expect"), 12)]


def test_all_problems_are_told_at_once() -> None:
    """Nobody mends a runbook one error a run."""
    text = GOOD.replace('rto = "2h"', "rto = 2").replace("{#look}", "").replace("- [ ] The", "- [x] The")
    assert [what for _, _, what in told(text)] == [
        "`rto` is not a duration above nothing and up to 30 days",
        "the step has no id",
        "the item is ticked already",
    ]


def test_a_text_without_anything_is_told_in_two_words() -> None:
    """What follows from the first problem is not told again."""
    assert [what for _, _, what in told("")] == [
        "the text does not begin with front matter",
        "the runbook has no step",
    ]


def test_foreign_words_are_shown_clean_and_short() -> None:
    """A message cannot carry terminal control or a flood."""
    text = GOOD.replace("`check:healthz`", "`check:" + "\x1b]0;x" * 100 + "`")
    assert all("\x1b" not in what and len(what) < 200 for _, _, what in told(text))


@pytest.mark.parametrize(
    "text",
    [
        "x" * ((1 << 20) + 1),
        "\n" * 6000,
        "---\na: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]\n---\n",
        "> " * 400_000,
        "- " * 400_000,
        "[" * 1_000_000,
        "+++\n" + "a." * 8000 + "a = 1\n+++\n",
        "".join(f"## {n}. S {{#s{n}}}\n" for n in range(1, 150)),
        GOOD + "\x1b\n" * 4000,
        GOOD.replace('["look"]', str([f"s{n}" for n in range(150)])),
    ],
    ids=["large", "long", "yaml bomb", "quotes", "lists", "brackets", "dots", "steps", "controls", "needs"],
)
def test_x08_hostile_texts_are_refused_with_a_bounded_answer(text: str) -> None:
    """No size or nesting brings the reader down, and the answer stays readable."""
    assert 0 < len(told(text)) <= 501


PIECES = st.sampled_from(
    [
        *GOOD.split("\n"),
        "```",
        "~~~",
        "> ",
        "\t",
        "    ",
        "- ",
        "- [ ] ",
        "[ ]",
        "## ",
        "+++",
        "---",
        "a = [",
        "<!--",
    ]
)


@given(
    st.lists(st.one_of(PIECES, st.text(st.characters(codec=None), max_size=12)), max_size=60).map("\n".join)
)
@settings(max_examples=300, deadline=None)
@example("+++\n+++\n## {#")
@example("\ufeff")
def test_x08_no_text_makes_the_reader_raise(text: str) -> None:
    """Whatever is in the file, the answer is a runbook or its problems, and never both or neither."""
    reading = read_runbook(text)
    assert (reading.runbook is None) == bool(reading.problems)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    assert all(1 <= problem.place.line <= lines + 1 for problem in reading.problems)


@given(st.integers(0, len(GOOD)), st.integers(0, 60), st.text(max_size=5))
@settings(max_examples=200, deadline=None)
def test_x08_no_damage_to_a_good_runbook_makes_the_reader_raise(at: int, length: int, inserted: str) -> None:
    """A cut or a slip of the keyboard anywhere is told or harmless."""
    reading = read_runbook(GOOD[:at] + inserted + GOOD[at + length :])
    assert (reading.runbook is None) == bool(reading.problems)
