"""From a passage in Markdown to the sentences that may be quoted from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import takewhile

from django.utils import translation
from django.utils.dates import MONTHS, MONTHS_ALT

from minirag.lib.security.injections import orders_a_machine
from minirag.lib.text.sentences import split_sentences

LONGEST_QUOTE = 600
HEADING = re.compile(r"\s{0,3}#{1,6}\s")
FENCE = re.compile(r"\s*(```|~~~)")
RULE = re.compile(r"\s*([-*_=]\s*){3,}$")
LIST_MARKER = re.compile(r"^\s*(?P<sign>[-*+•]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?")
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
DOTTED_DAYS = ("de", "da", "nb", "fi", "cs", "sk", "sl", "hr", "et", "lv", "is")
"""Languages that write a day of the month with a dot, as a list's item is numbered."""
LETTERS, NUMBER = re.compile(r"[^\W\d_]+"), re.compile(r"\d+(?:[.,:]\d+)*")


@dataclass(frozen=True)
class Quote:
    """What may be quoted: a sentence, a list item or a table row, as plain text.

    `context` is what it is read under: the sentence before it, the lead-in of its list or table, a question that it
    answers, the heading in the text. Quotes of one paragraph, list or table have the same `block`. `marker` is a list
    item's: "-", or its number. `columns` is the first label of a row or record: "Code" in "Code: E24, Meaning: …".
    `heading` is the one in the text above it.
    """

    text: str
    context: str = ""
    block: int = 0
    marker: str = ""
    columns: str = ""
    heading: str = ""


def split_quotes(content: str) -> list[str]:
    """Sentences, list items and table rows of a passage in order, as plain text; headings and rules are left out.

    A table row after a header becomes `Column: cell, Column: cell`. Footnote marks such as `[3]` are removed.
    A sentence that gives orders to a machine is not quoted, nor is what follows it in its paragraph.
    """
    return [quote.text for quote in read_quotes(content)]


def read_quotes(content: str) -> list[Quote]:
    """The same with what each stands under."""
    reading = _Reading()
    for block in _split_blocks(content):
        reading.take(block)
    return reading.quotes


@dataclass
class _Block:
    """A paragraph, a list item, a table row or a heading."""

    text: str
    kind: str = "paragraph"
    marker: str = ""


@dataclass
class _Reading:
    """Remembers, block by block, what stands above."""

    quotes: list[Quote] = field(default_factory=list)
    heading: str = ""
    question: str = ""
    lead: str = ""
    last_kind: str = ""
    number: int = 0

    def take(self, block: _Block) -> None:
        text = clean_inline(block.text)
        if block.kind == "heading":
            heading = "" if orders_a_machine(text) else text
            self.heading, self.question, self.lead = heading, "", ""
        elif text:
            if block.kind == "paragraph" or block.kind != self.last_kind:
                self.number += 1
            for sentence in takewhile(
                lambda each: not orders_a_machine(each), split_sentences(text)
            ):
                if _says_something(sentence):
                    self._quote(shorten(sentence), block)
        self.last_kind = block.kind

    def _quote(self, sentence: str, block: _Block) -> None:
        above = dict.fromkeys((self.heading, self.question, self.lead))
        context = " ".join(text for text in above if text)
        # A row's own name has no label where the table's corner is empty.
        label = sentence.partition(":")[0].rpartition(", ")[2]
        columns = label if block.kind == "row" else ""
        self.quotes.append(
            Quote(sentence, context, self.number, block.marker, columns, self.heading)
        )
        if block.kind == "paragraph":
            self.lead = sentence
            if sentence.endswith(("?", "？", "؟")):
                self.question = sentence


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


