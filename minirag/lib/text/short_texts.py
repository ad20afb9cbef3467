"""Which language a few words are in: by the words themselves where they say it, else by what was to be expected.

A question of two words holds too little for function words to vote. Here its letters speak, three by three, as often
as they come in the words that we know of each language (function words, small talk, what we say ourselves), and the
hints weigh against them: the less a text says, the more they count.
"""

from __future__ import annotations

import math
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from minirag.lib.text.language_table import LANGUAGES
from minirag.lib.text.languages import (
    DEFAULT_LANGUAGE,
    ENGLISH_TOO,
    LANGUAGE_OF_SCRIPT,
    detect_language,
    main_script,
)
from minirag.lib.text.phrases import CATALOGUES, SPOKEN
from minirag.lib.text.stopwords import STOP_WORDS

_MOST_WORDS: Final = 12
"""From here on function words alone are right."""
_LONGEST_WORD: Final = 24
# Logarithms of odds. Tuned on the messages of Django and its packages, not on what docs/retrieval.md reports.
_HINTS: Final = (4.0, 3.2, 2.8)
_STRANGENESS: Final = 1.0
_FOREIGN_LETTER: Final = 3.0
_FUNCTION_WORD, _KNOWN_WORD, _DOUBTFUL_WORD = 3.3, 1.0, 0.6
_LETTER_WEIGHT: Final = 0.4
_NOUN: Final = 1.5
# A capital inside a word makes it a name ("iPhone", "WiFi").
_NAME = re.compile(r"(?<!\w)[^\W\d_]*[a-z][A-Z]\w*")
_WORD = re.compile(r"(?<!\w)[^\W\d_]+(?!\w)")
# German writes every noun large, also after a word that is written small; others only names.
_GERMAN_NOUN = re.compile(r"(?<=[a-zäöüß] )[A-ZÄÖÜ][a-zäöüß]{3,}(?!\w)")


@dataclass(frozen=True)
class _Model:
    """What is known of the words of the languages of one script."""

    languages: tuple[str, ...]
    letters: dict[str, tuple[float, ...]]
    """By three letters: for each language, the logarithm of their share beside that of the rarest."""
    unseen: tuple[float, ...]
    words: dict[str, tuple[float, ...]]
    alphabets: tuple[frozenset[str], ...]


def small_talk_in(language: str) -> dict[str, list[str]]:
    """What visitors write in a language that we speak when they ask nothing, by column of its file."""
    file = CATALOGUES / language / "small_talk.toml"
    return {
        column: [" ".join(phrase.split()) for phrase in listed.split(",")]
        for column, listed in tomllib.loads(file.read_text()).items()
    }


def decide_language(text: str, hints: Iterable[str] = ()) -> str:
    """The ISO 639-1 code of a question's language.

    `hints` are languages to expect, the likeliest first: the chat's so far, the browser's or widget's, the sources'.
    They may be tags ("de-AT"); unknown ones are passed over. A text that says its language itself overrules them.
    """
    expected = _read_hints(hints)
    sample = unicodedata.normalize("NFKC", text[:1000])
    script = main_script(sample.lower())
    if script is None:
        return expected[0] if expected else DEFAULT_LANGUAGE
    words = [word[:_LONGEST_WORD] for word in _WORD.findall(_NAME.sub(" ", sample).lower())]
    fitting = [code for code in expected if _is_written_in(code, script)]
    if script not in ("latin", "cyrillic", "arabic"):
        return fitting[0] if fitting else detect_language(text)
    if not words:
        return fitting[0] if fitting else LANGUAGE_OF_SCRIPT[script]
    if len(words) > _MOST_WORDS:
        return detect_language(text)
    nouns = _NOUN if _GERMAN_NOUN.search(sample) else 0.0
    return _judge(words, script, fitting, detect_language(text), nouns)


def _read_hints(hints: Iterable[str]) -> list[str]:
    codes = [re.split("[-_]", hint.strip().lower())[0] for hint in hints]
    return list(dict.fromkeys(code for code in codes if code in LANGUAGES))


def _is_written_in(language: str, script: str) -> bool:
    """Japanese may be written in Han alone."""
    own = LANGUAGES[language].script
    return own == script or (own == "kana" and script == "han")


