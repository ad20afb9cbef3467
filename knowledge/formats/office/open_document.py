"""OpenDocument text (ODT): headings, paragraphs, numbered lists, tables, links and notes, without what was deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from knowledge.formats.office.packages import Package, open_package
from knowledge.formats.sections import ParseError, SectionWriter, clean_line

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_OASIS: Final = "{urn:oasis:names:tc:opendocument:xmlns:"
TEXT: Final = f"{_OASIS}text:1.0}}"
TABLE: Final = f"{_OASIS}table:1.0}}"
OFFICE: Final = f"{_OASIS}office:1.0}}"
STYLE: Final = f"{_OASIS}style:1.0}}"
DRAW: Final = f"{_OASIS}drawing:1.0}}"
_SVG: Final = f"{_OASIS}svg-compatible:1.0}}"
_META: Final = f"{_OASIS}meta:1.0}}"
_DC: Final = "{http://purl.org/dc/elements/1.1/}"
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_DEEPEST: Final = 200
_MOST_REPEATED: Final = 100
# What was deleted, the numbers of lines and pages, and what stands in the file only to be shown elsewhere.
_LEFT_OUT: Final = frozenset(
    (f"{TEXT}tracked-changes", f"{TEXT}sequence-decls", f"{TEXT}ruby-text", f"{TEXT}table-of-content",
     f"{TEXT}alphabetical-index", f"{OFFICE}forms", f"{OFFICE}annotation", f"{TEXT}note-citation")
)  # fmt: skip

_WITH_LOOKS: Final = (f"{TEXT}h", f"{TEXT}p", f"{TEXT}span", f"{TABLE}table-cell")


def parse_odt(data: bytes, writer: SectionWriter) -> dict[str, object]:
    root, body, metadata = open_content(data, "text")
    reader = OpenReader(writer, root)
    reader.read(body, 0)
    return metadata | ({"title": reader.title} if reader.title else {})


def open_content(data: bytes, holds: str) -> tuple[Element, Element, dict[str, object]]:
    """The whole content, its body that `holds` such a document, and what the file says of itself. Raises ParseError."""
    package = open_package(data, "OpenDocument file", "content.xml")
    _refuse_encrypted(package)
    root = package.read_xml("content.xml")
    _leave_out_struck(root)
    body = root.find(f"{OFFICE}body/{OFFICE}{holds}")
    if body is None:
        raise ParseError(f"This OpenDocument file holds no {holds} document.", code="unsupported")
    return root, body, _describe(package)


def _leave_out_struck(root: Element) -> None:
    """Empty what is struck out: it does not hold any more."""
    struck = {
        style.get(f"{STYLE}name")
        for style in root.iter(f"{STYLE}style")
        for looks in style.iter(f"{STYLE}text-properties")
        if looks.get(f"{STYLE}text-line-through-style", "none") != "none"
    }
    for tag in _WITH_LOOKS if struck else ():
        for element in root.iter(tag):
            if (element.get(f"{TEXT}style-name") or element.get(f"{TABLE}style-name")) in struck:
                element.text = None
                element.attrib.pop(f"{OFFICE}date-value", None)
                del element[:]


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
    for style in root.iter(f"{TEXT}list-style"):
        levels = {
            int(each.get(f"{TEXT}level") or 1)
            for each in style.iter(f"{TEXT}list-level-style-number")
        }
        found[style.get(f"{STYLE}name") or ""] = levels
    return found


def _find_titles(root: Element) -> set[str]:
    """The styles that are, or are made after, the one of titles."""
    derived = {
        style.get(f"{STYLE}name") or ""
        for style in root.iter(f"{STYLE}style")
        if style.get(f"{STYLE}parent-style-name") == "Title"
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


class OpenReader:
    """Reads what text documents and slides are made of; `root` is the whole content, with its styles."""

    def __init__(self, writer: SectionWriter, root: Element) -> None:
        self.writer = writer
        self.numbered, self.titles = _find_numbered(root), _find_titles(root)
        self.title = ""

    def read(self, parent: Element, depth: int) -> None:
        if depth > _DEEPEST:
            raise ParseError("This OpenDocument file nests its parts too deep.")
        for element in parent:
            if element.tag in _LEFT_OUT:
                continue
            if element.tag == f"{TEXT}h":
                level = element.get(f"{TEXT}outline-level") or "1"
                self.writer.open_heading(int(level) if level.isdigit() else 1, words_of(element))
            elif element.tag == f"{TEXT}p":
                words = words_of(element)
                if element.get(f"{TEXT}style-name") in self.titles and not self.title:
                    self.title = clean_line(words)[:500]
                self.writer.add_paragraph(words)
                self.read_frames(element, depth)
            elif element.tag == f"{TEXT}list":
                self.writer.add_paragraph("\n".join(self.read_list(element, 1, "")))
            elif element.tag == f"{TABLE}table":
                self.write_table(element)
            elif element.tag == f"{DRAW}frame":
                self.read_shape(element, depth)
            else:
                self.read(element, depth + 1)

    def read_frames(self, paragraph: Element, depth: int) -> None:
        """The texts of boxes, and what is said of pictures, that are anchored in a paragraph."""
        for child in paragraph:
            if child.tag.startswith(DRAW):
                self.read_shape(child, depth)
            elif depth < _DEEPEST and not child.tag.startswith(f"{TEXT}note"):
                self.read_frames(child, depth + 1)

    def read_shape(self, shape: Element, depth: int) -> None:
        """The texts and tables in a drawn shape, or what is said of the picture in it."""
        if shape.find(f"{DRAW}text-box") is None and shape.find(f"{DRAW}image") is not None:
            told = (shape.findtext(f"{_SVG}desc"), shape.findtext(f"{_SVG}title"))
            self.writer.add_picture(next(filter(None, told), ""))
        elif shape.tag not in (f"{_SVG}desc", f"{_SVG}title"):
            self.read(shape, depth + 1)

    def read_list(self, element: Element, level: int, style: str) -> Iterator[str]:
        style = element.get(f"{TEXT}style-name") or style
        is_numbered = level in self.numbered.get(style, ())
        indent, number = "  " * (level - 1), 0
        if level > _DEEPEST:
            raise ParseError("This OpenDocument file nests its parts too deep.")
        for item in element:
            is_header = item.tag == f"{TEXT}list-header"
            start = item.get(f"{TEXT}start-value") or ""
            number = int(start) if start.isdigit() else number + (not is_header)
            mark = "" if is_header else f"{number}. " if is_numbered else "- "
            for part in item:
                if part.tag == f"{TEXT}list":
                    yield from self.read_list(part, level + 1, style)
                elif words := words_of(part).strip():
                    yield indent + mark + words
                    mark = " " * len(mark)

    def write_table(self, table: Element) -> None:
        rows = []
        for row in table.iter(f"{TABLE}table-row"):
            cells: list[str] = []
            for cell in row:
                if cell.tag == f"{TABLE}table-cell":
                    again = cell.get(f"{TABLE}number-columns-repeated") or "1"
                    words = " ".join(words_of(p) for p in cell.iter(f"{TEXT}p"))
                    cells += [words] * min(int(again) if again.isdigit() else 1, _MOST_REPEATED)
            rows.append(cells)
        if all(len(row) < 2 for row in rows):
            for cells in rows:  # a frame around text
                self.writer.add_paragraph("".join(cells))
        else:
            self.writer.add_table(rows)


def words_of(element: Element) -> str:
    """The words of a paragraph; notes stand in brackets where their number is."""
    parts: list[str] = [element.text or ""]
    for child in element:
        if child.tag == f"{TEXT}s":
            count = child.get(f"{TEXT}c") or "1"
            parts.append(" " * min(int(count) if count.isdigit() else 1, _MOST_REPEATED))
        elif child.tag == f"{TEXT}tab":
            parts.append("\t")
        elif child.tag == f"{TEXT}line-break":
            parts.append("\n")
        elif child.tag == f"{TEXT}note":
            note = clean_line(" ".join(words_of(p) for p in child.iter(f"{TEXT}p")))
            parts.append(f" [{note}]" if note else "")
        elif child.tag not in _LEFT_OUT and not child.tag.startswith(DRAW):
            words = words_of(child)
            address = child.get(_HREF) or ""
            is_link = child.tag == f"{TEXT}a" and "://" in address and address != words
            parts.append(f"{words} ({address})" if is_link else words)
        parts.append(child.tail or "")
    return "".join(parts)
