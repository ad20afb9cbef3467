"""What every parser gives back, whatever the file was: sections of text under heading paths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

from minirag.lib.errors import BadInput

SectionKind = Literal["text", "table", "code", "record"]

MAX_CHARACTERS = 20_000_000
"""The most text one document may hold. Ten megabytes of upload cannot honestly exceed it; a bomb can."""

MAX_LINES = 1_000_000
"""As many fill the chunks that a source may have; more, and shorter ones, only cost time and memory."""

_LONGEST_HEADER = 300
LONGEST_PLACE = 120

_FEWEST_WORDS = 3
_MADE_BY_PROGRAM = re.compile(
    r"\.(?:png|jpe?g|gif|svg|bmp|emf|wmf|webp|tiff?)$|automati\w+ (?:generated|generiert|erzeugt|généré)|^https?://\S+$",
    re.IGNORECASE,
)
_BLANK_LINES = re.compile(r"\n[ \t\n]*\n")
_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069]")
# Control characters mean nothing in text and PostgreSQL refuses NUL; unpaired surrogates cannot be stored as UTF-8.
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")

_EXPONENT = re.compile(r" ?[+−-]?\d{1,3} ?")
_RAISED = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_PAGE_NUMBER = re.compile(
    r"\W*(?:(?:page|seite|pagina|página|pág\.?|p\.|s\.|стр\.?|страница|sivu|side|sida|strona|oldal|ページ|第)?\s*"
    r"(?:\d{1,4}|[ivxlc]{1,6})\s*(?:页|頁|(?:of|von|de|di|/|van|из|av|af|z)\s*\d{1,4})?)\W*",
    re.IGNORECASE,
)


class ParseError(BadInput):
    """A file that cannot be read. `reason` is one sentence for the person who uploaded it.

    `code`: unsupported, encoding, nul_bytes, broken, encrypted, no_text, too_large, too_many_pages, timeout, crashed.
    """

    def __init__(self, reason: str, *, code: str = "broken") -> None:
        super().__init__(reason, code=code)

    @property
    def reason(self) -> str:
        return self.detail


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of one document under one heading path.

    `heading`: from the outermost heading inwards, without the document's title. `page`: from 1, for paged formats.
    `place` says where else it stands: "slide 4", "sheet Prices, row 12", "00:01:23", "line 120".
    `text`: paragraphs divided by a blank line. In a table either the first line is the header and each further line
    one row, cells divided by " | ", or (with blank lines) each paragraph is one self-describing record. A `record` is
    one such record alone, with a place of its own.
    """

    heading: tuple[str, ...]
    text: str
    page: int | None = None
    kind: SectionKind = "text"
    place: str = ""


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A parsed file: `language` is an ISO 639-1 code, `metadata` holds only JSON scalars and lists of them.

    `metadata["notes"]` are sentences for its owner on what could not be read, or was read by a guess.
    """

    title: str
    sections: tuple[Section, ...]
    metadata: dict[str, Any]
    language: str

    @property
    def notes(self) -> list[str]:
        return list(self.metadata.get("notes", []))


def tags_of(metadata: Mapping[str, Any], *, most: int, longest: int) -> list[str]:
    """Its own tags, as a list or divided by commas; of those that are too long or too many the first."""
    told = metadata.get("tags")
    said = told.split(",") if isinstance(told, str) else told if isinstance(told, list) else []
    tags = [str(tag).strip() for tag in said if isinstance(tag, str | int)]
    return list(dict.fromkeys(tag for tag in tags if 0 < len(tag) <= longest))[:most]


def day_of(metadata: Mapping[str, Any]) -> date | None:
    """Its own date, if that is a day; what lies ahead is a plan and no day that it is of."""
    told = metadata.get("date")
    try:
        day = date.fromisoformat(told[:10]) if isinstance(told, str) else None
    except ValueError:
        return None
    is_past = day is not None and date(1900, 1, 1) <= day <= datetime.now(UTC).date()
    return day if is_past else None


def clean_text(text: str) -> str:
    """One kind of line end, no control characters, no blank lines in a row, no space at line ends.

    Nor what is not seen and keeps words from being found: soft hyphens, zero-width spaces, marks of direction.
    """
    text = _UNSEEN.sub("", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n").replace("\v", "\n")
    text = (
        text.replace("\u2028", "\n")
        .replace("\u2029", "\n\n")
        .replace("\xa0", " ")
        .replace("\ufeff", "")
    )
    text = "\n".join(line.rstrip() for line in _CONTROLS.sub(" ", text).split("\n"))
    return _BLANK_LINES.sub("\n\n", text).strip("\n")


def clean_line(text: str) -> str:
    """`text` on one line, with single spaces."""
    return " ".join(_CONTROLS.sub(" ", _UNSEEN.sub("", text)).split())


def raise_digits(text: str) -> str:
    """An exponent in small figures; nothing where it is none."""
    return text.strip().translate(_RAISED) if _EXPONENT.fullmatch(text) else ""


def is_page_number(line: str) -> bool:
    """Whether a line of a head or foot is nothing but the page's number."""
    return _PAGE_NUMBER.fullmatch(line) is not None


def name_columns(header: list[str], width: int) -> list[str]:
    """A name for each column; what has none, or another's, has its number."""
    names: dict[str, None] = {}
    for number, name in enumerate([*header, *[""] * (width - len(header))], 1):
        clean = clean_line(name) or f"Column {number}"
        names[f"{clean} ({number})" if clean in names else clean] = None
    return [*names]


