"""EPUB: its chapters in reading order, each read as the web page that it is."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from knowledge.formats.office.packages import Package, open_package
from knowledge.formats.pages.webpage import parse_html
from knowledge.formats.restrictions import UNREADABLE, find_restriction
from knowledge.formats.sections import ParseError, SectionWriter, clean_line
from minirag.lib.telling.kept_sentences import kept

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_CONTAINER: Final = "META-INF/container.xml"
_DC: Final = "{http://purl.org/dc/elements/1.1/}"
_OPF: Final = "{http://www.idpf.org/2007/opf}"
_FONTS: Final = (b"http://www.idpf.org/2008/embedding", b"http://ns.adobe.com/pdf/enc#RC")
_PAGES: Final = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")


def parse_epub(data: bytes, writer: SectionWriter) -> dict[str, object]:
    package = open_package(data, "EPUB book", _CONTAINER)
    _refuse_locked(package)
    root = package.read_xml(_CONTAINER)
    path = next(
        (each.get("full-path") for each in root.iter() if each.tag.endswith("}rootfile")), None
    )
    if not path or not package.has(path):
        raise ParseError("This EPUB book is broken: it does not say what it holds.")
    book = package.read_xml(path)
    missing, is_restricted = 0, False
    for chapter, part in enumerate(_reading_order(book, posixpath.dirname(path)), 1):
        if not package.has(part):
            missing += 1
            continue
        writer.end_headings()
        writer.move_to(f"chapter {chapter}")
        is_restricted |= find_restriction(parse_html(package.read(part), writer)) is not None
    metadata = _describe(book)
    if is_restricted:  # a chapter is no document of its own
        metadata["visibility"] = UNREADABLE
    if missing:
        metadata["notes"] = [kept(f"Chapters that the book names and does not hold: {missing}.")]
    return metadata


def _refuse_locked(package: Package) -> None:
    """Fonts may be scrambled, the text may not."""
    rights = "META-INF/encryption.xml"
    if not package.has(rights):
        return
    for method in package.read_xml(rights).iter():
        name = (method.get("Algorithm") or "").encode()
        if method.tag.endswith("}EncryptionMethod") and name not in _FONTS:
            raise ParseError("This EPUB book is protected against copying.", code="encrypted")


def _reading_order(book: Element, folder: str) -> list[str]:
    """The parts that are read one after the other, without the table of contents, which only repeats their titles."""
    parts, contents = {}, set()
    for item in book.iter(f"{_OPF}item"):
        parts[item.get("id")] = (item.get("href") or "", item.get("media-type") or "")
        if "nav" in (item.get("properties") or "").split():
            contents.add(item.get("id"))
    order = [each.get("idref") for each in book.iter(f"{_OPF}itemref")]
    found = [parts[name] for name in order if name in parts and name not in contents]
    return [
        posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))
        for href, media_type in found
        if media_type in _PAGES
    ]


def _describe(book: Element) -> dict[str, object]:
    metadata: dict[str, object] = {}
    for key, name in (("title", "title"), ("author", "creator"), ("date", "date")):
        element = next(book.iter(f"{_DC}{name}"), None)
        if element is not None and (clean := clean_line("".join(element.itertext()))[:500]):
            metadata[key] = clean[:10] if key == "date" else clean
    return metadata
