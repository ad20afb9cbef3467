"""DOCX: paragraphs, lists and tables in reading order, under the headings of its styles, with all changes accepted.

python-docx opens the package and knows the styles; the text is read from the XML itself, because python-docx leaves
out the text in content controls, tracked insertions, nested tables and text boxes. Resolved comments are no text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from knowledge.formats.sections import (
    Section,
    SectionWriter,
    clean_line,
    clean_text,
    is_page_number,
)
from knowledge.formats.word.comments import read_comments
from knowledge.formats.word.numbering import BULLET, Numbering, W
from knowledge.formats.word.package import check_package, find_parts, open_document
from knowledge.formats.word.paragraphs import MARK, Paragraph, is_on, read_paragraph

if TYPE_CHECKING:
    from docx.document import Document

_HEADING_STYLE = re.compile(r"heading (\d)$", re.IGNORECASE)
_LIST_DEPTH = re.compile(r"(?<= )[2-9]$")
_CODE_STYLE = re.compile(r"\b(?:source )?code\b|preformatted", re.IGNORECASE)
_WIDEST_CELL: Final = 100
# Before a full stop, so that it belongs to its own sentence.
_MARKED = re.compile(rf"([.,;:!?]?) *{MARK}")
# What python-docx says of a document that says nothing of itself.
_SAYS_NOTHING: Final = frozenset(("Word Document", "python-docx"))


def _blocks(parent: Any) -> Iterator[Any]:
    """Paragraphs and tables below an element, looking into content controls and the like."""
    for child in parent:
        if child.tag in (f"{W}p", f"{W}tbl"):
            yield child
        elif child.tag in (
            f"{W}sdt",
            f"{W}sdtContent",
            f"{W}customXml",
            f"{W}ins",
            f"{W}moveTo",
            f"{W}smartTag",
        ):
            yield from _blocks(child)


def _rows(parent: Any, tag: str) -> Iterator[Any]:
    for child in parent:
        if child.tag == tag:
            yield child
        elif child.tag in (f"{W}sdt", f"{W}sdtContent", f"{W}customXml", f"{W}ins"):
            yield from _rows(child, tag)


class _Styles:
    """What the styles' names say, by style id; a style inherits from the one it is based on."""

    def __init__(self, document: Document) -> None:
        self.heading_level: dict[str, int] = {}
        self.code: set[str] = set()
        self.title: set[str] = set()
        self.listed: dict[str, int] = {}
        self.contents: set[str] = set()
        for style in document.styles:
            base, seen = style, 0
            while base is not None and seen < 10:
                self._note(style.style_id, base.name or "")
                base, seen = getattr(base, "base_style", None), seen + 1

    def _note(self, style_id: str, name: str) -> None:
        heading = _HEADING_STYLE.match(name)
        if heading is not None:
            self.heading_level.setdefault(style_id, int(heading.group(1)))
        elif name == "Title":
            self.title.add(style_id)
        elif name.startswith("List") and name != "List Paragraph":
            depth = _LIST_DEPTH.search(name)
            self.listed.setdefault(style_id, int(depth.group()) - 1 if depth else 0)
        elif name.lower().startswith("toc "):
            self.contents.add(style_id)
        elif _CODE_STYLE.search(name):
            self.code.add(style_id)


