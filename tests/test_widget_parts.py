"""The widget's parts are all used and stay small; tests/test_architecture.py says that they are what is served."""

from __future__ import annotations

from widget.build import (
    FOLDER,
    INBOX,
    INBOX_PARTS,
    PARTS,
    THREAD,
    THREAD_PARTS,
    TRYER,
    TRYING,
    build,
    build_page,
)

LONGEST = 160


def test_every_part_is_used():
    assert sorted({*PARTS, *TRYING}) == sorted(path.stem for path in FOLDER.iterdir())


def test_no_part_is_long():
    lines = {name: (FOLDER / f"{name}.js").read_text().count("\n") for name in {*PARTS, *TRYING}}
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}


def test_what_is_served_for_trying_is_made_of_the_parts():
    advice = "change the parts, then run: python -m widget.build"
    assert TRYER.read_text() == build(TRYING), advice
    assert INBOX.read_text() == build_page(INBOX_PARTS), advice
    assert THREAD.read_text() == build_page(THREAD_PARTS), advice
