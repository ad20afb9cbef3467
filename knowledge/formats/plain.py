"""Plain text: only its encoding can be wrong."""

from __future__ import annotations

from knowledge.formats.encodings import decode_bytes, detect_encoding
from knowledge.formats.restrictions import UNREADABLE, looks_restricted
from knowledge.formats.sections import ParseError, SectionWriter, clean_text

_LONGEST_HEAD = 65_536


def decode_text(data: bytes) -> str:
    """The text in a file's bytes, in the encoding that they show. Raises ParseError."""
    text = decode_bytes(data, detect_encoding(data))
    if "\0" in text:
        raise ParseError(
            "This file contains NUL bytes, so it is not a text file.", code="nul_bytes"
        )
    return text


def parse_plain(data: bytes, writer: SectionWriter) -> dict[str, object]:
    """All of it is text, a head as well; but what a head says of who may read it is heeded."""
    text = decode_text(data)
    writer.add_paragraph(text)
    return read_unread_head(text)


def read_unread_head(text: str) -> dict[str, object]:
    """What the head of a text restricts of which no head is read; empty where it restricts nothing."""
    return {"visibility": UNREADABLE} if looks_restricted(clean_text(text[:_LONGEST_HEAD])) else {}
