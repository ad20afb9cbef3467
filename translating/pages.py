"""Keeps `django.po`, what people read on our own pages and in mails, as the code is: `python -m translating.pages`.

The words are those of `gettext` in the code and of `translate` in the templates, marked where they stand. A test
compares: what is new has to be translated, and what is gone goes.
"""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES, DOMAIN = ("de",), "django"
HEADER = (
    'msgid ""\nmsgstr ""\n"Language: {}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
)
CATALOGUES = ROOT / "minirag" / "locale"
DAY = datetime(2026, 1, 1, tzinfo=UTC)  # a build of the same texts is the same file
_FUNCTIONS = {"_", "gettext", "gettext_lazy", "gettext_noop"}
_TAG = re.compile(r"""\{% translate (?:"([^"]+)"|'([^']+)')""")
_BLOCK = re.compile(
    r"\{% blocktranslate[^%]*%\}(.*?)(?:\{% plural %\}(.*?))?\{% endblocktranslate %\}", re.S
)
Phrase = str | tuple[str, str]


def phrases_of_code(text: str) -> set[Phrase]:
    """The literals that a module gives to gettext."""
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and node.args)
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name)
        and call.func.id in _FUNCTIONS
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def phrases_of_template(text: str) -> set[Phrase]:
    found: set[Phrase] = {one or other for one, other in _TAG.findall(text)}
    for one, many in _BLOCK.findall(text):
        named = [re.sub(r"\{\{ (\w+) \}\}", r"%(\1)s", part) for part in (one, many)]
        found.add((named[0], named[1]) if many else named[0])
    return found


def find_phrases() -> list[Phrase]:
    """All that is marked, in the order of the alphabet."""
    found: set[Phrase] = set()
    for path in (ROOT / "tenants").rglob("*.py"):
        if not {"tests", "migrations"} & set(path.parts):
            found |= phrases_of_code(path.read_text())
    for name in ("outside", "proof", "account", "sso", "login"):
        found |= phrases_of_template((ROOT / f"templates/admin/{name}.html").read_text())
    return sorted(found, key=str)


def read_catalogue(language: str) -> list[Message]:
    """The translations as they stand in a language's file."""
    path = catalogue_of(language)
    if not path.exists():
        return []
    with path.open("rb") as file:
        return [message for message in read_po(file, locale=language) if message.id]


def bring_up_to_date(language: str) -> Catalog:
    """Keep what is translated and still said; what is new stands there empty."""
    told = {message.id: message.string for message in read_catalogue(language)}
    made = Catalog(
        locale=language, domain=DOMAIN, project="MiniRAG", creation_date=DAY, revision_date=DAY
    )
    for phrase in find_phrases():
        made.add(
            phrase,
            told.get(phrase, told.get(phrase[0] if isinstance(phrase, tuple) else phrase, "")),
        )
    return made


def catalogue_of(language: str) -> Path:
    return CATALOGUES / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def build(language: str) -> None:
    path, made = catalogue_of(language), bring_up_to_date(language)
    with path.open("wb") as file:
        file.write(HEADER.format(language).encode())
        write_po(file, made, width=120, omit_header=True)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, made)


if __name__ == "__main__":
    for each in LANGUAGES:
        build(each)
