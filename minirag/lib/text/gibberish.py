"""Tells what is not writing at all: emoji, marks, laughter, fingers on a keyboard. Pure."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Final

_ROWS: Final = (
    "qwertyuiop", "qwertzuiopü", "azertyuiop", "asdfghjkl", "asdfghjklöä", "qsdfghjklm", "zxcvbnm", "yxcvbnm", "wxcvbn",
    "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю",
)  # fmt: skip
_NEIGHBOURS: Final = {pair for row in _ROWS for a, b in pairwise(row) for pair in (a + b, b + a)}
_LAUGHTER = re.compile(
    r"(?:a?(?:ha){2,}h?|(?:he){2,}h?|(?:hi){2,}h?|(?:ja){2,}|(?:je){2,}|(?:ji){2,}|(?:xa){2,}|а?(?:ха){2,}х?"
    r"|а?(?:хах)+а*|(?:хе){2,}|(?:хи){2,}|哈{2,}|呵{2,}|嘻{2,}|[ㅋᄏ]+|[ㅎᄒ]{2,}|笑+|草|w{3,}|ه{3,}"
    r"|lol+|lmao|lmfao|rofl|xd+|mdr|ptdr|kkk+|rsrs\w*|5{4,})"
)
_SMILEY = re.compile(
    r"[:;=8xX][-'^o]?[)(\]\[DPpOo3/\\|*dS]+|[(\[]+[-'^]?[:;=]|<3+|</3|\^[_.]?\^|[TO][_.][TO]|-_+-|>[_.]<"
)
_VOWELS = re.compile("[aeiouyæœøаеёиоуыэюяіїєαεηιουω]")
# An r or an l makes a syllable in Czech, Slovak, Croatian and Slovenian ("čtvrt", "vlk").
_SYLLABIC = re.compile("[rlрл]")
_REPEATED = re.compile(r"(.{1,4}?)\1{2,}.{0,3}")


def is_without_words(text: str) -> bool:
    """Whether a text has no letter and no digit, smileys left out."""
    rest = _SMILEY.sub("", text.strip()) if len(text) < 60 else text
    return not any(unicodedata.category(c)[0] in "LN" for c in rest)


def is_smiley(text: str) -> bool:
    """Whether a text without words shows a feeling: an emoji, a smiley, or marks only."""
    return bool(_SMILEY.search(text)) or any(unicodedata.category(c) in ("So", "Sk") for c in text)


def is_laughter(folded: str) -> bool:
    """Whether folded text is laughter in letters ("hahaha", "ㅋㅋㅋ")."""
    words = folded.split()
    return 0 < len(words) <= 3 and all(_LAUGHTER.fullmatch(word) for word in words)


def is_gibberish(folded: str) -> bool:
    """Whether folded text is a few words that no language has: fingers on a keyboard ("asdfgh"), "xxxxx", "bvcxk"."""
    words = folded.split()
    return 0 < len(words) <= 4 and all(_is_typed_blindly(word) for word in words)


def _is_typed_blindly(word: str) -> bool:
    if len(word) < 4 or not word.isalpha() or not (word.isascii() or "а" <= word[0] <= "я"):
        return False
    if len(set(word)) == 1 or (len(word) > 5 and _REPEATED.fullmatch(word)):
        return True
    pairs = [a + b in _NEIGHBOURS for a, b in pairwise(word)]
    # Four keys of the upper row may be a word ("wert").
    is_walk = sum(pairs) >= 0.8 * len(pairs) and (
        len(word) > 4 or not set(word) & set("qwertyuiop")
    )
    # Five consonants may be an abbreviation ("https").
    has_no_syllable = len(word) > 5 and not _VOWELS.search(word) and not _SYLLABIC.search(word)
    return is_walk or has_no_syllable
