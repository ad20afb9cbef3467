"""RTF: its words and the rows of its tables, without a trace of how they looked."""

from __future__ import annotations

import re
from typing import Final

from knowledge.formats.sections import ParseError, SectionWriter, clean_line, clean_text

_CONTROL: Final = re.compile(
    r"\\'([0-9a-fA-F]{2})|\\u(-?\d{1,6})\s?\??|\\[a-z]{1,32}-?\d{0,10} ?|[{}]|\\[^a-z]"
)
_TITLE: Final = re.compile(
    r"\{\\info\b.{0,4000}?\{\\title\s?((?:[^{}\\]|\\.){1,1000})\}", re.DOTALL
)
_AUTHOR: Final = re.compile(
    r"\{\\info\b.{0,4000}?\{\\author\s?((?:[^{}\\]|\\.){1,1000})\}", re.DOTALL
)
_REVISED: Final = re.compile(r"\{\\revtim\\yr(\d{4})\\mo(\d{1,2})\\dy(\d{1,2})")
_LINK: Final = re.compile(
    r'\{\\\*\\fldinst[^"\n]{0,200}HYPERLINK\s+"(https?://[^"{}\\\s]{1,2000})"[^"]{0,200}?\{\\fldrslt'
)
_LONGEST_LINK: Final = 10_000
_ROW: Final = re.compile(r"^(?:[^\n|]*\|)+[^\n|]*$")


def parse_rtf(data: bytes, writer: SectionWriter) -> dict[str, object]:
    if not data.strip():
        return {}
    if not data.lstrip().startswith(b"{\\rtf"):
        raise ParseError("This file is broken: it is not RTF.")
    from striprtf.striprtf import rtf_to_text

    source = data.decode("latin-1")
    try:
        text = clean_text(rtf_to_text(_show_links(source), errors="replace"))
    except (
        ValueError,
        LookupError,
        IndexError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
    ):
        raise ParseError("This RTF file is broken and cannot be read.") from None
    _write(text, writer)
    metadata: dict[str, object] = {}
    for key, pattern in (("title", _TITLE), ("author", _AUTHOR)):
        if (found := pattern.search(source)) and (clean := _unescape(found[1])):
            metadata[key] = clean[:500]
    if found := _REVISED.search(source):
        metadata["date"] = f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}"
    return metadata


def _show_links(source: str) -> str:
    """The addresses of links behind their words, where the library leaves them out."""
    parts, at = [], 0
    for link in _LINK.finditer(source):
        end, depth = link.end(), 1
        while depth and end < min(len(source), link.end() + _LONGEST_LINK):
            depth += {"{": 1, "}": -1}.get(source[end], 0)
            end += 1
        if not depth and link.start() >= at:
            parts += [source[at : end - 1], f" ({link[1]})"]
            at = end - 1
    return "".join([*parts, source[at:]])


def _write(text: str, writer: SectionWriter) -> None:
    """Lines are paragraphs; neighbouring lines of cells are a table."""
    rows: list[list[str]] = []
    for line in text.split("\n"):
        if _ROW.match(line):
            rows.append([cell.strip() for cell in line.rstrip("| ").split("|")])
            continue
        _write_rows(rows, writer)
        rows = []
        writer.add_paragraph(line)
    _write_rows(rows, writer)


def _write_rows(rows: list[list[str]], writer: SectionWriter) -> None:
    if len(rows) > 1:
        writer.add_table(rows)
    elif rows:
        writer.add_paragraph(" | ".join(rows[0]))


def _unescape(text: str) -> str:
    def letter(found: re.Match[str]) -> str:
        if found[1]:
            return bytes.fromhex(found[1]).decode("cp1252", "replace")
        if found[2]:
            code = int(found[2]) % 65536
            return chr(code) if not 0xD800 <= code < 0xE000 else ""
        return ""

    return clean_line(_CONTROL.sub(letter, text))
