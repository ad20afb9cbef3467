"""Whether a text is about a topic, told by its words. Pure, and made for questions: some microseconds for a sentence.

A topic is a few words, such as "returns and refunds". What `and`, `or` or a comma joins are alternatives; what comes
in quotation marks is one phrase, in this order. Words are compared whole, as the search index knows them (stems of the
text's own language, accents folded), so "war" is in "wars" and not in "software", and a hyphen is no more than a joint.

Stems alone would be too coarse to refuse by: for the English stemmer "customer" and "customs" are one word, and so are
"polite" and "politics", "organ" and "organisation". Two English words count as one when what they differ by is an
ending that leaves the meaning alone. Germanic compounds count by their head, "Weltkrieg" being a "Krieg", and for what
is allowed by their first part too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from minirag.lib.text.analysis import analyse, normalise
from minirag.lib.text.language_table import LANGUAGES

FIRST_PART_SHARE: Final = 0.75
"""What a word counts for that was found only as the first part of a compound."""

_MOST_TERMS = 6000  # a question has 32,000 characters at most
_MOST_COMPOUNDS = 1000
_SHORTEST_PART = 5
_REACH = 3  # words that may come between those of a topic
_COMPOUNDING = frozenset(row.code for row in LANGUAGES.values() if row.joins_words)
_JOINTS = re.compile(r"\s*[,;/&|]\s*|\s+(?:and|or|und|oder|et|ou|y|og|och)\s+", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“”„«»]([^\"“”„«»]{2,})[\"“”„«»]")
_LETTER_JOINT = re.compile(r"(?<![^\W\d_])([^\W\d_])[-‐‑](?=[^\W\d_])")
_WORD = re.compile(r"[^\W_]+")
_ENDINGS = re.compile(
    r"[bdfgklmnprtvz]?(?:s|es|ed|d|e|ing|ings|y|ies|ied|ion|ions|ation|ations|lation|lations|ment|ments|al|able)?"
)


@dataclass(frozen=True)
class Terms:
    """The words of a text that carry meaning, in order: stems, and for English the words themselves ("" elsewhere)."""

    language: str
    stems: tuple[str, ...]
    words: tuple[str, ...]
    places: dict[str, list[int]] = field(default_factory=dict, compare=False)

    def __len__(self) -> int:
        return len(self.stems)


@dataclass(frozen=True)
class Alternative:
    """One of the ways to name a topic: all of its words have to be there, together; those of a phrase in order."""

    terms: Terms
    is_phrase: bool


def read_terms(text: str, language: str, *, asked_in: str = "") -> Terms:
    """Take the words that carry meaning out of a text. `language` is an ISO 639-1 code.

    A word without meaning in the language that a question is `asked_in` is left out: German "war" (was) is not a war.
    """
    text = normalise(
        _LETTER_JOINT.sub(r"\1", text), language
    )  # "e-mail" and "email", "T-Shirt" and "Tshirt"
    pairs = []
    for word in _WORD.findall(text) if language == "en" else text.split():
        if not asked_in or asked_in == language or analyse(word, asked_in):
            pairs += [(stem, word if language == "en" else "") for stem in analyse(word, language)]
    return _make_terms(language, pairs[:_MOST_TERMS])


def _make_terms(language: str, pairs: Sequence[tuple[str, str]]) -> Terms:
    places: dict[str, list[int]] = {}
    for place, (stem, _) in enumerate(pairs):
        places.setdefault(stem, []).append(place)
    return Terms(
        language, tuple(stem for stem, _ in pairs), tuple(word for _, word in pairs), places
    )


@lru_cache(maxsize=8192)
def read_topic(topic: str, language: str) -> tuple[Alternative, ...]:
    """The alternatives of a topic as `language` has them; none for a topic without a word that carries meaning."""
    parts = [(phrase, True) for phrase in _QUOTED.findall(topic)]
    parts += [(part, False) for part in _JOINTS.split(_QUOTED.sub(",", topic))]
    found = [
        Alternative(_without_single_characters(read_terms(part, language)), quoted)
        for part, quoted in parts
    ]
    return tuple(each for each in found if len(each.terms))


def _without_single_characters(terms: Terms) -> Terms:
    """Scripts without spaces give characters and pairs of them: the pairs are what makes a topic."""
    pairs = [
        (stem, word)
        for stem, word in zip(terms.stems, terms.words, strict=True)
        if stem.isascii()
        or len(stem) > 1
        or not any(len(other) == 2 and stem in other for other in terms.stems)
    ]
    return _make_terms(terms.language, pairs)


def measure_topic(topic: str, texts: Iterable[Terms], *, by_first_part: bool = False) -> float:
    """How much of a topic the texts (one text, read in several languages) name: 1 is one alternative in whole.

    `by_first_part` lets a compound count by its first part as well ("Versandkosten" for "Versand"), for less.
    """
    return max(
        (
            _share(each, text, by_first_part)
            for text in texts
            for each in read_topic(topic, text.language)
        ),
        default=0.0,
    )


def _share(alternative: Alternative, text: Terms, by_first_part: bool) -> float:
    topic = alternative.terms
    places = [
        _find(stem, word, text, by_first_part)
        for stem, word in zip(topic.stems, topic.words, strict=True)
    ]
    share = sum(max(place.values(), default=0.0) for place in places) / len(topic)
    if alternative.is_phrase:
        return share if _in_order(places) else 0.0
    if len(topic) == 1 or not all(places) or _close(places):
        return share
    return min(share, (len(topic) - 1) / len(topic))


def _find(stem: str, word: str, text: Terms, by_first_part: bool) -> dict[int, float]:
    """The places in the text where a word of a topic occurs, with how much each counts."""
    found = {
        place: 1.0 for place in text.places.get(stem, ()) if is_same_word(word, text.words[place])
    }
    if found or text.language not in _COMPOUNDING or len(stem) < _SHORTEST_PART:
        return found
    for other in list(text.places)[:_MOST_COMPOUNDS]:
        if other.endswith(stem):
            found |= dict.fromkeys(text.places[other], 1.0)
        elif by_first_part and other.startswith(stem):
            found |= dict.fromkeys(text.places[other], FIRST_PART_SHARE)
    return found


@lru_cache(maxsize=20_000)
def is_same_word(word: str, other: str) -> bool:
    """Whether two words of one stem are forms of one word. Always so where the stem is all that is known."""
    if word == other or not word or not other:
        return True
    same = (one == two for one, two in zip(word, other, strict=False))
    start = next(
        (place for place, is_same in enumerate(same) if not is_same), min(len(word), len(other))
    )
    return all(_ENDINGS.fullmatch(each[start:]) is not None for each in (word, other))


def _in_order(places: Sequence[dict[int, float]]) -> bool:
    return any(
        all(start + offset in place for offset, place in enumerate(places)) for start in places[0]
    )


def _close(places: Sequence[dict[int, float]]) -> bool:
    """Whether all words are within a window of as many and `_REACH` more."""
    window = len(places) + _REACH
    return any(
        all(any(start <= place < start + window for place in each) for each in places)
        for start in {place for each in places for place in each}
    )
