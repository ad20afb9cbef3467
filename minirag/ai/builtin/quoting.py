"""From a passage in Markdown to the sentences that may be quoted from it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from minirag.lib.text.sentences import split_sentences

LONGEST_QUOTE = 600
HEADING = re.compile(r"\s{0,3}#{1,6}\s")
FENCE = re.compile(r"\s*(```|~~~)")
RULE = re.compile(r"\s*([-*_=]\s*){3,}$")
LIST_MARKER = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?")
QUOTE_MARKER = re.compile(r"^\s*(?:>\s?)+")
TABLE_DIVIDER = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$")
ROW = re.compile(r"\S\s+\|\s+\S|^\s*\|.*\|")
FIELD = re.compile(r"\w[\w ()/-]{0,40}: \S")
IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
LINK = re.compile(r"\[([^\]]+)\]\([^)\s]*(?:\s+\"[^\"]*\")?\)")
# Left in a quotation they would read as citations of ours.
REFERENCE_MARK = re.compile(r"\s?\[\^?\d{1,3}(?:\s?[,–-]\s?\d{1,3})*\]")
EMPHASIS = re.compile(
    r"(\*\*|__|~~|`+)(?=\S)(.+?)(?<=\S)\1|(?<![\w*])\*(?=\S)([^*]+?)(?<=\S)\*(?!\w)"
)
SPACE = re.compile(r"\s+")


def split_quotes(content: str) -> list[str]:
    """Sentences, list items and table rows of a passage in order, as plain text; headings and rules are left out.

    A table row after a header becomes `Column: cell, Column: cell`. Footnote marks such as `[3]` are removed.
    """
    quotes: list[str] = []
    for block in _split_blocks(content):
        text = clean_inline(block)
        if text:
            quotes.extend(
                shorten(sentence) for sentence in split_sentences(text) if _says_something(sentence)
            )
    return quotes


def clean_inline(text: str) -> str:
    """Markdown's inline marks, links and footnote marks removed, white space collapsed."""
    text = LINK.sub(r"\1", IMAGE.sub(r"\1", text))
    text = REFERENCE_MARK.sub("", text)
    text = EMPHASIS.sub(lambda match: match.group(2) or match.group(3), text)
    return SPACE.sub(" ", text).strip()


def shorten(sentence: str) -> str:
    """A quotation of bearable length, cut between words."""
    sentence = sentence.strip()
    if len(sentence) <= LONGEST_QUOTE:
        return sentence
    head = sentence[:LONGEST_QUOTE]
    return (head.rpartition(" ")[0] or head).rstrip(" ,;:") + " …"


def _says_something(sentence: str) -> bool:
    return any(character.isalnum() for character in sentence)


def _split_blocks(content: str) -> Iterator[str]:
    """Paragraphs with their lines joined; each list item and each table row for itself."""
    paragraph: list[str] = []
    table: list[str] = []
    for line in [*content.splitlines(), ""]:
        is_row = bool(ROW.search(line)) or (bool(table) and "|" in line)
        if table and not is_row:
            yield from _read_table(table)
            table = []
        starts_block = bool(LIST_MARKER.match(line))
        if paragraph and (is_row or starts_block or _is_boundary(line)):
            yield _join_lines(paragraph)
            paragraph = []
        if is_row:
            table.append(line)
        elif not _is_boundary(line):
            paragraph.append(
                LIST_MARKER.sub("", QUOTE_MARKER.sub("", line, count=1), count=1).strip()
            )


def _join_lines(lines: list[str]) -> str:
    """The lines of a paragraph as one; those of a record (`Part: AC-F02`, one field a line) with commas."""
    is_record = len(lines) > 1 and all(FIELD.match(line) for line in lines)
    return ", ".join(line.replace("_", " ", 1) for line in lines) if is_record else " ".join(lines)


def _is_boundary(line: str) -> bool:
    return not line.strip() or any(pattern.match(line) for pattern in (HEADING, FENCE, RULE))


def _read_table(lines: list[str]) -> Iterator[str]:
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    header: list[str] = []
    if len(lines) > 1 and TABLE_DIVIDER.match(lines[1]):
        header, rows = rows[0], rows[2:]
    elif (
        len(rows) > 1
        and len({len(row) for row in rows}) == 1
        and not lines[0].lstrip().startswith("|")
    ):
        header, rows = (
            rows[0],
            rows[1:],
        )  # as our parsers write tables: the header, then rows, no divider, no frame
    for row in rows:
        cells = [
            f"{header[index]}: {cell}" if index < len(header) and header[index] else cell
            for index, cell in enumerate(row)
            if cell
        ]
        yield ", ".join(cells)
