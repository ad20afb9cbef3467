"""Plain text: only its encoding can be wrong."""

from __future__ import annotations

import codecs

from knowledge.formats.sections import ParseError, SectionWriter

# UTF-32's little-endian mark starts with UTF-16's, so it has to be tried first.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode_text(data: bytes) -> str:
    """UTF-8, or UTF-16/32 with a byte order mark. Other encodings are refused: a guess would store wrong letters."""
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        named = "UTF-8" if encoding.startswith("utf-8") else encoding.upper()
        raise ParseError(
            f"This file is not valid {named} text (first bad byte at position {error.start}). "
            "Please save it as UTF-8 and upload it again.",
            code="encoding",
        ) from None
    if "\0" in text:
        raise ParseError(
            "This file contains NUL bytes, so it is not a text file.", code="nul_bytes"
        )
    return text


def parse_plain(data: bytes, writer: SectionWriter) -> dict[str, object]:
    writer.add_paragraph(decode_text(data))
    return {}