class _Reader:
    def __init__(self, document: Document, writer: SectionWriter) -> None:
        self.writer, self.styles = writer, _Styles(document)
        numbering = next(iter(find_parts(document, "numbering")), None)
        self.numbering = Numbering(numbering, next(iter(find_parts(document, "styles")), None))
        self.notes = {
            (kind, note.get(f"{W}id") or ""): note
            for kind in ("footnote", "endnote")
            for part in find_parts(document, f"{kind}s")
            for note in part.findall(f"{W}{kind}")
        }
        self.comments = read_comments(document)
        self.title = ""
        self.items: list[str] = []
        self.code: list[str] = []
        self.pending: list[str] = []
        self.marks = 0
        self.carried = ""

    def read(self, body: Any) -> None:
        self.read_blocks(body)
        self.end_section()

    def read_blocks(self, parent: Any) -> None:
        for block in _blocks(parent):
            if block.tag == f"{W}p":
                self.read_paragraph(block)
            else:
                self.flush()
                self.read_table(block)
        self.flush()

    def flush(self) -> None:
        """Ends the running list or code block."""
        if self.items:
            self.writer.add_paragraph("\n".join(self.items))
            self.items = []
        if self.code:
            self.writer.add_code("\n".join(self.code))
            self.code = []

    def end_section(self) -> None:
        """Notes and comments stand at the end of the section that refers to them."""
        self.flush()
        for note in self.pending:
            self.writer.add_paragraph(note)
        self.pending = []

    def read_paragraph(self, paragraph: Any) -> None:
        read = self.take(paragraph)
        properties = paragraph.find(f"{W}pPr")
        style_id = self.style_of(paragraph)
        if properties is not None and properties.find(f"{W}rPr/{W}del") is not None:
            # Its end is deleted: what follows goes on in it.
            self.carried = read.text
            return
        label = self.numbering.label(properties, style_id)
        if not read.text.strip():
            self.flush()
        elif style_id not in self.styles.contents:
            self.write(paragraph, style_id, read.text, label)
        for description in read.pictures:
            self.flush()
            self.writer.add_picture(description)
        for box in read.boxes:
            self.flush()
            self.read_blocks(box)

    def take(self, paragraph: Any) -> Paragraph:
        """What is written in a paragraph; its notes wait for the section's end."""
        read = read_paragraph(paragraph)
        read.text = self.carried + read.text
        self.carried = ""
        for name in read.notes:
            note = self.notes.pop(name, None)
            text = clean_line(" ".join(self.read_cell(note))) if note is not None else ""
            if text:
                self.marks += 1
                self.pending.append(f"*{self.marks} {text}")
            mark = f" *{self.marks}\\1" if text else "\\1"
            read.text = _MARKED.sub(mark, read.text, count=1)
        for comment_id in read.comments:
            if comment_id not in self.comments:
                continue
            author, comment = self.comments.pop(comment_id)
            if text := clean_line(" ".join(self.read_cell(comment))):
                self.pending.append(f"Comment{f' ({author})' if author else ''}: {text}")
        return read

    def style_of(self, paragraph: Any) -> str:
        style = paragraph.find(f"{W}pPr/{W}pStyle")
        return (style.get(f"{W}val") or "") if style is not None else ""

    def write(
        self, paragraph: Any, style_id: str, text: str, label: tuple[str, int] | None
    ) -> None:
        level = self.level_of(paragraph, style_id)
        number = label[0] if label and label[0] != BULLET else ""
        if level is not None:
            self.end_section()
            self.writer.open_heading(level, f"{number} {text}")
        elif style_id in self.styles.title and not self.title:
            self.flush()
            self.title = clean_line(text)
            self.writer.add_paragraph(self.title)
        elif style_id in self.styles.code:
            self.code.append(text)
        elif label or style_id in self.styles.listed:
            depth = max(label[1] if label else 0, self.styles.listed.get(style_id, 0))
            self.items.append(f"{'  ' * depth}{number or BULLET} {text.strip()}")
        else:
            self.flush()
            self.writer.add_paragraph(text)

    def level_of(self, paragraph: Any, style_id: str) -> int | None:
        outline = paragraph.find(f"{W}pPr/{W}outlineLvl")
        level = self.styles.heading_level.get(style_id)
        if level is None and outline is not None and (outline.get(f"{W}val") or "9") in "012345":
            level = int(outline.get(f"{W}val")) + 1
        return level

    def read_table(self, table: Any) -> None:
        shown: list[list[str]] = []
        for row in _rows(table, f"{W}tr"):
            if is_on(row, "trPr", "del"):
                continue
            above = shown[-1] if shown else []
            shown.append([
                (above[column] if column < len(above) else "") if cell is None else cell
                for column, cell in enumerate(self.read_row(row))
            ])  # fmt: skip
        if all(len(row) < 2 for row in shown):
            # A frame around text, not a table of data.
            for row in shown:
                self.writer.add_paragraph("".join(row))
        else:
            self.writer.add_table(shown)

    def read_row(self, row: Any) -> list[str | None]:
        """Its cells; None for one that goes on from above, and empty ones for what a wide cell covers."""
        cells: list[str | None] = []
        for cell in _rows(row, f"{W}tc"):
            text = " ".join(filter(None, self.read_cell(cell)))
            merged = cell.find(f"{W}tcPr/{W}vMerge")
            goes_on = merged is not None and merged.get(f"{W}val") != "restart" and not text
            span = cell.find(f"{W}tcPr/{W}gridSpan")
            width = (span.get(f"{W}val") or "1") if span is not None else "1"
            cells.append(None if goes_on else text)
            cells += [""] * (min(int(width), _WIDEST_CELL) - 1 if width.isdigit() else 0)
        return cells

    def read_cell(self, cell: Any) -> Iterator[str]:
        for block in _blocks(cell):
            if block.tag == f"{W}p":
                label = self.numbering.label(block.find(f"{W}pPr"), self.style_of(block))
                read = self.take(block)
                yield clean_line(
                    f"{label[0] if label else ''} {read.text}" if read.text.strip() else ""
                )
                for box in read.boxes:
                    yield from self.read_cell(box)
            else:
                for row in _rows(block, f"{W}tr"):
                    for inner in _rows(row, f"{W}tc"):
                        yield from self.read_cell(inner)


def _read_margins(document: Document) -> str:
    """Headers and footers, each line once, without pages' numbers."""
    lines: dict[str, None] = {}
    for kind in ("header", "footer"):
        for part in find_parts(document, kind):
            for paragraph in part.iter(f"{W}p"):
                text = clean_line(read_paragraph(paragraph).text.replace(MARK, ""))
                if text and not is_page_number(text):
                    lines[text] = None
    return "\n".join(lines)


def parse_docx(data: bytes, writer: SectionWriter) -> dict[str, object]:
    check_package(data)
    document = open_document(data)
    reader = _Reader(document, writer)
    reader.read(document.element.body)
    margins = clean_text(_read_margins(document))
    if margins:
        writer.finish()
        writer.sections.append(Section((), margins))
    properties = document.core_properties
    metadata: dict[str, object] = {}
    for key, value in (("title", reader.title or properties.title), ("author", properties.author)):
        clean = clean_line(value or "")[:500]
        if clean and clean not in _SAYS_NOTHING:
            metadata[key] = clean
    return metadata
