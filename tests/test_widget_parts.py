"""The widget's parts are all used and stay small; tests/test_architecture.py says that they are what is served."""

from __future__ import annotations

from widget.build import FOLDER, PARTS

LONGEST = 160


def test_every_part_is_used_once():
    assert sorted(PARTS) == sorted(path.stem for path in FOLDER.iterdir())


def test_no_part_is_long():
    lines = {name: (FOLDER / f"{name}.js").read_text().count("\n") for name in PARTS}
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}
