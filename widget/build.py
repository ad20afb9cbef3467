"""Makes the scripts in `static/minirag` of the parts beside this file: `python -m widget.build`.

The parts are put together in the order of PARTS, without comments and indentation: one script for a page, small files
for people. `vendor` stands for other people's scripts, see the package of that name. Into the part `words` go the
names of the languages, and English; of the others, which are served beside the script, a page fetches the one that it
needs.
"""

from __future__ import annotations

import json
from pathlib import Path

from widget.compacting import compact
from widget.vendor import VENDORED, wrap

SHOWING = ("vendor", "builders", "markdown", "settling", "growing")
"""What shows Markdown, wherever answers are shown."""
PARTS = (
    "head", *SHOWING, "words", "look", "prose", "memory", "client", "element", "drawing", "dressing",
    "window", "asking", "lasting", "hearing", "answers", "helping", "people", "composer", "page", "tail",
)  # fmt: skip
TRYING = ("trying_head", *SHOWING, "trying_socket", "trying_turn", "trying_panel")
FOLDER = Path(__file__).resolve().parent / "parts"
WIDGET = FOLDER.parent.parent / "static" / "minirag" / "widget.js"
_FROM_PARTS = tuple(f"parts/{name}" for name in SHOWING)
INBOX = WIDGET.with_name("inbox.js")
INBOX_PARTS = ("inbox/head", *_FROM_PARTS, "inbox/page", "inbox/keys")
"""The admin's inbox shows answers as the widget does."""
THREAD = WIDGET.with_name("thread.js")
THREAD_PARTS = ("thread/head", *_FROM_PARTS, "thread/page")
TRYER = WIDGET.with_name("trying.js")
SELDOM = WIDGET.with_name("seldom.js")
SELDOM_PARTS = ("parts/fetching", "parts/leaving")
"""What the widget fetches where it needs it: most pages do not."""
WORDS = WIDGET.with_name("words")


def build(parts: tuple[str, ...] = PARTS) -> str:
    script = build_page(tuple(f"parts/{name}" for name in parts))
    return script.replace('"@languages"', _write(languages())).replace(
        '"@english"', _write(read_words("en"))
    )


def languages() -> list[str]:
    """What the widget speaks, by the names of its files."""
    return sorted(path.stem for path in WORDS.glob("*.json"))


def read_words(language: str) -> dict[str, str | dict[str, str]]:
    """A text each, or its plural forms by the names that CLDR has for them."""
    words: dict[str, str | dict[str, str]] = json.loads((WORDS / f"{language}.json").read_text())
    return words


def _write(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def build_page(parts: tuple[str, ...]) -> str:
    return "".join(_read(name) for name in parts)


def _read(name: str) -> str:
    if name == "parts/vendor":
        return "".join(map(wrap, VENDORED))
    return compact((FOLDER.parent / f"{name}.js").read_text())


if __name__ == "__main__":
    WIDGET.write_text(build())
    SELDOM.write_text(build_page(SELDOM_PARTS))
    INBOX.write_text(build_page(INBOX_PARTS))
    THREAD.write_text(build_page(THREAD_PARTS))
    TRYER.write_text(build(TRYING))
