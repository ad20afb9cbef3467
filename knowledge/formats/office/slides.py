"""PowerPoint: slides with their number, their titles as headings, texts, lists, tables, charts and notes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from knowledge.formats.office.packages import Package, open_package
from knowledge.formats.sections import ParseError, SectionWriter, clean_line
from minirag.lib.telling.kept_sentences import kept

if TYPE_CHECKING:
    from pptx.presentation import Presentation

_DEEPEST_GROUP: Final = 20
_A: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P: Final = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_DIAGRAM: Final = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}dm"


def parse_pptx(data: bytes, writer: SectionWriter) -> dict[str, object]:
    package = open_package(data, "PowerPoint file", "[Content_Types].xml")
    deck = _open(package, data)
    hidden = []
    try:
        for number, slide in enumerate(deck.slides, 1):
            if slide._element.get("show") in ("0", "false"):
                hidden.append(number)
            else:
                _write_slide(slide, number, writer)
    except (KeyError, ValueError, TypeError, AttributeError, IndexError):
        raise ParseError("This PowerPoint file is broken and cannot be read.") from None
    properties = deck.core_properties
    metadata: dict[str, object] = {"slides": len(deck.slides)}
    if hidden:
        metadata["notes"] = [kept(f"Hidden slides are not read: {', '.join(map(str, hidden))}.")]
    for key, value in (("title", properties.title), ("author", properties.author)):
        # What PowerPoint writes into a deck that nobody has named.
        if (clean := clean_line(value or "")[:500]) and clean != "PowerPoint Presentation":
            metadata[key] = clean
    if properties.modified is not None:
        metadata["date"] = properties.modified.date().isoformat()
    return metadata


def _open(package: Package, data: bytes) -> Presentation:
    import pptx
    from lxml.etree import LxmlError
    from pptx.exc import PythonPptxError

    try:
        return pptx.Presentation(io.BytesIO(data))
    except (
        PythonPptxError, LxmlError, KeyError, ValueError, AttributeError, TypeError, OSError, EOFError,
        zipfile.BadZipFile, NotImplementedError,
    ):  # fmt: skip
        raise ParseError(f"This {package.name} is broken and cannot be read.") from None


def _write_slide(slide: Any, number: int, writer: SectionWriter) -> None:
    title = slide.shapes.title
    writer.end_headings()
    writer.move_to(f"slide {number}")
    if title is not None and title.has_text_frame:
        writer.open_heading(1, " ".join(_words_of(p) for p in title.text_frame.paragraphs))
    for shape in slide.shapes:
        if title is None or shape.shape_id != title.shape_id:
            _write_shape(shape, writer, 0)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = "\n".join(_words_of(p) for p in slide.notes_slide.notes_text_frame.paragraphs)
        if notes.strip():
            writer.add_paragraph(f"Notes: {notes.strip()}")


def _write_shape(shape: Any, writer: SectionWriter, depth: int) -> None:
    if depth > _DEEPEST_GROUP:
        raise ParseError("This PowerPoint file nests its shapes too deep.")
    if hasattr(shape, "shapes"):
        for inner in shape.shapes:
            _write_shape(inner, writer, depth + 1)
    elif getattr(shape, "has_table", False):
        rows = _read_rows(shape.table)
        writer.add_table(rows)
    elif getattr(shape, "has_chart", False):
        _write_chart(shape.chart, writer)
    elif shape.has_text_frame:
        # The number of the slide, its date and foot stand on each of them.
        kind = str(shape.placeholder_format.type) if shape.is_placeholder else ""
        if not kind.startswith(("SLIDE_NUMBER", "DATE", "FOOTER", "HEADER")):
            _write_text(shape.text_frame, writer)
    else:
        for text in _read_diagram(shape):
            writer.add_paragraph(text)
        named = next(shape._element.iter(f"{_P}cNvPr"), None)
        writer.add_picture(named.get("descr") or "" if named is not None else "")


def _write_text(frame: Any, writer: SectionWriter) -> None:
    """Neighbouring paragraphs of a body are a list, with their depth; numbers that PowerPoint makes are counted."""
    lines: list[str] = []
    numbers: dict[int, int] = {}
    for paragraph in frame.paragraphs:
        words = _words_of(paragraph).strip()
        if not words:
            continue
        properties = paragraph._p.find(f"{_A}pPr")
        auto = properties.find(f"{_A}buAutoNum") if properties is not None else None
        numbers = {level: count for level, count in numbers.items() if level <= paragraph.level}
        mark = ""
        if auto is not None:
            first = int(auto.get("startAt") or 1)
            numbers[paragraph.level] = numbers.get(paragraph.level, first - 1) + 1
            mark = f"{numbers[paragraph.level]}. "
        elif len(frame.paragraphs) > 1:
            mark = "- " if paragraph.level or _is_body(frame) else ""
        lines.append("  " * paragraph.level + mark + words)
    if lines:
        writer.add_paragraph("\n".join(lines))


def _is_body(frame: Any) -> bool:
    shape = frame._parent
    return bool(getattr(shape, "is_placeholder", False)) and str(
        shape.placeholder_format.type
    ).startswith(("BODY", "OBJECT", "VERTICAL_BODY"))


def _words_of(paragraph: Any) -> str:
    """The words with the addresses of links; a line break in it is one."""
    parts = []
    for child in paragraph._p:
        if child.tag == f"{_A}br":
            parts.append("\n")
        elif child.tag in (f"{_A}r", f"{_A}fld") and not _is_struck(child):
            text = child.findtext(f"{_A}t") or ""
            parts.append(text)
            link = child.find(f"{_A}rPr/{_A}hlinkClick")
            address = _address_of(paragraph, link) if link is not None else ""
            if "://" in address and address != text:
                parts.append(f" ({address})")
    return "".join(parts)


def _is_struck(run: Any) -> bool:
    looks = run.find(f"{_A}rPr")
    return looks is not None and looks.get("strike", "noStrike") != "noStrike"


def _address_of(paragraph: Any, link: Any) -> str:
    name = link.get(_RELATION.replace("}dm", "}id")) or ""
    relations = paragraph.part.rels
    return str(relations[name].target_ref) if name in relations else ""


def _read_rows(table: Any) -> list[list[str]]:
    """Cells that are joined downwards say the same in each of their rows."""
    cells = [list(row.cells) for row in table.rows]
    rows = [[_cell_text(cell) for cell in row] for row in cells]
    for at, row in enumerate(cells):
        for column, cell in enumerate(row):
            for below in range(at + 1, min(at + cell.span_height, len(rows))):
                if column < len(rows[below]):
                    rows[below][column] = rows[at][column]
    return rows


def _cell_text(cell: Any) -> str:
    return " ".join(_words_of(paragraph) for paragraph in cell.text_frame.paragraphs)


def _write_chart(chart: Any, writer: SectionWriter) -> None:
    """A chart is a table: a row for each category, a column for each series."""
    if chart.has_title and chart.chart_title.has_text_frame:
        writer.add_paragraph(chart.chart_title.text_frame.text)
    for plot in chart.plots:
        categories = [str(each) for each in plot.categories]
        series = list(plot.series)
        values = [[_number(value) for value in each.values] for each in series]
        rows = [["", *(str(each.name) for each in series)]]
        for index in range(max([len(categories), *map(len, values)])):
            label = categories[index] if index < len(categories) else str(index + 1)
            rows.append([label, *(each[index] if index < len(each) else "" for each in values)])
        if len(rows) > 1:
            writer.add_table(rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.12g}"


def _read_diagram(shape: Any) -> Iterator[str]:
    """The texts of a SmartArt drawing, one for each of its boxes."""
    from lxml import etree

    for found in shape._element.iter(f"{{{_DIAGRAM}}}relIds"):
        name = found.get(_RELATION) or ""
        if name not in shape.part.rels:
            continue
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        root = etree.fromstring(shape.part.rels[name].target_part.blob, parser)
        for box in root.iter(f"{{{_DIAGRAM}}}pt"):
            text = " ".join(each.text or "" for each in box.iter(f"{_A}t"))
            if text.strip():
                yield text
