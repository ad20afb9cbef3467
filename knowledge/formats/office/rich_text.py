"""RTF: its words and the rows of its tables, without a trace of how they looked."""

from __future__ import annotations

import re
from collections.abc import Callable
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
_NOTE: Final = re.compile(r"\{\\\*?\\?footnote(?![a-z])(?:\\ftnalt)? ?")
_SHAPE: Final = re.compile(r"\{\\shp(?![a-z])")
_BOX: Final = re.compile(r"\{\\shptxt ?")
# Words that were deleted, are struck out or hidden, until they are said to be no more, or their group ends.
_UNSEEN: Final = re.compile(r"\\(?:deleted|striked?|v)(?![a-z])")
_TOKEN: Final = re.compile(
    r"\\(?P<word>[a-z]{1,32})(?P<number>-?\d{1,10})? ?|\\'[0-9a-fA-F]{2}|\\.|[{}]|[^\\{}]+|\\",
    re.DOTALL,
)
_BRACE: Final = re.compile(r"\\.|[{}]", re.DOTALL)
_PARAGRAPH: Final = re.compile(r"\\par(?![a-z]) ?")
_LONGEST_GROUP: Final = 100_000
_ROW: Final = re.compile(r"^(?:[^\n|]*\|)+[^\n|]*$")


def parse_rtf(data: bytes, writer: SectionWriter) -> dict[str, object]:
    if not data.strip():
        return {}
    if not data.lstrip().startswith(b"{\\rtf"):
        raise ParseError("This file is broken: it is not RTF.")
    from striprtf.striprtf import rtf_to_text

    source = data.decode("latin-1")
    try:
        text = rtf_to_text(_show(source), errors="replace")
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
    # Beyond 16 bits a sign is written in two halves.
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    _write(clean_text(text), writer)
    metadata: dict[str, object] = {}
    for key, pattern in (("title", _TITLE), ("author", _AUTHOR)):
        if (found := pattern.search(source)) and (clean := _unescape(found[1])):
            metadata[key] = clean[:500]
    if found := _REVISED.search(source):
        metadata["date"] = f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}"
    return metadata


def _show(source: str) -> str:
    """The source with what its readers see and the library leaves out, and without what they do not see."""
    source = _change_groups(source, _LINK, lambda link, inner: f"{link[0]}{inner} ({link[1]})")
    source = _change_groups(source, _NOTE, lambda _, inner: f"{{ [{_PARAGRAPH.sub(' ', inner)}]")
    source = _change_groups(source, _SHAPE, _show_box)
    return _leave_out_unseen(source).replace("{\\pntext", "{\\listtext")


def _leave_out_unseen(source: str) -> str:
    """The source without the words that its readers do not see; what is said of their looks stays."""
    if not _UNSEEN.search(source):
        return source
    parts: list[str] = []
    around: list[frozenset[str]] = []
    nothing: frozenset[str] = frozenset()
    why = nothing
    for token in _TOKEN.finditer(source):
        word = token["word"]
        if token[0] == "{":
            around.append(why)
        elif token[0] == "}":
            why = around.pop() if around else nothing
        elif word in ("v", "deleted", "strike", "striked"):
            why = why - {word} if token["number"] == "0" else why | {word}
        elif word == "plain":
            why = nothing
        elif why and word in (None, "u"):
            continue
        parts.append(token[0])
    return "".join(parts)


def _show_box(_: re.Match[str], inner: str) -> str:
    """A shape as the text in it."""
    text = _BOX.search(inner)
    end = _find_ends(inner).get(text.start()) if text else None
    return f"{{\\par {inner[text.end() : end]}\\par " if text and end is not None else "{"


def _change_groups(
    source: str, begin: re.Pattern[str], change: Callable[[re.Match[str], str], str]
) -> str:
    """Each group whose beginning is found replaced by what `change` makes of that and of the rest; its end stays."""
    found = begin.search(source)
    if found is None:
        return source
    parts, at, ends = [], 0, _find_ends(source)
    for found in begin.finditer(source):
        opened = source.rfind("{", found.start(), found.end())
        end = ends.get(opened) if found.start() >= at else None
        if end is not None and found.end() <= end < found.end() + _LONGEST_GROUP:
            parts += [source[at : found.start()], change(found, source[found.end() : end])]
            at = end
    return "".join([*parts, source[at:]])


def _find_ends(source: str) -> dict[int, int]:
    """Where each group ends, by where it begins; in one pass, since a hostile file opens groups and ends none."""
    ends: dict[int, int] = {}
    open_groups: list[int] = []
    for brace in _BRACE.finditer(source):
        if brace[0] == "{":
            open_groups.append(brace.start())
        elif brace[0] == "}" and open_groups:
            ends[open_groups.pop()] = brace.start()
    return ends


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
