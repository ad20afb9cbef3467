"""Makes the scripts in `static/minirag` of the parts beside this file: `python -m widget.build`.

The parts of a script are put together in their order and minified: one script for a page, small files for people.
`vendor` stands for other people's scripts, see the package of that name. Of the words, a script has the English that it
says; the other languages are served beside the scripts, and a page fetches the one that it needs.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Final

from widget.minifying import minify, shrink_styles
from widget.vendor import vendored_script

FOLDER = Path(__file__).resolve().parent
SERVED = FOLDER.parent / "static" / "minirag"
WORDS = SERVED / "words"
WIDGET, CHAT, MARKDOWN, MORE, SELDOM, INBOX, THREAD, TRYER = (
    SERVED / f"{name}.js"
    for name in ("widget", "chat", "markdown", "more", "seldom", "inbox", "thread", "trying")
)
_MAKING = ("parts/builders", "parts/links")
_SHARED = (*_MAKING, "parts/shared")
PARTS: Final = {
    WIDGET: (
        *("loader/head", "parts/builders", "loader/words", "loader/scripts"),
        *("loader/look", "loader/element", "loader/coming", "loader/dressing", "loader/page", "loader/tail"),
    ),
    CHAT: tuple(
        f"parts/{name}"
        for name in (
            "head", "links", "words", "shelter", "look", "prose", "memory", "client", "more", "reading", "element",
            "drawing", "dressing", "wanting", "window", "asking", "lasting", "hearing", "answers", "telling", "helping",
            "people", "composer", "page", "tail",
        )
    ),
    MARKDOWN: (
        *("reading/head", "parts/links", "vendor", "parts/markdown", "parts/settling"),
        *("parts/growing", "reading/tail"),
    ),
    MORE: ("more/head", "more/look", "more/panel", "more/opinion", "more/leaving", "more/tail"),
    SELDOM: ("parts/fetching",),
    INBOX: ("inbox/head", *_SHARED, "inbox/page", "inbox/keys"),
    THREAD: ("thread/head", *_SHARED, "thread/page"),
    TRYER: ("parts/trying_head", *_SHARED, "parts/trying_socket", "parts/trying_turn", "parts/trying_panel"),
}  # fmt: skip
"""What each script is made of: every page fetches WIDGET, who opens a chat CHAT and MARKDOWN, and few the next two;
the others are the admin's, which show answers by means of MARKDOWN as well."""
LAUNCHER_WORDS = ("open", "retry")
"""What stands on the page before CHAT is there, in every language."""


def build(path: Path) -> str:
    """The text of the script that is served at `path`."""
    script = "".join(map(_read, PARTS[path]))
    for name, value in _known(path).items():
        script = script.replace(f'"@{name}"', json.dumps(value, ensure_ascii=False))
    return minify(script, is_module=path == SELDOM)


def _read(name: str) -> str:
    if name == "vendor":
        return vendored_script()
    return shrink_styles((FOLDER / f"{name}.js").read_text())


def _known(path: Path) -> dict[str, object]:
    """What a script is told of the others and of the words."""
    later = words_of_more()
    if path == WIDGET:
        return {"launcher": launcher_words(), "chat": pin(CHAT)}
    if path == CHAT:
        english = {key: text for key, text in read_words("en").items() if key not in later}
        return {"english": english, "more": pin(MORE), "markdown": pin(MARKDOWN)}
    return {"english": later} if path == MORE else {}


def words_of_more() -> dict[str, str | dict[str, str]]:
    """The English that nothing says before that script is there."""
    at_once = "".join(map(_read, PARTS[CHAT] + PARTS[SELDOM]))
    later = "".join(map(_read, PARTS[MORE]))

    def is_said(key: str, script: str) -> bool:
        return bool(re.search(rf"\b{key}\b", script))

    words = read_words("en").items()
    return {key: text for key, text in words if is_said(key, later) and not is_said(key, at_once)}


def launcher_words() -> dict[str, dict[str, str | dict[str, str]]]:
    return {
        language: {key: read_words(language)[key] for key in LAUNCHER_WORDS}
        for language in languages()
    }


def pin(path: Path) -> tuple[str, str]:
    """A script that the widget fetches when it is wanted, and by what a page may pin it (`integrity`)."""
    digest = hashlib.sha384(build(path).encode()).digest()
    return path.stem, f"sha384-{base64.b64encode(digest).decode()}"


def languages() -> list[str]:
    """What the widget speaks, by the names of its files."""
    return sorted(path.stem for path in WORDS.glob("*.json"))


def read_words(language: str) -> dict[str, str | dict[str, str]]:
    """A text each, or its plural forms by the names that CLDR has for them."""
    words: dict[str, str | dict[str, str]] = json.loads((WORDS / f"{language}.json").read_text())
    return words


if __name__ == "__main__":
    for each in PARTS:
        each.write_text(build(each))
