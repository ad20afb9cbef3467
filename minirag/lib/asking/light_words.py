"""Everyday words that name no thing: "stay", "else", "early". What a question is about hardly ever hangs on one of
them, and pages say it in a dozen other ways.

Regular forms ("stays", "stayed") are those of the words here, but for those in -ing, which may name a thing ("waiting
list"). A word that is a thing to sell or hire out as well is none of them: a plan, a suit, a pass.
To add a language, write its words and how they end.
"""

from __future__ import annotations

from typing import Final

_ENGLISH: Final = """
above act actually add again agree ahead allow alone altogether always anyway anywhere appear around arrive aside ask
avoid away back basically beforehand behind believe belong besides break broke broken came carry catch caught cause
certain check choose chose chosen clearly common compare complain completely consider contain continue count cover
create cross deal decide definitely depend develop directly discover down draw drew drop early easily easy else
elsewhere enjoy enter entirely especially even eventually exist expect explore extra fail fairly fall fallen fell few
fill finally fine follow forever forget forgot forgotten form forward full fully further gain gather generally gone
grew grow guess handle hang hard hardly hate held here hidden hide hit hold hope hurry imagine immediately improve
include increase indeed inside kept lack later learn least leave led left less lie like likely limit listen little
live lose lost lot love mainly manage matter meant meet mention met mind miss mostly move myself nearly necessary nice
normal normally notice nowadays obtain obviously occasionally occur okay once organise organize ourselves own perhaps
personally pick place play point prefer prepare pretty prevent probably produce promise properly protect prove provide
pull push quick quite raise rather reach read ready real realise realize receive recent recognise recognize reduce
refer regularly remain remember remove repeat reply require rest result rise rose sadly same sat save seem seen serve
set settle several share short shut similar simple simply single sit slightly slow somehow sometimes somewhere sound
speak special specific spend spent spoke stay stood straight strange stuck stuff succeed such sudden suddenly suffer
suggest support sure surprise temporarily threw throw thrown today together tomorrow tonight too took top total
totally touch travel treat try turn understand understood unfortunately usual usually various very visit wait walk
wash weird went whatever whenever wherever whole wish wonder worry wrong yesterday
"""
_WORDS: Final = {"en": frozenset(_ENGLISH.split())}
_ENDINGS: Final = {"en": ("", "s", "es", "d", "ed")}


def is_light(word: str, language: str) -> bool:
    """Whether a word of a question says little of what it is about."""
    words, folded = _WORDS.get(language, frozenset()), word.casefold()
    return any(folded.removesuffix(ending) in words for ending in _ENDINGS.get(language, ()))
