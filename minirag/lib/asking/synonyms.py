"""Words that people ask with, and those that pages say the same by: "Fahrstuhl" and "Aufzug", "sofa" and "furniture".

A file a language in `meanings/`. A line is words that may stand for each other; behind `>` stand words that
may be said for those before it, and not the other way round: a dog is a pet, and not every pet a dog. All words are
index terms here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

from minirag.lib.asking.word_forms import find_forms
from minirag.lib.text.analysis import analyse

_FOLDER = Path(__file__).with_name("meanings")


@lru_cache(maxsize=20_000)
def find_synonyms(term: str, language: str) -> tuple[str, ...]:
    """Terms that may be said for a question's term, in any of its forms; () where none are known."""
    words = _read(language)
    forms = (term, *find_forms(term, language))
    return tuple(
        dict.fromkeys(each for form in forms for each in words.get(form, ()) if each != term)
    )


def is_meant(asked: str, said: str) -> bool:
    """Whether one term may be said for another in any language, or is another form of it."""
    return said in _find_all(asked)


@lru_cache(maxsize=20_000)
def _find_all(asked: str) -> frozenset[str]:
    return frozenset(
        said
        for language in list_languages()
        for said in (*find_synonyms(asked, language), *find_forms(asked, language))
    )


@cache
def list_languages() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.txt")))


@cache
def _read(language: str) -> dict[str, tuple[str, ...]]:
    path = _FOLDER / f"{language}.txt"
    found: dict[str, dict[str, None]] = {}
    for line in path.read_text().splitlines() if path.is_file() else ():
        asked, said = (list(_list_terms(part, language)) for part in line.partition(">")[::2])
        for term in asked:
            others = said or asked
            found.setdefault(term, {}).update(
                dict.fromkeys(each for each in others if each != term)
            )
    return {term: tuple(others) for term, others in found.items()}


def _list_terms(words: str, language: str) -> Iterator[str]:
    """The one term of each word; a word that is none is left out."""
    for word in words.split(","):
        terms = analyse(word, language)
        if len(terms) == 1:
            yield terms[0]
