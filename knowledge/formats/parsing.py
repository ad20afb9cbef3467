"""From a file's bytes to a `ParsedDocument`. Callers that serve people use `parse_isolated`.

Files come from strangers, and PDF, DOCX and HTML are read by large libraries, partly in C. So they are read in a
child process with limits on memory and time: whatever goes wrong there is a `ParseError` with a reason, never a dead
worker. Small files of the formats that need no such library are read in-process (`Format.in_process_bytes`).
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import PurePath
from typing import Any, Final

from knowledge.formats.cleaning import Rules
from knowledge.formats.encodings import detect_encoding
from knowledge.formats.isolated.asking import DOCUMENT, MEMORY_MB, PATIENT_SECONDS, ask_child
from knowledge.formats.isolated.packing import from_json
from knowledge.formats.registry import (
    BY_SUFFIX,
    FORMATS,
    format_of_content,
    format_of_upload,
    suffix_of,
)
from knowledge.formats.restrictions import find_restriction
from knowledge.formats.sections import (
    LONGEST_PLACE,
    MAX_CHARACTERS,
    ParsedDocument,
    ParseError,
    Section,
    SectionWriter,
)
from minirag.lib.telling.kept_sentences import kept
from minirag.lib.text.languages import detect_language

__all__ = [
    "ParseError",
    "ParsedDocument",
    "Section",
    "is_read_here",
    "parse",
    "parse_isolated",
]

_MOST_ATTACHED: Final = 20
_LANGUAGE_SAMPLE: Final = 4000
_NO_RULES: Final = Rules()
_PICTURES: Final = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")


def _choose_title(metadata: dict[str, Any], sections: tuple[Section, ...], name: str) -> str:
    """The document's own title, else its single outermost heading, else the file's name without its extension."""
    title = metadata.get("title")
    if isinstance(title, str) and title.strip():
        return title.strip()[:500]
    outermost = {section.heading[0] for section in sections if section.heading}
    if len(outermost) == 1:
        return outermost.pop()[:500]
    stem = PurePath(name).stem if suffix_of(name) in BY_SUFFIX else name
    return stem.strip()[:500] or "Untitled"


def _detect_language(sections: tuple[Section, ...]) -> str:
    """Judged by prose where there is any: code and tables say little about the language around them."""
    prose = [section for section in sections if section.kind == "text"] or list(sections)
    sample, length = [], 0
    for section in prose:
        sample.append(section.text[:_LANGUAGE_SAMPLE])
        length += len(section.text)
        if length >= _LANGUAGE_SAMPLE:
            break
    return detect_language("\n".join(sample))


def _name_encoding(data: bytes, metadata: dict[str, Any]) -> dict[str, Any]:
    """What to say of a text's encoding: nothing of UTF-8, which all are meant to be in."""
    found = detect_encoding(data)
    said = {} if found.is_utf8 else {"encoding": found.name}
    notes = [*metadata.get("notes", []), *found.notes()]
    return {**said, "notes": notes} if notes else said


def parse(
    data: bytes, *, kind: str, name: str, rules: Rules = _NO_RULES, address: str = ""
) -> ParsedDocument:
    """Reads `data` as `kind` (a key of `FORMATS`), or as what its first bytes say that it is.

    `address`: where on the web it was found.

    An empty or blank file gives a document without sections.

    Raises `ParseError` with a reason for the person who uploaded it. Runs foreign libraries in this very process.
    """
    known = FORMATS.get(kind)
    if known is None:
        raise ParseError(f"Files of the kind {kind!r} cannot be read.", code="unsupported")
    if data.startswith(_PICTURES):
        raise ParseError(
            "This is a picture. What is written in pictures is not read.", code="unsupported"
        )
    writer = SectionWriter(address=address)
    known = format_of_content(data, known)
    if known.cut is not None:
        data = known.cut(data, rules)
    metadata = known.parse(data, writer)
    attached, notes = _read_attached(writer)
    if notes:
        metadata = {**metadata, "notes": [*metadata.get("notes", []), *notes]}
    if known.is_text and "encoding" not in metadata:
        metadata = {**metadata, **_name_encoding(data, metadata)}
    if known.kind != kind:
        says = FORMATS[kind].name
        said = kept(f"Its name says {says}; it was read as {known.name}, which it is.")
        metadata = {**metadata, "notes": [*metadata.get("notes", []), said]}
    sections = rules.apply((*writer.finish(), *attached))
    return ParsedDocument(
        title=_choose_title(metadata, sections, name),
        sections=sections,
        metadata=metadata,
        language=_detect_language(sections),
    )


def _read_attached(writer: SectionWriter) -> tuple[list[Section], list[str]]:
    """What stands in the files within a file, each under its name, and why others were not read."""
    found: list[Section] = []
    notes: list[str] = []
    for name, data in writer.attached[:_MOST_ATTACHED]:
        row = format_of_upload(name)
        row = format_of_content(data, row) if row is not None and data else None
        if row is None or row.is_archive:
            continue
        try:
            inner = writer.open_within()
            restriction = find_restriction(row.parse(data, inner))
        except ParseError as error:
            notes.append(kept(f"{name}: {error.reason}"))
            continue
        if restriction:
            notes.append(
                kept(f'{name}: It says of itself "{restriction}", and who asks is not known.')
            )
            continue
        writer.close_within(inner)
        found += [_place_within(name, section) for section in inner.finish()]
    return found, notes


def _place_within(name: str, section: Section) -> Section:
    spot = section.place or (f"page {section.page}" if section.page else "")
    place = f"{name}, {spot}" if spot else name
    return replace(
        section, heading=(name, *section.heading), page=None, place=place[:LONGEST_PLACE]
    )


def parse_isolated(
    data: bytes, *, kind: str, name: str, rules: Rules = _NO_RULES, address: str = "",
    timeout_seconds: float = PATIENT_SECONDS, memory_mb: int = MEMORY_MB,
) -> ParsedDocument:  # fmt: skip
    """As `parse`, in a child process that cannot take more than this time and memory.

    Blocks the calling thread: call it from a worker thread or a Celery task, never from the event loop.
    """
    if is_read_here(data, kind):
        return parse(data, kind=kind, name=name, rules=rules, address=address)
    head = {"kind": kind, "name": name, "rules": asdict(rules), "address": address}
    message = ask_child(DOCUMENT, head, data, seconds=timeout_seconds, memory_mb=memory_mb)
    return from_json(message["document"])


def is_read_here(data: bytes, kind: str, *, most: int = MAX_CHARACTERS) -> bool:
    """Whether our own process may read it: a format without a large library, up to a size that takes little time."""
    limit = format_of_content(data, FORMATS[kind]).in_process_bytes if kind in FORMATS else 0
    return limit > 0 and len(data) <= min(limit, most)
