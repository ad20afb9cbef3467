"""Makes `static/minirag/widget.js` of the parts beside this file: `python -m widget.build`.

The parts are put together as they are, in the order of PARTS: one script for a page, small files for people, and
no tool between what is written here and what runs there.
"""

from __future__ import annotations

from pathlib import Path

PARTS = (
    "head", "words", "look", "builders", "markdown", "memory", "client", "element", "window", "asking", "hearing",
    "answers", "helping", "composer", "tail",
)  # fmt: skip
FOLDER = Path(__file__).resolve().parent / "parts"
WIDGET = FOLDER.parent.parent / "static" / "minirag" / "widget.js"


def build() -> str:
    return "".join((FOLDER / f"{name}.js").read_text() for name in PARTS)


if __name__ == "__main__":
    WIDGET.write_text(build())