def _split_blocks(content: str) -> Iterator[_Block]:
    """Paragraphs with their lines joined; each list item and each table row for itself; headings."""
    paragraph: list[str] = []
    table: list[str] = []
    marker = ""
    for line in [*content.splitlines(), ""]:
        is_row = bool(ROW.search(line)) or (bool(table) and "|" in line)
        if table and not is_row:
            yield from (_Block(row, "row") for row in _read_table(table))
            table = []
        item = LIST_MARKER.match(line)
        is_dated = bool(item) and _begins_with_date(line)
        if paragraph and (is_row or item or _is_boundary(line)):
            yield _join(paragraph, marker)
            paragraph = []
        if is_row:
            table.append(line)
        elif HEADING.match(line):
            yield _Block(line.strip().strip("#"), "heading")
        elif not _is_boundary(line):
            if not paragraph:
                marker = "-" if is_dated else _name_marker(item)
            text = QUOTE_MARKER.sub("", line, count=1)
            paragraph.append((text if is_dated else LIST_MARKER.sub("", text, count=1)).strip())


def _begins_with_date(line: str) -> bool:
    """Whether a line begins with a day of a month, "14. März", and not with an item's number."""
    return bool(_read_dates().match(line))


@cache
def _read_dates() -> re.Pattern[str]:
    names: set[str] = set()
    for language in DOTTED_DAYS:
        with translation.override(language):
            months = (*MONTHS.values(), *MONTHS_ALT.values())
            names.update(re.escape(str(name)) for name in months)
    return re.compile(rf"\s*\d{{1,2}}\.\s+(?:{'|'.join(sorted(names))})", re.IGNORECASE)


def _name_marker(item: re.Match[str] | None) -> str:
    """An item's number with a dot, or a dash."""
    if item is None:
        return ""
    sign = item["sign"]
    return f"{sign[:-1]}." if sign[0].isdigit() else "-"


def _join(lines: list[str], marker: str) -> _Block:
    """The lines of a paragraph as one. A record (`Part: AC-F02`, one field a line) is a row without a table."""
    is_record = len(lines) > 1 and all(FIELD.match(line) for line in lines)
    text = ", ".join(line.replace("_", " ", 1) for line in lines) if is_record else " ".join(lines)
    return _Block(text, "item" if marker else "row" if is_record else "paragraph", marker)


def _is_boundary(line: str) -> bool:
    return not line.strip() or any(pattern.match(line) for pattern in (HEADING, FENCE, RULE))


def _read_cells(line: str, *, is_framed: bool) -> list[str]:
    """The cells of a row, the frame left out; the first may be empty."""
    if is_framed:
        line = line.strip().removeprefix("|").removesuffix("|")
    return [cell.strip() for cell in line.split("|")]


def _read_table(lines: list[str]) -> Iterator[str]:
    is_framed = all(line.lstrip().startswith("|") and line.rstrip().endswith("|") for line in lines)
    rows = [_read_cells(line, is_framed=is_framed) for line in lines]
    header: list[str] = []
    if len(lines) > 1 and TABLE_DIVIDER.match(lines[1]):
        header, rows = rows[0], rows[2:]
    elif not is_framed and _is_header(rows[0], rows[1:]):
        header, rows = rows[0], rows[1:]
    for row in rows:
        cells = [
            f"{header[index]}: {cell}" if index < len(header) and header[index] else cell
            for index, cell in enumerate(row)
            if cell
        ]
        yield ", ".join(cells)


def _is_header(first: list[str], rows: list[list[str]]) -> bool:
    """Whether the first line of a table without a divider names its columns, as our parsers write tables.

    Not where most rows are of another width, nor where it has what is a value in the others: "E11" above "E24".
    """
    if sum(len(row) == len(first) for row in rows) * 2 <= len(rows) or not any(first):
        return False
    for index, name in enumerate(first):
        shape = _shape_of(name)
        alike = sum(index < len(row) and _shape_of(row[index]) == shape for row in rows)
        if "0" in shape and not name.isdigit() and alike * 2 > len(rows):
            return False
    return True


def _shape_of(cell: str) -> str:
    """What a code, a price or a time looks like: "E24" as "a0", "9 to 17" as "0 a 0"."""
    return NUMBER.sub("0", LETTERS.sub("a", cell))
