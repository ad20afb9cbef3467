"""Labels in brackets that only we may set, and breaking what imitates them in quoted text.

An imitation is whatever a reader, human or model, would take for the label: any case, other brackets, spaces,
punctuation or invisible characters in between, and letters of other scripts that look the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_OPENING = "[［⁅【〔〖〘〚⟦⟬❲⦋⦍⦏﹇﹝⸢「『｢"
_CLOSING = "]］⁆】〕〗〙〛⟧⟭❳⦌⦎⦐﹈﹞⸣」』｣"
# With everything before the first letter, so that of "[[ [LABEL]" no bracket is left.
_FIND_OPENING = re.compile(
    rf"[{re.escape(_OPENING)}][{re.escape(_OPENING)}‹*_\s\u200b-\u200f\u2060\ufeff]*"
)
_FIND_CLOSING = re.compile(rf"[{re.escape(_CLOSING)}›]+")
# Letters that look like Latin ones and that NFKD leaves alone.
_ALIKE = str.maketrans(
    "АВЕЗКМНОРСТУХЅІЈԌԼ" "аеорсухѕіјмтгп" "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ" "αειονυτρκ" "ᴀᴅᴇғɢɪʟᴍɴᴏʀᴛᴜʏꜰʀɑıᏀᎪᎷᎢᏒᎠᏞԀԁɡ",
    "ABEZKMHOPCTYXSIJGL" "AEOPCYXSIJMTRN" "ABEZHIKMNOPTYX" "AEIONUTPK" "ADEFGILMNORTUYFRAIGAMTRDLDDG",
)  # fmt: skip
_INVISIBLE = "\u115f\u1160\u3164\uffa0"  # letters by Unicode's book, and yet blank


def defuse_labels(text: str, labels: Iterable[str]) -> str:
    """Return `text` with every imitation of `[LABEL]` put between ‹ and › instead. Labels are upper-case A to Z."""
    words = tuple(labels)
    pieces, position = [], 0
    for match in _FIND_OPENING.finditer(text):
        if match.start() < position or (end := _match_label(text, match.end(), words)) is None:
            continue
        pieces += [text[position : match.start()], "‹", text[match.end() : end]]
        position = end
        if closing := _FIND_CLOSING.match(text, end):
            pieces.append("›")
            position = closing.end()
    return "".join([*pieces, text[position:]])


def _match_label(text: str, start: int, words: tuple[str, ...]) -> int | None:
    """Where the label that begins at `start` ends, before what closes it; None if there is none."""
    letters = ""
    for index in range(start, len(text)):
        character = text[index]
        if character in _OPENING or character in _CLOSING:
            return index if letters in words else None
        folded = _fold(character)
        if not folded:
            if letters in words:  # "[LABEL rule]" reads like the label too
                return index
            continue
        letters += folded
        if not any(word.startswith(letters) for word in words):
            return None
    return len(text) if letters in words else None


@lru_cache(maxsize=4096)
def _fold(character: str) -> str:
    """The capital letters or digits that a character looks like; "" for what no reader sees as one."""
    plain = unicodedata.normalize("NFKD", character).translate(_ALIKE)
    plain = unicodedata.normalize("NFKD", plain.upper()).translate(_ALIKE)
    return "".join(each for each in plain if each.isalnum() and each not in _INVISIBLE)
