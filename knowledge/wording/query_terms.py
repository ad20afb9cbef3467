"""The words of a question as the index knows them, in every language that the bot's sources are written in. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from knowledge.retrieval.queries import Carried, Query
from knowledge.wording.vocabulary import COMPOUNDING, AskedWord, Expansion
from minirag.lib.asking.framing_words import FRAMING_WORDS
from minirag.lib.asking.synonyms import find_synonyms
from minirag.lib.asking.word_forms import find_forms
from minirag.lib.text.analysis import analyse, analyse_words, term_id
from minirag.lib.variants import is_word

MAX_TERMS = 512  # a pasted page; pgvector takes 16,000, and beyond some dozens nothing changes


# What somebody may want to do, and no page says.
_WANTED: Final = frozenset(
    {"anrufen", "helfen", "kaufen", "kopen", "koop", "bellen", "verkopen", "comprar", "vendez"}
)


@dataclass(frozen=True)
class QueryTerms:
    """`terms` with how often each occurs, the question's first; those of `own` are in its own language.

    What is carried over from before the question occurs a part of once. Only `own` counts when a score is compared
    with the best possible one: the same word stemmed for a second language would otherwise look like a word that
    nobody wrote about. `words` are those that may have another spelling or be part of a compound, `framing` the terms
    of words that only frame the question.
    """

    terms: dict[str, float]
    own: frozenset[str]
    words: tuple[AskedWord, ...] = ()
    framing: frozenset[str] = frozenset()

    @property
    def ids(self) -> list[int]:
        return [term_id(term) for term in self.terms]

    @property
    def listed(self) -> str:
        """The ids as PostgreSQL writes an array."""
        return "{" + ",".join(map(str, self.ids)) + "}"

    @property
    def frequencies(self) -> list[float]:
        return [float(count) for count in self.terms.values()]

    @property
    def counted(self) -> list[bool]:
        return [term in self.own for term in self.terms]

    def expand(self, expansions: Sequence[Expansion]) -> QueryTerms:
        """Add what the vocabulary has for the words; what stands in for a word counts as the question's own."""
        terms, own = dict(self.terms), set(self.own)
        for each in expansions:
            weight = self.terms.get(each.term, 1.0) * each.weight
            terms[each.found] = max(weight, terms.get(each.found, 0.0))
            if each.stands_in and each.term in self.own:
                own.add(each.found)
                own.discard(each.term)
        return replace(self, terms=terms, own=frozenset(own))

    def leave_out_framing(self, known_ids: Collection[int]) -> QueryTerms:
        """Do not count words that only frame the question and stand on no page: nothing that it asks about is missing.
        Unless there are no others.
        """
        idle = {term for term in self.framing if term_id(term) not in known_ids}
        return replace(self, own=self.own - idle) if self.own - idle else self

    @property
    def parameters(self) -> dict[str, list[int] | list[float] | list[bool]]:
        """What the statement of a search wants of them."""
        return {"terms": self.ids, "frequencies": self.frequencies, "counted": self.counted}


NO_TERMS = QueryTerms({}, frozenset())


def analyse_question(
    question: str,
    language: str,
    source_languages: Sequence[str],
    carried: Sequence[Carried] = (),
    *,
    is_leaning: bool = True,
) -> QueryTerms:
    """Analyse `question` for each of `source_languages` (the most frequent first).

    Its own language is `language` if the sources know it, else their first. Words without content in the question's
    language stay out in all of them: "what" is rare in German texts, and still means nothing. A word that is `carried`
    as well counts as the question's, or else by the greatest of its weights; it is not `own` where the question is not
    `is_leaning` on what was said before.
    """
    languages = list(dict.fromkeys(source_languages)) or [language]
    own_language = language if language in languages else languages[0]
    ordered = [own_language, *(other for other in languages if other != own_language)]
    terms: dict[str, float] = {}
    own: set[str] = set()
    for spoken in ordered:
        for term, count in Counter(analyse(question, spoken)).items():
            if spoken == own_language or _has_content(term, own_language, language):
                terms.setdefault(term, count)
        own = own or (set() if is_leaning else set(terms))
        for said in sorted(carried, key=lambda each: -each.weight):
            for term in analyse(said.text, spoken):
                if spoken == own_language or _has_content(term, own_language, language):
                    terms.setdefault(term, said.weight)
        own = own or set(terms)
    kept = dict(sorted(terms.items(), key=lambda item: item[0] not in own)[:MAX_TERMS])
    words = _list_words(question, ordered, language, 1.0)
    for said in carried:
        words += _list_words(said.text, ordered, language, said.weight, len(words) + 1)
    listed = {word.term: word for word in reversed(words) if word.term in kept}
    return QueryTerms(
        kept, frozenset(own & kept.keys()), tuple(reversed(listed.values())),
        _find_framing(question, own_language),
    )  # fmt: skip


def analyse_query(query: Query, language: str, source_languages: Sequence[str]) -> QueryTerms:
    """`analyse_question` of what is asked, with what it carries over."""
    return analyse_question(
        query.text, language, source_languages, query.carried, is_leaning=query.is_leaning
    )


def _find_framing(question: str, language: str) -> frozenset[str]:
    """The terms of words that only frame a question; none in English, where meaning is compared as well."""
    if language == "en":
        return frozenset()
    framing = _list_framing(language) - _WANTED
    return frozenset(
        term for word, term in analyse_words(question, language) if term and word in framing
    )


@cache
def _list_framing(language: str) -> frozenset[str]:
    words = analyse_words(" ".join(FRAMING_WORDS.get(language, ())), language)
    return frozenset(word for word, _ in words)


def _list_words(
    text: str, languages: Sequence[str], asked_in: str, weight: float, start: int = 0
) -> list[AskedWord]:
    by_language = [analyse_words(text, language) for language in languages]
    words = []
    for place, pairs in enumerate(zip(*by_language, strict=False), start=start):
        term = pairs[0][1]
        if is_word(term) and _has_content(term, languages[0], asked_in):
            # Stemming moves a misspelled word further from the right one as often as it brings it near.
            spellings = dict.fromkeys([*(form for _, form in pairs), pairs[0][0]])
            forms = tuple(form for form in spellings if is_word(form))
            in_languages = list(zip(languages, pairs, strict=True))
            meanings = (
                said
                for language, (_, form) in in_languages
                for said in find_synonyms(form, language)
            )
            inflected = (
                other
                for language, (_, form) in in_languages
                for other in find_forms(form, language)
            )
            words.append(
                AskedWord(
                    forms, place, weight, languages[0] in COMPOUNDING, pairs[0][0],
                    tuple(dict.fromkeys(meanings)), tuple(dict.fromkeys(inflected)),
                )
            )  # fmt: skip
    return words


def _has_content(term: str, *languages: str) -> bool:
    return all(analyse(term, language) for language in languages)
