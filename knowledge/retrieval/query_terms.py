"""The words of a question as the index knows them, in every language that the bot's sources are written in. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from minirag.lib.text.analysis import analyse, term_id

MAX_TERMS = 512  # a pasted page; pgvector takes 16,000, and beyond some dozens nothing changes


@dataclass(frozen=True)
class QueryTerms:
    """`terms` with how often each occurs; those of `own` are the question's in its own language.

    Only the latter count when a score is compared with the best possible one: the same word stemmed for a second
    language would otherwise look like a word that nobody wrote about.
    """

    terms: dict[str, int]
    own: frozenset[str]

    @property
    def ids(self) -> list[int]:
        return [term_id(term) for term in self.terms]

    @property
    def frequencies(self) -> list[int]:
        return list(self.terms.values())

    @property
    def counted(self) -> list[bool]:
        return [term in self.own for term in self.terms]


def analyse_question(question: str, language: str, source_languages: Sequence[str]) -> QueryTerms:
    """Analyse `question` for each of `source_languages` (the most frequent first).

    Its own language is `language` if the sources know it, else their first. Words without content in the question's
    language stay out in all of them: "what" is rare in German texts, and still means nothing.
    """
    languages = list(dict.fromkeys(source_languages)) or [language]
    own_language = language if language in languages else languages[0]
    terms = Counter(analyse(question, own_language))
    own = frozenset(terms)
    for other in languages:
        if other == own_language:
            continue
        for term, count in Counter(analyse(question, other)).items():
            if term not in terms and analyse(term, own_language) and analyse(term, language):
                terms[term] = count
    kept = dict(sorted(terms.items(), key=lambda item: item[0] not in own)[:MAX_TERMS])
    return QueryTerms(kept, own & kept.keys())
