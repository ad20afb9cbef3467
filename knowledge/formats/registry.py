"""The table of file formats: one row says all that the product knows of one.

To add a format, write a parser next to the others and a row here; what can be uploaded, what an address may answer
with, the admin's hint and the API's list follow. `tests/test_tables.py` fails for a row that is incomplete.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from knowledge.formats.markdown import parse_markdown
from knowledge.formats.pdf.reading import parse_pdf
from knowledge.formats.plain import parse_plain
from knowledge.formats.sections import SectionWriter
from knowledge.formats.tabular import parse_csv
from knowledge.formats.webpage import parse_html
from knowledge.formats.word.reading import parse_docx

KIB: Final = 1024
PLAIN_TEXT: Final = "txt"
MARKDOWN: Final = "md"
"""What a text source is written in."""


@dataclass(frozen=True)
class Format:
    """`media_types` and `suffixes` are all it goes by, its own first; `kind` is what is stored."""

    kind: str
    name: str
    suffixes: tuple[str, ...]
    media_types: tuple[str, ...]
    parse: Callable[[bytes, SectionWriter], dict[str, Any]]
    can_be_uploaded: bool = True
    in_process_bytes: int = 0
    """Up to this size our own process reads it; 0 where a large library reads it, always in a process with limits."""
    is_text: bool = False
    """Whether its bytes are text, in an encoding that only HTTP may name."""


_ROWS: Final = (
    Format(
        PLAIN_TEXT, "Plain text", (".txt", ".text"), ("text/plain",), parse_plain,
        in_process_bytes=1024 * KIB, is_text=True,
    ),
    # Hostile brackets cost CommonMark the square of their number: 3 s for 64 KiB.
    Format(
        MARKDOWN, "Markdown", (".md", ".markdown"), ("text/markdown", "text/x-markdown"), parse_markdown,
        in_process_bytes=64 * KIB, is_text=True,
    ),
    Format(
        "csv", "CSV, a record for each row", (".csv", ".tsv"), ("text/csv", "text/tab-separated-values"), parse_csv,
        in_process_bytes=1024 * KIB, is_text=True,
    ),
    Format("pdf", "PDF with text", (".pdf",), ("application/pdf", "application/x-pdf"), parse_pdf),
    Format(
        "docx", "Word", (".docx",), ("application/vnd.openxmlformats-officedocument.wordprocessingml.document",),
        parse_docx,
    ),
    Format(
        "html", "Web page", (".html", ".htm", ".xhtml"), ("text/html", "application/xhtml+xml"), parse_html,
        can_be_uploaded=False, is_text=True,
    ),
)  # fmt: skip
FORMATS: Final[dict[str, Format]] = {row.kind: row for row in _ROWS}
BY_SUFFIX: Final = {suffix: row for row in _ROWS for suffix in row.suffixes}
_BY_MEDIA_TYPE: Final = {media_type: row for row in _ROWS for media_type in row.media_types}
UPLOADABLE: Final = {row.suffixes[0]: row for row in _ROWS if row.can_be_uploaded}
"""What may be uploaded, by the one suffix that each is known by."""


def format_of_upload(file_name: str) -> Format | None:
    """The format of a file that somebody uploads, by its suffix."""
    return UPLOADABLE.get(suffix_of(file_name))


def format_of_answer(path: str, media_type: str | None) -> Format | None:
    """The format of what an address answers with: by its media type if that is a known one, else by its suffix.

    "text/plain" and other types that servers send for anything give way to a known suffix.
    """
    named = BY_SUFFIX.get(suffix_of(path))
    declared = _BY_MEDIA_TYPE.get((media_type or "").partition(";")[0].strip().lower())
    if declared is not None and declared.kind == PLAIN_TEXT:
        return named or declared
    return declared or named


def suffix_of(file_name: str) -> str:
    return PurePath(file_name).suffix.lower()


def list_uploadable() -> str:
    """The suffixes in one line, as refusals say them."""
    return ", ".join(sorted(UPLOADABLE))
