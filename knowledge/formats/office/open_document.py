"""OpenDocument text (ODT): headings, paragraphs, numbered lists, tables, links and notes, without what was deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from knowledge.formats.office.packages import Package, open_package
from knowledge.formats.sections import ParseError, SectionWriter, clean_line

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_OASIS: Final = "{urn:oasis:names:tc:opendocument:xmlns:"
_TEXT: Final = f"{_OASIS}text:1.0}}"
_TABLE: Final = f"{_OASIS}table:1.0}}"
_OFFICE: Final = f"{_OASIS}office:1.0}}"
_STYLE: Final = f"{_OASIS}style:1.0}}"
_META: Final = f"{_OASIS}meta:1.0}}"
_DC: Final = "{http://purl.org/dc/elements/1.1/}"
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_DEEPEST: Final = 200
_MOST_REPEATED: Final = 100
# What was deleted, the numbers of lines and pages, and what stands in the file only to be shown elsewhere.
_LEFT_OUT: Final = frozenset(
    (f"{_TEXT}tracked-changes", f"{_TEXT}sequence-decls", f"{_TEXT}ruby-text", f"{_TEXT}table-of-content",
     f"{_TEXT}alphabetical-index", f"{_OFFICE}forms", f"{_OFFICE}annotation", f"{_TEXT}note-citation")
)  # fmt: skip


def parse_odt(data: bytes, writer: SectionWriter) -> dict[str, object]:
    package = open_package(data, "OpenDocument file", "content.xml")
    _refuse_encrypted(package)
    root = package.read_xml("content.xml")
    body = root.find(f"{_OFFICE}body/{_OFFICE}text")
    if body is None:
        raise ParseError("This OpenDocument file holds no text document.", code="unsupported")
    reader = _Reader(writer, _find_numbered(root), _find_titles(root))
    reader.read(body, 0)
    return _describe(package) | ({"title": reader.title} if reader.title else {})


def _refuse_encrypted(package: Package) -> None:
    manifest = "META-INF/manifest.xml"
    if package.has(manifest) and b"encryption-data" in package.read(manifest):
        raise ParseError(
            "This OpenDocument file is encrypted. Please save it without a password.",
            code="encrypted",
        )


def _find_numbered(root: Element) -> dict[str, set[int]]:
    """The levels of each style of lists that are counted."""
    found: dict[str, set[int]] = {}
    for style in root.iter(f"{_TEXT}list-style"):
        levels = {
            int(each.get(f"{_TEXT}level") or 1)
            for each in style.iter(f"{_TEXT}list-level-style-number")
        }
        found[style.get(f"{_STYLE}name") or ""] = levels
    return found


def _find_titles(root: Element) -> set[str]:
    """The styles that are, or are made after, the one of titles."""
    derived = {
        style.get(f"{_STYLE}name") or ""
        for style in root.iter(f"{_STYLE}style")
        if style.get(f"{_STYLE}parent-style-name") == "Title"
    }
    return {"Title", *derived}


def _describe(package: Package) -> dict[str, object]:
    if not package.has("meta.xml"):
        return {}
    metadata: dict[str, object] = {}
    meta = package.read_xml("meta.xml")
    told = (
        ("title", f"{_DC}title"), ("author", f"{_META}initial-creator"), ("author", f"{_DC}creator"),
        ("date", f"{_DC}date"),
    )  # fmt: skip
    for key, name in told:
        element = next(meta.iter(name), None)
        if element is not None and (clean := clean_line("".join(element.itertext()))[:500]):
            metadata.setdefault(key, clean[:10] if key == "date" else clean)
    return metadata


class _Reader:
    def __init__(
        self, writer: SectionWriter, numbered: dict[str, set[int]], titles: set[str]
    ) -> None:
        self.writer, self.numbered, self.titles = writer, numbered, titles
        self.title = ""

    def read(self, parent: Element, depth: int) -> None:
        if depth > _DEEPEST:
            raise ParseError("This OpenDocument file nests its parts too deep.")
        for element in parent:
            if element.tag in _LEFT_OUT:
                continue
            if element.tag == f"{_TEXT}h":
                level = element.get(f"{_TEXT}outline-level") or "1"
                self.writer.open_heading(int(level) if level.isdigit() else 1, _words_of(element))
            elif element.tag == f"{_TEXT}p":
                words = _words_of(element)
                if element.get(f"{_TEXT}style-name") in self.titles and not self.title:
                    self.title = clean_line(words)[:500]
                self.writer.add_paragraph(words)
                self.read_frames(element, depth)
            elif element.tag == f"{_TEXT}list":
                self.writer.add_paragraph("\n".join(self.read_list(element, 1, "")))
            elif element.tag == f"{_TABLE}table":
                self.write_table(element)
            else:
                self.read(element, depth + 1)

    def read_frames(self, paragraph: Element, depth: int) -> None:
        """The texts of boxes that are anchored in a paragraph."""
        for box in paragraph.iter(f"{_OASIS}drawing:1.0}}text-box"):
            self.read(box, depth + 1)

    def read_list(self, element: Element, level: int, style: str) -> Iterator[str]:
        style = element.get(f"{_TEXT}style-name") or style
        is_numbered = level in self.numbered.get(style, ())
        indent, number = "  " * (level - 1), 0
        if level > _DEEPEST:
            raise ParseError("This OpenDocument file nests its parts too deep.")
        for item in element:
            is_header = item.tag == f"{_TEXT}list-header"
            start = item.get(f"{_TEXT}start-value") or ""
            number = int(start) if start.isdigit() else number + (not is_header)
            mark = "" if is_header else f"{number}. " if is_numbered else "- "
            for part in item:
                if part.tag == f"{_TEXT}list":
                    yield from self.read_list(part, level + 1, style)
                elif words := _words_of(part).strip():
                    yield indent + mark + words
                    mark = " " * len(mark)

    def write_table(self, table: Element) -> None:
        rows = []
        for row in table.iter(f"{_TABLE}table-row"):
            cells: list[str] = []
            for cell in row:
                if cell.tag == f"{_TABLE}table-cell":
                    again = cell.get(f"{_TABLE}number-columns-repeated") or "1"
                    words = " ".join(_words_of(p) for p in cell.iter(f"{_TEXT}p"))
                    cells += [words] * min(int(again) if again.isdigit() else 1, _MOST_REPEATED)
            rows.append(cells)
        if all(len(row) < 2 for row in rows):
            for cells in rows:  # a frame around text
                self.writer.add_paragraph("".join(cells))
        else:
            self.writer.add_table(rows)


def _words_of(element: Element) -> str:
    """The words of a paragraph; notes stand in brackets where their number is."""
    parts: list[str] = [element.text or ""]
    for child in element:
        if child.tag == f"{_TEXT}s":
            count = child.get(f"{_TEXT}c") or "1"
            parts.append(" " * min(int(count) if count.isdigit() else 1, _MOST_REPEATED))
        elif child.tag == f"{_TEXT}tab":
            parts.append("\t")
        elif child.tag == f"{_TEXT}line-break":
            parts.append("\n")
        elif child.tag == f"{_TEXT}note":
            note = clean_line(" ".join(_words_of(p) for p in child.iter(f"{_TEXT}p")))
            parts.append(f" [{note}]" if note else "")
        elif child.tag not in _LEFT_OUT and not child.tag.startswith(f"{_OASIS}drawing:1.0}}"):
            words = _words_of(child)
            address = child.get(_HREF) or ""
            is_link = child.tag == f"{_TEXT}a" and "://" in address and address != words
            parts.append(f"{words} ({address})" if is_link else words)
        parts.append(child.tail or "")
    return "".join(parts)
