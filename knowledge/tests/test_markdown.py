"""Markdown by CommonMark: what an author sees rendered is what a reader of the index gets, without the marks."""

from __future__ import annotations

import pytest

from knowledge.formats.parsing import ParseError, parse, parse_isolated
from knowledge.formats.sections import Section

COMMON_MARK = {
    "heading marks need a space": (
        "#hash\n\n# Real",
        [
            Section((), "#hash"),
            Section((), "Real"),
        ],
    ),
    "seven marks are no heading": (
        "####### x",
        [
            Section((), "####### x"),
        ],
    ),
    "an escaped mark is no heading": (
        "\\# x",
        [
            Section((), "# x"),
        ],
    ),
    "underlined headings may have two lines": (
        "Two\nlines\n=====\ntext",
        [
            Section(("Two lines",), "text"),
        ],
    ),
    "emphasis in a heading": (
        "# The *new* `API`\nx",
        [
            Section(("The new API",), "x"),
        ],
    ),
    "indented code": (
        "text\n\n    # not a heading\n    x = 1\n\nafter",
        [
            Section((), "text"),
            Section((), "# not a heading\nx = 1", None, "code"),
            Section((), "after"),
        ],
    ),
    "a fence in a list": (
        "- step\n\n  ```\n  # comment\n  ```\n",
        [
            Section((), "- step"),
            Section((), "# comment", None, "code"),
        ],
    ),
    "a fence deep in a list": (
        "1. step\n\n      - part\n\n        ```sh\n        # comment\n        ```\n",
        [
            Section((), "1. step\n   - part"),
            Section((), "# comment", None, "code"),
        ],
    ),
    "a longer fence holds a shorter one": (
        "````\n```\n# x\n```\n````",
        [
            Section((), "```\n# x\n```", None, "code"),
        ],
    ),
    "a fence with an info string is closed only without one": (
        "```a\n```b\n# x\n```\ny",
        [
            Section((), "```b\n# x", None, "code"),
            Section((), "y"),
        ],
    ),
    "code in a quotation": (
        "> ```\n> # x\n> ```",
        [
            Section((), "# x", None, "code"),
        ],
    ),
    "a quotation loses its marks": (
        "> quoted\n> on",
        [
            Section((), "quoted\non"),
        ],
    ),
    "a lazy quotation": (
        "> quoted\non",
        [
            Section((), "quoted\non"),
        ],
    ),
    "links by reference": (
        "See [the guide][g] and [g].\n\n[g]: https://a.example/b",
        [
            Section((), "See the guide (https://a.example/b) and g (https://a.example/b)."),
        ],
    ),
    "an address with brackets": (
        "[x](https://a.example/b_(c))",
        [
            Section((), "x (https://a.example/b_(c))"),
        ],
    ),
    "an address with a title": (
        "[x](https://a.example/b 'T')",
        [
            Section((), "x (https://a.example/b)"),
        ],
    ),
    "an autolink": (
        "<https://a.example/>",
        [
            Section((), "https://a.example/"),
        ],
    ),
    "entities": (
        "R&amp;D &copy; 2 &lt; 3",
        [
            Section((), "R&D © 2 < 3"),
        ],
    ),
    "strong inside emphasis": (
        "*a **b** c*",
        [
            Section((), "a b c"),
        ],
    ),
    "emphasis inside strong": (
        "**a *b* c**",
        [
            Section((), "a b c"),
        ],
    ),
    "strong and emphasis at once": (
        "***a***",
        [
            Section((), "a"),
        ],
    ),
    "emphasis over two lines": (
        "*a\nb*",
        [
            Section((), "a\nb"),
        ],
    ),
    "strong over two lines": (
        "**a\nb**",
        [
            Section((), "a\nb"),
        ],
    ),
    "underscores in a word": (
        "snake_case_name",
        [
            Section((), "snake_case_name"),
        ],
    ),
    "arithmetic": (
        "2*3*4",
        [
            Section((), "2*3*4"),
        ],
    ),
    "code with a backtick": (
        "`` a`b ``",
        [
            Section((), "a`b"),
        ],
    ),
    "marks inside code stay": (
        "`**x** [y](z)`",
        [
            Section((), "**x** [y](z)"),
        ],
    ),
    "an image in a link": (
        "[![logo](a.png)](https://a.example/)",
        [
            Section((), "logo (https://a.example/)"),
        ],
    ),
    "a hard break": (
        "a  \nb\\\nc",
        [
            Section((), "a\nb\nc"),
        ],
    ),
    "a star list": (
        "* a\n* b",
        [
            Section((), "- a\n- b"),
        ],
    ),
    "numbers in brackets": (
        "1) a\n2) b",
        [
            Section((), "1) a\n2) b"),
        ],
    ),
    "a list with paragraphs": (
        "- a\n\n  more\n- b",
        [
            Section((), "- a\n  more\n- b"),
        ],
    ),
    "task lists": (
        "- [ ] a\n- [x] b",
        [
            Section((), "- [ ] a\n- [x] b"),
        ],
    ),
    "a table without outer bars": (
        "a | b\n--- | ---\n1 | 2",
        [
            Section((), "a | b\n1 | 2", None, "table"),
        ],
    ),
    "a bar in a table's code": (
        "|a|b|\n|-|-|\n|`x\\|y`|2|",
        [
            Section((), "a | b\nx|y | 2", None, "table"),
        ],
    ),
    "a table of one column": (
        "| a |\n|---|\n| 1 |",
        [
            Section((), "a\n1", None, "table"),
        ],
    ),
    "no table without its rule": (
        "a | b\n1 | 2",
        [
            Section((), "a | b\n1 | 2"),
        ],
    ),
    "rules divide": (
        "a\n\n***\n\nb",
        [
            Section((), "a\n\nb"),
        ],
    ),
    "a rule right under a list is no heading": (
        "- a\n---\nb",
        [
            Section((), "- a\n\nb"),
        ],
    ),
    "blocks of HTML keep their words": (
        "<div>\nHello <b>you</b>\n</div>",
        [
            Section((), "Hello  you"),
        ],
    ),
    "placeholders stay": (
        "Use <tenant> here",
        [
            Section((), "Use <tenant> here"),
        ],
    ),
    "a remark in brackets is no link": (
        "[Note]: hot",
        [
            Section((), "[Note]: hot"),
        ],
    ),
}


def read(text: str) -> list[Section]:
    return list(parse(text.encode(), kind="md", name="page.md").sections)


def words(section: Section) -> Section:
    lines = [" ".join(line.split()) for line in section.text.split("\n")]
    text = "\n".join(line for line in lines if line)
    return Section(section.heading, text, section.page, section.kind)


@pytest.mark.parametrize("name", COMMON_MARK)
def test_it_is_read_as_it_is_rendered(name):
    text, expected = COMMON_MARK[name]
    assert [words(section) for section in read(text)] == [words(section) for section in expected]


def test_a_list_keeps_its_depth():
    [section] = read("- a\n  - b\n    1. c\n- d")
    assert section.text == "- a\n  - b\n    1. c\n- d"


def test_deep_nesting_loses_no_word():
    assert "deep" in read("> " * 90 + "deep")[0].text
    assert "deep" in read("\n".join("  " * depth + "- x" for depth in range(40)) + " deep")[0].text


def test_hostile_text_is_read_in_a_process_with_limits():
    with pytest.raises(ParseError) as refused:
        parse_isolated(b"[" * 2_000_000, kind="md", name="x.md", timeout_seconds=3)
    assert refused.value.code == "timeout"
