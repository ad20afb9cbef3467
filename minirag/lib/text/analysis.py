"""From text to index terms. The same function analyses documents and questions, so both always agree.

A term is a lower-case word without stop words, stemmed by Snowball for its language and with Latin accents folded.
Scripts that are written without spaces give characters and pairs of neighbours instead of words. A code such as
"AX-200" gives its parts and itself without the joints ("ax", "200", "ax200"), a number its canonical form.
"""

from __future__ import annotations

import re
import sys
import threading
import unicodedata
import zlib
from collections import Counter
from functools import cache, lru_cache
from itertools import chain, pairwise
from typing import Final

import Stemmer

from minirag.lib.remembering import Remembered
from minirag.lib.starting.patterns import compile_later
from minirag.lib.text.language_table import LANGUAGES
from minirag.lib.text.languages import (
    LANGUAGE_OF_SCRIPT,
    script_of,
    script_of_language,
)

__all__ = ["TERM_DIMENSION", "analyse", "analyse_words", "list_words", "tally", "term_id"]

TERM_DIMENSION: Final = 1_000_000_000
"""The dimension of the sparse vectors that hold term ids (pgvector's largest)."""

_LONGEST_TERM: Final = 64
_MOST_REMEMBERED: Final = 30_000  # words of a language, and twice as many tokens
# Letters that carry no separable mark and still are one with a plain letter for people who type without accents.
_PLAIN_LETTERS: Final = str.maketrans(
    {
        "ı": "i",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "æ": "ae",
        "œ": "oe",
        "ß": "ss",
        "þ": "th",
        "ё": "е",
    }
)
# Invisible joiners, soft hyphens, Arabic vowel marks and tatweel, Hebrew points: absent from what people type.
_INVISIBLE: Final = dict.fromkeys(
    [
        0x00AD,
        0x0640,
        0x0670,
        0xFEFF,
        *range(0x200B, 0x2010),
        *range(0x064B, 0x0660),
        *range(0x0591, 0x05BE),
    ]
)


@cache
def _marks() -> str:
    """A regular expression's character class body of every combining mark (which Python's \\w leaves out)."""
    codes = [
        code for code in range(0x300, 0x1E950) if unicodedata.category(chr(code)) in ("Mn", "Mc")
    ]
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


