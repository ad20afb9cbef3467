"""Stretches of text with their places on a page, out of PDFium's text layer.

PDFium writes text in the order in which a page draws it, and drops breaks where the pen jumps: back, up, or into the
next cell. Its rectangles, one for each thing drawn, say where it did. Asking for each character's box costs five times
as much as reading the text, so that is done only where letters run from right to left or cross a table's line.
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from knowledge.formats.pdf.right_to_left import HAS_RIGHT_TO_LEFT, Glyph, read_line
from knowledge.formats.sections import raise_digits

if TYPE_CHECKING:
    import pypdfium2

_LINE = re.compile(r"[^\r\n]+")
# Older PDFiums write U+0002 and newer ones U+FFFE for a hyphen at a line's end, and no break after it.
_HYPHEN_MARKS = re.compile(r"[\x02\ufffe]")
_PRESENTATION_FORMS = re.compile("[\ufb00-\ufb06\ufb13-\ufd3d\ufd50-\ufdff\ufe70-\ufefc]")
_GLUED: Final = 0.45
_RAISED: Final = 0.8
_LIFTED: Final = 0.3
_LONGEST_UNIT: Final = 3
# A word longer than a unit ("m", "cm", "km"), or the end of a sentence.
_BEFORE_MARK = re.compile(r"(?:[^\W\d_]{4}|[.,;:!?)\"”])$")
_SPACE: Final = 0.12
_APART: Final = 1.3
_ANOTHER_LINE: Final = 0.6

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, of the page turned so that its text stands upright."""


@dataclass(slots=True)
class Segment:
    """What stands together in one line, or (with `rows`) a table. `order`: as the page draws it."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    order: int
    rows: list[list[str]] | None = None
    first: int = 0
    last: int = 0
    size: float = 0.0  # of its letters, with the room that they have

    @property
    def middle(self) -> float:
        return (self.bottom + self.top) / 2

    @property
    def height(self) -> float:
        return self.top - self.bottom


def unfold_forms(text: str) -> str:
    """Letters instead of the ligatures and joined forms that a font draws: "ﬁ" is "fi"."""
    return _PRESENTATION_FORMS.sub(
        lambda match: unicodedata.normalize("NFKC", match.group()).strip(), text
    )


class TextLayer:
    """The characters of one page. Boxes come turned so that most of the text stands upright."""

    def __init__(self, text_page: pypdfium2.PdfTextPage) -> None:
        import pypdfium2.raw as pdfium

        self._pdfium: Any = pdfium
        self._raw: Any = text_page.raw
        count = text_page.count_chars()
        self.text = text_page.get_text_range() if count else ""
        if len(self.text) != count:
            codes = (pdfium.FPDFText_GetUnicode(self._raw, index) for index in range(count))
            self.text = "".join(map(chr, codes))
        self._numbers = tuple(ctypes.c_double() for _ in range(4))
        self._pointers = tuple(ctypes.byref(number) for number in self._numbers)
        self.quarter = self._find_quarter()

    def _angle(self, index: int) -> float:
        """Quarter turns, clockwise, of the direction in which a character is written."""
        return float(self._pdfium.FPDFText_GetCharAngle(self._raw, index)) * 2 / math.pi

    def _find_quarter(self) -> int:
        """How most of the text is turned; a few samples say it."""
        step = max(1, len(self.text) // 12)
        sampled = [i for i in range(0, len(self.text), step) if self.text[i].isalnum()]
        turns = Counter(round(self._angle(index)) % 4 for index in sampled)
        return turns.most_common(1)[0][0] if turns else 0

    def is_slanted(self, index: int) -> bool:
        """Whether a character is written in another direction than most, as watermarks are."""
        return abs((self._angle(index) - self.quarter + 2) % 4 - 2) > 0.1

    def turn(self, left: float, bottom: float, right: float, top: float) -> Box:
        if self.quarter == 3:
            return bottom, -right, top, -left
        if self.quarter == 2:
            return -right, -top, -left, -bottom
        if self.quarter == 1:
            return -top, left, -bottom, right
        return left, bottom, right, top

    def rectangles(self, first: int, count: int) -> list[Box]:
        found = self._pdfium.FPDFText_CountRects(self._raw, first, count)
        left, top, right, bottom = self._numbers
        boxes = []
        for index in range(found):
            self._pdfium.FPDFText_GetRect(self._raw, index, *self._pointers)
            boxes.append(self.turn(left.value, bottom.value, right.value, top.value))
        return boxes

    def start_of(self, number: int, first: int, last: int) -> int:
        """Where in a stretch of characters its rectangle of this number begins."""
        low, high = first, last
        while low < high:
            half = (low + high) // 2
            if self._pdfium.FPDFText_CountRects(self._raw, first, half - first + 1) > number:
                high = half
            else:
                low = half + 1
        return low

    def box(self, index: int) -> Box | None:
        """Of one character; None where it has no place, as a break that PDFium put in."""
        left, right, bottom, top = self._numbers
        known = self._pdfium.FPDFText_GetCharBox(self._raw, index, *self._pointers)
        if not known or (left.value == right.value and bottom.value == top.value):
            return None
        return self.turn(left.value, bottom.value, right.value, top.value)

    def is_other_line(self, index: int) -> bool:
        """Whether a character stands on another base line than the one before it, and is not just raised."""
        before, after = self._loose_boxes(index)
        apart = abs(before[1] - after[1])
        return apart > _ANOTHER_LINE * max(before[3] - before[1], after[3] - after[1])

    def _loose_boxes(self, index: int) -> tuple[Box, Box]:
        """Of the last character before this one that is shown, and of this one: with the room that letters have."""
        previous = index - 1
        while previous > 0 and self.text[previous].isspace():
            previous -= 1
        return self._loose_box(previous), self._loose_box(index)

    def _loose_box(self, index: int) -> Box:
        rect = self._pdfium.FS_RECTF()
        self._pdfium.FPDFText_GetLooseCharBox(self._raw, index, rect)
        return self.turn(rect.left, rect.bottom, rect.right, rect.top)

    def size_at(self, first: int, last: int) -> float:
        """How high the letters of a stretch are, judged by its first one."""
        at = next((at for at in range(first, last) if not self.text[at].isspace()), first)
        box = self._loose_box(at)
        return box[3] - box[1]

    def is_glued(self, index: int) -> bool:
        """Whether a character follows the one before it without a space, though there is room for one.

        Judged by the widths of the letters, not by their ink: a "1" has much room around it.
        """
        if self.text[index].isspace() or self.text[index - 1].isspace():
            return False
        before, after = self._loose_boxes(index)
        gap = max(after[0] - before[2], before[0] - after[2])
        return gap > _SPACE * max(before[3] - before[1], after[3] - after[1])

    def raise_figures(self, first: int, last: int) -> bool:
        """Make the figures in a stretch small ones, if it is nothing else; whether they are the mark of a note."""
        figures = self.text[first:last]
        raised = raise_digits(figures.rstrip())
        if not raised:
            return False
        self.text = f"{self.text[:first]}{raised}{figures[len(raised) :]}{self.text[last:]}"
        return _BEFORE_MARK.search(self.text, max(0, first - _LONGEST_UNIT - 1), first) is not None

    def glyphs(self, first: int, last: int) -> list[Glyph]:
        found = []
        for index in range(first, last):
            box = None if self.text[index].isspace() else self.box(index)
            found.append(Glyph(self.text[index], box and box[0], box and box[2]))
        return found


def read_segments(layer: TextLayer) -> tuple[list[Segment], list[str]]:
    """The page's segments in the order in which it draws them, and what is written aslant."""
    segments: list[Segment] = []
    aslant: list[str] = []
    for match in _LINE.finditer(layer.text):
        first, last = match.span()
        boxes = layer.rectangles(first, last - first)
        if not boxes:
            if match.group().strip() and segments:
                segments[-1].text += f" {match.group().strip()}"
            continue
        if layer.is_slanted(first):
            aslant.append(match.group().strip())
            continue
        for start, end, box, glued in _split(layer, first, last, boxes):
            text = _read(layer, start, end, glued)
            if text:
                size = layer.size_at(start, end)
                segments.append(Segment(text, *box, len(segments), None, start, end, size))
    return segments, aslant


