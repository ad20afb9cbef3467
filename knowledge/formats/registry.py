"""The table of file formats: one row says all that the product knows of one.

To add a format, write a parser next to the others and a row here; what can be uploaded, what an address may answer
with, the admin's hint and the API's list follow. `tests/test_tables.py` fails for a row that is incomplete.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from knowledge.formats.archive.opening import UNREADABLE, has_small_directory, parse_zip
from knowledge.formats.cleaning import Rules
from knowledge.formats.data.structured import parse_json, parse_json_lines, parse_xml, parse_yaml
from knowledge.formats.office.ebook import parse_epub
from knowledge.formats.office.open_document import parse_odt
from knowledge.formats.office.open_sheets import parse_odp, parse_ods
from knowledge.formats.office.rich_text import parse_rtf
from knowledge.formats.office.slides import parse_pptx
from knowledge.formats.office.workbook import parse_xlsx
from knowledge.formats.pages.cutting import cut_page
from knowledge.formats.pages.markdown import parse_markdown
from knowledge.formats.pages.webpage import parse_html
from knowledge.formats.pdf.reading import parse_pdf
from knowledge.formats.plain import parse_plain
from knowledge.formats.sections import SectionWriter
from knowledge.formats.tabular import parse_csv
from knowledge.formats.texts.email_message import parse_email, parse_mailbox
from knowledge.formats.texts.notebook import parse_notebook
from knowledge.formats.texts.source_code import parse_code
from knowledge.formats.texts.subtitles import parse_subtitles
from knowledge.formats.word.reading import parse_docx
from minirag.lib.telling.kept_sentences import kept

KIB: Final = 1024
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_OF_PACKAGES: Final = frozenset(("[Content_Types].xml", "mimetype", "META-INF/container.xml"))
PLAIN_TEXT: Final = "txt"
SOURCE_CODE: Final = "program"
WEB_PAGE: Final = "html"
ARCHIVE: Final = "zip"
MARKDOWN: Final = "md"
"""What a text source is written in."""


@dataclass(frozen=True)
class Format:
    """`media_types` and `suffixes` are all it goes by, its own first; `kind` is what is stored.

    `survives` says what of such a file is found and cited, and `place` how a citation names the spot.
    """

    kind: str
    name: str
    suffixes: tuple[str, ...]
    media_types: tuple[str, ...]
    parse: Callable[[bytes, SectionWriter], dict[str, Any]]
    survives: str
    place: str = ""
    in_process_bytes: int = 0
    """Up to this size our own process reads it; 0 where a large library reads it, always in a process with limits."""
    cut: Callable[[bytes, Rules], bytes] | None = None
    """How its owner's rules choose parts of it, before it is read."""
    is_text: bool = False
    """Whether its bytes are text, in an encoding that only HTTP may name."""
    begins: tuple[bytes, ...] = ()
    """How such a file begins, in small letters, whatever its name says."""
    holds: str = ""
    """The part by which a zip package is known to be one."""
    restricts: str = ""
    """By what such a file may say itself who may read it; empty where it cannot."""
    is_archive: bool = False
    """Whether it only holds files, each a document of its own."""
    libraries: tuple[str, ...] = ()
    """What reading it loads that is worth having loaded before, since such files are many."""


