"""From what a source has loaded to its documents, cut into chunks: one, or of an archive one for each of its files."""

from __future__ import annotations

from django.conf import settings

from knowledge.formats.archive.members import Member, read_members
from knowledge.formats.pages.absent import ABSENT, ONLY_SCRIPT, has_script, says_not_found
from knowledge.formats.parsing import ParsedDocument, ParseError
from knowledge.formats.registry import WEB_PAGE, is_archive
from knowledge.indexing.chunking import cut_document
from knowledge.indexing.embedding import choose_counter, embed_first
from knowledge.indexing.incoming import NewDocument
from knowledge.indexing.loading import IngestionError, Loaded, PageGone, parse_loaded
from knowledge.models import Source, SourceType
from minirag.lib.tracing.stages import stage


def read_documents(source: Source, loaded: Loaded, model: str) -> list[NewDocument]:
    """Parse and chunk what was loaded. Raises IngestionError, and ClaimLost between the files of an archive."""
    if loaded.data is None or not is_archive(loaded.data, loaded.kind):
        with stage("ingestion", "parse"):
            parsed = parse_loaded(source, loaded)
        _require_page(source, loaded, parsed)
        with stage("ingestion", "chunk"):
            return [_chunk(parsed, model, url=loaded.url, is_new=not source.chunk_count)]
    with stage("ingestion", "parse"):  # and chunk, file by file
        return _read_archive(source, loaded.data, model)


def _require_page(source: Source, loaded: Loaded, parsed: ParsedDocument) -> None:
    """Raise IngestionError where a web page holds nothing though it came: as on a site, it is no knowledge."""
    if loaded.kind != WEB_PAGE or loaded.data is None:
        return
    headings = parsed.sections[0].heading if parsed.sections else ()
    names = [str(parsed.metadata.get("title", "")), *headings[:1]]
    text = "\n".join(section.text for section in parsed.sections)
    if source.source_type == SourceType.URL and says_not_found(names, text):
        raise PageGone(ABSENT, for_good=False)
    if not text.strip() and has_script(loaded.data):
        raise IngestionError("only_script", ONLY_SCRIPT)


def _read_archive(source: Source, data: bytes, model: str) -> list[NewDocument]:
    documents: list[NewDocument] = []
    chunks = 0
    try:
        for member in read_members(data, largest=settings.MAX_UPLOAD_BYTES):
            documents.append(_take(member, model))
            chunks += len(documents[-1].drafts)
            if chunks > settings.MAX_CHUNKS_PER_SOURCE:
                break  # the caller refuses it
            source.report("parsing", len(documents), member.total)
    except ParseError as error:
        raise IngestionError(error.code, error.reason) from error
    if not chunks:
        first = documents[0]
        raise IngestionError(
            "no_content",
            f"None of its {len(documents)} files could be read. {first.key}: {first.error_message}",
        )
    return documents


def _take(member: Member, model: str) -> NewDocument:
    if member.document is not None:
        return _chunk(member.document, model, key=member.path)
    return NewDocument(
        title=member.path, language="", drafts=[], metadata={"path": member.path}, key=member.path,
        error_code=member.code, error_message=member.reason,
    )  # fmt: skip


def _chunk(
    parsed: ParsedDocument, model: str, *, url: str = "", key: str = "", is_new: bool = False
) -> NewDocument:
    coming = cut_document(parsed, count_tokens=choose_counter(model, parsed.language))
    drafts = embed_first(model, coming) if is_new else list(coming)
    return NewDocument(
        title=parsed.title, language=parsed.language, drafts=drafts, url=url, metadata=parsed.metadata,
        char_count=sum(len(section.text) for section in parsed.sections), key=key,
    )  # fmt: skip
