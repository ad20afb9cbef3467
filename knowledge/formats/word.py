"""DOCX: paragraphs, lists and tables in reading order, under the headings of its styles.

python-docx opens the package and knows the styles; the text is read from the XML itself, because python-docx leaves
out the text in content controls, tracked insertions and nested tables.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from knowledge.formats.sections import ParseError, SectionWriter, clean_line

if TYPE_CHECKING:
    from docx.document import Document

MAX_UNPACKED_BYTES = 256 * 1024 * 1024
MAX_PACKED_FILES = 5000
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_HEADING_STYLE = re.compile(r"heading (\d)$", re.IGNORECASE)
_CODE_STYLE = re.compile(r"\b(?:source )?code\b|preformatted", re.IGNORECASE)


def check_package(data: bytes) -> None:
    """Refuses, before anything is unpacked, what is not a DOCX, is encrypted, or would unpack to absurd sizes."""
    if data.startswith(_OLE_MAGIC):
        raise ParseError(
            "This Word file is encrypted or in the old .doc format. Please save it as .docx without a password.",
            code="encrypted",
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            entries = package.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        raise ParseError("This Word file is broken: it is not a .docx package.") from None
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise ParseError(
            "This Word file is encrypted. Please save it without a password.", code="encrypted"
        )
    if (
        sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES
        or len(entries) > MAX_PACKED_FILES
    ):
        raise ParseError("This Word file unpacks to more data than is allowed.", code="too_large")
    if "word/document.xml" not in {
        entry.filename for entry in entries
    } and "[Content_Types].xml" not in {entry.filename for entry in entries}:
        raise ParseError("This Word file is broken: it is not a .docx package.")


def _open_document(data: bytes) -> Document:
    import docx
    from docx.opc.exceptions import OpcError
    from lxml.etree import LxmlError

    try:
        return docx.Document(io.BytesIO(data))
    except (
        OpcError,
        LxmlError,
        KeyError,
        ValueError,
        AttributeError,
        OSError,
        zipfile.BadZipFile,
        EOFError,
    ):
        raise ParseError("This Word file is broken and cannot be read.") from None
    except NotImplementedError:
        raise ParseError("This Word file is packed in a way that cannot be read.") from None


def _read_text(element: Any) -> str:
    """The text of a paragraph: runs, links, fields and insertions, without deletions and repeated text boxes."""
    parts: list[str] = []
    stack = [element]
    while stack:
        node = stack.pop()
        tag = node.tag
        if tag == f"{_W}t":
            parts.append(node.text or "")
        elif tag == f"{_W}tab":
            parts.append("\t")
        elif tag in (f"{_W}br", f"{_W}cr"):
            parts.append("\n")
        elif tag == f"{_W}noBreakHyphen":
            parts.append("-")
        # The properties hold tab stops, which are not text.
        elif tag not in (f"{_W}pPr", f"{_W}rPr", f"{_W}del", _FALLBACK):
            stack.extend(reversed(node))
    return "".join(parts)


def _blocks(parent: Any) -> Iterator[Any]:
    """Paragraphs and tables below an element, looking into content controls and the like."""
    for child in parent:
        if child.tag in (f"{_W}p", f"{_W}tbl"):
            yield child
        elif child.tag in (
            f"{_W}sdt",
            f"{_W}sdtContent",
            f"{_W}customXml",
            f"{_W}ins",
            f"{_W}smartTag",
        ):
            yield from _blocks(child)


def _rows(parent: Any, tag: str) -> Iterator[Any]:
    for child in parent:
        if child.tag == tag:
            yield child
        elif child.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}customXml", f"{_W}ins"):
            yield from _rows(child, tag)


class _Styles:
    """What the styles' names say, by style id; a style inherits from the one it is based on."""

    def __init__(self, document: Document) -> None:
        self.heading_level: dict[str, int] = {}
        self.code: set[str] = set()
        self.title: set[str] = set()
        self.listed: set[str] = set()
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
            self.listed.add(style_id)
        elif _CODE_STYLE.search(name):
            self.code.add(style_id)


class _Reader:
    def __init__(self, document: Document, writer: SectionWriter) -> None:
        self.writer, self.styles = writer, _Styles(document)
        self.title = ""
        self.items: list[str] = []
        self.code: list[str] = []

    def read(self, body: Any) -> None:
        for block in _blocks(body):
            if block.tag == f"{_W}p":
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

    def read_paragraph(self, paragraph: Any) -> None:
        text = _read_text(paragraph)
        if not text.strip():
            self.flush()
            return
        style = paragraph.find(f"{_W}pPr/{_W}pStyle")
        style_id = style.get(f"{_W}val") if style is not None else ""
        outline = paragraph.find(f"{_W}pPr/{_W}outlineLvl")
        level = self.styles.heading_level.get(style_id)
        if level is None and outline is not None and (outline.get(f"{_W}val") or "9") in "012345":
            level = int(outline.get(f"{_W}val")) + 1
        if level is not None:
            self.flush()
            self.writer.open_heading(level, text)
        elif style_id in self.styles.title and not self.title:
            self.flush()
            self.title = clean_line(text)
            self.writer.add_paragraph(self.title)
        elif style_id in self.styles.code:
            self.code.append(text)
        elif style_id in self.styles.listed or paragraph.find(f"{_W}pPr/{_W}numPr") is not None:
            self.items.append(f"- {text.strip()}")
        else:
            self.flush()
            self.writer.add_paragraph(text)

    def read_table(self, table: Any) -> None:
        rows = []
        for row in _rows(table, f"{_W}tr"):
            cells = [" ".join(self.read_cell(cell)) for cell in _rows(row, f"{_W}tc")]
            rows.append(cells)
        if all(len(row) < 2 for row in rows):
            # A frame around text, not a table of data.
            for row in rows:
                self.writer.add_paragraph("".join(row))
        else:
            self.writer.add_table(rows)

    def read_cell(self, cell: Any) -> Iterator[str]:
        for block in _blocks(cell):
            if block.tag == f"{_W}p":
                yield clean_line(_read_text(block))
            else:
                for row in _rows(block, f"{_W}tr"):
                    for inner in _rows(row, f"{_W}tc"):
                        yield from self.read_cell(inner)


def parse_docx(data: bytes, writer: SectionWriter) -> dict[str, object]:
    check_package(data)
    document = _open_document(data)
    reader = _Reader(document, writer)
    reader.read(document.element.body)
    properties = document.core_properties
    metadata: dict[str, object] = {}
    for key, value in (("title", reader.title or properties.title), ("author", properties.author)):
        if clean := clean_line(value or "")[:500]:
            metadata[key] = clean
    return metadata
