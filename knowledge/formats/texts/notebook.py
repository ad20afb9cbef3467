"""Jupyter notebooks: texts with their headings, code and what it printed, each with the number of its cell."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from knowledge.formats.pages.markdown import parse_markdown
from knowledge.formats.plain import decode_text
from knowledge.formats.restrictions import UNREADABLE, find_restriction
from knowledge.formats.sections import ParseError, SectionWriter, clean_line

_LONGEST_OUTPUT: Final = 4000
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]{0,20}m")


def parse_notebook(data: bytes, writer: SectionWriter) -> dict[str, object]:
    text = decode_text(data)
    if not text.strip():
        return {}
    try:
        book = json.loads(text)
    except (ValueError, RecursionError):
        raise ParseError("This notebook is broken: it is not JSON.") from None
    cells = book.get("cells") if isinstance(book, dict) else None
    if cells is None and isinstance(book, dict) and isinstance(book.get("worksheets"), list):
        sheets = [sheet for sheet in book["worksheets"] if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets for cell in sheet.get("cells") or []]  # before version 4
    if not isinstance(cells, list):
        raise ParseError("This notebook is broken: it has no cells.")
    head: dict[str, object] = {}
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict):
            writer.move_to(f"cell {number}")
            said = _write_cell(cell, writer)
            if head and find_restriction(said):
                said = {"visibility": UNREADABLE}  # who may read the rest of it is not clear
                head |= said
            head = head or said  # a notebook may begin with front matter
    return {**head, **_describe(book, len(cells))}


def _describe(book: dict[str, Any], cells: int) -> dict[str, object]:
    metadata: dict[str, object] = {"cells": cells}
    told = book.get("metadata")
    told = told if isinstance(told, dict) else {}
    if isinstance(told.get("title"), str) and clean_line(told["title"]):
        metadata["title"] = clean_line(told["title"])[:500]
    return metadata


def _write_cell(cell: dict[str, Any], writer: SectionWriter) -> dict[str, object]:
    """Returns what its front matter says."""
    source = _join(cell.get("source", cell.get("input", "")))
    match cell.get("cell_type"):
        case "markdown" | "raw":
            return parse_markdown(source.encode("utf-8", "replace"), writer)
        case "heading":
            level = cell.get("level")
            writer.open_heading(level if isinstance(level, int) else 1, source)
        case "code":
            writer.add_code(source)
            for output in cell.get("outputs") or ():
                if isinstance(output, dict) and (text := _read_output(output)):
                    writer.add_code(text)
        case _:
            writer.add_paragraph(source)
    return {}


def _read_output(output: dict[str, Any]) -> str:
    """What was printed or shown as text; pictures are not read."""
    data = output.get("data")
    text = output.get("text")
    if text is None and isinstance(data, dict):
        text = data.get("text/markdown", data.get("text/plain"))
    # A long log says little, and would drown the rest.
    return _COLOURS.sub("", _join(text))[:_LONGEST_OUTPUT]


def _join(lines: Any) -> str:
    if isinstance(lines, list):
        return "".join(line for line in lines if isinstance(line, str))
    return lines if isinstance(lines, str) else ""
