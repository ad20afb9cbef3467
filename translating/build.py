"""Keeps the catalogues in `minirag/locale` as the code is: `python -m translating.build`.

It brings new and changed phrases into each language's `phrases.po`, where translators write, and compiles each into
the `phrases.mo` that the product reads. Both are kept in the repository, so that a checkout runs without a build; a
test compares. `python -m translating.build hr` begins a language.
"""

from __future__ import annotations

import sys
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from minirag.lib.text.phrases import CATALOGUES, DOMAIN, Phrases

HEADER = 'msgid ""\nmsgstr ""\n"Language: {}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
# A build of the same texts is the same file.
DAY = datetime(2026, 1, 1, tzinfo=UTC)


def read(path: Path) -> Catalog:
    """A language's translations as they stand in its file."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3], domain=DOMAIN)


def bring_up_to_date(path: Path) -> Catalog:
    """Keep what is translated and still said; what is new stands there empty."""
    known = read(path) if path.exists() else Catalog(locale=path.parts[-3], domain=DOMAIN)
    told = {(message.context, message.id): message.string for message in known if message.id}
    catalogue = Catalog(
        locale=path.parts[-3],
        domain=DOMAIN,
        project="MiniRAG",
        creation_date=DAY,
        revision_date=DAY,
    )
    for each in fields(Phrases):
        english, note = str(each.default), str(each.metadata["note"])
        catalogue.add(english, told.get((each.name, english), ""), context=each.name, auto_comments=[note])  # fmt: skip
    return catalogue


def build(language: str) -> None:
    path = CATALOGUES / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    path.parent.mkdir(parents=True, exist_ok=True)
    catalogue = bring_up_to_date(path)
    with path.open("wb") as file:
        file.write(HEADER.format(language).encode())
        write_po(file, catalogue, width=120, omit_header=True)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalogue)


if __name__ == "__main__":
    for name in sys.argv[1:] or sorted(path.parts[-3] for path in CATALOGUES.rglob("*.po")):
        build(name)
