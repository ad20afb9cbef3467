"""What a file would become, in figures: it is read and cut where it may take neither our time nor our memory.

The text itself, up to twenty million characters, never comes to the caller. So whoever serves people asks here.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final

from knowledge.formats.isolated.asking import FIGURES, MEMORY_MB, SECONDS, ask_child
from knowledge.formats.isolated.packing import pack, unpack
from knowledge.formats.parsing import ParsedDocument, is_read_here, parse
from knowledge.formats.restrictions import find_restriction, read_groups
from knowledge.indexing.chunking import ChunkDraft, chunk_document
from minirag.ai.builtin.minilm import open_counter

PREVIEW_LENGTH: Final = 500
_IN_PROCESS_BYTES: Final = 64 * 1024
"""What takes a tenth of a second at most, whatever is in it; a start of the child takes longer."""


@dataclass(frozen=True)
class Figures:
    """`beginning` is that of the text; `restriction` is what the file says of who may read it, `groups` who these
    are.
    """

    title: str
    language: str
    characters: int
    chunks: int
    tokens: int
    pages: int | None
    beginning: str
    notes: tuple[str, ...]
    restriction: str | None
    groups: tuple[str, ...] = ()


def measure(data: bytes, *, kind: str, name: str, counter: str = "") -> Figures:
    """Read and cut a file as ingestion does. Runs foreign libraries in this very process. Raises ParseError.

    `counter` is the folder of the embedder whose tokens English text is counted in; without it they are estimated.
    """
    parsed = parse(data, kind=kind, name=name)
    drafts = _cut(parsed, counter)
    pages = {section.page for section in parsed.sections if section.page is not None}
    return Figures(
        title=parsed.title, language=parsed.language,
        characters=sum(len(section.text) for section in parsed.sections), chunks=len(drafts),
        tokens=sum(draft.token_count for draft in drafts), pages=len(pages) or None,
        beginning=_begin(parsed), notes=tuple(parsed.notes), restriction=find_restriction(parsed.metadata),
        groups=tuple(read_groups(parsed.metadata) or ()),
    )  # fmt: skip


def measure_isolated(
    data: bytes, *, kind: str, name: str, counter: str = "", seconds: float = SECONDS,
    memory_mb: int = MEMORY_MB,
) -> Figures:  # fmt: skip
    """As `measure`, in a child process that cannot take more than this time and memory. Raises ParseError."""
    if is_read_here(data, kind, most=_IN_PROCESS_BYTES):
        return measure(data, kind=kind, name=name, counter=counter)
    head = {"kind": kind, "name": name, "counter": counter}
    told = ask_child(
        FIGURES, head, data, seconds=seconds, memory_mb=memory_mb
    )  # fmt: skip
    lists = {name: tuple(told[name]) for name in ("notes", "groups")}
    return Figures(**told | lists)


def cut_isolated(
    document: ParsedDocument, *, counter: str = "", seconds: float = SECONDS
) -> list[ChunkDraft]:
    """The chunks of a document, cut in a child process where it is long. Raises ParseError."""
    if _is_short(document):
        return _cut(document, counter)
    head = {"kind": None, "counter": counter, "wants_drafts": True}
    told = ask_child(FIGURES, head, pack(document), seconds=seconds)
    return [ChunkDraft(*fields) for fields in told["drafts"]]


def cut_packed(data: bytes, *, counter: str) -> list[list[Any]]:
    """As `cut_isolated`, from one process to the other."""
    return [list(astuple(draft)) for draft in _cut(unpack(data), counter)]


def count_chunks(document: ParsedDocument, *, counter: str = "") -> tuple[int, int]:
    """How many chunks a document makes, and how many tokens. Runs in this very process."""
    drafts = _cut(document, counter)
    return len(drafts), sum(draft.token_count for draft in drafts)


def count_chunks_isolated(
    document: ParsedDocument, *, counter: str = "", seconds: float = SECONDS
) -> tuple[int, int]:
    """As `count_chunks`, in a child process where the document is long. Raises ParseError."""
    if _is_short(document):
        return count_chunks(document, counter=counter)
    told = ask_child(FIGURES, {"kind": None, "counter": counter}, pack(document), seconds=seconds)
    return told["chunks"], told["tokens"]


def _is_short(document: ParsedDocument) -> bool:
    return sum(len(section.text) for section in document.sections) <= _IN_PROCESS_BYTES


def _cut(document: ParsedDocument, counter: str) -> list[ChunkDraft]:
    is_counted = bool(counter) and document.language == "en"
    count_tokens = open_counter(Path(counter)) if is_counted else None
    return chunk_document(document, count_tokens=count_tokens)


def check_isolated(data: bytes, *, kind: str, name: str) -> None:
    """Read a file only to see whether it can be. Raises ParseError."""
    if is_read_here(data, kind, most=_IN_PROCESS_BYTES):
        parse(data, kind=kind, name=name)
        return
    head = {"kind": kind, "name": name, "counter": None}
    ask_child(FIGURES, head, data)


def _begin(parsed: ParsedDocument) -> str:
    text = ""
    for section in parsed.sections:
        text += ("\n\n" if text else "") + section.text[:PREVIEW_LENGTH]
        if len(text) >= PREVIEW_LENGTH:
            break
    return text[:PREVIEW_LENGTH]