def write_record(names: list[str], row: list[str]) -> str:
    """A row that explains itself: "name: cell", a line for each cell with something in it."""
    cells = ((name, clean_text(cell).strip()) for name, cell in zip(names, row, strict=False))
    # A blank line divides records, so a cell keeps its lines but not its blank ones.
    return "\n".join(
        f"{name}: {cell.replace(chr(10) * 2, chr(10))}" for name, cell in cells if cell
    )


def _is_title(row: list[str]) -> bool:
    """Whether the first cell is all that a row has."""
    return bool(row[0].strip()) and not any(map(str.strip, row[1:]))


@dataclass
class SectionWriter:
    """Collects what a parser meets, in reading order, and closes a section when heading, place or kind changes."""

    page: int | None = None
    place: str = ""
    address: str = ""  # where the file was found, so that its links lead somewhere
    sections: list[Section] = field(default_factory=list)
    _headings: list[tuple[int, str]] = field(default_factory=list)
    _paragraphs: list[str] = field(default_factory=list)
    _characters: int = 0
    _lines: int = 0
    attached: list[tuple[str, bytes]] = field(default_factory=list)  # files within the file
    _bare: int = -1  # how many sections there were when the last heading was opened

    @property
    def heading(self) -> tuple[str, ...]:
        return tuple(text for _, text in self._headings)

    def open_heading(self, level: int, text: str) -> None:
        """A heading of `level` (1 is the outermost) ends every heading of its own level and below."""
        text = clean_line(text)
        if not text:
            return
        self.close_section()
        if self._headings and self._headings[-1][0] >= level:
            self._keep_bare_heading()
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()
        self._headings.append((level, text))
        self._bare = len(self.sections)

    def end_headings(self) -> None:
        """What comes now stands under none."""
        self.close_section()
        self._keep_bare_heading()
        self._headings.clear()

    def turn_page(self, page: int) -> None:
        self.close_section()
        self.page = page

    def move_to(self, place: str) -> None:
        """What comes now stands at `place`."""
        if place != self.place:
            self.close_section()
            self.place = clean_line(place)[:LONGEST_PLACE]

    def add_paragraph(self, text: str) -> None:
        text = clean_text(text)
        if text.strip():
            self._count(text)
            self._paragraphs.append(text)

    def add_picture(self, description: str) -> None:
        """What is said of a picture, where that is more than a name."""
        text = clean_line(description)
        if len(text.split()) >= _FEWEST_WORDS and not _MADE_BY_PROGRAM.search(text):
            self.add_paragraph(f"Picture: {text}")

    def add_code(self, text: str) -> None:
        text = clean_text(text)
        if text.strip():
            self._count(text)
            self.close_section()
            self.sections.append(Section(self.heading, text, self.page, "code", self.place))

    def add_table(self, rows: list[list[str]]) -> None:
        """Rows of cells; the first row is the header. Empty rows are left out, a title above the header is text.

        A header too long to be repeated in each piece of a long table names each cell instead.
        """
        rows = [row for row in rows if any(map(str.strip, row))]
        while len(rows) > 1 and _is_title(rows[0]) and not _is_title(rows[1]):
            self.add_paragraph(rows.pop(0)[0])
        if rows:
            text = self._write_table([[clean_line(cell) for cell in row] for row in rows])
            self.close_section()
            self.sections.append(Section(self.heading, text, self.page, "table", self.place))

    def _write_table(self, rows: list[list[str]]) -> str:
        header, *body = rows
        if body and sum(map(len, header)) > _LONGEST_HEADER:
            names = name_columns(header, max(map(len, rows)))
            return "\n\n".join(self.write_records(names, body))
        text = "\n".join(" | ".join(row) for row in rows)
        self._count(text)
        return text

    def write_records(self, names: list[str], rows: Iterable[list[str]]) -> list[str]:
        """A record for each row that says something. Counted one by one: a long name makes much of many short rows."""
        records = []
        for row in rows:
            if record := write_record(names, row):
                self._count(record)
                records.append(record)
        return records

    def add_record(self, fields: Iterable[tuple[str, str]], place: str) -> None:
        """One self-describing record: a line for each field that says something."""
        told = [(clean_line(name), clean_text(value).strip()) for name, value in fields]
        # A blank line would divide the record.
        lines = [f"{name}: {_BLANK_LINES.sub(chr(10), value)}" for name, value in told if value]
        if lines:
            self.move_to(place)
            text = "\n".join(lines)
            self._count(text)
            self.close_section()
            self.sections.append(Section(self.heading, text, self.page, "record", self.place))

    def close_section(self) -> None:
        if self._paragraphs:
            text = "\n\n".join(self._paragraphs)
            self.sections.append(Section(self.heading, text, self.page, "text", self.place))
            self._paragraphs = []

    def finish(self) -> tuple[Section, ...]:
        self.close_section()
        self._keep_bare_heading()
        return tuple(self.sections)

    def open_within(self) -> SectionWriter:
        """A writer for a file within the file; both together may hold as much as one."""
        return SectionWriter(_characters=self._characters, _lines=self._lines)

    def close_within(self, inner: SectionWriter) -> None:
        self._characters, self._lines = inner._characters, inner._lines

    def _keep_bare_heading(self) -> None:
        """A heading with nothing under it is text of the heading above: an outline is all headings."""
        if self._headings and self._bare == len(self.sections):
            *above, (_, text) = self._headings
            path = tuple(heading for _, heading in above)
            self.sections.append(Section(path, text, self.page, "text", self.place))

    def _count(self, text: str) -> None:
        self._characters += len(text)
        self._lines += 1 + text.count("\n")
        if self._characters > MAX_CHARACTERS or self._lines > MAX_LINES:
            raise ParseError(
                "This file holds more text, or more lines, than one document may have.",
                code="too_large",
            )
