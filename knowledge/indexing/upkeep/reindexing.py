"""Reindexing: what it would take to embed knowledge again, and the order to do so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum

from bots.models import UsageKind
from bots.usage.pricing import load_overrides, price_call
from knowledge.indexing.embedding import BATCH_SIZE
from knowledge.models import Chunk, Dataset, Redo, Source, SourceStatus, SourceType
from knowledge.sources.finding import find_source
from knowledge.tasks import queue_again
from minirag.ai.pricing import cost_of, prices_of
from minirag.lib.errors import NotFound
from tenants.audit import record

DEFAULT_LIMIT, MAX_LIMIT = 1000, 10_000


@dataclass(frozen=True)
class ModelShare:
    """What one embedding model has to do. `cost_usd` is at the tenant's prices, None where nobody knows one."""

    embedding_model: str
    chunks: int
    tokens: int
    calls: int
    cost_usd: Decimal | None


@dataclass(frozen=True)
class ReindexPlan:
    """The sources that a reindexing covers. `skipped` are being ingested now; `has_more` says that the limit cut."""

    source_ids: Sequence[UUID]
    documents: int
    skipped: int
    has_more: bool
    models: Sequence[ModelShare]

    @property
    def cost_usd(self) -> Decimal | None:
        costs = [share.cost_usd for share in self.models]
        return (
            None if None in costs else sum((cost for cost in costs if cost is not None), Decimal(0))
        )


def plan_reindex(*, source_id: UUID | None, dataset_id: UUID | None, limit: int) -> ReindexPlan:
    """Say what embedding again takes, for a source and its children, a dataset, or all. Raises NotFound.

    Covered are active sources that have knowledge, the longest not refreshed first.
    """
    found = _find_sources(source_id, dataset_id)
    free = found.exclude(status=SourceStatus.PROCESSING)
    ids = list(free.order_by("last_refreshed_at", "id").values_list("pk", flat=True)[: limit + 1])
    chosen = ids[:limit]
    documents = Source.objects.filter(pk__in=chosen).aggregate(count=Sum("document_count"))["count"]
    return ReindexPlan(
        source_ids=chosen, documents=documents or 0, skipped=found.filter(status=SourceStatus.PROCESSING).count(),
        has_more=len(ids) > limit, models=_share_by_model(chosen),
    )  # fmt: skip


def start_reindex(plan: ReindexPlan) -> int:
    """Queue the plan's sources to be embedded again; returns how many. They go on answering in the meantime."""
    with transaction.atomic():
        queued = queue_again(plan.source_ids, Redo.EMBED)
        record("knowledge.reindexing_requested", detail={"sources": queued})
    return queued


def _find_sources(source_id: UUID | None, dataset_id: UUID | None) -> QuerySet[Source]:
    found = Source.objects.filter(
        Q(parent__isnull=True) | Q(parent__is_active=True),
        is_active=True,
        deleted_at__isnull=True,
        chunk_count__gt=0,
    ).exclude(source_type=SourceType.NYXCORE)
    if source_id is not None:
        find_source(source_id)
        found = found.filter(Q(pk=source_id) | Q(parent=source_id))
    if dataset_id is not None:
        if not Dataset.objects.filter(pk=dataset_id, deleted_at__isnull=True).exists():
            raise NotFound("Dataset not found")
        found = found.filter(dataset=dataset_id)
    return found


def _share_by_model(source_ids: Sequence[UUID]) -> list[ModelShare]:
    """A source's chunks are embedded in calls of their own, so its last call may be a short one."""
    by_source = (
        Chunk.objects.filter(source__in=source_ids)
        .order_by()
        .values_list("source__dataset__embedding_model", "source")
        .annotate(chunks=Count("pk"), tokens=Sum("token_count"))
    )
    sums: dict[str, list[int]] = {}
    for model, _, chunks, tokens in by_source:
        shares = sums.setdefault(model, [0, 0, 0])
        for place, value in enumerate((chunks, tokens, -(-chunks // BATCH_SIZE))):
            shares[place] += value
    return [
        ModelShare(model, chunks, tokens, calls, _price(model, tokens))
        for model, (chunks, tokens, calls) in sorted(sums.items())
    ]


def _price(model: str, tokens: int) -> Decimal | None:
    """What embedding so much will be recorded at, as `record_usage` would settle it."""
    overrides = load_overrides()
    if prices_of(model) is None and model not in overrides:
        return None
    return Decimal(
        price_call(
            UsageKind.EMBEDDING,
            model,
            overrides,
            prompt_tokens=tokens,
            completion_tokens=0,
            listed=cost_of(model, tokens),
        )
    )
