"""Whether a text is in the language it should be in: by words that are in every text of some length. Pure.

Not the product's own detector, which is part of what is measured.
"""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final = {
    "en": "i you your the to and can about with am is what help welcome",
    "de": "ich sie ihnen ihre ihr und der die das zu mit kann gern über bin ist du dir dich willkommen",
    "fr": "je vous votre le la les de et pour bienvenue suis peux",
    "es": "yo usted su el la los de y para puedo soy gracias de nada",
    "it": "io lei il la di e per posso sono prego",
    "tr": "ben size sizin bir ve için merhaba rica ederim",
}


def is_in_language(text: str, language: str) -> bool:
    """Whether more of the words are everyday words of `language` than of any other here."""
    words = re.findall(r"\w+", text.casefold())
    votes = {name: sum(word in known.split() for word in words) for name, known in _WORDS.items()}
    return votes[language] > 0 and votes[language] == max(votes.values())