# Written without spaces: Thai to Burmese, Khmer, kana and Han, Hangul (spaced, but inflected by suffixes).
DENSE: Final = (
    r"\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\U00020000-\U0003134f"
)
_WORD = compile_later(lambda: rf"[^\W_{DENSE}]+(?:[{_marks()}]+[^\W_{DENSE}]*)*")
_DENSE_RUN = compile_later(lambda: rf"(?:(?!_)[{DENSE}][{_marks()}]*)+")
_DENSE_UNIT = compile_later(lambda: rf"[^{_marks()}][{_marks()}]*|[{_marks()}]+")
_EDGES: Final = "".join(sign for sign in map(chr, range(128)) if not sign.isalnum())
_ASCII_WORD = re.compile(r"[a-z0-9]+")
# Two to six parts joined without spaces: part numbers, versions, dates, amounts. Every repetition is bounded, so that
# a megabyte without a space costs no more than a megabyte of prose.
_PART: Final = r"[^\W_]{1,24}"
_CODE = compile_later(
    rf"(?<![^\W_])(?:\d{{1,15}}(?:[.,]\d{{1,15}}){{1,5}}|{_PART}(?:[-_./:]{_PART}){{1,5}})(?![^\W_])"
)
_NUMBER = re.compile(r"[\d.,]+")
_THOUSANDS = re.compile(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*(?:[.,]\d{1,2})?")
_JOINTS: Final = str.maketrans("", "", "-_./:")
_DIGIT = re.compile(r"\d")
# What codes and numbers stand in: no code goes across a space. Possessive, so that a megabyte is read once.
_RUN_WITH_DIGIT = re.compile(r"(?<!\S)[^\s\d]*+\d\S*+")

_local = threading.local()


def _stemmer(algorithm: str) -> Stemmer.Stemmer:
    """This thread's stemmer: PyStemmer objects must not be shared between threads."""
    stemmers: dict[str, Stemmer.Stemmer] = _local.__dict__.setdefault("stemmers", {})
    if algorithm not in stemmers:
        stemmers[algorithm] = Stemmer.Stemmer(algorithm, 0)
    return stemmers[algorithm]


def _fold_accents(word: str) -> str:
    """Latin and Greek letters without their marks; in other scripts only stress marks and the dots of ё go."""
    if word.isascii():
        return word
    plain = word.translate(_PLAIN_LETTERS)
    if plain.isascii():
        return plain
    if script_of(plain[0]) in ("latin", "greek"):
        return "".join(
            c for c in unicodedata.normalize("NFD", plain) if not unicodedata.combining(c)
        )
    return plain.replace("\u0301", "")


@lru_cache(maxsize=64)
def _stop_words(language: str) -> frozenset[str]:
    words = LANGUAGES[language].stop_words if language in LANGUAGES else frozenset()
    return words | {_fold_accents(word) for word in words}


def _term(word: str, language: str) -> str:
    """The index term of a lower-case word, "" for a stop word."""
    script = script_of(word[0])
    if script is not None and script != script_of_language(language):
        # A name in another script is analysed alike in every document that mentions it.
        language = LANGUAGE_OF_SCRIPT[script]
    if word in _stop_words(language):
        return ""
    algorithm = LANGUAGES[language].stemmer if language in LANGUAGES else ""
    if algorithm and len(word) <= _LONGEST_TERM and not word.isdigit():
        word = _stemmer(algorithm).stemWord(word)
    return sys.intern(_fold_accents(word)[:_LONGEST_TERM])


class _Terms(Remembered[str, str]):
    """The terms of one language's words, found once each: text says the same words again and again."""

    def __init__(self, language: str) -> None:
        super().__init__(_MOST_REMEMBERED)
        self._language = language

    def __missing__(self, word: str) -> str:
        term = _term(word, self._language)
        if len(word) <= _LONGEST_TERM:
            self[word] = term
        return term


@lru_cache(maxsize=8)
def _terms_of(language: str) -> _Terms:
    return _Terms(language)


@lru_cache(maxsize=20_000)
def _code_term(code: str) -> str:
    """One term for a joined code or number, "" when it has no digit (then its words are enough)."""
    if not _DIGIT.search(code):
        return ""
    if not _NUMBER.fullmatch(code):
        return _fold_accents(code.translate(_JOINTS))[:_LONGEST_TERM]
    if _THOUSANDS.fullmatch(code):
        code = re.sub(r"[.,](?=\d{3})", "", code)
    return code.replace(",", ".").removesuffix(".00")


def _dense_terms(run: str) -> list[str]:
    units = _DENSE_UNIT.findall(run)
    return units + [first + second for first, second in pairwise(units)]


def normalise(text: str, language: str) -> str:
    """Compatibility forms unified, lower case, invisible characters gone: what terms are cut from."""
    if text.isascii():
        return text.lower()
    if language == "tr":
        text = text.replace("I", "ı").replace("İ", "i")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return folded.translate(_INVISIBLE)


def analyse(text: str, language: str) -> list[str]:
    """The index terms of `text` with repetitions (a term's count is its frequency). Never raises, on any string.

    `language` is an ISO 639-1 code; unknown ones are indexed without stemming. Words come in their order, then the
    terms of scripts without spaces, then whole codes and numbers.
    """
    text = normalise(text, language)
    if text.isascii():
        words = _ASCII_WORD.findall(text)
        runs = []
    else:
        words = _WORD.findall(text)
        runs = _DENSE_RUN.findall(text)
    terms_of = _terms_of(language)
    terms = [term for word in words if (term := terms_of[word])]
    for run in runs:
        terms.extend(_dense_terms(run))
    if _DIGIT.search(text):
        runs = _RUN_WITH_DIGIT.findall(text)
        codes = (code for run in runs for code in _CODE.findall(run))
        terms.extend(term for code in codes if (term := _code_term(code)))
    return terms


class _Tokens(Remembered[str, tuple[str, ...]]):
    """The terms of what stands between two blanks, found once each."""

    def __init__(self, language: str) -> None:
        super().__init__(2 * _MOST_REMEMBERED)
        self._language = language

    def __missing__(self, token: str) -> tuple[str, ...]:
        terms: tuple[str, ...]
        word = token.strip(_EDGES).lower() if token.isascii() else ""
        if word.isalnum():  # as most are
            term = _terms_of(self._language)[word]
            terms = (term,) if term else ()
        else:
            terms = tuple(analyse(token, self._language))
        if len(token) <= _LONGEST_TERM:
            self[token] = terms
        return terms


@lru_cache(maxsize=8)
def _tokens_of(language: str) -> _Tokens:
    return _Tokens(language)


def tally(text: str, language: str) -> dict[str, int]:
    """How often each term of `analyse` occurs in a text, in a quarter of the time.

    No word, run or code goes across a blank, so what stands between two of them is analysed once for all texts.
    """
    if language == "tr" and not text.isascii():
        # There a capital I is what the whole text makes of it.
        return Counter(analyse(text, language))
    return Counter(chain.from_iterable(map(_tokens_of(language).__getitem__, text.split())))


def list_words(text: str, language: str) -> list[str]:
    """The terms of the words of `text` in their order, without stop words: those of `analyse_words`."""
    terms_of = _terms_of(language)
    return [term for word in _find_words(text, language) if (term := terms_of[word])]


def analyse_words(text: str, language: str) -> list[tuple[str, str]]:
    """Each word of `text`, lower case and without accents, with its term, "" for a stop word.

    Scripts without spaces are left out. The same text in two languages can so be compared word by word.
    """
    terms_of = _terms_of(language)
    words = _find_words(text, language)
    return [(_fold_accents(word)[:_LONGEST_TERM], terms_of[word]) for word in words]


def _find_words(text: str, language: str) -> list[str]:
    text = normalise(text, language)
    return (_ASCII_WORD if text.isascii() else _WORD).findall(text)


def term_id(term: str) -> int:
    """The term's index in a sparse vector, from 1 to TERM_DIMENSION - 61: stable across processes and versions."""
    return zlib.crc32(term.encode("utf-8", "surrogatepass")) % 999_999_937 + 1
