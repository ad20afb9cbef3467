"""Questions for a code, a PIN or a password: their other words have to stand beside it. Pure.

"What is the safe code?" is not answered by a table of codes that says further on that the data are safe.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from minirag.ai.builtin.lacking.said import Said
from minirag.ai.builtin.sentences.question_words import WORD, Word, find_word
from minirag.lib.asking.patterns import whole_words
from minirag.lib.text import analysis

# What the thing is called stands in the group `head`; "the code E24" is one that is known.
_AFTER: Final = r"\b(?!\s+\S*\d)"
_ASKS: Final = {
    "en": r"\b(?:what|which)(?:'s| is| are) (?:the |your |our |my )?(?:[\w'-]+ ){0,3}?(?<!dress )(?<!source )"
    rf"(?P<head>codes?|password|passcode|passphrase|pin|combination){_AFTER}(?! of\b| means?\b)",
    "de": r"\b(?:wie (?:lautet|ist|heißt)|was ist) (?:der |die |das |ihr |euer |mein )?(?:[\w-]+ ){0,2}?"
    rf"(?P<head>[\w-]*(?:code|passwort|kennwort|pin|geheimzahl)){_AFTER}",
    "nl": r"\bwat is (?:de |het |jullie |uw |mijn )?(?:[\w-]+ ){0,2}?"
    rf"(?P<head>[\w-]*(?:code|wachtwoord|pin)){_AFTER}",
    "fr": rf"\bquel(?:le)? est (?:le |la |votre |mon )?(?P<head>code|mot de passe|digicode){_AFTER}",
    "es": rf"\bcuál es (?:el |la |su |mi )?(?P<head>código|contraseña|clave|pin){_AFTER}",
    "it": rf"\bqual è (?:il |la |l')?(?P<head>codice|password|pin|combinazione){_AFTER}",
}
_PATTERNS: Final = {language: re.compile(row, re.IGNORECASE) for language, row in _ASKS.items()}
# What says behind the name what it is, or where: "the barrier code and a map" says neither.
_TELLS: Final = {
    "en": r"(?:is|are|was|reads?|stands?|hangs?|lies|printed|written|shown|displayed)"
    r"(?! (?:never|not|only|for|changed|needed|required|valid|secret|personal|yours))",
    "de": r"(?:ist|sind|lautet|heißt|steht|stehen|hängt|liegt)(?! (?:nie|nicht|nur|für|geheim|gültig|nötig))",
}
# Letters and digits in one, or four digits or more.
_VALUE: Final = re.compile(r"(?=\S*[^\W\d_])(?=\S*\d)\S{2,}|\d{4,}|\d+(?:[-#*]\d+)+")
_QUOTED: Final = "\"'“„«‘"
BESIDE: Final = 5
SOON: Final = 4
"""So many words behind a code's name what it is may follow."""
FOUND: Final = 0.6


def lacks_code(
    question: str,
    words: Sequence[Word],
    quoted: Sequence[Said],
    language: str,
    variants: Mapping[str, Sequence[str]],
) -> bool:
    """Whether a question asks for a code, and no sentence says one beside each of the question's other words.
    False for every other question.
    """
    asked = _PATTERNS[language].search(question) if language in _PATTERNS else None
    if asked is None:
        return False
    start, end = asked.span("head")
    head = frozenset(analysis.analyse(asked["head"], language))
    wanted = [word for word in words if not word.is_framing and not start <= word.place[0] < end]
    return not any(_says_beside(wanted, head, each, language, variants) for each in quoted)


def _says_beside(
    wanted: Sequence[Word],
    head: frozenset[str],
    quoted: Said,
    language: str,
    variants: Mapping[str, Sequence[str]],
) -> bool:
    found = list(WORD.finditer(quoted.text))
    said = [frozenset(analysis.analyse(each[0], language)) for each in found]
    values = [
        place
        for place, (match, terms) in enumerate(zip(found, said, strict=True))
        if _VALUE.fullmatch(match[0])
        or (head & terms and _tells(quoted.text, found[place : place + SOON], language))
    ]
    return bool(values) and all(
        quoted.above[word] >= FOUND
        or any(
            find_word(word, terms, variants) >= FOUND
            and any(abs(place - value) <= BESIDE for value in values)
            for place, terms in enumerate(said)
        )
        for word in wanted
    )


def _tells(text: str, found: Sequence[re.Match[str]], language: str) -> bool:
    """Whether what follows a code's name, the first of the words `found`, says what it is, or where to see it."""
    if language not in _TELLS:
        return True
    behind = text[found[0].end() : found[-1].end()]
    return behind.lstrip()[:1] in (":", "=") or (
        any(mark in behind for mark in _QUOTED)
        or bool(whole_words(_TELLS[language]).search(behind))
    )
