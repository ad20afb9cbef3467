"""Which language a text is written in: by its script first, by its function words where many languages share one.

Answers are ISO 639-1 codes. Nothing here is statistical or learnt: a script that only one language uses decides at
once; otherwise every function word votes for the languages that have it, the more the fewer they are, and letters
that only some languages write vote as well.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import Final

from minirag.lib.text.language_table import LANGUAGES
from minirag.lib.text.stopwords import STOP_WORDS

DEFAULT_LANGUAGE: Final = "en"
_SAMPLE_CHARACTERS: Final = 4000

# (first code point, one past the last, script); everything between two rows is of no script that matters here.
_RANGES: Final = (
    (0x0041, 0x005B, "latin"), (0x0061, 0x007B, "latin"), (0x00C0, 0x0250, "latin"), (0x0370, 0x0400, "greek"),
    (0x0400, 0x0530, "cyrillic"), (0x0531, 0x0590, "armenian"), (0x0591, 0x0600, "hebrew"),
    (0x0600, 0x0700, "arabic"), (0x0750, 0x0780, "arabic"), (0x08A0, 0x0900, "arabic"),
    (0x0900, 0x0980, "devanagari"), (0x0980, 0x0A00, "bengali"), (0x0A00, 0x0A80, "gurmukhi"),
    (0x0A80, 0x0B00, "gujarati"), (0x0B80, 0x0C00, "tamil"), (0x0C00, 0x0C80, "telugu"),
    (0x0C80, 0x0D00, "kannada"), (0x0D00, 0x0D80, "malayalam"), (0x0E00, 0x0E80, "thai"), (0x0E80, 0x0F00, "lao"),
    (0x1000, 0x10A0, "burmese"), (0x10A0, 0x1100, "georgian"), (0x1100, 0x1200, "hangul"),
    (0x1780, 0x1800, "khmer"), (0x1E00, 0x1F00, "latin"), (0x1F00, 0x2000, "greek"), (0x3040, 0x3100, "kana"),
    (0x3130, 0x3190, "hangul"), (0x3400, 0x4DC0, "han"), (0x4E00, 0xA000, "han"), (0xAC00, 0xD7B0, "hangul"),
    (0xFB1D, 0xFB50, "hebrew"), (0xFB50, 0xFE00, "arabic"), (0xFE70, 0xFF00, "arabic"), (0xFF66, 0xFFA0, "kana"),
    (0x20000, 0x31350, "han"),
)  # fmt: skip
_STARTS: Final = [first for first, _, _ in _RANGES]

LANGUAGE_OF_SCRIPT: Final = {
    "latin": "en", "greek": "el", "cyrillic": "ru", "armenian": "hy", "hebrew": "he", "arabic": "ar",
    "devanagari": "hi", "bengali": "bn", "gurmukhi": "pa", "gujarati": "gu", "tamil": "ta", "telugu": "te",
    "kannada": "kn", "malayalam": "ml", "thai": "th", "lao": "lo", "burmese": "my", "georgian": "ka",
    "hangul": "ko", "khmer": "km", "kana": "ja", "han": "zh",
}  # fmt: skip
"""The language that stands for a script when nothing says more."""

# Letters (lower case) that speak for the languages behind them, each time a word has one.
_LETTERS: Final = {
    "ß": "de", "ä": "de sv fi", "ö": "de sv fi hu tr", "ü": "de tr hu", "å": "sv da no", "æ": "da no", "ø": "da no",
    "ñ": "es", "¿": "es", "¡": "es", "ã": "pt", "õ": "pt", "ç": "fr pt tr ca", "œ": "fr", "ê": "fr pt", "è": "fr it ca",
    "ù": "fr it", "ò": "it ca", "ì": "it", "ı": "tr", "ş": "tr", "ğ": "tr", "ł": "pl", "ż": "pl", "ś": "pl", "ę": "pl",
    "ą": "pl", "ć": "pl", "ř": "cs", "ě": "cs", "ů": "cs", "č": "cs", "ž": "cs", "ő": "hu", "ű": "hu", "ă": "ro vi",
    "ș": "ro", "ț": "ro", "ţ": "ro", "đ": "vi", "ơ": "vi", "ư": "vi", "ệ": "vi", "ạ": "vi", "ế": "vi", "ả": "vi",
    "і": "uk", "ї": "uk", "є": "uk", "ґ": "uk", "ы": "ru", "э": "ru", "ё": "ru", "ъ": "bg",
    "پ": "fa", "چ": "fa", "گ": "fa", "ژ": "fa", "ی": "fa", "ک": "fa", "ة": "ar", "ي": "ar", "ك": "ar", "ى": "ar",
}  # fmt: skip
# Function words elsewhere that are everyday words of English titles and searches ("war crimes", "men shoes").
_ENGLISH_TOO_LIST: Final = """
    ad ask bare bin bra car come die dig due fast fin for gift gut han hat her hit lag lang man men mine mod mode most
    no on one over pan par pas per pour rat sans selv sent sin sole son tam tan tar ten to trap up var via war under
