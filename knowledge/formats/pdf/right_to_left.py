"""Arabic, Hebrew and their like, as they are read: a page may hold their letters in either order.

Where the letters of a line run to the left as its text goes on, the text is as it is read. Where they run to the right
it is as it is seen, and is turned: letters and words from the right, numbers and Latin words as they stand.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_LETTER: Final = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff"
HAS_RIGHT_TO_LEFT: Final = re.compile(f"[{_LETTER}]")
_MIRRORED: Final = str.maketrans("()[]{}<>«»", ")(][}{><»«")
_OPENING, _CLOSING = "([{«", ")]}»"
# Numbers stand apart from each other by spaces; Latin words go on over them.
_LATIN: Final = f"(?![{_LETTER}])[^\\W\\d_]"
_DIGIT: Final = "[\\d\u0660-\u0669\u06f0-\u06f9]"
_LEFT_TO_RIGHT = re.compile(
    f"{_LATIN}(?:[\\s./:@&'’+_-]*(?:{_LATIN}|{_DIGIT}))*|{_DIGIT}+(?:[.,:/\u066b\u066c-]{_DIGIT}+)*%?"
)
_RIGHT_TO_LEFT = re.compile(f"[{_LETTER}](?:[^A-Za-z\u00c0-\u024f\n]*[{_LETTER}])?")


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character and where it stands, if anywhere."""

    character: str
    left: float | None
    right: float | None

    @property
    def middle(self) -> float | None:
        return None if self.left is None or self.right is None else (self.left + self.right) / 2


def read_line(glyphs: list[Glyph], text: str) -> str:
    """`text` as it is read; `glyphs` are its characters."""
    return _turn(_as_seen(glyphs)) if _is_as_seen(glyphs) else text


def is_right_to_left(text: str) -> bool:
    """Whether most of its letters are."""
    letters = sum(character.isalpha() for character in text)
    return 2 * len(HAS_RIGHT_TO_LEFT.findall(text)) > letters


def _is_as_seen(glyphs: list[Glyph]) -> bool:
    rightwards = leftwards = 0
    for one, other in pairwise(glyphs):
        if one.middle is None or other.middle is None:
            continue
        if all(unicodedata.bidirectional(each.character) in ("R", "AL") for each in (one, other)):
            rightwards += other.middle > one.middle
            leftwards += other.middle < one.middle
    return rightwards > leftwards


def _as_seen(glyphs: list[Glyph]) -> list[str]:
    """Characters from left to right, a mark with its letter; a space stands between its neighbours."""
    shown = [(glyph.middle, glyph.character) for glyph in glyphs if glyph.middle is not None]
    middles = [middle for middle, character in shown if not unicodedata.combining(character)]
    letters = [character for _, character in shown if not unicodedata.combining(character)]
    for middle, character in shown:
        if unicodedata.combining(character) and middles:
            distances = [abs(place - middle) for place in middles]
            letters[distances.index(min(distances))] += character
    placed = list(zip(middles, letters, strict=True))
    for index, glyph in enumerate(glyphs):
        if glyph.character.isspace():
            before = next(
                (g.middle for g in reversed(glyphs[:index]) if g.middle is not None), None
            )
            after = next((g.middle for g in glyphs[index:] if g.middle is not None), None)
            if before is not None and after is not None:
                placed.append(((before + after) / 2, " "))
    return [text for _, text in sorted(placed, key=lambda each: each[0])]


def _turn(seen: list[str]) -> str:
    text = "".join(seen)
    if not is_right_to_left(text):
        return _RIGHT_TO_LEFT.sub(lambda match: _reverse(match.group()), text)
    return _reverse(text)


def _reverse(seen: str) -> str:
    """From the right to the left, but for what is read the other way."""
    pieces: list[str] = []
    at = 0
    for match in _LEFT_TO_RIGHT.finditer(seen):
        pieces += [*_clusters(seen[at : match.start()]), match.group()]
        at = match.end()
    pieces += _clusters(seen[at:])
    read = "".join(reversed(pieces))
    first = next((c for c in read if c in _OPENING + _CLOSING), "")
    # Some fonts name a bracket by how it looks, and some by what it does.
    return read.translate(_MIRRORED) if first and first in _CLOSING else read


def _clusters(text: str) -> list[str]:
    found: list[str] = []
    for character in text:
        if found and unicodedata.combining(character):
            found[-1] += character
        else:
            found.append(character)
    return found
