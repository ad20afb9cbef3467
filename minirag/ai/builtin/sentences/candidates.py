"""What may be quoted: the sentences of the passages, each with what it stands under and the terms it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property

from minirag.ai.builtin.quoting import clean_inline, read_quotes
from minirag.lib.asking.shared_stems import stands_alone
from minirag.lib.asking.synonyms import find_synonyms
from minirag.lib.asking.word_forms import find_forms
from minirag.lib.text import analysis
from minirag.lib.text.languages import detect_languages
from minirag.lib.text.weekdays import days_in
from minirag.lib.variants import stand_for

MEANT = 0.75  # how surely other words have to stand for a term
QUESTION_MARKS = ("?", "？", "؟")


@dataclass(frozen=True)
class OfflinePassage:
    """A passage as the prompt numbers it. `score` is retrieval's; only its ratio to the best one matters."""

    number: int
    heading: str
    content: str
    score: float
    page_title: str = ""

    @cached_property
    def title(self) -> str:
        """The last part of the heading's path."""
        return clean_inline(self.heading.rpartition(" > ")[2])


@dataclass(frozen=True)
class Candidate:
    """One sentence that may be quoted. `terms` are analysed words, in order; `language` is its passage's.

    `above` and `heading` are the terms of what it stands under, in the text and as its passage's heading. `context`,
    `block`, `marker` and `columns` are as in quoting.Quote.
    """

    passage: OfflinePassage
    position: int
    text: str
    terms: tuple[str, ...]
    language: str
    above: frozenset[str] = frozenset()
    heading: frozenset[str] = frozenset()
    context: str = ""
    block: int = 0
    marker: str = ""
    columns: str = ""
    under: str = ""
    """The heading in the text above it."""

    @property
    def title(self) -> str:
        """The nearest heading."""
        return self.under or self.passage.title

    @property
    def is_question(self) -> bool:
        return self.text.endswith(QUESTION_MARKS)


def read_languages(passages: Sequence[OfflinePassage]) -> dict[int, str]:
    """Each passage's language, by its number."""
    languages = detect_languages([f"{each.heading}\n{each.content}" for each in passages])
    return {each.number: language for each, language in zip(passages, languages, strict=True)}


def list_candidates(
    passages: Sequence[OfflinePassage], languages: Mapping[int, str] | None = None
) -> list[Candidate]:
    """Every quotable sentence once: overlapping chunks repeat some, and the better passage keeps them.

    `languages` are the passages', where they are known (`read_languages`).
    """
    candidates: list[Candidate] = []
    seen: set[str] = set()
    ranked = sorted(passages, key=lambda each: -each.score)
    languages = languages or read_languages(passages)
    for passage in ranked:
        language = languages[passage.number]
        heading = frozenset(analysis.analyse(passage.heading, language))
        # A chunk may begin with its own heading, which answers nothing.
        seen |= {part.casefold() for part in (passage.heading, passage.title)}
        above: dict[str, frozenset[str]] = {}
        for position, quote in enumerate(read_quotes(passage.content)):
            key = quote.text.casefold()
            if key in seen:
                continue
            seen.add(key)
            if quote.context not in above:
                above[quote.context] = frozenset(analysis.analyse(quote.context, language))
            candidates.append(
                Candidate(
                    passage, position, quote.text, _read_terms(quote.text, language), language,
                    above[quote.context], heading, quote.context, quote.block, quote.marker, quote.columns,
                    quote.heading,
                )
            )  # fmt: skip
    return candidates


def add_meanings(
    question: str, candidates: Sequence[Candidate], variants: Mapping[str, Sequence[str]]
) -> dict[str, Sequence[str]]:
    """The `variants`, and for each term of a question its other forms, and the words of the same meaning, that the
    candidates have."""
    widened = dict(variants)
    for language in {each.language for each in candidates}:
        said: set[str] = set()
        for each in candidates:
            if each.language == language:
                said.update(each.terms, each.above, each.heading)
        asked = [
            word for word in question.split() if not stands_alone(word.strip(".,?!"), language)
        ]
        for term in dict.fromkeys(analysis.analyse(" ".join(asked), language)):
            meant = (*find_forms(term, language), *find_synonyms(term, language))
            if found := said.intersection(meant):
                widened[term] = (*widened.get(term, ()), *sorted(found))
    return widened


def read_variants(
    candidates: Sequence[Candidate], variants: Mapping[str, Sequence[str]]
) -> list[Candidate]:
    """The candidates, where a word that search took for a term of the question counts as that term too."""
    if not variants:
        return list(candidates)

    def meant_by(terms: Set[str]) -> list[str]:
        return [
            term
            for term, taken in variants.items()
            if term not in terms and stand_for(term, taken, terms) > MEANT
        ]

    return [
        replace(
            each,
            terms=each.terms + tuple(meant_by(set(each.terms))),
            above=each.above.union(meant_by(each.above)),
            heading=each.heading.union(meant_by(each.heading)),
        )
        for each in candidates
    ]


def _read_terms(text: str, language: str) -> tuple[str, ...]:
    """The terms of a text, and the days that it means without naming them."""
    terms = analysis.analyse(text, language)
    if days := days_in(text, language):
        terms += set(analysis.analyse(" ".join(days), language)) - set(terms)
    return tuple(terms)
