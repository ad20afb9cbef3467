"""Makes the scripts in `static/minirag` of the parts beside this file: `python -m widget.build`.

The parts are put together in the order of PARTS, without comments and indentation: one script for a page, small files
for people. `vendor` stands for other people's scripts, see the package of that name. Into the part `words` go the
names of the languages, and English; of the others, which are served beside the script, a page fetches the one that it
needs.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

from widget.compacting import compact
from widget.vendor import VENDORED, wrap

SHOWING = ("vendor", "markdown", "settling", "growing")
"""What shows Markdown, wherever answers are shown, by means of the `builders`."""
PARTS = (
    "head", "builders", "words", "shelter", "look", "prose", "memory", "client", "more", "reading", "element",
    "drawing", "dressing", "wanting", "window", "asking", "lasting", "hearing", "answers", "helping", "people",
    "composer", "page", "tail",
)  # fmt: skip
TRYING = ("trying_head", "builders", *SHOWING, "trying_socket", "trying_turn", "trying_panel")
FOLDER = Path(__file__).resolve().parent / "parts"
WIDGET = FOLDER.parent.parent / "static" / "minirag" / "widget.js"
_SHOWING = tuple(f"parts/{name}" for name in SHOWING)
INBOX = WIDGET.with_name("inbox.js")
INBOX_PARTS = ("inbox/head", "parts/builders", *_SHOWING, "inbox/page", "inbox/keys")
"""The admin's inbox shows answers as the widget does."""
THREAD = WIDGET.with_name("thread.js")
THREAD_PARTS = ("thread/head", "parts/builders", *_SHOWING, "thread/page")
TRYER = WIDGET.with_name("trying.js")
SELDOM = WIDGET.with_name("seldom.js")
SELDOM_PARTS = ("parts/fetching", "parts/leaving")
"""What the widget fetches where it needs it: most pages do not."""
MORE = WIDGET.with_name("more.js")
MARKDOWN = WIDGET.with_name("markdown.js")
MARKDOWN_PARTS = ("reading/head", *_SHOWING, "reading/tail")
"""What the widget fetches when a chat begins: a page on which nobody opens it needs none of it."""
MORE_PARTS = ("more/head", "more/look", "more/panel", "more/opinion", "more/tail")
WORDS = WIDGET.with_name("words")


def build(parts: tuple[str, ...] = PARTS) -> str:
    script = build_page(tuple(f"parts/{name}" for name in parts))
    later = words_of_more()
    english = {key: text for key, text in read_words("en").items() if key not in later}
    known = {"languages": languages(), "english": english, "more": pin(MORE, build_more())}
    known["markdown"] = pin(MARKDOWN, build_page(MARKDOWN_PARTS))
    for name, value in known.items():
        script = script.replace(f'"@{name}"', _write(value))
    return script


def build_more() -> str:
    return build_page(MORE_PARTS).replace('"@english"', _write(words_of_more()))


def words_of_more() -> dict[str, str | dict[str, str]]:
    """The English that nothing says before that script is there."""
    at_once = "".join(path.read_text() for path in FOLDER.iterdir())
    later = "".join((FOLDER.parent / f"{name}.js").read_text() for name in MORE_PARTS)

    def is_said(key: str, script: str) -> bool:
        return bool(re.search(rf"\b{key}\b", script))

    words = read_words("en").items()
    return {key: text for key, text in words if is_said(key, later) and not is_said(key, at_once)}


def pin(path: Path, script: str) -> dict[str, str]:
    """A script that the widget fetches when it is wanted: other caches hold another version, a page may pin it."""
    digest = hashlib.sha384(script.encode()).digest()
    sum_of_it = base64.b64encode(digest).decode()
    return {"name": f"{path.name}?v={digest.hex()[:12]}", "integrity": f"sha384-{sum_of_it}"}


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
    MORE.write_text(build_more())
    MARKDOWN.write_text(build_page(MARKDOWN_PARTS))
