"""The widget's parts are all used and stay small, and what is served is made of them."""

from __future__ import annotations

import gzip
import hashlib

import pytest

from tests.conftest import WITHOUT_NODE
from widget.build import (
    CHAT,
    FOLDER,
    INBOX,
    MARKDOWN,
    MORE,
    PARTS,
    SELDOM,
    THREAD,
    TRYER,
    WIDGET,
    build,
)
from widget.vendor import VENDORED

LONGEST = 160
KB = 1024
MOST_BYTES = {
    (WIDGET,): 6 * KB,
    (WIDGET, CHAT, MARKDOWN): 45 * KB,
    (MORE,): 5_000,
    (SELDOM,): 2_000,
    (MARKDOWN, INBOX): 30_000,
    (MARKDOWN, THREAD): 30_000,
    (MARKDOWN, TRYER): 30_000,
}
"""Packed: what a page fetches before a click, all a chat needs, what few need, and what the admin's pages fetch."""


def test_every_part_is_used():
    used = {name for parts in PARTS.values() for name in parts} - {"vendor"}
    there = {
        f"{path.parent.name}/{path.stem}"
        for path in FOLDER.glob("*/*.js")
        if path.parent.name != "vendor"
    }
    assert used == there


def test_no_part_is_long():
    lines = {
        path: path.read_text().count("\n")
        for path in FOLDER.glob("*/*.js")
        if path.parent.name not in ("vendor", "inbox")
    }
    assert {path: count for path, count in lines.items() if count > LONGEST} == {}


@pytest.mark.skipif(WITHOUT_NODE, reason="there is no Node here; make node installs it")
@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.name)
def test_what_is_served_is_made_of_the_parts(path):
    assert path.read_text() == build(path), "change the parts, then run: python -m widget.build"


def test_other_peoples_scripts_are_what_was_published_and_are_named_with_their_licence():
    script = MARKDOWN.read_text()
    for each in VENDORED:
        assert hashlib.sha256(each.text.encode()).hexdigest() == each.sha256, each.package
        assert each.version in script and "icense" in script
    assert "sourceMappingURL" not in script


def test_the_widget_is_small():
    packed = {path: len(gzip.compress(path.read_bytes(), 9)) for path in PARTS}
    sizes = {paths: sum(packed[path] for path in paths) for paths in MOST_BYTES}
    assert {paths: size for paths, size in sizes.items() if size > MOST_BYTES[paths]} == {}
