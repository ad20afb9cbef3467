"""Notion's export (Markdown and CSV, or HTML): its pages under the names that people gave them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from knowledge.formats.archive.opening import PackedFile, open_archive, read_file
from knowledge.formats.archive.unpacking import Export, Unpacked, unpack_file
from knowledge.formats.sections import ParseError

_ID: Final = re.compile(
    r"(?:^|[ -])(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=_all$|$)"
)
_PART: Final = re.compile(r"(?:.*/)?[^/]*(?:Export|Part)[^/]*-\d+\.zip", re.IGNORECASE)
_PAGES: Final = re.compile(r".*\.(?:md|csv|html)")
_INDEX: Final = "index.html"
LARGEST_PART: Final = 5
"""How many times as large as a file a part of an export may be."""


def _recognise(paths: Sequence[str]) -> bool:
    """Pages are named with their ids; a large export is an archive of such archives."""
    if paths and all(_PART.fullmatch(path) for path in paths):
        return True
    pages = [PurePosixPath(path) for path in paths if _PAGES.fullmatch(path)]
    named = sum(_ID.search(page.stem) is not None for page in pages if page.name != _INDEX)
    return named > 0 and 2 * named >= len(pages)


def _unpack(archive: zipfile.ZipFile, files: list[PackedFile], largest: int) -> Iterator[Unpacked]:
    if not all(_PART.fullmatch(file.path) for file in files):
        yield from _unpack_pages(archive, files, largest)
        return
    for file in files:
        known = Unpacked(file.path, len(files))
        try:
            inner, pages = open_archive(read_file(archive, file, limit=LARGEST_PART * largest))
        except ParseError as error:
            yield replace(known, code=error.code, reason=error.reason)
            continue
        with inner:
            yield from _unpack_pages(inner, pages, largest)


def _unpack_pages(
    archive: zipfile.ZipFile, files: list[PackedFile], largest: int
) -> Iterator[Unpacked]:
    paths = {file.path for file in files}
    for file in files:
        # A database comes as the table that was shown, and whole; the index only lists what there is.
        path = PurePosixPath(file.path)
        whole = path.with_name(f"{path.stem}_all{path.suffix}")
        if str(whole) in paths or path.name == _INDEX:
            continue
        known = Unpacked(_name(file.path), len(files), is_page=True)
        yield unpack_file(archive, file, known, largest)


def _name(path: str) -> str:
    """The path without ids."""
    whole = PurePosixPath(path)
    stem = whole.stem.removesuffix("_all") if _ID.search(whole.stem) else whole.stem
    names = [_ID.sub("", part).strip() or "Untitled" for part in (*whole.parts[:-1], stem)]
    return "/".join(names) + whole.suffix


NOTION: Final = Export("Notion", _recognise, _unpack)