"""
ENGLISH_TOO: Final = frozenset(_ENGLISH_TOO_LIST.split())
# Below this share of evidence per word a text counts as names and numbers: the script's default language.
_LEAST_EVIDENCE: Final = 0.1
_LEAST_POINTS: Final = 0.45
_WORD = re.compile(r"(?<!\w)[^\W\d_]+(?!\w)")


def script_of(character: str) -> str | None:
    """The script of a letter ("latin", "han", "kana"…), or None for digits, marks, punctuation and rare scripts."""
    code = ord(character)
    first, end, script = _RANGES[max(bisect_right(_STARTS, code) - 1, 0)]
    return script if first <= code < end else None


def script_of_language(language: str) -> str:
    """The script a language is written in; Latin for every language that is not known to use another."""
    return LANGUAGES[language].script if language in LANGUAGES else "latin"


def _holders_of_words() -> dict[str, tuple[str, ...]]:
    """By word: the languages that have it. Thousands of words, few different tuples: each is kept once."""
    holders: dict[str, tuple[str, ...]] = {}
    alike: dict[tuple[str, ...], tuple[str, ...]] = {}
    for language, words in STOP_WORDS.items():
        for word in words:
            found = (*holders.get(word, ()), language)
            holders[word] = alike.setdefault(found, found)
    return holders


_HOLDERS: Final = _holders_of_words()


def _vote(words: list[str], script: str) -> str:
    points: Counter[str] = Counter()
    weights = 0.0
    for word, count in Counter(words).items():
        # A word that occurs a hundred times (a product's name) must not outvote everything else.
        weight = min(count, 1 + count**0.5)
        weights += weight
        holders = _HOLDERS.get(word, ())
        for language in holders:
            doubt = (
                0.2 if language != "en" and word in ENGLISH_TOO else 0.5 if len(word) == 1 else 1.0
            )
            points[language] += weight * doubt * (0.5 + 1 / len(holders))
        if not word.isascii():
            for letter in set(word) & _LETTERS.keys():
                languages = _LETTERS[letter].split()
                for language in languages:
                    points[language] += weight * 1.5 / len(languages)
    least = max(_LEAST_POINTS, _LEAST_EVIDENCE * weights)
    candidates = {
        name: score
        for name, score in points.items()
        if score >= least and script_of_language(name) == script
    }
    default = LANGUAGE_OF_SCRIPT[script]
    if not candidates:
        return default
    # Ties go to the script's default language, then to the alphabet: the answer never depends on a hash order.
    return min(candidates, key=lambda name: (-round(candidates[name], 6), name != default, name))


def main_script(text: str) -> str | None:
    """The script that a text is written in, None where it has no letters."""
    scripts: Counter[str] = Counter()
    for character, count in Counter(text).items():
        if character.isalpha() and (script := script_of(character)) is not None:
            scripts[script] += count
    if not scripts:
        return None
    # A page of Japanese is mostly Han: a tenth of kana decides. A Latin name inside another script does not.
    if scripts["kana"] and scripts["kana"] * 10 >= scripts["han"]:
        scripts["kana"] += scripts.pop("han", 0)
    # A dense script says in one character what others say in about three; and Latin names of products stand in
    # texts of every script, while other scripts are rare guests in Latin text.
    for script, weight in (("han", 6), ("kana", 6), ("hangul", 6)):
        if script in scripts:
            scripts[script] *= weight
    for script in scripts.keys() - {"han", "kana", "hangul", "latin"}:
        scripts[script] *= 2
    return max(sorted(scripts), key=lambda name: scripts[name])


def detect_language(text: str) -> str:
    """The ISO 639-1 code of the language of `text`, judged by its first 4,000 characters; "en" without evidence.

    Long texts are reliable. Names, numbers and codes alone give the default language of their script. What a visitor
    asks is better judged by `short_texts.decide_language`.
    """
    sample = unicodedata.normalize("NFKC", text[:_SAMPLE_CHARACTERS]).lower()
    script = main_script(sample)
    if script is None:
        return DEFAULT_LANGUAGE
    words = _WORD.findall(sample)
    if "¿" in sample or "¡" in sample:
        words.append("ñ")
    if script in ("latin", "cyrillic", "arabic"):
        return _vote(words, script)
    return LANGUAGE_OF_SCRIPT[script]


def detect_languages(texts: Sequence[str]) -> list[str]:
    """The language of each of some texts that stand together: a table or a list of names among them has too few
    function words of any language to be taken for a foreign one.
    """
    told = [detect_language(text) for text in texts]
    votes = Counter[str]()
    for text, language in zip(texts, told, strict=True):
        votes[language] += _count_function_words(text, language)
    usual = votes.most_common(1)[0][0] if votes else DEFAULT_LANGUAGE
    return [
        usual if language != usual and not _is_surely(language, usual, text) else language
        for text, language in zip(texts, told, strict=True)
    ]


def _is_surely(language: str, usual: str, text: str) -> bool:
    if main_script(text[:_SAMPLE_CHARACTERS].lower()) != LANGUAGES[usual].script:
        return True
    return _count_function_words(text, language) > _count_function_words(text, usual) + 1


def _count_function_words(text: str, language: str) -> int:
    """Different ones; where we know none, a guess by the text's length."""
    sample = text[:_SAMPLE_CHARACTERS].lower()
    known = STOP_WORDS.get(language)
    return len(known.intersection(_WORD.findall(sample))) if known else len(sample) // 20
