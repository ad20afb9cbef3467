"""The widget's parts are all used and stay small; tests/test_architecture.py says that they are what is served."""

from __future__ import annotations

from widget.build import FOLDER, PARTS, TRYER, TRYING, build

LONGEST = 160


def test_every_part_is_used():
    assert sorted({*PARTS, *TRYING}) == sorted(path.stem for path in FOLDER.iterdir())


def test_no_part_is_long():
    lines = {name: (FOLDER / f"{name}.js").read_text().count("\n") for name in {*PARTS, *TRYING}}
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}


def test_what_is_served_for_trying_is_made_of_the_parts():
    assert TRYER.read_text() == build(TRYING), "change the parts, then run: python -m widget.build"