def _judge(
    words: Sequence[str], script: str, expected: Sequence[str], voted: str, nouns: float
) -> str:
    model = _model(script)
    scores = {
        language: sum(points)
        for language, points in zip(
            model.languages,
            zip(*(_score(word, script) for word in words), strict=True),
            strict=True,
        )
    }
    if "de" in scores:
        scores["de"] += nouns
    # Of a language that we know by its function words only, no more can be said than that it may be.
    strangers = dict.fromkeys(expected, max(scores.values()) - _STRANGENESS)
    scores = strangers | scores
    for language, weight in zip(expected or [LANGUAGE_OF_SCRIPT[script]], _HINTS, strict=False):
        scores[language] += weight
    best = max(scores, key=lambda language: scores[language])
    if voted in model.languages or best in expected:
        return voted if voted in strangers and voted not in model.languages else best
    return voted if len(words) > 3 or voted in expected else best


@lru_cache(maxsize=4096)
def _score(word: str, script: str) -> list[float]:
    """For each language, how well a word fits; a letter alone may be part of a code ("E-310"). Only to be read."""
    model = _model(script)
    if len(word) == 1:
        return [0.2 * points for points in model.words.get(word, (0.0,) * len(model.languages))]
    pieces = [model.letters.get(piece, model.unseen) for piece in _cut(word)]
    known = model.words.get(word, (0.0,) * len(model.languages))
    foreign = [letter for letter in set(word) if not letter.isascii()]
    return [
        _LETTER_WEIGHT * sum(points)
        + bonus
        - _FOREIGN_LETTER * sum(letter not in alphabet for letter in foreign)
        for points, bonus, alphabet in zip(
            zip(*pieces, strict=True), known, model.alphabets, strict=True
        )
    ]


def _cut(word: str) -> list[str]:
    framed = f" {word} "
    return [framed[at : at + 3] for at in range(len(framed) - 2)]


class _Shared:
    """Keeps one of rows that are alike, and of their figures: there are thousands, few of them different."""

    def __init__(self) -> None:
        self._rows: dict[tuple[float, ...], tuple[float, ...]] = {}
        self._figures: dict[float, float] = {}

    def row(self, figures: Iterable[float]) -> tuple[float, ...]:
        keep = self._figures.setdefault
        row = tuple(keep(figure, figure) for figure in figures)
        return self._rows.setdefault(row, row)


@cache
def _model(script: str) -> _Model:
    languages = tuple(code for code in SPOKEN if LANGUAGES[code].script == script)
    counts = [_count(code) for code in languages]
    pieces = set().union(*counts)
    totals = [sum(each.values()) + 0.5 * len(pieces) for each in counts]
    shared = _Shared()
    letters = {
        piece: shared.row(
            math.log((each[piece] + 0.5) / total)
            for each, total in zip(counts, totals, strict=True)
        )
        for piece in pieces
    }
    words: dict[str, list[float]] = {}
    for at, code in enumerate(languages):
        told = dict.fromkeys(_words_of(code), _KNOWN_WORD)
        told |= dict.fromkeys(STOP_WORDS.get(code, ()), _FUNCTION_WORD)
        if code != DEFAULT_LANGUAGE:
            told |= dict.fromkeys(told.keys() & ENGLISH_TOO, _DOUBTFUL_WORD)
        for word, points in told.items():
            words.setdefault(word, [0.0] * len(languages))[at] = points
    return _Model(
        languages,
        letters,
        tuple(math.log(0.5 / total) for total in totals),
        {word: shared.row(points) for word, points in words.items()},
        tuple(frozenset("".join(each)) for each in counts),
    )


def _words_of(language: str) -> set[str]:
    said = [str(text) for text in vars(SPOKEN[language]).values()]
    said += [phrase for column in small_talk_in(language).values() for phrase in column]
    return set(_WORD.findall(unicodedata.normalize("NFKC", " ".join(said)).lower()))


def _count(language: str) -> Counter[str]:
    words = _words_of(language) | STOP_WORDS.get(language, frozenset())
    return Counter(piece for word in words for piece in _cut(word))