_CODE: Final = (
    ".py", ".js", ".ts", ".tsx", ".jsx", ".mjs", ".java", ".kt", ".scala", ".go", ".rs", ".c", ".h", ".cpp", ".hpp",
    ".cc", ".cs", ".php", ".rb", ".pl", ".lua", ".swift", ".dart", ".r", ".jl", ".sh", ".bash", ".ps1", ".sql", ".css",
    ".scss", ".less", ".vue", ".proto", ".graphql", ".tf", ".ini", ".toml", ".cfg", ".conf", ".properties", ".bat",
)  # fmt: skip
_UNREAD_HEAD: Final = "a head as that of Markdown, which is no head here: no visitor"
_ROWS: Final = (
    Format(
        PLAIN_TEXT, "Plain text", (".txt", ".text", ".log"), ("text/plain",), parse_plain,
        "paragraphs", in_process_bytes=1024 * KIB, is_text=True, restricts=_UNREAD_HEAD,
    ),
    # Hostile brackets cost CommonMark the square of their number: 0.2 s for 16 KiB, 3 s for 64.
    Format(
        MARKDOWN, "Markdown", (".md", ".markdown"), ("text/markdown", "text/x-markdown"), parse_markdown,
        "headings, lists with their numbers, tables, code, links; front matter as metadata. What is struck out is not "
        "read",
        in_process_bytes=16 * KIB, is_text=True, restricts="front matter in YAML or TOML",
    ),
    Format(
        "csv", "CSV, a record for each row", (".csv",), ("text/csv",), parse_csv,
        "a record for each row, with the names of its columns; another table below an empty row, with its own header",
        in_process_bytes=1024 * KIB, is_text=True,
    ),
    Format(
        "tsv", "Tab-separated values, a record for each row", (".tsv", ".tab"), ("text/tab-separated-values",),
        parse_csv, "as CSV", in_process_bytes=1024 * KIB, is_text=True,
    ),
    Format(
        "pdf", "PDF with text", (".pdf",), ("application/pdf", "application/x-pdf"), parse_pdf,
        "the outline's titles, or lines in larger letters, as headings, columns in reading order, tables that are "
        "drawn, values of forms", "page 3",
        begins=(b"%pdf-",), libraries=("pypdfium2",),
    ),
    Format(
        "docx", "Word", (".docx",), (f"{_OFFICE}.wordprocessingml.document",), parse_docx,
        "title, headings and lists with their numbers, tables, equations, foot- and endnotes, text boxes, what is said "
        "of pictures, headers, footers once, comments that are not resolved at the end of their section (“Comment "
        "(Ann): …”; a rule `Comment (*` leaves them out); title, author. Changes that were tracked as accepted. What "
        "is struck out is not read",
        holds="word/document.xml", libraries=("docx",),
    ),
    Format(
        "xlsx", "Excel, a record for each row", (".xlsx", ".xlsm"),
        (f"{_OFFICE}.spreadsheetml.sheet", "application/vnd.ms-excel.sheet.macroenabled.12"), parse_xlsx,
        "names of sheets as headings, a record for each row with the names of its columns; days, percentages and "
        "currencies as they are shown; joined cells and links (workbooks up to 8 MiB unpacked); another table below an "
        "empty row, with its own header; title, author, date. Formulas as the value that was last stored. Hidden "
        "sheets are named and not read, nor is a cell that is struck out",
        "sheet Prices, row 12", holds="xl/workbook.xml",
    ),
    Format(
        "pptx", "PowerPoint", (".pptx",), (f"{_OFFICE}.presentationml.presentation",), parse_pptx,
        "titles of slides as headings, texts and lists with their depth and numbers, tables, charts as tables, texts "
        "of drawings, what is said of pictures, notes, links; title, author, date. Hidden slides are named and not "
        "read, nor is what is struck out", "slide 4",
        holds="ppt/presentation.xml",
    ),
    Format(
        "odt", "OpenDocument text", (".odt",), ("application/vnd.oasis.opendocument.text",), parse_odt,
        "title, headings, lists with their numbers, tables, links, notes, what is said of pictures; author, date. What "
        "was deleted or is struck out is not read",
        holds="content.xml",
    ),
    Format(
        "ods", "OpenDocument sheets, a record for each row", (".ods",),
        ("application/vnd.oasis.opendocument.spreadsheet",), parse_ods,
        "names of sheets as headings, a record for each row with the names of its columns, as shown; joined cells; "
        "title, author, date. Hidden sheets are named and not read, nor is what is struck out", "sheet Prices, row 12",
        holds="content.xml",
    ),
    Format(
        "odp", "OpenDocument slides", (".odp",), ("application/vnd.oasis.opendocument.presentation",), parse_odp,
        "titles of slides as headings, texts, lists, tables, what is said of pictures, notes; title, author, date. "
        "Hidden slides are named and not read, nor is what is struck out", "slide 4", holds="content.xml",
    ),
    Format(
        "rtf", "Rich text", (".rtf",), ("application/rtf", "text/rtf"), parse_rtf,
        "paragraphs, lists with their numbers, tables, links, foot- and endnotes, text boxes; title, author, date. "
        "What was deleted, is struck out or hidden is not read", begins=(b"{\\rtf",),
    ),
    Format(
        "epub", "EPUB book", (".epub",), ("application/epub+zip",), parse_epub,
        "headings, lists, tables and code of each chapter in reading order; title, author, date. What is struck out is "
        "not read", "chapter 5",
        holds="META-INF/container.xml", restricts="as a web page in one of its chapters: the book is for no visitor",
    ),
    Format(
        WEB_PAGE, "Web page", (".html", ".htm", ".xhtml"), ("text/html", "application/xhtml+xml"), parse_html,
        "title, headings, lists with their numbers, tables, code, what is folded away; no menus, cookie notices and "
        "tables of contents, nor what is struck out", cut=cut_page, is_text=True,
        restricts='`<meta name="groups" content="staff, board">`, `<meta name="visibility" content="private">`, also '
        "by `property` or `itemprop` and in a template; a head before the page: no visitor",
        begins=(b"<!doctype html", b"<html"),
    ),
    Format(
        "eml", "E-mail", (".eml",), ("message/rfc822",), parse_email,
        "who wrote when to whom about what, the text, messages that were passed on; attachments of these formats under "
        "their names (the first 20), the names of others; subject as title, author, date", "offer.pdf, page 2",
        restricts="as a web page in its text: no visitor; an attachment that says so is not read",
    ),
    Format(
        "mbox", "Mailbox, one letter after the other", (".mbox",), ("application/mbox",), parse_mailbox,
        "as e-mail, each below its subject", "message 12",
        restricts="as e-mail",
    ),
    Format(
        "json", "JSON", (".json", ".geojson"), ("application/json", "application/geo+json", "application/ld+json"),
        parse_json, "a record for each thing in a list, with the names of its fields; names of what holds others as "
        "headings; numbers as they are written", "record 7", is_text=True,
        restricts='fields of the outermost object, or the same of all records: `{"groups": ["staff"], …}`; of some: no '
        "visitor",
    ),
    Format(
        "jsonl", "JSON, a record for each line", (".jsonl", ".ndjson"), ("application/jsonl", "application/x-ndjson"),
        parse_json_lines, "a record for each line, with the names of its fields; lines that are broken are named",
        "line 120", is_text=True, restricts="the same fields of all records; of some: no visitor",
    ),
    Format(
        "xml", "XML", (".xml", ".rss", ".atom"), ("application/xml", "text/xml", "application/rss+xml",
        "application/atom+xml"), parse_xml, "a record for each of neighbouring elements of one name, with the names of "
        "its parts and attributes; names of what holds others as headings; links", "record 7", is_text=True,
        restricts='attributes and parts of the outermost element: `<page groups="staff">`, `<groups>staff</groups>`; '
        "of others within: no visitor",
    ),
    Format(
        "yaml", "YAML", (".yaml", ".yml"), ("application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml"),
        parse_yaml, "as JSON; words and numbers as they are written", "record 7", is_text=True,
        restricts="outermost fields, or the same of all documents; of some: no visitor",
    ),
    Format(
        "subtitles", "Subtitles", (".srt", ".vtt"), ("application/x-subrip", "text/vtt"), parse_subtitles,
        "what is said, joined to sentences, and who says it", "00:01:23", in_process_bytes=1024 * KIB, is_text=True,
    ),
    Format(
        "ipynb", "Jupyter notebook", (".ipynb",), ("application/x-ipynb+json",), parse_notebook,
        "headings and texts, code in its form, what was printed (4,000 characters a cell)", "cell 5", is_text=True,
        restricts="front matter in its first cell of text; in a later one: no visitor",
    ),
    Format(
        ARCHIVE, "Zip archive of any of these", (".zip",), ("application/zip", "application/x-zip-compressed"),
        parse_zip,
        "each file as a document of its own, with its path; one that cannot be read is listed with the reason, and the "
        "rest goes on. Archives within it are not read. An export of Notion (Markdown or HTML) or of a Confluence "
        "space (HTML or XML): its pages by their titles and places, its tables and attachments",
        "what its file's format says", is_archive=True,
        restricts="each file as its format; pages of Confluence by their restrictions (XML)",
    ),
    Format(
        SOURCE_CODE, "Source code", _CODE, ("text/x-script", "application/javascript", "text/javascript", "text/css",
        "text/x-python"), parse_code, "code in its form, under the names of what it defines", "line 120",
        in_process_bytes=1024 * KIB, is_text=True, restricts=_UNREAD_HEAD,
    ),
)  # fmt: skip
_SAVED_AS: Final = {
    ".doc": ".docx", ".dot": ".docx", ".wps": ".docx", ".wpd": ".docx", ".pages": ".docx", ".xls": ".xlsx",
    ".xlsb": ".xlsx", ".xlt": ".xlsx", ".numbers": ".xlsx", ".ppt": ".pptx", ".pps": ".pptx", ".pot": ".pptx",
    ".key": ".pptx", ".msg": ".eml", ".pst": ".mbox", ".mobi": ".epub", ".azw3": ".epub", ".mht": ".html",
    ".mhtml": ".html", ".djvu": ".pdf", ".xps": ".pdf", ".ps": ".pdf", ".7z": ".zip", ".rar": ".zip", ".tar": ".zip",
    ".gz": ".zip", ".tgz": ".zip",
}  # fmt: skip
FORMATS: Final[dict[str, Format]] = {row.kind: row for row in _ROWS}
BY_SUFFIX: Final = {suffix: row for row in _ROWS for suffix in row.suffixes}
_BY_MEDIA_TYPE: Final = {media_type: row for row in _ROWS for media_type in row.media_types}


