"""Arabic, Hebrew and their like, as they are read: a page may hold their letters in either order.

Where the letters of a word run to the left as its text goes on, the word is as it is read. Where they run to the right
it is as it is seen. Words, numbers and signs are taken from where they stand, and read from the right; numbers and
Latin words as they stand.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from dataclasses import dataclass, replace
from itertools import accumulate, cycle, groupby, islice, pairwise
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
_MISPLACED_SPACE: Final = re.compile(
    r"(?<=[(\[{]) +| +(?=[)\]}]|[.,;:!?\u060c\u061b\u061f](?:\s|$))"
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

    @property
    def box(self) -> tuple[float, float]:
        """Its edges; of one that stands nowhere zeros."""
        return self.left or 0.0, self.right or 0.0


def read_line(glyphs: list[Glyph], text: str) -> str:
    """`text` as it is read; `glyphs` are its characters."""
    placed = _place(glyphs)
    return _turn(_write_down(placed, _find_spaces(glyphs, placed))) if placed else text


def is_right_to_left(text: str) -> bool:
    """Whether most of its letters are."""
    letters = sum(character.isalpha() for character in text)
    return 2 * len(HAS_RIGHT_TO_LEFT.findall(text)) > letters


@dataclass(frozen=True, slots=True)
class _Seen:
    """What stands together on the page, its letters from left to right, and from which to which glyph it goes."""

    left: float
    right: float
    text: str
    first: int
    last: int

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2


def _place(glyphs: list[Glyph]) -> list[_Seen]:
    """What stands on the line from left to right: stretches of letters that are read to the left, and single others.

    PDFium turns some words of a line and leaves others, and puts what stands between letters and numbers anywhere. So
    each stretch is turned or not by its own letters, and all else is taken from where it stands.
    """
    placed: list[_Seen] = []
    for is_leftward, group in groupby(enumerate(glyphs), key=lambda each: _is_leftward(each[1])):
        shown = [
            _Seen(*glyph.box, glyph.character, at, at)
            for at, glyph in group
            if glyph.middle is not None
        ]
        placed += _join_letters(shown) if is_leftward else shown
    return sorted(placed, key=lambda seen: seen.middle)


def _is_leftward(glyph: Glyph) -> bool:
    return unicodedata.bidirectional(glyph.character) in ("R", "AL", "NSM")


def _join_letters(shown: list[_Seen]) -> list[_Seen]:
    """Letters that follow each other as one, a mark with its letter."""
    letters = [each for each in shown if not unicodedata.combining(each.text)]
    if not letters:
        return []
    by_place = sorted((letter.middle, at) for at, letter in enumerate(letters))
    for mark in shown:
        if unicodedata.combining(mark.text):
            behind = bisect_left(by_place, (mark.middle, 0))
            beside = by_place[max(0, behind - 1) : behind + 1]
            _, at = min(beside, key=lambda each: (abs(each[0] - mark.middle), each[1]))
            letters[at] = replace(letters[at], text=letters[at].text + mark.text)
    steps = [other.middle - one.middle for one, other in pairwise(letters)]
    if sum(step > 0 for step in steps) > sum(step < 0 for step in steps):
        letters.sort(key=lambda letter: letter.middle)
    else:
        letters.reverse()
    left, right = min(each.left for each in letters), max(each.right for each in letters)
    text = "".join(each.text for each in letters)
    return [_Seen(left, right, text, shown[0].first, shown[-1].last)]


def _find_spaces(glyphs: list[Glyph], placed: list[_Seen]) -> set[int]:
    """Before which of what stands on the line there is a space.

    Neighbours between which the text has one are apart. The spaces that are left over stand in the widest gaps of the
    others, but in none between neighbours that is narrower than all those.
    """
    spaces: dict[int, float] = {}
    gaps: list[tuple[float, int, bool]] = []
    for at, (one, other) in enumerate(pairwise(placed), 1):
        between = glyphs[min(one.last, other.last) + 1 : max(one.first, other.first)]
        if between and all(glyph.character.isspace() for glyph in between):
            spaces[at] = other.left - one.right
        else:
            gaps.append((other.left - one.right, at, not between))
    narrowest = min(spaces.values(), default=0.0)
    written = sum(
        one.character.isspace() and not other.character.isspace() for one, other in pairwise(glyphs)
    )
    wide = (
        at for gap, at, together in sorted(gaps, reverse=True) if not (together and gap < narrowest)
    )
    return {*spaces, *islice(wide, max(0, written - len(spaces)))}


def _write_down(placed: list[_Seen], spaces: set[int]) -> str:
    return "".join(f" {seen.text}" if at in spaces else seen.text for at, seen in enumerate(placed))


def _turn(text: str) -> str:
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
    read = _pair_brackets("".join(reversed(pieces)))
    first = next((c for c in read if c in _OPENING + _CLOSING), "")
    # Some fonts name a bracket by how it looks, and some by what it does.
    read = read.translate(_MIRRORED) if first and first in _CLOSING else read
    return _MISPLACED_SPACE.sub("", read)


def _pair_brackets(read: str) -> str:
    """Brackets of which some are named by how they look, and some by what they do, in pairs again."""
    for opening, closing in ("()", "[]", "{}"):
        depths = [*accumulate((sign == opening) - (sign == closing) for sign in read)]
        count = read.count(opening) + read.count(closing)
        if count and count % 2 == 0 and depths and (min(depths) < 0 or depths[-1]):
            following = cycle((opening, closing))
            read = re.sub(f"[{re.escape(opening + closing)}]", lambda _: next(following), read)  # noqa: B023
    return read


def _clusters(text: str) -> list[str]:
    found: list[str] = []
    for character in text:
        if found and unicodedata.combining(character):
            found[-1] += character
        else:
            found.append(character)
    return found
