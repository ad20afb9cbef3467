"""Whether two questions ask the same: word for word (`key_of`), or in other words (`asks_the_same`). Pure.

Vectors cannot tell "plan A" from "plan B", "open" from "closed" or "more" from "less": of the pairs in
`knowledge/tests/curated_pairs` many of the false ones have a cosine above .9, and many of the true ones one below .8.
So what is alike by its vector is compared by its words as well: what kind of thing is asked for, numbers, codes and
names in their order, negation, words that exclude each other, and every word with meaning of its own. What is left to
differ are words that every question could have, and other words for the same common thing.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import permutations
from typing import Final

from minirag.lib.asking.answer_types import read_question
from minirag.lib.text.analysis import analyse
from minirag.lib.text.language_table import LANGUAGES
from minirag.lib.text.small_talk import fold, read_small_talk

LONGEST_COMPARED: Final = 500
"""A question longer than this is like no other."""

_POLITE: Final = frozenset(
    (
        "please", "pls", "plz", "kindly", "bitte", "merci", "danke", "thanks", "thx", "svp", "prosim", "prosze",
        "alsjeblieft", "alstublieft",
    )
)  # fmt: skip
_POLITE_PHRASES: Final = tuple(
    f" {phrase} "
    for phrase in (
        "could you please tell me", "could you tell me", "can you tell me", "please tell me", "tell me",
        "i would like to know", "id like to know", "i want to know", "do you know", "may i ask", "i have a question",
        "konnen sie mir sagen", "konnt ihr mir sagen", "kannst du mir sagen", "ich mochte wissen",
        "ich wurde gerne wissen", "sagen sie mir", "sag mir", "ich habe eine frage",
        "s il vous plait", "sil vous plait", "s il te plait",
        "por favor", "per favore",
    )
)  # fmt: skip
# What is no punctuation: "C++" is not "C", and 5 % not 5 €.
_SYMBOL = re.compile(r"[#%&]")
_MINUS = re.compile(r"(?<!\w)[-−](?=\d)")


def key_of(question: str) -> str:
    """Equal for questions of the same words: case, punctuation, spaces, accents and politeness make no difference."""
    text = unicodedata.normalize("NFKC", question)
    rest = read_small_talk(text).rest or text
    spelled = _MINUS.sub(" minus ", rest)
    spelled = "".join(_spell(each) for each in spelled)
    folded = f" {fold(spelled)} "
    for phrase in _POLITE_PHRASES:
        folded = folded.replace(phrase, " ")
    words = [word for word in folded.split() if word not in _POLITE]
    plain = " ".join(words) or folded.strip() or text.strip()
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _spell(character: str) -> str:
    if _SYMBOL.match(character) or unicodedata.category(character) in ("Sc", "Sm"):
        return f" sign{ord(character):x} "
    return character


@dataclass(frozen=True)
class _Table:
    """What one language adds: words that say nothing of their own, words that exclude each other, and synonyms."""

    light: str = ""
    exclusive: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    whys: str = ""
    wheres: str = ""
    whos: str = ""
    whens: str = ""
    borders: str = ""
    """What makes a "when" a beginning or an end."""
    prices: str = ""
    times: str = ""
    """Words that say no more than that a price, or a time, is asked for."""
    directed: str = ""
    """Words around which order says who does what to whom: "from A to B" is not "from B to A"."""


_TABLES: Final = {
    "en": _Table(
        light="want wanted wish like possible possibly available located exactly actually currently just also get got"
        " know mean means meaning allowed may might find forgot work works much long many there could would",
        exclusive=(
            "on off", "in out", "up down", "before after", "more less fewer", "with without", "over under",
            "above below", "from to", "only also", "should can", "should may",
        ),
        same=("ship deliver", "phone telephone", "licence license", "buy purchase", "accept pay"),
        whys="why", wheres="where", whos="who whom whose", whens="when",
        borders="until till by since from", prices="cost price fee charge expensive",
        times="hours times time", directed="from to than without into if",
    ),
    "de": _Table(
        light="will möchte möchten gerne möglich genau eigentlich wissen heißt bedeutet habt haben gibt gibts viel hoch"
        " lange finde finden erlaubt dürfen",
        exclusive=(
            "an ab", "auf zu", "ein aus", "vor nach", "mehr weniger", "mit ohne", "über unter", "maximal mindestens",
            "nach aus", "muss kann", "muss darf", "müssen können", "müssen dürfen",
        ),
        same=("zahlen bezahlen", "liefern liefert"),
        whys="warum wieso weshalb", wheres="wo wohin woher", whos="wer wem wen wessen", whens="wann",
        borders="bis ab seit",
        prices="kosten kostet preis teuer", directed="von nach zu als ohne in wenn",
    ),
    "fr": _Table(exclusive=("avant après", "avec sans", "plus moins")),
}  # fmt: skip
_NOTHING: Final = _Table()
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


@dataclass(frozen=True)
class _Frame:
    """A question as it is compared."""

    words: tuple[str, ...]
    """Folded, in their order."""
    terms: tuple[str, ...]
    """The same as terms, stop words as they are."""
    labels: frozenset[str]
    """Those of numbers, codes, single letters and names."""
    asks: frozenset[str]
    is_negative: bool
    own: frozenset[str]
    """Terms with meaning of their own."""


def asks_the_same(question: str, other: str, language: str) -> bool:
    """Whether two questions that are alike in meaning agree in every word that could make a difference."""
    if max(len(question), len(other)) > LONGEST_COMPARED:
        return False
    one, two = _frame(question, language), _frame(other, language)
    return (
        one.asks == two.asks
        and one.is_negative == two.is_negative
        and not _excludes(one, two, language)
        and _agrees_on_labels(one, two)
        and _agrees_on_words(one.own, two.own)
        and _agrees_on_order(one, two, language)
        and bool(one.own or one.labels)
    )


def _frame(question: str, language: str) -> _Frame:
    table = _TABLES.get(language, _NOTHING)
    raw = _WORD.findall(question)
    words = tuple(fold(word) for word in raw)
    asked = read_question(question, language)
    kind = asked.kind.value if asked.kind else ""
    negations = LANGUAGES[language].negations if language in LANGUAGES else []
    lowered = [word.casefold().replace("’", "'") for word in raw]
    said = {"price": table.prices, "time": table.times}.get(kind, "")
    asking = [table.whys, table.wheres, table.whos, table.whens]
    dropped = _terms(" ".join([table.light, *asking, said, *negations]), language)
    own = frozenset(_same_names(language).get(term, term) for term in analyse(question, language))
    terms = tuple("".join(analyse(word, language)[-1:]) or fold(word) for word in raw)
    return _Frame(
        words, terms, frozenset(_labels(raw, terms, language)), frozenset({kind, *_asks(words, kind, table)}),
        any(word in negations for word in lowered), own - dropped,
    )  # fmt: skip


def _asks(words: Iterable[str], kind: str, table: _Table) -> Iterable[str]:
    """What is asked for beside that kind: "why does it cost so much" is about a price too."""
    said = set(words)
    for name, asking in (
        ("place", table.wheres), ("reason", table.whys), ("person", table.whos), ("time", table.whens),
    ):  # fmt: skip
        if name != kind and said & {fold(each) for each in asking.split()}:
            yield name
    if kind == "time" and said & {fold(each) for each in table.borders.split()}:
        yield "border"


@cache
def _terms(words: str, language: str) -> frozenset[str]:
    return frozenset(analyse(words, language))


@cache
def _same_names(language: str) -> dict[str, str]:
    """One term for each of several words for the same."""
    named: dict[str, str] = {}
    for group in _TABLES.get(language, _NOTHING).same:
        terms = [term for word in group.split() for term in analyse(word, language)]
        named |= dict.fromkeys(terms, terms[0])
    return named


def _labels(raw: Sequence[str], terms: Sequence[str], language: str) -> Iterable[str]:
    """German writes every noun with a capital: there they all have to stand in both, in their order."""
    common = LANGUAGES[language].stop_words if language in LANGUAGES else frozenset[str]()
    for at, (word, term) in enumerate(zip(raw, terms, strict=True)):
        has_digit = any(character.isdigit() for character in word)
        is_name = at > 0 and word[0].isupper() and (word.casefold() not in common or len(word) == 1)
        if has_digit or (is_name and word != "I"):
            yield term


def _agrees_on_labels(one: _Frame, two: _Frame) -> bool:
    """What either names the other has as well, in the same order; people write names in lower case."""
    named = one.labels | two.labels
    first = dict.fromkeys(term for term in one.terms if term in named)
    second = dict.fromkeys(term for term in two.terms if term in named)
    return list(first) == list(second)


def _excludes(one: _Frame, two: _Frame, language: str) -> bool:
    mine, theirs = set(one.words), set(two.words)
    for group in _TABLES.get(language, _NOTHING).exclusive:
        members = {fold(each) for each in group.split()}
        if (mine & members) and (theirs & members) and (mine & members) != (theirs & members):
            return True
    return False


def _agrees_on_words(one: frozenset[str], two: frozenset[str]) -> bool:
    left, right = one - two, two - one
    return left == right or _joins(left, right) or _joins(right, left)


def _agrees_on_order(one: _Frame, two: _Frame, language: str) -> bool:
    """Where a word in both gives a direction, what they have in common stands in the same order in both."""
    directed = {fold(word) for word in _TABLES.get(language, _NOTHING).directed.split()}
    if not directed & set(one.words) & set(two.words):
        return True
    common = one.own & two.own
    first = dict.fromkeys(term for term in one.terms if term in common)
    second = dict.fromkeys(term for term in two.terms if term in common)
    return list(first) == list(second)


def _joins(whole: frozenset[str], parts: frozenset[str]) -> bool:
    """ "zurückgeben" and "gebe … zurück": the only difference is that a word is written in two."""
    if len(whole) != 1 or len(parts) != 2:
        return False
    return any("".join(order) in whole for order in permutations(parts))


def names_the_same(question: str, other: str, language: str) -> bool:
    """Whether two questions are about the same thing as far as numbers, codes and names tell, and no more."""
    (mine, said), (theirs, also) = _names(question, language), _names(other, language)
    return mine <= also and theirs <= said


@lru_cache(maxsize=20_000)
def _names(question: str, language: str) -> tuple[frozenset[str], frozenset[str]]:
    """What a question names, and all its terms. German nouns have a capital too, so there only codes are names."""
    raw = _WORD.findall(question)
    terms = ["".join(analyse(word, language)[-1:]) or fold(word) for word in raw]
    labels = frozenset(_labels(raw, terms, language))
    if language == "de":
        labels = frozenset(
            term
            for word, term in zip(raw, terms, strict=True)
            if term in labels and (len(word) == 1 or any(each.isdigit() for each in word))
        )
    return labels, frozenset(terms)
