"""From documents that were read to the index: chunks get their ids, what is new is embedded, all is swapped in."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from bots.models import BotProfile
from knowledge.corrections.fitting import Fitted, fit
from knowledge.corrections.keeping import (
    Stamp,
    count_corrected,
    ids_of_theirs,
    keep_outcomes,
    load_corrections,
    take_stamp,
)
from knowledge.documents.making_vectors import make_vectors
from knowledge.documents.present import Present, look_at
from knowledge.edits.holding import NO_EDITS, Held, hold_edits, meet_edits, tell_conflicts
from knowledge.formats.restrictions import read_groups
from knowledge.indexing.chunk_rows import narrow_documents
from knowledge.indexing.incoming import (
    NewChunk,
    NewDocument,
    identify_chunks,
    identify_document,
)
from knowledge.indexing.loading import IngestionError
from knowledge.indexing.search_indexes import ensure_indexes
from knowledge.indexing.staging import drop_staged
from knowledge.indexing.swap import EmbedderChanged, KnowledgeChanged, swap_knowledge
from knowledge.models import (
    Correction,
    Dataset,
    IndexEntry,
    Redo,
    Source,
    SourceType,
)
from knowledge.sources.storage import measure_drafts, require_room
from minirag.ai.builtin.local import is_embedder_available, is_local
from minirag.lib.jobs.job import ClaimLost
from minirag.lib.tracing.stages import stage

if TYPE_CHECKING:
    from knowledge.indexing.vectors import Vector

_TRIES: Final = 4
"""People may edit documents of a source, or correct chunks of it, while it is ingested; each time what they wrote is
put in its place anew."""
_TAKES_A_WHILE: Final = 200
"""Chunks that take so long to put in that somebody can see it."""


def put_documents(
    source: Source, model: str, documents: Sequence[NewDocument], facts: dict[str, Any], *,
    also: Callable[[], None] = lambda: None, shut: Collection[uuid.UUID] = (),
) -> None:  # fmt: skip
    """Make the documents all that a claimed source says; `also` is done in the transaction of the swap.

    `shut` are documents that nobody may read any more: what people wrote in their place goes with them.

    Raises IngestionError, ClaimLost, QuotaExceeded, BudgetExceeded, ProviderError, and TurnOver where the process is
    wanted for others: what was embedded is kept for the next call. Whom a document is for no more is not told what it
    says from the beginning on, whatever becomes of the rest.
    """
    narrow_documents(
        source,
        {identify_document(source.pk, each): read_groups(each.metadata) for each in documents},
    )
    if documents and not any(document.drafts for document in documents):
        raise IngestionError("no_chunks", "Chunking produced no output")
    made: dict[str, dict[uuid.UUID, Vector]] = defaultdict(dict)
    for tries_left in reversed(range(_TRIES)):
        try:
            dimensions = _hold_and_swap(source, model, documents, facts, also, made[model], shut)
        except (EmbedderChanged, KnowledgeChanged):
            if not tries_left:
                raise
            source.dataset.refresh_from_db()
            model = source.dataset.embedding_model
        else:
            break
    ensure_indexes(dimensions)


def _hold_and_swap(
    source: Source, model: str, documents: Sequence[NewDocument], facts: dict[str, Any], also: Callable[[], None],
    made: dict[uuid.UUID, Vector], shut: Collection[uuid.UUID],
) -> int:  # fmt: skip
    """Have what people wrote stay; returns what `_embed_and_swap` does."""
    there = look_at(source.pk)
    if there is None:
        raise ClaimLost
    held = Held(documents, NO_EDITS, {})
    if there.has_edits:
        held = hold_edits(source.pk, documents, but=shut)
    chunks = identify_chunks(source.pk, held.documents)
    if len(chunks) > settings.MAX_CHUNKS_PER_SOURCE:
        limit = settings.MAX_CHUNKS_PER_SOURCE
        raise IngestionError(
            "too_large", f"This makes {len(chunks)} pieces of text; at most {limit} are allowed."
        )
    corrections = load_corrections(source.pk) if there.has_corrections else []
    source.stored_bytes, source.corrected_bytes = there.stored_bytes, there.corrected_bytes
    drafts = (draft for each in documents for draft in each.drafts)
    size = measure_drafts(source, drafts, written=there.edited_bytes + there.corrected_bytes)
    require_room(source, size)
    if size != source.stored_bytes:
        facts = {"stored_bytes": size, **facts}
    fitted = _fit(source, held.documents, chunks, corrections, there)
    stamp = take_stamp(corrections)

    def conclude(now: Present) -> None:
        if now.has_edits or held.stamp:
            tell_conflicts(meet_edits(source.pk, held))
        if now.has_corrections or stamp:
            _keep_corrections(source, stamp, fitted)
        also()
        if now.has_staged:
            drop_staged(source.pk)

    return _embed_and_swap(
        source, model, held.documents, fitted.chunks, facts, conclude, made, there
    )


def _fit(
    source: Source, documents: Sequence[NewDocument], chunks: Sequence[NewChunk],
    corrections: Sequence[Correction], there: Present,
) -> Fitted:  # fmt: skip
    """What people have said of single chunks, applied to what the source says now."""
    # One that could not be read has no place for anybody's text either.
    languages = {
        identify_document(source.pk, each): each.language
        for each in documents
        if not each.error_code
    }
    known = {*there.stored, *ids_of_theirs(corrections)}
    moves = not there.has_parts and all(read_groups(each.metadata) is None for each in documents)
    return fit(corrections, chunks, languages, known=known, moves=moves)


def _keep_corrections(source: Source, stamp: Stamp, fitted: Fitted) -> None:
    """Write down what became of the corrections, unless people have changed them since they were read."""
    if take_stamp(load_corrections(source.pk)) != stamp:
        raise KnowledgeChanged
    keep_outcomes(fitted.outcomes)
    if fitted.outcomes:
        count_corrected(source.pk)


def _embed_and_swap(
    source: Source, model: str, documents: Sequence[NewDocument], chunks: list[NewChunk], facts: dict[str, Any],
    conclude: Callable[[Present], None], made: dict[uuid.UUID, Vector], there: Present,
) -> int:  # fmt: skip
    """Embed what the index lacks and swap; returns the vectors' dimensions, 0 if nothing was embedded.

    `made` are vectors of an earlier try, and has those of this one afterwards.
    """
    stored = there.stored
    if source.redo == Redo.EMBED and is_embedder_available(model):
        unknown = chunks
    else:
        unknown = [
            chunk for chunk in chunks if chunk.id not in stored or not stored[chunk.id].dimensions
        ]
    missing = [chunk for chunk in unknown if chunk.id not in made]
    payer = find_payer(source, model)
    with stage("ingestion", "embed"):
        made.update(make_vectors(source, model, missing, payer, is_new=not there.has_staged))
    vectors = {chunk.id: made[chunk.id] for chunk in unknown if chunk.id in made}
    if len(chunks) >= _TAKES_A_WHILE:
        source.report("indexing", len(chunks), len(chunks))
    with stage("ingestion", "swap"):
        swap_knowledge(
            source, documents, chunks, vectors, embedding_model=model, facts=facts,
            vectorless={chunk.id for chunk in unknown} - vectors.keys(), there=there, also=conclude,
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
