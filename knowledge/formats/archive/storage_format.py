"""Confluence's storage format, as a web page: its macros say what they hold in elements that no browser knows. Pure.

One pass from tag to tag, however they are nested: it is written by strangers, and read in our own process.
"""

from __future__ import annotations

import html
import re
from typing import Final

_TAG: Final = re.compile(r"(<[^<>]*>)")
_NAME: Final = re.compile(r"<(/?)((?:ac|ri):[\w-]+)")
_SAYS: Final = re.compile(r'(?:ri:content-title|ri:filename|ac:name)="([^"<>]*)"')
_BEGIN: Final = "<![CDATA["
_ENDS: Final = ("]]>", "]] >")
_UNSEEN: Final = frozenset(
    ("ac:parameter", "ac:task-id", "ac:task-uuid", "ac:task-status", "ac:image")
)
_BODIES: Final = ("ac:link-body", "ac:plain-text-link-body")
_SHOWN: Final = {
    ("ac:task", ""): "<ul><li>", ("ac:task", "/"): "</li></ul>", ("ac:plain-text-body", ""): "<pre>",
    ("ac:plain-text-body", "/"): "</pre>",
}  # fmt: skip


def as_web_page(title: str, body: str) -> bytes:
    """A page's text as the product shows it: code, panels, tasks and links by what they hold."""
    first, *others = body.split(_BEGIN)
    writer = _Writer()
    writer.take(first)
    for part in others:
        cut = min((at for end in _ENDS if (at := part.find(end)) >= 0), default=len(part))
        writer.write(html.escape(part[:cut]))
        writer.take(part[cut:].removeprefix(_ENDS[0]).removeprefix(_ENDS[1]))
    return make_page(title, "".join(writer.shown))


def make_page(title: str, body: str) -> bytes:
    shown = html.escape(title)
    page = (
        f'<html><head><meta charset="utf-8"><title>{shown}</title></head><body><h1>{shown}</h1>'
        f"{body}</body></html>"
    )
    return page.encode("utf-8", "replace")


class _Writer:
    """What is shown so far; what an element holds that is not shown; where the link leads that is open."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self._unseen, self._depth = "", 0
        self._target = ""

    def write(self, words: str) -> None:
        if not self._unseen:
            self.shown.append(words)

    def take(self, part: str) -> None:
        for token in _TAG.split(part):
            found = _NAME.match(token)
            if found is None:
                self.write(token)
            elif self._unseen:
                self._skip(found[1], found[2], token)
            else:
                self._follow(found[1], found[2], token)

    def _skip(self, closes: str, name: str, token: str) -> None:
        if name == self._unseen and not token.endswith("/>"):
            self._depth += -1 if closes else 1
            if not self._depth:
                self._unseen = ""

    def _follow(self, closes: str, name: str, token: str) -> None:
        said = _SAYS.search(token)
        if name in _UNSEEN and not closes and not token.endswith("/>"):
            if name == "ac:parameter" and said and said[1] == "title":
                self.write("<p><b>")
                return
            self._unseen, self._depth = name, 1
        elif name == "ac:parameter" and closes:
            self.write("</b></p>")
        elif name in ("ri:page", "ri:attachment") and said:
            self._target = said[1]
        elif name in _BODIES:
            self._target = ""
        elif name == "ac:link":
            self.write(self._target if closes else "")
            self._target = ""
        else:
            self.write(_SHOWN.get((name, closes), ""))
