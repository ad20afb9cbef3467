"""What the document endpoints and reindexing read and write."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints

from knowledge.datasets.serializers import Metadata
from knowledge.documents.changing import EDITABLE
from knowledge.indexing.reindexing import DEFAULT_LIMIT, MAX_LIMIT, ReindexPlan
from knowledge.models import Chunk, Document
from minirag.lib.http_in.pagination import PageQuery
from minirag.lib.http_in.rest import Body, naive_utc


class DocumentQuery(PageQuery):
    source_id: UUID | None = None
    dataset_id: UUID | None = None
    bot_profile_id: UUID | None = None
    q: Annotated[str, Field(max_length=255)] = ""


class ChunkQuery(PageQuery):
    """`limit` and `cursor` page the chunks."""

    include_content: bool | None = None


class DocumentChanges(Body):
    """Only `model_fields_set` counts; null undoes an edit."""

    title: (
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
        | None
    ) = None
    # Readers are led there by citations, so it is an address of the web or none, and never a script.
    url: Annotated[str, Field(max_length=2048, pattern=r"^(https?://\S+)?$")] | None = None
    metadata: Metadata | None = None


class ReindexRequest(Body):
    source_id: UUID | None = None
    dataset_id: UUID | None = None
    dry_run: StrictBool = True
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


def render_document(document: Document) -> dict[str, Any]:
    source = document.source
    return {
        "id": str(document.pk),
        "source_id": str(source.pk),
        "source_name": source.name,
        "dataset_id": str(source.dataset_id),
        "bot_profile_id": str(source.bot_profile_id) if source.bot_profile_id else None,
        "title": document.title,
        "url": document.url,
        "metadata": document.metadata,
        "edited_fields": [name for name in sorted(EDITABLE) if name in document.originals],
        "language": document.language,
        "content_hash": document.content_hash,
        "char_count": document.char_count,
        "chunk_count": document.chunk_count,
        "created_at": naive_utc(document.created_at),
    }


def render_chunk(chunk: Chunk) -> dict[str, Any]:
    return {
        "id": str(chunk.pk),
        "ordinal": chunk.ordinal,
        "heading": chunk.heading,
        "content": chunk.content,
        "page": chunk.page,
        "token_count": chunk.token_count,
    }


def render_plan(plan: ReindexPlan, *, queued: int | None) -> dict[str, Any]:
    """Render what a reindexing takes; `queued` is None for a dry run."""
    return {
        "dry_run": queued is None,
        "sources": len(plan.source_ids),
        "documents": plan.documents,
        "chunks": sum(share.chunks for share in plan.models),
        "tokens": sum(share.tokens for share in plan.models),
        "embedding_calls": sum(share.calls for share in plan.models),
        "estimated_cost_usd": _render_cost(plan.cost_usd),
        "models": [
            {
                "embedding_model": share.embedding_model,
                "chunks": share.chunks,
                "tokens": share.tokens,
                "embedding_calls": share.calls,
                "estimated_cost_usd": _render_cost(share.cost_usd),
            }
            for share in plan.models
        ],
        "skipped_processing": plan.skipped,
        "has_more": plan.has_more,
        "queued": queued or 0,
    }


def _render_cost(cost: Any) -> float | None:
    return None if cost is None else float(cost)
