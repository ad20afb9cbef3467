"""Tells small talk from questions: greetings, thanks, a wish for a person, an insult, an emoji, noise. Pure.

A text is small talk where phrases of one language cover all of it, so "who are you" is and "who are your suppliers"
is not. The phrases stand in `minirag/locale`, one file for each language that we speak. Spelling is forgiven as far as
it is no other word: accents, capitals, repeated letters, two letters in the wrong order.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, lru_cache
from typing import Final, TypeVar

from minirag.lib.text.gibberish import is_gibberish, is_laughter, is_smiley, is_without_words
from minirag.lib.text.language_table import LANGUAGES
from minirag.lib.text.languages import script_of
from minirag.lib.text.phrases import SPOKEN
from minirag.lib.text.short_texts import small_talk_in

_K = TypeVar("_K")


class Kind(StrEnum):
    GREETING = "greeting"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    IDENTITY = "identity"
    """Who are you?"""
    ABILITY = "ability"
    """What can you do?"""
    PERSON = "person"
    """Can I talk to a person?"""
    INSULT = "insult"
    EMOJI = "emoji"
    NOISE = "noise"


@dataclass(frozen=True)
class SmallTalk:
    """How a text was read; without a `kind` it is a question, and `rest` is that without greeting and thanks."""

    kind: Kind | None
    rest: str
    languages: tuple[str, ...] = ()
    """In which it was understood, the likeliest first."""


@dataclass(frozen=True)
class _Book:
    """The phrases of all languages as tuples of folded words."""

    phrases: dict[str, dict[tuple[str, ...], frozenset[str]]] = field(default_factory=dict)
    """By language: the columns that a phrase stands in."""
    holders: dict[str, frozenset[str]] = field(default_factory=dict)
    """By word: the languages that have a phrase with it."""


@dataclass(frozen=True)
class _Reading:
    """How a text is small talk in one language; the fewer phrases, the surer."""

    language: str
    kind: Kind
    phrases: int
    columns: frozenset[str]


_STRONGEST: Final = (
    Kind.INSULT, Kind.PERSON, Kind.IDENTITY, Kind.ABILITY, Kind.GOODBYE, Kind.THANKS, Kind.GREETING,
)  # fmt: skip
_DENSE: Final = ("zh", "ja", "ko")
_DENSE_SCRIPTS: Final = frozenset(LANGUAGES[language].script for language in _DENSE)
_LONGEST_TEXT, _MOST_WORDS, _LONGEST_PHRASE = 200, 16, 8
_DENSITY: Final = 4  # characters for a word
_MARKS = re.compile("[\u0300-\u036f\u064b-\u065f\u0670\u0640\u200b-\u200f\ufe0f\u00ad]")
_LETTERS: Final = str.maketrans(
    {
        "ı": "i", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ħ": "h",
        "أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه",
    }
)  # fmt: skip
_TWO_LETTERS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_APOSTROPHES = re.compile("['’‘`´ʼ]")
_NO_ASCII_WORD = re.compile(r"[^a-z0-9]+")
_WORD = re.compile(r"\w+(?:['’‘`´ʼ]\w*)*")
_BREAK = re.compile(r"[.,!?;:…\n·–—。，！？；：、،؟؛।|()]+|\s-+\s")
_LONG_RUN = re.compile(r"(.)\1{2,}")
_RUN = re.compile(r"(.)\1+")


def fold(text: str) -> str:
    """A text as phrases are compared: without case, accents, apostrophes and what is not a word."""
    if text.isascii():
        return _NO_ASCII_WORD.sub(" ", text.lower().replace("'", "").replace("`", "")).strip()
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_LETTERS)
    plain = unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", plain)))
    plain = _APOSTROPHES.sub("", plain)
    kept = [c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in plain]
    return " ".join("".join(kept).split())


@cache
def _book() -> _Book:
    book = _Book()
    alike: dict[frozenset[str], frozenset[str]] = {}

    def add(sets: dict[_K, frozenset[str]], key: _K, member: str) -> None:
        grown = sets.get(key, frozenset()) | {member}
        # Thousands of sets, few of them different: each is kept once, as is each word.
        sets[key] = alike.setdefault(grown, grown)

    for language in SPOKEN:
        found = book.phrases.setdefault(language, {})
        for column, phrases in small_talk_in(language).items():
            for phrase in phrases:
                spellings = {fold(each) for each in {phrase, phrase.translate(_TWO_LETTERS)}}
                for spelling in spellings:
                    words = tuple(sys.intern(word) for word in _split(spelling, language))
                    add(found, words, column)
                    for word in words:
                        add(book.holders, word, language)
    return book


def _split(folded: str, language: str) -> list[str]:
    """Words; languages that are careless about spaces give their characters."""
    return list(folded.replace(" ", "")) if language in _DENSE else folded.split()


def read_small_talk(text: str, languages: Sequence[str] = ()) -> SmallTalk:
    """What kind of small talk a text is, if any, without regard to what the conversation was about.

    `languages` are those to expect (the chat's, the browser's, the sources'), the likeliest first. With them, a single
    word of another language is believed only where it cannot be missed: "toll" thanks nobody on an English site.
    NOISE is a guess from letters alone: a caller whose index has the word (a part's name) knows better.
    """
    text = text.strip()
    is_short = len(text) <= _LONGEST_TEXT
    folded = fold(text) if is_short else ""
    if is_without_words(text) or is_laughter(folded):
        has_feeling = is_smiley(text) or is_laughter(folded)
        return SmallTalk(Kind.EMOJI if has_feeling else Kind.NOISE, "", tuple(languages[:1]))
    if readings := _read(folded, languages):
        best = readings[0]
        alike = dict.fromkeys(each.language for each in readings if each.kind == best.kind)
        return SmallTalk(best.kind, "", tuple(alike))
    if is_gibberish(folded):
        return SmallTalk(Kind.NOISE, "", tuple(languages[:1]))
    return SmallTalk(None, _strip(text, languages))


def _read(folded: str, expected: Sequence[str]) -> list[_Reading]:
    """Every language's reading of a whole folded text as small talk, the best first."""
    if not folded or len(folded) > _LONGEST_TEXT:
        return []
    found: list[_Reading] = []
    mended: list[dict[str, str]] = []
    possible = set(SPOKEN).difference(_DENSE)
    for word in folded.split()[: _MOST_WORDS + 1]:
        mended.append(_mend(word))
        possible &= mended[-1].keys()
        if not possible or len(mended) > _MOST_WORDS:
            possible.clear()
            break
    for language in possible:
        found += _cover([holders[language] for holders in mended], language, expected)
    if not folded.isascii() and any(script_of(c) in _DENSE_SCRIPTS for c in folded):
        for language in _DENSE:
            found += _cover(_split(folded, language), language, expected)
    order = [*expected, *SPOKEN]

    def likelihood(each: _Reading) -> tuple[int, ...]:
        said = len(each.columns - {"along"})
        return each.phrases, order.index(each.language), said, _STRONGEST.index(each.kind)

    return sorted(found, key=likelihood)


@lru_cache(maxsize=4096)
def _mend(word: str) -> dict[str, str]:
    """By language: the word of its phrases that this one is, or was meant to be."""
    holders = _book().holders
    tries = [_LONG_RUN.sub(r"\1\1", word), _LONG_RUN.sub(r"\1", word), _RUN.sub(r"\1", word)]
    if len(word) > 4:
        tries += [word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1)]
    found: dict[str, str] = dict.fromkeys(holders.get(word, ()), word)
    for each in tries:
        if each in holders:
            found = dict.fromkeys(holders[each], each) | found
    return found


def _cover(words: list[str], language: str, expected: Sequence[str]) -> list[_Reading]:
    """The ways in which phrases of a language cover all the words."""
    density = _DENSITY if language in _DENSE else 1
    phrases = _book().phrases[language]
    # By columns: how few phrases reach this place.
    reached: list[dict[frozenset[str], int]] = [{} for _ in range(len(words) + 1)]
    reached[0][frozenset()] = 0
    for start in range(len(words)):
        if not reached[start]:
            continue
        for end in range(start + 1, min(len(words), start + _LONGEST_PHRASE * density) + 1):
            phrase = tuple(words[start:end])
            for column in phrases.get(phrase, ()):
                if len(words) == 1 and not _is_believed(phrase[0], column, language, expected):
                    continue
                for before, count in reached[start].items():
                    columns = before | {column}
                    if count + 1 < reached[end].get(columns, 99):
                        reached[end][columns] = count + 1
    return [
        _Reading(language, kind, count, columns)
        for columns, count in reached[-1].items()
        if (kind := _kind_of(columns))
    ]


def _is_believed(word: str, column: str, language: str, expected: Sequence[str]) -> bool:
    if not expected or language in expected or language in _DENSE:
        return True
    is_plain = column in ("greeting", "thanks", "goodbye")
    return is_plain and (language == "en" or len(word) > 3)


def _kind_of(columns: frozenset[str]) -> Kind | None:
    """The strongest kind; a wish to reach somebody needs both its halves."""
    if {"reach", "people"} <= columns:
        return Kind.PERSON
    if columns & {"reach", "people"}:
        return None
    kinds = {"thanks" if column == "agreed" else column for column in columns}
    return next((kind for kind in _STRONGEST if kind in kinds), None)


def _strip(text: str, expected: Sequence[str]) -> str:
    """A question without the greeting before it and the thanks behind it."""
    start, end = 0, len(text)
    for mark in _BREAK.finditer(text, 0, _LONGEST_TEXT):
        is_last = not fold(text[mark.end() : mark.end() + _LONGEST_TEXT])
        if is_last or not _is_courtesy(text[start : mark.start()], expected, Kind.ABILITY):
            break
        start = mark.end()
    for mark in reversed(list(_BREAK.finditer(text, max(start, end - _LONGEST_TEXT)))):
        tail = text[mark.end() : end]
        if fold(tail) and not _is_courtesy(tail, expected, Kind.GOODBYE):
            break
        end = mark.end()  # its own marks belong to the question
    rest = text[start:end].strip()
    return rest if start else _strip_unmarked(rest, expected)


def _is_courtesy(piece: str, expected: Sequence[str], *more: Kind) -> bool:
    readings = _read(fold(piece), expected)
    return bool(readings) and readings[0].kind in (Kind.GREETING, Kind.THANKS, *more)


def _strip_unmarked(text: str, expected: Sequence[str]) -> str:
    """Drop a greeting that no mark divides from the question, where what follows begins as a question does."""
    words = list(_WORD.finditer(text, 0, _LONGEST_TEXT))
    heads = []
    for count in range(1, min(6, len(words))):
        read = _read(fold(text[: words[count - 1].end()]), expected)
        if greetings := [each for each in read if each.kind is Kind.GREETING]:
            has_company = all(each.columns != {"greeting"} for each in greetings)
            order = count if has_company else -count
            heads.append((has_company, order, words[count], greetings))
    # The longest greeting first, then the shortest one that takes other words along ("hallo zusammen").
    for _, _, following, greetings in sorted(heads, key=lambda head: head[:2]):
        if any(_begins_question(following.group(), each.language) for each in greetings):
            return text[following.start() :].strip()
    return text


def _begins_question(word: str, language: str) -> bool:
    known = LANGUAGES[language].stop_words
    if language in _DENSE:
        return script_of(word[0]) in _DENSE_SCRIPTS
    return word.casefold() in known or fold(word) in known
