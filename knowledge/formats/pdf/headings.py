"""What the size of letters says in a PDF: headings where there is no outline, and footnotes."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from knowledge.formats.pdf.layout import Line
from knowledge.formats.pdf.running import Page
from knowledge.formats.sections import clean_line

_LARGER: Final = 1.15
_SMALLER: Final = 0.9
_LOW: Final = 0.35
_NUMBERED = re.compile(r"(?:\d{1,3}|[*†‡])[.)]? *\D")
_ANOTHER_SIZE: Final = 1.05
_DEEPEST: Final = 4
_LONGEST: Final = 150
_MOST_LINES: Final = 3
_FEWEST_LETTERS: Final = 3
_AMOUNT = re.compile(r"\d[.,]\d\d\b|[€$£]")  # "Total due 594.41 EUR" is what is asked for
# Where more of the text is large, it is text.
_MOST: Final = 0.25

Cut = tuple[int, int, str]
"""The line that is a heading, its level, and what it says."""


def find_headings(pages: list[Page]) -> dict[int, list[Cut]]:
    """Page index -> its headings from the top down. Their lines are emptied: they are no text any more."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            if line.rows is None:
                sizes[round(line.size, 1)] += len(line.text)
    if not sizes:
        return {}
    usual = sizes.most_common(1)[0][0]
    large = sorted((size for size in sizes if size > _LARGER * usual), reverse=True)
    if not large or sum(sizes[size] for size in large) > _MOST * sizes.total():
        return {}
    levels = _rank(large)
    found = {index: _cut_page(page.lines, levels) for index, page in enumerate(pages)}
    return {index: cuts for index, cuts in found.items() if cuts}


def sink_footnotes(pages: list[Page]) -> None:
    """Footnotes stand below a column, but belong at the end of the page: numbered lines in small letters, low on it."""
    for page in pages:
        sizes: Counter[float] = Counter()
        for line in page.lines:
            sizes[round(line.size, 1)] += len(line.text)
        usual = sizes.most_common(1)[0][0] if sizes else 0.0
        low = page.bottom + (page.top - page.bottom) * _LOW
        sunk: list[Line] = []
        for line in page.lines:
            is_small = line.rows is None and 0 < line.size < _SMALLER * usual and line.top < low
            goes_on = bool(sunk) and is_small and line.bottom < sunk[-1].bottom
            if is_small and (goes_on or _NUMBERED.match(line.text)):
                sunk.append(line)
        if sunk:
            page.lines = [line for line in page.lines if not any(line is each for each in sunk)]
            page.lines += sunk


def _rank(large: list[float]) -> dict[float, int]:
    """The largest letters are of the outermost headings; sizes that hardly differ are one."""
    levels: dict[float, int] = {}
    level, before = 0, 0.0
    for size in large:
        if not before or before > _ANOTHER_SIZE * size:
            level, before = level + 1, size
        levels[size] = min(level, _DEEPEST)
    return levels


def _cut_page(lines: list[Line], levels: dict[float, int]) -> list[Cut]:
    cuts: list[Cut] = []
    at = 0
    while at < len(lines):
        level = levels.get(round(lines[at].size, 1)) if lines[at].rows is None else None
        end = at + 1
        if level is not None:
            while end < len(lines) and _goes_on(
                lines[end], levels.get(round(lines[end].size, 1)), level
            ):
                end += 1
            text = clean_line(" ".join(line.text for line in lines[at:end]))
            if end - at <= _MOST_LINES and _is_heading(text):
                cuts.append((at, level, text))
                for line in lines[at:end]:
                    line.text = ""
        at = end
    return cuts


def _goes_on(line: Line, level: int | None, above: int) -> bool:
    """Whether a heading goes on in its next line."""
    return level == above and line.rows is None and not line.opens


def _is_heading(text: str) -> bool:
    letters = sum(map(str.isalpha, text))
    return (
        letters >= _FEWEST_LETTERS
        and 2 * letters >= len(text.replace(" ", ""))
        and len(text) <= _LONGEST
        and not text.endswith((".", ",", ";"))
        and not _AMOUNT.search(text)
    )
