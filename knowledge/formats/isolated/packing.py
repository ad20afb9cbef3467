"""A document on its way: between a child process and us, and of a page in its row until it is in the index."""

from __future__ import annotations

import json
import zlib
from dataclasses import astuple
from typing import Any

from knowledge.formats.sections import ParsedDocument, Section


def as_json(document: ParsedDocument) -> list[Any]:
    sections = [astuple(section) for section in document.sections]
    return [document.title, sections, document.metadata, document.language]


def from_json(said: list[Any]) -> ParsedDocument:
    title, sections, metadata, language = said
    restored = tuple(Section(tuple(path), *rest) for path, *rest in sections)
    return ParsedDocument(title, restored, metadata, language)


def pack(document: ParsedDocument) -> bytes:
    return zlib.compress(json.dumps(as_json(document)).encode())


def unpack(body: bytes | memoryview) -> ParsedDocument:
    return from_json(json.loads(zlib.decompress(body)))