def read_stretch(layer: TextLayer, first: int, last: int) -> str:
    return _read(layer, first, last, ())


def _split(
    layer: TextLayer, first: int, last: int, boxes: list[Box]
) -> list[tuple[int, int, Box, tuple[int, ...]]]:
    """A line of PDFium's as (start, end, box, where spaces are missing) of what stands together."""
    height = max(box[3] - box[1] for box in boxes)
    # Words that run from right to left may be drawn one left of the other; others never are.
    backwards = _APART * height if HAS_RIGHT_TO_LEFT.search(layer.text, first, last) else 0.0
    parts: list[tuple[int, int, Box, tuple[int, ...]]] = []
    glued: list[int] = []
    start, running = first, boxes[0]
    for number in range(1, len(boxes)):
        before, box = boxes[number - 1], boxes[number]
        ahead, behind = box[0] - before[2], before[0] - box[2]
        is_other_line = _may_be_other_line(before, box) and layer.is_other_line(
            layer.start_of(number, first, last)
        )
        if is_other_line or ahead > _APART * height or behind > backwards:
            at = layer.start_of(number, first, last)
            parts.append((start, at, running, tuple(glued)))
            start, glued, running = at, [], box
            continue
        if _is_raised(before, box):
            at = layer.start_of(number, first, last)
            end = layer.start_of(number + 1, first, last) if number + 1 < len(boxes) else last
            if layer.raise_figures(at, end):
                glued.append(at)
        elif max(ahead, behind) > _GLUED * height:
            at = layer.start_of(number, first, last)
            if layer.is_glued(at):
                glued.append(at)
        running = (
            min(running[0], box[0]),
            min(running[1], box[1]),
            max(running[2], box[2]),
            max(running[3], box[3]),
        )
    return [*parts, (start, last, running, tuple(glued))]


def _is_raised(before: Box, box: Box) -> bool:
    """Whether what is drawn next is small and stands high: an exponent, or the mark of a note."""
    height = before[3] - before[1]
    return box[3] - box[1] < _RAISED * height and box[1] > before[1] + _LIFTED * height


def _may_be_other_line(before: Box, box: Box) -> bool:
    """By its ink; a comma after a quotation mark looks so too."""
    apart = abs(before[1] + before[3] - box[1] - box[3]) / 2
    return apart > _ANOTHER_LINE * max(before[3] - before[1], box[3] - box[1])


def _read(layer: TextLayer, first: int, last: int, glued: tuple[int, ...]) -> str:
    text = layer.text[first:last]
    glyphs = layer.glyphs(first, last) if HAS_RIGHT_TO_LEFT.search(text) else []
    for at in reversed(glued):
        text = f"{text[: at - first]} {text[at - first :]}"
        if glyphs:
            glyphs.insert(at - first, Glyph(" ", None, None))
    if glyphs:
        text = read_line(glyphs, text)
    return unfold_forms(_HYPHEN_MARKS.sub("-", text).strip())
