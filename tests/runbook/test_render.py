"""Paper: the runbook as plain text, and what remains of a run with its values."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aihummer_drtui.runbook.model import Runbook
from aihummer_drtui.runbook.prose import plain_prose, plain_words
from aihummer_drtui.runbook.reader import read_runbook
from aihummer_drtui.runbook.render import render, render_plain
from tests.runbook.sample import GOOD


def sample(text: str = GOOD) -> Runbook:
    """The small runbook, read."""
    runbook = read_runbook(text).runbook
    assert runbook
    return runbook


def test_a_whole_runbook_is_plain_text_with_empty_boxes() -> None:
    """No markup is left, guidance is labelled, boxes are empty, lines fit a terminal."""
    text = render_plain(sample())
    assert "A SMALL ONE\n" + "=" * 80 in text
    assert "Why:    To know." in text
    assert "  [ ] CHECK healthz: It answers." in text
    assert "  [ ] The users know, all of them." in text
    assert "export BACKUP_SET=____" in text
    assert "**" not in text
    assert "`" not in text
    assert max(map(len, text.split("\n"))) <= 80


def test_undo_and_destruction_are_said_before_the_script() -> None:
    """Whoever reads line by line knows the way back before the way forward."""
    text = render_plain(sample())
    places = [text.index(words) for words in ("DESTROYS: The old one.", "UNDO: Swap again.", "swap --from")]
    assert places == sorted(places)
    assert "# by hand, what is replaced: export DRTUI_CONFIRM=HOST/DATABASE" in text
    assert "If nobody saw how it ended" in text


def test_steps_that_are_done_become_one_line() -> None:
    """What remains is what is printed."""
    text = render(sample(), statuses={"look/BACKUP_SET": "passed", "look/confirm-1": "passed"}, values={})
    assert "[x] 1. Look: done" in text
    assert "The users know" not in text
    assert "2. Work\n---" in text


def test_skipped_items_are_never_shown_as_passed() -> None:
    """A deviation stays visible on paper."""
    text = render(sample(), statuses={"look/BACKUP_SET": "passed", "look/confirm-1": "skipped"}, values={})
    assert "[-] 1. Look: done, 1 of 2 skipped" in text


@pytest.mark.parametrize("status", ["failed", "unknown", "unproven", "drifted", "running"])
def test_an_open_item_keeps_its_script_and_says_its_status(status: str) -> None:
    """Only a pass or a skip closes an item."""
    text = render(sample(), statuses={"work/swap": status, "work/healthz": "passed"}, values={})
    assert f"[!] RUN swap: Swap them. ({status})" in text
    assert "  [x] CHECK healthz: It answers. (passed)" in text
    assert "swap --from" in text


def test_levels_rise_one_after_the_other() -> None:
    """A level counts only with all those before it."""
    below = render(sample(), statuses={"work/readyz": "passed"}, values={})
    above = render(sample(), statuses={"work/readyz": "passed", "work/healthz": "passed"}, values={})
    assert "[ ] serving:" in below
    assert "[x] serving:" in above
    assert "[ ] proven:" in above


def test_values_that_cannot_be_printed_are_not() -> None:
    """A value can carry no control sequence to a terminal or a printer."""
    text = render(sample(), statuses={}, values={"BACKUP_SET": "a\x1b[2Jb"})
    assert "# BACKUP_SET holds characters that cannot be printed" in text
    assert "\x1b" not in text


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp"]), min_size=1))
@settings(max_examples=60, deadline=None)
def test_x05_a_pasted_value_arrives_as_it_was(value: str) -> None:
    """Whatever the value holds, a shell that is given the printed line has exactly that value."""
    text = render(sample(), statuses={}, values={"BACKUP_SET": value})
    line = next(line for line in text.split("\n") if line.strip().startswith("export BACKUP_SET="))
    shown = subprocess.run(
        ["sh", "-c", line.strip() + '\nprintf %s "$BACKUP_SET"'],
        capture_output=True,
        check=True,
    )
    assert shown.stdout.decode() == value


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("**bold** and *it* and _it_ and __bold__", "bold and it and it and bold"),
        ("a **b `c` d** e", "a b c d e"),
        ("``a ` b``", "a ` b"),
        ("`code *x*`", "code *x*"),
        ("[text](https://a.b/c)", "text (https://a.b/c)"),
        ("[https://a.b](https://a.b) ![](x.png)", "https://a.b x.png"),
        ("<https://a.b> &amp; <a@b.c>", "https://a.b & a@b.c"),
        (r"\*not\* 2 * 3 * 4 snake_case_name", "*not* 2 * 3 * 4 snake_case_name"),
    ],
)
def test_inline_markup_becomes_words(markdown: str, plain: str) -> None:
    """What remains is what a person would read aloud."""
    assert plain_words(markdown) == plain


def test_blocks_become_paragraphs_lists_and_indents() -> None:
    """Every kind of block has a plain shape; code is never wrapped."""
    markdown = (
        "### Head\n\nA *paragraph*\nof two lines.\n\n- one\n- two\n  - inner\n\n3. three\n4. four\n\n"
        "> quote\n\n```\n  code  x\n```\n\n    indented\n\n<b>html</b>\n\n***\n\n-\n- x\n"
    )
    assert plain_prose(markdown).split("\n") == [
        "Head",
        "",
        "A paragraph of two lines.",
        "",
        "- one",
        "- two",
        "",
        "  - inner",
        "",
        "3. three",
        "4. four",
        "",
        "  quote",
        "",
        "      code  x",
        "",
        "    indented",
        "",
        "<b>html</b>",
        "",
        "- ",
        "- x",
    ]


@given(st.text(st.sampled_from("*_`[]()<>\\!# \n-ab|&;"), max_size=200))
@settings(max_examples=300, deadline=None)
def test_no_prose_makes_the_renderer_raise(markdown: str) -> None:
    """Any prose a runbook may hold can be printed, and fits."""
    text = plain_prose(markdown, width=40)
    longest = max((len(word) for word in text.split()), default=0)
    code = markdown.count("\n") > 0 or markdown.startswith("    ")
    assert code or max(map(len, text.split("\n"))) <= max(40, longest + 12) or "    " in text


def test_a_command_with_little_said_is_still_printed() -> None:
    """What a runbook does not say leaves no empty label."""
    text = GOOD.replace('  estimate = "30m"\n  expect = "Swapped."\n', "").replace("  probe =", "  # probe =")
    text = text.replace("**Undo.** Rename it back.\n", "").replace(
        "# A small one\n\nBefore the first step.\n", ""
    )
    shown = render_plain(sample(text))
    assert "Time: given up after 1 h." in shown
    assert "If nobody saw" not in shown
    assert "Expect: \n" not in shown


def test_further_paragraphs_of_an_item_stand_below_it() -> None:
    """All that an item says is printed."""
    assert "      Slowly." in render_plain(sample(GOOD.replace("Swap them.\n", "Swap them.\n\n  Slowly.\n")))


def test_a_step_without_guidance_is_still_printed() -> None:
    """Advice was not taken; the paper is made all the same."""
    text = GOOD + "\n## 3. Bare {#bare}\n\n```toml\nneeds = []\n```\n"
    assert render_plain(sample(text)).count("3. Bare\n" + "-" * 80) == 1


def test_a_command_that_changes_little_prints_little() -> None:
    """Neither undo nor destruction nor a value is invented."""
    start, end = GOOD.index("  swap --from"), GOOD.index("- [ ] `check:healthz`")
    bare = GOOD[:start] + '  ls\n  ```\n\n  ```toml\n  time-out = "5s"\n  ```\n\n' + GOOD[end:]
    shown = render_plain(sample(bare))
    assert "      Swap" not in shown
    assert "\n        ls\n" in shown
    assert "UNDO" not in shown
    assert "Time: given up after 5 s." in shown
