"""From documents that were read to the index: chunks get their ids, what is new is embedded, all is swapped in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from django.conf import settings

from bots.models import BotProfile
from knowledge.documents.making_vectors import make_vectors
from knowledge.edits.holding import hold_edits, meet_edits, tell_conflicts
from knowledge.indexing.incoming import NewChunk, NewDocument, identify_chunks
from knowledge.indexing.loading import IngestionError
from knowledge.indexing.staging import drop_staged
from knowledge.indexing.swap import EmbedderChanged, KnowledgeChanged, find_stored, swap_knowledge
from knowledge.indexing.vector_index import ensure_vector_index
from knowledge.models import Dataset, IndexEntry, Redo, Source, SourceType
from knowledge.models.states import SYNCED
from knowledge.sources.storage import measure_drafts, require_room
from minirag.ai.builtin.local import is_embedder_available, is_local

_TRIES: Final = 4
"""People may edit documents of a source while it is ingested; each time what they wrote is put in its place anew."""


def put_documents(
    source: Source, model: str, documents: Sequence[NewDocument], facts: dict[str, Any], *,
    also: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Make the documents all that a claimed source says; `also` is done in the transaction of the swap.

    Raises IngestionError, ClaimLost, QuotaExceeded, BudgetExceeded, ProviderError, and TurnOver where the process is
    wanted for others: what was embedded is kept for the next call.
    """
    if documents and not any(document.drafts for document in documents):
        raise IngestionError("no_chunks", "Chunking produced no output")
    for tries_left in reversed(range(_TRIES)):
        try:
            dimensions = _hold_and_swap(source, model, documents, facts, also)
        except (EmbedderChanged, KnowledgeChanged):
            if not tries_left:
                raise
            source.dataset.refresh_from_db()
            model = source.dataset.embedding_model
        else:
            break
    ensure_vector_index(dimensions)


def _hold_and_swap(
    source: Source, model: str, documents: Sequence[NewDocument], facts: dict[str, Any], also: Callable[[], None]
) -> int:  # fmt: skip
    """Have what people wrote stay; returns what `_embed_and_swap` does."""
    held = hold_edits(source.pk, documents)
    chunks = identify_chunks(source.pk, held.documents)
    if len(chunks) > settings.MAX_CHUNKS_PER_SOURCE:
        limit = settings.MAX_CHUNKS_PER_SOURCE
        raise IngestionError(
            "too_large", f"This makes {len(chunks)} pieces of text; at most {limit} are allowed."
        )
    size = measure_drafts(source, (draft for each in documents for draft in each.drafts))
    require_room(source, size)
    if source.source_type in (SourceType.URL, *SYNCED):
        facts = {"stored_bytes": size, **facts}

    def conclude() -> None:
        tell_conflicts(meet_edits(source.pk, held))
        also()

    return _embed_and_swap(source, model, held.documents, chunks, facts, conclude)


def _embed_and_swap(
    source: Source, model: str, documents: Sequence[NewDocument], chunks: list[NewChunk], facts: dict[str, Any],
    also: Callable[[], None],
) -> int:  # fmt: skip
    """Embed what the index lacks and swap; returns the vectors' dimensions, 0 if nothing was embedded."""
    stored = find_stored(source.pk)
    if source.redo == Redo.EMBED and is_embedder_available(model):
        unknown = chunks
    else:
        unknown = [
            chunk for chunk in chunks if chunk.id not in stored or not stored[chunk.id].dimensions
        ]
    vectors = make_vectors(source, model, unknown, find_payer(source, model))
    source.report("indexing", len(chunks), len(chunks))

    def conclude() -> None:
        also()
        drop_staged(source.pk)

    swap_knowledge(
        source, documents, chunks, vectors, embedding_model=model, facts=facts,
        vectorless={chunk.id for chunk in unknown} - vectors.keys(), also=conclude,
    )  # fmt: skip
    return len(next(iter(vectors.values()))) if vectors else 0


def choose_model(source: Source) -> str:
    """Return the embedding model of the source's dataset; a bot's without any knowledge takes its present model."""
    dataset = source.dataset
    if dataset.bot_profile is None:
        return dataset.embedding_model
    wanted = dataset.bot_profile.effective_embedding_model
    embedded = dataset.sources.filter(chunk_count__gt=0).exclude(source_type=SourceType.NYXCORE)
    if dataset.embedding_model != wanted and not embedded.exists():
        Dataset.objects.filter(pk=dataset.pk).update(
            embedding_model=wanted, embedding_dimensions=None
        )
        dataset.embedding_model, dataset.embedding_dimensions = wanted, None
    return dataset.embedding_model


def find_payer(source: Source, model: str) -> BotProfile | None:
    """Return the bot whose key embeds a source and whose account is charged: its own, else the first that is linked.

    None if there is none and `model` costs nothing. Raises IngestionError where it does.
    """
    if source.bot_profile is not None:
        return source.bot_profile
    links = source.dataset.bot_links.order_by("-is_active", "priority", "created_at", "id")
    link = links.select_related("bot_profile").first()
    if link is None and not is_local(model):
        raise IngestionError(
            "no_bot_linked", "Link a bot with the dataset first: its key is used for the embedding."
        )
    return link.bot_profile if link else None


def lacks_vectors(source: Source, model: str) -> bool:
    """Whether it was ingested while the embedder was missing, and it no longer is."""
    return (
        is_embedder_available(model)
        and IndexEntry.objects.filter(chunk__source_id=source.pk, dim=0).exists()
    )
