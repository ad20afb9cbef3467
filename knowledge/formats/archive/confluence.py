"""Confluence's exports of a space, as HTML or as XML: each page by its title, below those that it is under."""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from knowledge.formats.archive.entities import SpaceEntities, read_entities
from knowledge.formats.archive.opening import PackedFile, read_file
from knowledge.formats.archive.storage_format import as_web_page, make_page
from knowledge.formats.archive.unpacking import Export, Unpacked, unpack_file
from knowledge.formats.registry import FORMATS, WEB_PAGE
from knowledge.formats.sections import ParseError, clean_line

ENTITIES: Final = "entities.xml"
LARGEST_ENTITIES: Final = 100 * 2**20
_SUFFIX: Final = FORMATS[WEB_PAGE].suffixes[0]
_INDEX: Final = f"index{_SUFFIX}"
_PAGE: Final = re.compile(r"(?:.*[_/])?\d{3,}\.html")
_ATTACHMENT: Final = re.compile(
    r'href="(attachments/\d{1,20}/\d{1,20}\.[A-Za-z0-9]{1,8})[^"<>]{0,200}"[^<>]{0,200}>([^<>]{1,300})<'
)
_TITLE: Final = re.compile(r"<title>([^<>]{1,1000})</title>")
_CRUMB: Final = re.compile(r'<a href="[^"<>]{1,500}">([^<>]{1,300})</a>')
_HEAD: Final = 20_000
_TAIL: Final = 200_000
_BEGINS: Final = '<div id="main-content"'
_ENDS: Final = ('<div class="pageSection group"', '<div id="footer"')


def _recognise_pages(paths: Sequence[str]) -> bool:
    names = {PurePosixPath(path).name for path in paths}
    pages = [path for path in paths if path.endswith(_SUFFIX) and not path.endswith(_INDEX)]
    known = sum(_PAGE.fullmatch(path) is not None for path in pages)
    return {_INDEX, "site.css"} <= names and known > 0 and 2 * known >= len(pages)


def _unpack_pages(
    archive: zipfile.ZipFile, files: list[PackedFile], largest: int
) -> Iterator[Unpacked]:
    """The pages first: they know what the attachments are called."""
    called: dict[str, str] = {}
    pages = [file for file in files if file.path.endswith(_SUFFIX)]
    for file in pages:
        if PurePosixPath(file.path).name == _INDEX:
            continue
        found = unpack_file(archive, file, Unpacked(file.path, len(files)), largest)
        if not found.reason:
            page = found.data.decode("utf-8", "replace")
            for match in _ATTACHMENT.finditer(page[-_TAIL:]):
                called.setdefault(match[1], clean_line(html.unescape(match[2])))
            found = _read_page(page, found)
        yield found
    for file in files:
        where = "/".join(PurePosixPath(file.path).parts[-3:])
        if where in called:
            path = f"{PurePosixPath(file.path).parent}/{called[where].replace('/', '-')}"
            yield unpack_file(archive, file, Unpacked(path, len(files)), largest)


def _read_page(page: str, found: Unpacked) -> Unpacked:
    """A page's own text, under its own title: the space's name, who wrote it and its attachments are left out."""
    head = page[:_HEAD]
    said = _TITLE.search(head)
    title = clean_line(html.unescape(said[1])).partition(" : ")[2] if said else ""
    title = title or PurePosixPath(found.path).stem
    crumbs = head.partition('<ol id="breadcrumbs">')[2].partition("</ol>")[0]
    above = [clean_line(html.unescape(match[1])) for match in _CRUMB.finditer(crumbs)]
    begins = page.find(_BEGINS)
    ends = min((at for mark in _ENDS if (at := page.find(mark, begins)) > 0), default=len(page))
    text = page[begins:ends] if begins >= 0 else page
    path = "/".join(each.replace("/", "-") for each in [*above, title])
    return replace(
        found, path=f"{path}{_SUFFIX}", title=title, data=make_page(title, text), kind=WEB_PAGE
    )


def _recognise_entities(paths: Sequence[str]) -> bool:
    return _find_top(paths) is not None


def _find_top(paths: Sequence[str]) -> str | None:
    """The folder that the export is in, as it is where people have packed it again; None where there is no export."""
    there = set(paths)
    tops = (path.removesuffix(ENTITIES) for path in paths if path.endswith(ENTITIES))
    return next((top for top in tops if f"{top}exportDescriptor.properties" in there), None)


def _unpack_entities(
    archive: zipfile.ZipFile, files: list[PackedFile], largest: int
) -> Iterator[Unpacked]:
    top = _find_top([file.path for file in files]) or ""
    by_path = {file.path.removeprefix(top): file for file in files}
    space: SpaceEntities = read_entities(
        read_file(archive, by_path[ENTITIES], limit=LARGEST_ENTITIES)
    )
    if not space.pages:
        raise ParseError("There are no pages in this export of Confluence.", code="no_content")
    total = len(space.pages) + len(space.attachments)
    for page in space.pages.values():
        known = Unpacked(space.find_path(page) + _SUFFIX, total, title=page.title, kind=WEB_PAGE)
        if space.is_restricted(page):
            yield replace(known, code="restricted", reason="It may be seen by some people only.")
        elif not page.body.strip():
            yield replace(known, code="no_text", reason="There is no text in it.")
        else:
            yield replace(known, data=as_web_page(page.title, page.body))
    for attachment in space.attachments:
        file = by_path.get(attachment.packed_as)
        page_of = space.pages.get(attachment.page_id)
        if file is None or page_of is None:
            continue
        name = attachment.title.replace("/", "-")
        known = Unpacked(f"{space.find_path(page_of)}/{name}", total)
        if space.is_restricted(page_of):
            yield replace(known, code="restricted", reason="It may be seen by some people only.")
        else:
            yield unpack_file(archive, file, known, largest)


CONFLUENCE_PAGES: Final = Export("Confluence, HTML", _recognise_pages, _unpack_pages)
CONFLUENCE_ENTITIES: Final = Export("Confluence, XML", _recognise_entities, _unpack_entities)
