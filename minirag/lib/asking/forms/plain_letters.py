"""Questions typed without umlauts, or with Swiss ss: "koennt ihr", "waehrend", "wie gross".

Only what everyday words are written like is put right, so that the rules know them; how a page's own words are spelled
is looked for in its index. Pure. To add a language, write how its letters are typed.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import chain
from typing import Final

from minirag.lib.text.language_table import LANGUAGES

_TYPED: Final = {"de": (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"))}
# What the rules about questions ask by, and no list of words has.
_ASKING: Final = {
    "de": """
    ausschließlich außen außerhalb beschädigt bescheinigung ermäßigt ermäßigung ermäßigungen fällig früh früher für
    gebühr gebühren gehört geöffnet geschäftsführer geöffnete größe größer größte größten groß große großen großer
    großes hört heißen heißt höchste höchsten höher höhe jährlich kürzeste kürzesten längste längsten länge läuft
    nächste nächsten natürlich öffne öffnen öffnet öffnungszeiten schließen schließt täglich trägt tür tägliche
    übernehmen übernimmt während wöchentlich wäre würde würden zuständig zurück möchte möchten möchtet möglich müssen
    müsste könnte könnten könntet könnt können dürfen dürft dürfte hätte hätten hätt gäbe über überhaupt
    außer außerdem draußen straße süß weiß weißt wünsche fünf zwölf dreißig vergrößern rückgabe rückerstattung
    """,
}
_WORD: Final = re.compile(r"[^\W\d_]+")


def write_letters(question: str, language: str) -> str:
    """The question with its everyday words as they are spelled; as it is where none is typed in another way."""
    if language not in _TYPED:
        return question
    spelled = _read(language)
    return _WORD.sub(lambda word: _put(word[0], spelled), question)


def _put(word: str, spelled: dict[str, str]) -> str:
    right = spelled.get(word.lower())
    if right is None:
        return word
    return right[0].upper() + right[1:] if word[0].isupper() else right


@cache
def _read(language: str) -> dict[str, str]:
    """By how they are typed the words with such a letter; not one that is another word as well, such as "masse"."""
    known = set(chain(LANGUAGES[language].stop_words, _ASKING[language].split()))
    typed: dict[str, str] = {}
    for word in known:
        plain = word
        for letter, letters in _TYPED[language]:
            plain = plain.replace(letter, letters)
        if plain not in known:
            typed[plain] = word
    return typed
