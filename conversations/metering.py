"""What a turn is charged: one usage event for each call that it made."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction

from bots.models import Outcome, UsageEvent, UsageKind
from bots.quotas.counting import spend
from bots.usage.metering import price_usage, store_usage
from bots.usage.pricing import load_overrides
from conversations.models import Message
from conversations.turns.state import Answer, OpenTurn
from knowledge.retrieval.retrieving import Retrieval
from minirag.lib.metrics.counted import note_tenant_turn, note_turn
from tenants.context import require_tenant
from webhooks.quota_events import tell_crossings


def price_turn(turn: OpenTurn, answer: Answer) -> list[UsageEvent]:
    """Return the turn's calls at what the tenant pays for them (bots.usage.pricing), and have the answer cost that."""
    overrides = load_overrides()
    events = [
        price_usage(kind, overrides, bot_profile_id=turn.bot.pk, chat_id=turn.chat.pk, **call)
        for kind, call in _list_calls(answer)
    ]
    for place, event in enumerate(events):
        # By its turn, so that nobody can store it a second time, whatever has become of the question by then.
        event.pk = uuid.uuid5(turn.question.pk, str(place))
        if event.kind == UsageKind.CHAT:
            answer.cost_usd = event.cost_usd
    return events


def meter_turn(events: Sequence[UsageEvent], message: Message) -> None:
    """Store what `price_turn` returned, in the caller's transaction, as spent for this message.

    With the next statement, which raises IntegrityError where the turn is metered already.
    """
    for event in events:
        event.message_id = message.pk
    if events:
        store_usage(events)


def meter_search(bot_profile_id: uuid.UUID, found: Retrieval, token_id: uuid.UUID | None) -> None:
    """Meter a search that belongs to no turn."""
    overrides = load_overrides()
    events = [
        price_usage(kind, overrides, bot_profile_id=bot_profile_id, **call)
        for kind, call in _list_calls(Answer(retrieval=found))
    ]
    if events:
        with transaction.atomic():
            store_usage(events)
            tell_crossings(spend(events, token_id=token_id))


def count_turn(answer: Answer, events: Sequence[UsageEvent]) -> None:
    """Count a turn whose end is stored in the installation's metrics."""
    outcome, cost_usd = str(answer.outcome), sum((each.cost_usd for each in events), Decimal(0))
    note_turn(
        outcome,
        first_token_ms=answer.first_token_ms,
        prompt_tokens=sum(each.prompt_tokens for each in events),
        completion_tokens=sum(each.completion_tokens for each in events),
        cost_usd=cost_usd,
    )
    note_tenant_turn(require_tenant().slug, outcome, cost_usd)


def _list_calls(answer: Answer) -> Iterator[tuple[UsageKind, dict[str, Any]]]:
    """Each call that has cost something, with what is known of it."""
    if answer.model:
        yield (
            UsageKind.CHAT,
            {
                "model": answer.model,
                "prompt_tokens": answer.prompt_tokens,
                "completion_tokens": answer.completion_tokens,
                "cost_usd": answer.cost_usd,
                "is_stream": answer.is_stream,
                "time_to_first_token_ms": answer.first_token_ms,
                "duration_ms": answer.duration_ms,
                # A quota that is set later counts the questions that were metered, and not the failed ones.
                "outcome": Outcome.FAILED if answer.is_broken else answer.outcome,
            },
        )
    for rewriting in (answer.rewriting, answer.varying):
        if rewriting is not None and rewriting.prompt_tokens:
            yield (
                UsageKind.REWRITE,
                {
                    "model": rewriting.model,
                    "prompt_tokens": rewriting.prompt_tokens,
                    "completion_tokens": rewriting.completion_tokens,
                    "cost_usd": rewriting.cost_usd,
                    "duration_ms": round(rewriting.milliseconds),
                },
            )
    found = answer.retrieval
    if found is not None and found.reranking is not None and found.reranking.tokens:
        yield (
            UsageKind.RERANK,
            {
                "model": found.reranking.model,
                "prompt_tokens": found.reranking.tokens,
                "completion_tokens": found.reranking.completion_tokens,
                "cost_usd": found.reranking.cost_usd,
                "duration_ms": round(found.reranking.milliseconds),
            },
        )
    if found is not None and found.embedding_model and found.embedding_tokens:
        yield (
            UsageKind.EMBEDDING,
            {
                "model": found.embedding_model,
                "prompt_tokens": found.embedding_tokens,
                "cost_usd": found.embedding_cost_usd,
            },
        )
