"""PDF: the text layer, page by page, with the outline's titles as headings and running heads left out."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from knowledge.formats.sections import ParseError, SectionWriter, clean_line, clean_text

if TYPE_CHECKING:
    import pypdfium2

MAX_PAGES = 3000
_FPDF_ERR_PASSWORD = 4
_DIGITS = re.compile(r"\d+")
_WORD_BREAK = re.compile(r"(?<=[^\W\d_])[\u00ad\u2010-]$")
# PDFium writes U+0002 (older ones U+FFFE) for a hyphen at a line's end.
_BROKEN_WORD = re.compile(r"[\x02\ufffe]\n?(.)")
_ITEM = re.compile(r"(?:[-*•‣◦–▪●]|\d{1,3}[.)]|[a-z][.)])\s")
_SENTENCE_ENDS = (".", "!", "?", ":", ";", "。", "！", "？", "”", '"', "؟", "।")
# A line that is first or last on this share of the pages is a running head or foot.
_RUNNING_SHARE = 0.6


def _open_document(data: bytes) -> pypdfium2.PdfDocument:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
        pages = len(document)
    except pypdfium2.PdfiumError as error:
        if (
            getattr(error, "err_code", None) == _FPDF_ERR_PASSWORD
            or "password" in str(error).lower()
        ):
            reason = "This PDF is encrypted. Please upload a copy without a password."
            raise ParseError(reason, code="encrypted") from None
        raise ParseError("This PDF is broken and cannot be opened.") from None
    if pages > MAX_PAGES:
        reason = f"This PDF has {pages} pages; at most {MAX_PAGES} are read. Please split it."
        raise ParseError(reason, code="too_many_pages")
    if pages == 0:
        raise ParseError("This PDF has no pages.")
    return document


def _mend_word(match: re.Match[str]) -> str:
    """ "bat-" and "tery" make "battery", but "AX-" and "200" stay "AX-200"."""
    following = match.group(1)
    return following if following.islower() else f"-{following}"


def _read_lines(document: pypdfium2.PdfDocument, index: int) -> list[str]:
    """The lines of a page; a page that PDFium cannot load counts as empty, the others are still worth reading."""
    import pypdfium2

    try:
        page = document.get_page(index)
    except pypdfium2.PdfiumError:
        return []
    try:
        text_page = page.get_textpage()
        try:
            text = text_page.get_text_bounded().replace("\r\n", "\n").replace("\r", "\n")
            return _BROKEN_WORD.sub(_mend_word, text).split("\n")
        finally:
            text_page.close()
    except pypdfium2.PdfiumError:
        return []
    finally:
        page.close()


def _mask(line: str) -> str:
    """Running heads differ from page to page only in their numbers."""
    return _DIGITS.sub("#", clean_line(line))


def drop_running_lines(pages: list[list[str]]) -> list[list[str]]:
    """Pages without the lines that most pages begin or end with ("Handbook 2026 — page 12")."""
    if len(pages) < 4:
        return pages
    pages = [[line for line in page if line.strip()] for page in pages]
    edges: Counter[str] = Counter()
    for page in pages:
        edges.update({_mask(line) for line in page[:2] + page[-2:]})
    running = {
        line for line, count in edges.items() if count >= max(4, len(pages) * _RUNNING_SHARE)
    }

    def is_running(position: int, page: list[str]) -> bool:
        return (position < 2 or position >= len(page) - 2) and _mask(page[position]) in running

    return [[page[i] for i in range(len(page)) if not is_running(i, page)] for page in pages]


def join_lines(lines: list[str]) -> str:
    """Paragraphs out of printed lines: words broken at line ends are whole again, short last lines end a paragraph."""
    lengths = sorted(len(line) for line in lines if line.strip())
    if not lengths:
        return ""
    usual = lengths[int(len(lengths) * 0.8)] if len(lengths) > 2 else lengths[-1]
    paragraphs: list[str] = []
    running = ""
    for line in lines:
        text = line.strip()
        if running and (not text or _ITEM.match(text)):
            paragraphs.append(running)
            running = ""
        if not text:
            continue
        if running and _WORD_BREAK.search(running) and text[0].islower():
            running = _WORD_BREAK.sub("", running) + text
        else:
            running = f"{running} {text}" if running else text
        # A short line ends its paragraph when it ends a sentence; a very short one is a title or a table's row.
        if len(text) < usual * (0.8 if text.endswith(_SENTENCE_ENDS) else 0.5):
            paragraphs.append(running)
            running = ""
    paragraphs.append(running)
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _read_outline(document: pypdfium2.PdfDocument) -> dict[int, list[tuple[int, str]]]:
    """Page index -> [(level, title)], in the outline's order."""
    import pypdfium2

    outline: dict[int, list[tuple[int, str]]] = {}
    try:
        for bookmark in document.get_toc(max_depth=6):
            target = bookmark.get_dest()
            index = target.get_index() if target is not None else None
            title = clean_line(bookmark.get_title() or "")
            if index is not None and title:
                outline.setdefault(index, []).append((bookmark.level + 1, title))
    except pypdfium2.PdfiumError:
        return {}
    return outline


def _write_page(lines: list[str], titles: list[tuple[int, str]], writer: SectionWriter) -> None:
    """Cuts the page at the lines that are titles of the outline; titles not found open the page."""
    plain = [clean_line(line).casefold() for line in lines]
    cuts: list[tuple[int, int, str]] = []
    after = 0
    for level, title in titles:
        wanted = title.casefold()
        at = next(
            (i for i in range(after, len(plain)) if plain[i] and plain[i].endswith(wanted)), None
        )
        cuts.append((after if at is None else at, level, title))
        if at is not None:
            lines[at], plain[at] = "", ""
            after = at
    start = 0
    for at, level, title in cuts:
        writer.add_paragraph(join_lines(lines[start:at]))
        writer.open_heading(level, title)
        start = at
    writer.add_paragraph(join_lines(lines[start:]))


def parse_pdf(data: bytes, writer: SectionWriter) -> dict[str, object]:
    document = _open_document(data)
    try:
        outline = _read_outline(document)
        pages = [_read_lines(document, index) for index in range(len(document))]
        information = document.get_metadata_dict(skip_empty=True)
    finally:
        document.close()
    if not any(character.isalnum() for page in pages for line in page for character in line):
        reason = "This PDF has no text layer (it is probably scanned). Please upload a version with recognised text."
        raise ParseError(reason, code="no_text")
    for number, lines in enumerate(drop_running_lines(pages), 1):
        writer.turn_page(number)
        cleaned = [clean_text(line) for line in lines]
        _write_page(cleaned, outline.get(number - 1, []), writer)
    metadata: dict[str, object] = {"pages": len(pages)}
    for key in ("Title", "Author", "Subject"):
        if value := clean_line(information.get(key, ""))[:500]:
            metadata[key.lower()] = value
    return metadata
