"""Has a bot answer a question that nobody asked: the whole turn of the product, of which only its cost is kept.

There is no chat, no message, no event for webhooks and no turn in the statistics afterwards. Quotas are honoured as for
a visitor's question, which it is counted as, and each model call is metered, as `UsageKind.EVALUATION`. The bot may
have values that are not saved: see `bots.configurations.with_configuration`.
"""

from __future__ import annotations

import copy
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from bots.models import BotProfile, Outcome, UsageEvent
from bots.quotas.counting import reserve_turn, settle_turn
from conversations.metering import meter_turn, price_turn
from conversations.models import Chat, Message, MessageRole
from conversations.turns.recording import (
    assemble_turn,
    cut_history,
    heed_scopes,
    require_active_tenant,
)
from conversations.turns.speaking import charge_cut_off
from conversations.turns.state import Answer, History, OpenTurn
from conversations.turns.taking import Failed, TurnEvent, answer_helpfully, answer_turn
from conversations.turns.tracing import describe_turn
from knowledge.models import ANYONE, Audience
from knowledge.retrieval.passages import Passage
from minirag.lib.errors import ProductError
from tenants.context import run_sync
from webhooks.quota_events import tell_crossings


@dataclass(frozen=True)
class Rehearsal:
    """What a visitor would have got; `error` where that is none."""

    answer: Answer
    error: ProductError | None = None

    @property
    def trace(self) -> dict[str, Any]:
        """As it is kept of a turn."""
        return describe_turn(self.answer)

    @property
    def found(self) -> tuple[Passage, ...]:
        """The passages that search gave, best first, whether or not they were answered from."""
        return self.answer.retrieval.passages if self.answer.retrieval else ()

    @property
    def is_declined(self) -> bool:
        return self.answer.outcome == Outcome.REFUSED


async def rehearse(
    bot: BotProfile,
    question: str,
    *,
    history: History = (),
    languages: tuple[str, ...] = (),
    token_id: uuid.UUID | None = None,
    audience: Audience = ANYONE,
) -> Rehearsal:
    """Answer `question` as `bot` would answer this audience, active or not; `token_id` is the family of the token that
    asks.

    Raises Conflict for a tenant that is not active, QuotaExceeded or BudgetExceeded where nothing is left to ask with.
    A provider that fails is the rehearsal's `error`, as it would be the visitor's.
    """
    answer, error = Answer(audience=audience), None
    aloud = rehearse_aloud(
        bot, question, answer, history=history, languages=languages, token_id=token_id
    )
    async with aclosing(aloud) as events:
        async for event in events:
            error = event.error if isinstance(event, Failed) else error
    return Rehearsal(answer, error)


async def rehearse_aloud(
    bot: BotProfile, question: str, answer: Answer, *, history: History = (), languages: tuple[str, ...] = (),
    token_id: uuid.UUID | None = None, helps: bool = False,
) -> AsyncGenerator[TurnEvent, None]:  # fmt: skip
    """The same, told as it goes: fills in `answer`, whose audience is asked for, and yields a turn's events.

    With `helps` the answer has what a visitor would see below it. The last event is Failed where a provider failed.
    What it cost is settled when this ends, however it ends.
    """
    turn = await run_sync(_open, bot, question, history, languages, token_id, answer.audience)
    started, error, is_over = time.monotonic(), None, False
    try:
        told = answer_helpfully(turn, answer, asks_on=True) if helps else answer_turn(turn, answer)
        async with aclosing(told) as events:
            async for event in events:
                yield event
        is_over = True
    except ProductError as caught:
        answer.error_code, error = caught.code, caught
    finally:
        if not is_over:
            answer.outcome = Outcome.FAILED
            await charge_cut_off(answer, is_given_up=error is None)
        answer.duration_ms = answer.duration_ms or round((time.monotonic() - started) * 1000)
        await run_sync(_settle, turn, answer)
    if error is not None:
        yield Failed(turn.chat.pk, error)


def _open(
    bot: BotProfile, question: str, history: History, languages: tuple[str, ...],
    token_id: uuid.UUID | None, audience: Audience,
) -> OpenTurn:  # fmt: skip
    bot = copy.copy(bot)  # heeding its scopes changes it, in this turn alone
    tenant, scopes = require_active_tenant(), heed_scopes(bot)
    chat = Chat(bot_profile=bot, title=question[:100])
    asked = Message(chat=chat, role=MessageRole.USER, content=question, outcome=Outcome.PENDING)
    with transaction.atomic():
        reservation = reserve_turn(bot.pk, token_id)
        tell_crossings(reservation.crossings)
    return assemble_turn(
        tenant, bot, chat, asked, reservation, scopes,
        history=cut_history(history, bot.history_turns), refused=frozenset(), languages=languages,
        audience=audience,
    )  # fmt: skip


def _settle(turn: OpenTurn, answer: Answer) -> None:
    with transaction.atomic():
        spent = price_turn(turn, answer)
        meter_turn(spent, turn.question)
        keys = [event.pk for event in spent]
        UsageEvent.objects.filter(pk__in=keys).count_as_evaluation()
        tell_crossings(settle_turn(turn.reservation, spent, is_failed=answer.is_broken))