def format_of_upload(file_name: str) -> Format | None:
    """The format of a file that somebody uploads, by its suffix."""
    return BY_SUFFIX.get(suffix_of(file_name))


def format_of_content(data: bytes, named: Format) -> Format:
    """What a file is, if its first bytes say so; else what its name says."""
    start = data[:200].lstrip().lower()
    if data.startswith(b"PK\x03\x04"):
        if not has_small_directory(data):
            return named
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as package:
                parts = package.NameToInfo.keys()
                declared = package.open("mimetype").read(100) if "mimetype" in parts else b""
        except UNREADABLE:
            return named
        for row in _ROWS:
            if (
                row.holds in parts
                and row.holds
                and declared.startswith(row.media_types[0].encode())
            ):
                return row
        if named.holds in parts:
            return named
        if not _OF_PACKAGES & parts:
            return named if named.holds else FORMATS[ARCHIVE]
        return next((row for row in _ROWS if row.holds and row.holds in parts), named)
    if named.kind == SOURCE_CODE:  # it may well begin as a page does
        return named
    return next((row for row in _ROWS if row.begins and start.startswith(row.begins)), named)


def is_archive(data: bytes, kind: str) -> bool:
    """Whether what is called `kind` is an archive of documents."""
    return kind in FORMATS and format_of_content(data, FORMATS[kind]).is_archive


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


