"""Makes the scripts in `static/minirag` of the parts beside this file: `python -m widget.build`.

The parts are put together as they are, in the order of PARTS: one script for a page, small files for people, and
no tool between what is written here and what runs there.
"""

from __future__ import annotations

from pathlib import Path

PARTS = (
    "head", "words", "look", "builders", "markdown", "memory", "client", "element", "dressing", "window", "asking",
    "hearing", "answers", "helping", "people", "composer", "tail",
)  # fmt: skip
TRYING = ("trying_head", "builders", "markdown", "trying_socket", "trying_turn", "trying_panel")
FOLDER = Path(__file__).resolve().parent / "parts"
WIDGET = FOLDER.parent.parent / "static" / "minirag" / "widget.js"
INBOX = WIDGET.with_name("inbox.js")
INBOX_PARTS = ("inbox/head", "parts/builders", "parts/markdown", "inbox/page", "inbox/keys")
"""The admin's inbox shows answers as the widget does."""
THREAD = WIDGET.with_name("thread.js")
THREAD_PARTS = ("thread/head", "parts/builders", "parts/markdown", "thread/page")
TRYER = WIDGET.with_name("trying.js")


def build(parts: tuple[str, ...] = PARTS) -> str:
    return "".join((FOLDER / f"{name}.js").read_text() for name in parts)


def build_page(parts: tuple[str, ...]) -> str:
    return "".join((FOLDER.parent / f"{name}.js").read_text() for name in parts)


if __name__ == "__main__":
    WIDGET.write_text(build())
    INBOX.write_text(build_page(INBOX_PARTS))
    THREAD.write_text(build_page(THREAD_PARTS))
    TRYER.write_text(build(TRYING))
