"""Running heads, running feet and page numbers, which are no text of the document."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from knowledge.formats.pdf.layout import Line
from knowledge.formats.sections import clean_line, is_page_number

_DIGITS = re.compile(r"\d+")
_EDGE: Final = 2
_FEWEST_PAGES: Final = 3
# A line that is first or last on this share of the pages is a running head or foot.
_SHARE: Final = 0.6
# In the margin even one that changes with the chapter is.
_MARGIN: Final = 0.09


@dataclass(slots=True)
class Page:
    """What was read of a page; `values` are those of its form's fields. `bottom` and `top` are its edges."""

    lines: list[Line] = field(default_factory=list)
    bottom: float = 0.0
    top: float = 0.0
    values: list[str] = field(default_factory=list)
    is_picture: bool = False


def drop_running_lines(pages: list[Page]) -> None:
    """Take out the lines that most pages begin or end with ("Handbook 2026 — page 12"), and pages' numbers."""
    shown = [page for page in pages if page.lines]
    edges: Counter[str] = Counter()
    margins: Counter[str] = Counter()
    for page in shown:
        marked = _edge_lines(page)
        edges.update({_mask_number(line) for line in marked})
        margins.update({_mask(line) for line in marked if _is_in_margin(page, line)})
    often = max(_FEWEST_PAGES, len(shown) * _SHARE)

    def is_running(page: Page, line: Line) -> bool:
        if edges[_mask_number(line)] >= often:
            return True
        if not _is_in_margin(page, line):
            return False
        # A page of nothing else holds a sentence that others resemble.
        is_one_of_several = margins[_mask(line)] >= _FEWEST_PAGES and len(page.lines) > 1
        return is_one_of_several or (len(shown) > 1 and is_page_number(line.text))

    if len(shown) == 2:
        _drop_repeated(*shown)
    for page in shown:
        running = [line for line in _edge_lines(page) if is_running(page, line)]
        page.lines = [line for line in page.lines if not any(line is each for each in running)]


def _drop_repeated(first: Page, second: Page) -> None:
    """Of two pages the second says in its margin what the first has said in its own: once is enough."""
    said = {clean_line(line.text) for line in _edge_lines(first) if _is_in_margin(first, line)}
    again = [
        line
        for line in _edge_lines(second)
        if clean_line(line.text) in said and _is_in_margin(second, line)
    ]
    if len(again) < len(second.lines):
        second.lines = [line for line in second.lines if not any(line is each for each in again)]


def _edge_lines(page: Page) -> list[Line]:
    """The highest and the lowest: a page may draw its head last."""
    lines = [line for line in page.lines if line.rows is None and line.text.strip()]
    if len(lines) <= _EDGE:
        return lines
    by_height = sorted(lines, key=lambda line: -line.bottom)
    return [*by_height[:_EDGE], *by_height[max(_EDGE, len(lines) - _EDGE) :]]


def _mask(line: Line) -> str:
    """Running heads differ from page to page only in their numbers."""
    return _DIGITS.sub("#", clean_line(line.text))


def _mask_number(line: Line) -> str:
    """In the middle of a page lines may differ in figures that matter."""
    return "#" if is_page_number(line.text) else clean_line(line.text)


def _is_in_margin(page: Page, line: Line) -> bool:
    margin = (page.top - page.bottom) * _MARGIN
    return line.bottom > page.top - margin or line.top < page.bottom + margin
