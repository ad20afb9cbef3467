"""Words that have a stem in common and nothing else: instalments are no installation, and who books looks for no book.

The index cannot tell them apart, so a text's words are looked at as they are written. Pure.

To add some, write a row: what is asked for, and what of the same stem is another word.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

_BOOKING: Final = r"buch(?:en|e|st|t|te|ten)|gebucht|\w*buchung(?:en)?|buchbar\w*"
_BOOKS: Final = r"b(?:u|ü)ch(?!en$|e$|t$|st$|ten?$|ung|bar)\w*"
_APART: Final = {
    "en": (
        (r"instal?lments?", r"install\w*"),
        (r"install\w*", r"instal?lments?"),
        (r"trains", r"train(?:ed|ing|ings)"),
        (r"train(?:ed|ing|ings)", r"trains"),
        (r"books", r"book(?:ed|ing|ings)"),
        (r"booking|bookings|booked", r"books"),
        (r"import(?:s|ed|ing|ation)?", r"important"),
        (r"important", r"import(?:s|ed|ing)?"),
        (r"customs", r"customers?|customi[sz]\w*"),
        (r"customers?", r"customs|customi[sz]\w*"),
        (r"authors?", r"authorit(?:y|ies)"),
        (r"authorit(?:y|ies)", r"authors?"),
        (r"sever(?:e|ely)", r"several"),
        (r"several", r"sever(?:e|ed|ely)"),
        (r"experiments?|experimental", r"experienc\w*"),
        (r"experienc\w*", r"experiment\w*"),
        (r"executives?", r"execut(?:e|es|ed|ing|ion)"),
        (r"paste|pasta|pastes", r"past"),
        (r"informal(?:ly)?", r"inform(?:s|ed|ing|ation)?"),
        (r"inform(?:s|ed|ing|ation)?", r"informal(?:ly)?"),
        (r"apartments?", r"apart"),
        (r"departments?", r"depart(?:s|ed|ing)?"),
        (r"depart(?:s|ed|ing|ures?)?", r"departments?"),
        (r"operas?", r"operat\w*"),
        (r"operat\w*", r"operas?"),
        (r"personal(?:ly)?", r"persons?"),
        (r"examiners?", r"exams?|examin(?:ations?|ed?|es|ing)"),
    ),
    "de": (
        (_BOOKING, _BOOKS),
        (_BOOKS, _BOOKING),
        (r"rat|rats|rates|räte", r"raten\w*"),
        (r"raten|ratenzahlung(?:en)?", r"rat|rats|rates|räte"),
    ),
}  # fmt: skip
# The words above whose own meaning is none that other words of their stem are said for.
_ALONE: Final = {"en": r"books", "de": r"rat|rats|rates|räte|bücher"}
_WORD: Final = re.compile(r"[^\W_]+")


def leave_out_others(asked: str, text: str, language: str) -> str:
    """A text without the words that only share a stem with a word that is asked for."""
    other = _find_others(asked.casefold(), language)
    if other is None:
        return text
    return _WORD.sub(lambda word: "" if other.fullmatch(word[0]) else word[0], text)


def stands_alone(word: str, language: str) -> bool:
    """Whether what other words of its stem mean is not meant by a word: nobody reserves "books"."""
    return language in _ALONE and re.fullmatch(_ALONE[language], word, re.IGNORECASE) is not None


@cache
def _rows(language: str) -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    return tuple(
        (re.compile(asked, re.IGNORECASE), re.compile(other, re.IGNORECASE))
        for asked, other in _APART.get(language, ())
    )


def _find_others(asked: str, language: str) -> re.Pattern[str] | None:
    return next((other for row, other in _rows(language) if row.fullmatch(asked)), None)
