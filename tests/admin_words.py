"""Finds words of ours in pages of the admin that no translation would reach.

While `marked` is on, every text that goes through gettext stands in brackets. What is left outside of them is data
(what rows say, names that code and programs use), or was forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

from django.utils import translation
from django.utils.safestring import SafeData, mark_safe

_TOLD = {"aria-label", "title", "placeholder", "alt"}
_SILENT = {
    "script",
    "style",
    "code",
    "pre",
    "svg",
    "textarea",
    "option",
    "kbd",
    "time",
    "q",
    "blockquote",
}
_VOID = {"input", "br", "img", "meta", "link", "hr", "source", "col", "wbr"}
_MARKED = re.compile("⟦[^⟦⟧]*⟧")
_WORD = re.compile(r"[A-Za-zÄÖÜäöüß]{2,}")
# Names, units and what no language changes.
KNOWN = frozenset(
    [
        "MiniRAG",
        "English",
        "Deutsch",
        "UTC",
        "Ctrl",
        "esc",
        "ms",
        "nDCG",
        "API",
        "ID",
        "en",
        "de",
        "admin",
    ]
)


def _mark(text: Any) -> Any:
    if not text:
        return text
    marked = f"⟦{text}⟧"
    return mark_safe(marked) if isinstance(text, SafeData) else marked


@contextmanager
def marked(monkeypatch: Any) -> Iterator[None]:
    """Have gettext put brackets around all that it is asked for."""
    told: Any = translation._trans  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        patch.setattr(told, "gettext", _mark, raising=False)
        patch.setattr(told, "pgettext", lambda context, text: _mark(text), raising=False)
        patch.setattr(
            told, "ngettext", lambda one, many, n: _mark(one if n == 1 else many), raising=False
        )
        patch.setattr(
            told,
            "npgettext",
            lambda context, one, many, n: _mark(one if n == 1 else many),
            raising=False,
        )
        yield


class _Texts(HTMLParser):
    """The texts that a person reads on a page, those of symbols left out."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.texts += [str(value) for name, value in attrs if name in _TOLD and value]
        if tag in ("input", "button") and told.get("type") in ("submit", "button"):
            self.texts.append(str(told.get("value") or ""))
        quiet = tag in _SILENT or "material-symbols" in (told.get("class") or "") or "dir" in told
        if tag not in _VOID and (self._silent or quiet):
            self._silent.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._silent and tag == self._silent[-1]:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.texts.append(data)


def find_forgotten(html: str, data: set[str]) -> set[str]:
    """The texts of a page that hold a word neither translated nor known from `data`; what is cut is data."""
    page = _Texts()
    page.feed(re.sub(r"<html[^>]*dir=", "<html ", html, count=1))
    found = set()
    for text in page.texts:
        rest, before = text, ""
        while rest != before:
            before, rest = rest, _MARKED.sub(" ", rest)
        rest = re.sub(r"\w+_\w+", " ", rest)  # names of code
        words = set(_WORD.findall(rest)) - KNOWN
        if any(word.lower() not in data for word in words):
            found.add(" ".join(rest.split()))
    return found


def words_of_rows(rows: Iterable[Any]) -> set[str]:
    """Each word of what the rows of these models hold, and of their own names."""
    texts = [
        str(getattr(row, field.attname))
        for model in rows
        for row in model._base_manager.all()
        for field in model._meta.concrete_fields
    ]
    return {word.lower() for text in texts for word in _WORD.findall(text)}