def advise(file_name: str) -> str:
    """What to do about a file whose kind is not read but can be saved as one that is; empty where that is not known."""
    suffix = suffix_of(file_name)
    if suffix not in _SAVED_AS:
        return ""
    return kept(f" Open it, save it as {_SAVED_AS[suffix]}, and use that.")


def list_uploadable() -> str:
    """The suffixes that formats are known by, in one line, as refusals say them."""
    return ", ".join(sorted(row.suffixes[0] for row in _ROWS))


def describe_survival() -> str:
    """The table of the documentation: what of each format is found and cited."""
    lines = ["| Format | Suffixes | What survives | A citation says |", "|---|---|---|---|"]
    for row in _ROWS:
        suffixes = " ".join(row.suffixes)
        lines.append(
            f"| {row.name} | `{suffixes}` | {row.survives} | {row.place or 'the headings'} |"
        )
    return "\n".join(lines)


def describe_restricting() -> str:
    """The table of the documentation: by what a file of each format may say itself who may read it."""
    lines = ["| Format | It says by |", "|---|---|"]
    lines += [f"| {row.name} | {row.restricts} |" for row in _ROWS if row.restricts]
    others = " ".join(row.suffixes[0] for row in _ROWS if not row.restricts)
    return "\n".join([*lines, f"| others (`{others}`) | nothing: say it of the source |"])


if __name__ == "__main__":
    sys.stdout.write(f"{describe_survival()}\n\n{describe_restricting()}\n")
