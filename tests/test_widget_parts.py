"""The widget's parts are all used and stay small; tests/test_architecture.py says that they are what is served."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

from widget.build import (
    FOLDER,
    INBOX,
    INBOX_PARTS,
    MARKDOWN,
    MARKDOWN_PARTS,
    MORE,
    PARTS,
    SELDOM,
    SELDOM_PARTS,
    THREAD,
    THREAD_PARTS,
    TRYER,
    TRYING,
    WIDGET,
    build,
    build_more,
    build_page,
)
from widget.vendor import VENDORED

LONGEST = 160
MOST_BYTES = {WIDGET: 22_000, MARKDOWN: 30_000, MORE: 5_000, SELDOM: 2_000}
"""Packed: what every page fetches, what a chat fetches when it begins, and what few need."""


def test_every_part_is_used():
    assert sorted({*PARTS, *TRYING, "fetching", "leaving"} - {"vendor"}) == sorted(
        path.stem for path in FOLDER.iterdir()
    )


def test_no_part_is_long():
    lines = {
        name: (FOLDER / f"{name}.js").read_text().count("\n")
        for name in {*PARTS, *TRYING, "fetching", "leaving"} - {"vendor"}
    }
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}


def test_what_is_served_for_trying_is_made_of_the_parts():
    advice = "change the parts, then run: python -m widget.build"
    assert TRYER.read_text() == build(TRYING), advice
    assert SELDOM.read_text() == build_page(SELDOM_PARTS), advice
    assert INBOX.read_text() == build_page(INBOX_PARTS), advice
    assert THREAD.read_text() == build_page(THREAD_PARTS), advice
    assert MORE.read_text() == build_more(), advice
    assert MARKDOWN.read_text() == build_page(MARKDOWN_PARTS), advice


def test_other_peoples_scripts_are_what_was_published_and_are_named_with_their_licence():
    for each in VENDORED:
        assert hashlib.sha256(each.text.encode()).hexdigest() == each.sha256, each.package
        for script in map(Path.read_text, (MARKDOWN, INBOX, THREAD, TRYER)):
            assert each.version in script and "icense" in script
            assert "sourceMappingURL" not in script


def test_the_widget_is_small():
    sizes = {path: len(gzip.compress(path.read_bytes(), 9)) for path in MOST_BYTES}
    assert {path: size for path, size in sizes.items() if size > MOST_BYTES[path]} == {}
