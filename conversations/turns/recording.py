"""What a turn writes: the question before anything can fail, the outcome in one transaction at the end."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext

from bots.models import BotProfile, Outcome, Scope, SourceFilter, Strictness, UsageEvent
from bots.quotas.counting import QUOTAS, Reservation, reserve_turn, settle_turn
from bots.usage.pricing import OVERRIDES
from conversations.gaps.noting import note_turn
from conversations.handoffs.asking import keep_person, note_declined, note_wish, pass_on
from conversations.helping.offers import describe_help
from conversations.metering import count_turn, meter_turn, price_turn
from conversations.models import Chat, Citation, Handoff, Message, MessageRole
from conversations.turns.fitting import cut_history, load_history
from conversations.turns.state import Answer, Asker, History, OpenTurn
from conversations.turns.tracing import (
    count_unsupported,
    describe_turn,
    judge_citations,
    name_traits,
)
from conversations.turns.troubles import tell_trouble
from knowledge.curated.matching import find_by_words, with_curated
from knowledge.models import ANYONE, Audience
from knowledge.retrieval.external import load_bases, with_bases
from knowledge.retrieval.scope import filters_of, holds_restricted
from knowledge.retrieval.tongues import load_languages
from minirag.lib.errors import Conflict, NotFound
from minirag.lib.remembering import Remembered
from minirag.lib.rows import FixedQuery, expected_empty, fetched_ahead
from tenants.backend.cursor import Missed
from tenants.backend.holding import insert_soon
from tenants.context import current_schema, require_tenant
from tenants.due import DueKind, make_due
from tenants.models import Tenant
from tenants.platform.maintenance import require_no_maintenance
from webhooks.event_types import EventType
from webhooks.events import emit, subscribed_to
from webhooks.quota_events import tell_crossings

TITLE_LENGTH = 100
LOOK_SECONDS = 45.0
"""After how long somebody looks whether the process that takes a turn still lives."""

_TENANT_FACTS = (
    "status", "time_zone", "languages", "maintenance_until", "maintenance_message", "maintenance_of_all",
)  # fmt: skip
_TENANT = FixedQuery(lambda pk: Tenant.objects.only(*_TENANT_FACTS).filter(pk=pk), uuid.UUID)
_BOT: FixedQuery[BotProfile] = FixedQuery(
    lambda pk: with_bases(
        with_curated(BotProfile.objects.active().with_scopes().with_keys()).filter(pk=pk)
    ),
    uuid.UUID,
)


_plain: Remembered[tuple[str, uuid.UUID, uuid.UUID | None], bool] = Remembered(5_000)
"""The bots, with the tokens that asked them, whose last turn met no price of the tenant's, no quota and no webhook.
That the next meets none is looked at as it ends."""


def open_turn(
    bot_profile_id: uuid.UUID,
    chat_id: uuid.UUID | None,
    question: str,
    asker: Asker,
    told: History | None = None,
    source_filter: SourceFilter | None = None,
) -> OpenTurn | Message:
    """Check that the turn may happen, store the question and commit. `told` is a new chat's history, by the caller.

    Where a person is in the chat there is no turn: the question is theirs, and returned.

    Raises Conflict for a tenant that is not active, NotFound for a bot that is gone or inactive and for a chat that
    is unknown or, for a visitor, somebody else's; QuotaExceeded or BudgetExceeded where nothing is left to ask with;
    AlreadyAsked as `asker` says.
    """
    asked = (
        (_TENANT, require_tenant().pk), (_BOT, bot_profile_id), (QUOTAS, bot_profile_id, asker.token_id)
    )  # fmt: skip
    try:
        with fetched_ahead(*asked):
            return _open(bot_profile_id, chat_id, question, asker, told, source_filter)
    except Missed:  # the chat was deleted meanwhile
        raise NotFound(gettext("Chat session not found")) from None


def _open(
    bot_profile_id: uuid.UUID, chat_id: uuid.UUID | None, question: str, asker: Asker, told: History | None,
    source_filter: SourceFilter | None,
) -> OpenTurn | Message:  # fmt: skip
    tenant = require_active_tenant()
    bot = _BOT.first(bot_profile_id)
    if bot is None:
        raise NotFound(gettext("Bot profile not found or inactive"))
    scopes = heed_scopes(bot)
    with transaction.atomic():
        if asker.require_new is not None:
            asker.require_new()
        chat = _find_chat(chat_id, bot, asker) if chat_id else _start_chat(bot, question, asker)
        if getattr(chat, "has_person", False) and keep_person(chat):
            return pass_on(chat, question, asker.request_id)
        history, refused = (
            load_history(chat, bot.history_turns, asker.key_of(question))
            if chat_id
            else (cut_history(told or (), bot.history_turns), frozenset[int]())
        )
        if asker.audience != ANYONE and holds_restricted():
            chat.note_audience(asker.audience)
        message = insert_soon(
            Message(
                chat=chat, role=MessageRole.USER, content=question, outcome=Outcome.PENDING,
                request_id=asker.request_id,
            )
        )  # fmt: skip
        if chat_id:
            chat.count_up_soon(messages=1)
        make_due({DueKind.TURNS: timezone.now() + timedelta(seconds=LOOK_SECONDS)})
        # Last, because its counters are locked until the commit, and other questions of the tenant wait for them.
        reservation = reserve_turn(bot.pk, asker.token_id)
        message.reserve(reservation.counted)
        tell_crossings(reservation.crossings)
    return assemble_turn(
        tenant, bot, chat, message, reservation, scopes, history=history, refused=refused,
        languages=asker.languages, source_filter=source_filter, audience=asker.audience,
    )  # fmt: skip


def require_active_tenant() -> Tenant:
    """Return the current tenant as it is now. Raises Conflict where it is not active, Maintenance."""
    tenant = _TENANT.first(require_tenant().pk)
    if tenant is None:
        raise Tenant.DoesNotExist
    if not tenant.is_active:
        raise Conflict(f"This tenant is {tenant.status}.", code=f"tenant_{tenant.status}")
    require_no_maintenance(tenant)
    return tenant


def heed_scopes(bot: BotProfile) -> tuple[Scope, ...]:
    """Return the guardrails that count now, and let the bot be as strict as they are."""
    scopes = tuple(bot.active_scopes)
    if any(scope.strictness == Strictness.STRICT for scope in scopes):
        bot.refuses = True  # in this turn: a strict scope answers from sources only, whatever the bot is set to
    return scopes


def assemble_turn(
    tenant: Tenant, bot: BotProfile, chat: Chat, question: Message, reservation: Reservation, scopes: tuple[Scope, ...],
    *, history: tuple[tuple[str, str], ...], refused: frozenset[int], languages: tuple[str, ...],
    source_filter: SourceFilter | None = None, audience: Audience = ANYONE,
) -> OpenTurn:  # fmt: skip
    """Bring together all that a turn needs to know before it begins."""
    is_narrowed = source_filter is not None and source_filter.says_anything
    has_curated = getattr(bot, "has_curated", True) and not is_narrowed
    bot.load_keys()
    has_bases = getattr(bot, "has_bases", True)
    bases = load_bases(bot.pk, audience, filters_of(bot, source_filter)) if has_bases else ()
    return OpenTurn(
        bot, chat, question, history, reservation, bases, scopes,
        languages=(*languages, *tenant.languages), source_languages=load_languages(bot.pk, audience), refused=refused,
        today=timezone.localdate(timezone=ZoneInfo(tenant.time_zone)), has_curated=has_curated,
        source_filter=source_filter, audience=audience,
        curated=find_by_words(bot.pk, question.content, audience) if has_curated else None,
    )  # fmt: skip


def _find_chat(chat_id: uuid.UUID, bot: BotProfile, asker: Asker) -> Chat:
    """Servers may go on in any chat, with any bot, as the contract has it; a visitor in their own with this bot, and as
    who they were. Nobody in one where something may have been said that is not for them.
    """
    joined = Handoff.objects.joined().filter(chat=OuterRef("pk"))
    chats = (
        Chat.objects.open_to(asker.audience).filter(pk=chat_id).annotate(has_person=Exists(joined))
    )
    if asker.visitor_id:
        chats = chats.filter(visitor_id=asker.visitor_id, subject=asker.subject)
    if asker.visitor_id or asker.own_chats_only:
        chats = chats.filter(bot_profile=bot)
    chat = chats.first()
    if chat is None:
        raise NotFound(gettext("Chat session not found"))
    return chat


def _start_chat(bot: BotProfile, question: str, asker: Asker) -> Chat:
    return insert_soon(
        Chat(
            bot_profile=bot, user_id=asker.user_id, visitor_id=asker.visitor_id, subject=asker.subject,
            origin=asker.origin, title=question[:TITLE_LENGTH], message_count=1,  # the question
        )
    )  # fmt: skip


def close_turn(turn: OpenTurn, answer: Answer) -> Message | None:
    """Store the answer with its citations, usage, counters and event in one transaction.

    A turn that failed before it said anything only marks the question and meters what was spent; returns None then.
    Idempotent by claim: of two writers that close the same turn one does nothing.
    """
    try:
        message, spent = _end_in_one(turn, answer)
    except (Missed, IntegrityError):  # the answer of whoever was first may be there already
        if Message.objects.filter(pk=turn.question.pk, outcome=Outcome.PENDING).exists():
            raise
        _note_other_end(turn, answer)
        return None
    answer.is_closed = answer.is_stored = True
    count_turn(answer, spent)
    return message


def _end_in_one(turn: OpenTurn, answer: Answer) -> tuple[Message | None, list[UsageEvent]]:
    """`_end` in one message, with its commit, where a turn has no more to ask than that it has nothing to ask."""
    key = current_schema(), turn.bot.pk, turn.reservation.token_id
    asked = (
        (OVERRIDES,),
        (QUOTAS, turn.bot.pk, turn.reservation.token_id),
        subscribed_to(EventType.CHAT_MESSAGE),
    )
    if key in _plain:
        try:
            with transaction.atomic(), expected_empty(*asked):
                return _end(turn, answer)
        except Missed:  # it has become otherwise, or others have ended the turn
            _plain.pop(key, None)
    with transaction.atomic(), fetched_ahead(*asked) as found:
        ended = _end(turn, answer)
    if not any(found):
        _plain[key] = True
    return ended


def _end(turn: OpenTurn, answer: Answer) -> tuple[Message | None, list[UsageEvent]]:
    """What there is to write goes with the last statement, in one message. Raises Missed where others were first."""
    spent = price_turn(turn, answer)
    turn.chat.hold_soon()
    turn.question.end_turn(
        Outcome(answer.outcome),
        error_code=answer.error_code,
        citation_valid=judge_citations(answer),
        unsupported=count_unsupported(answer),
        trace=describe_turn(answer),
    )
    message = _store_message(turn, answer) if answer.content or answer.calls else None
    meter_turn(spent, message or turn.question)
    turn.chat.count_up_soon(
        messages=1 if message else 0,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        cost_usd=sum((each.cost_usd for each in spent), Decimal(0)),
        language=answer.understood.language if answer.understood else "",
        traits=name_traits(answer),
    )
    tell_crossings(settle_turn(turn.reservation, spent, is_failed=answer.is_broken))
    if answer.outcome == Outcome.FAILED:
        tell_trouble(turn.bot, turn.question, answer.error_code)
    elif message is not None:
        _tell(turn, answer, message)
        _call_person(turn, answer)
        note_turn(turn.question, message, answer.understood, count_unsupported(answer))
    return message, spent


def _note_other_end(turn: OpenTurn, answer: Answer) -> None:
    """Somebody else has ended the turn, or its chat was deleted meanwhile; then what was spent stays counted.

    Once, by the process that took it: nothing is left to claim, and one that was taken for dead may live after all.
    """
    answer.is_closed = True
    if turn.is_orphan:
        return
    # Where it is metered already its end was not heard of.
    with suppress(IntegrityError), transaction.atomic():
        if Message.objects.filter(pk=turn.question.pk).exists():
            return
        spent = price_turn(turn, answer)
        meter_turn(spent, turn.question)
        tell_crossings(settle_turn(turn.reservation, spent, is_failed=answer.is_broken))


def find_stored(turn: OpenTurn, answer: Answer) -> Message | None:
    """The answer that an earlier `close_turn` of ours has committed without hearing of it; None where others did."""
    said = answer.content or answer.calls.describe()
    ends = Message.objects.filter(question=turn.question, outcome=answer.outcome, content=said)
    found = ends.first()
    answer.is_stored = found is not None
    return found


def _tell(turn: OpenTurn, answer: Answer, message: Message) -> None:
    """Put the turn into the outbox, and a refusal again under its own name."""
    ids = {
        "chat_id": str(turn.chat.pk),
        "message_id": str(message.pk),
        "bot_profile_id": str(turn.bot.pk),
    }
    emit(EventType.CHAT_MESSAGE, ids)
    if answer.outcome == Outcome.REFUSED and answer.refusal is not None:
        refusal = answer.refusal
        emit(
            EventType.CHAT_REFUSED,
            {
                **ids,
                "reason": refusal.reason,
                "score": refusal.score,
                "threshold": refusal.threshold,
            },
        )


def _call_person(turn: OpenTurn, answer: Answer) -> None:
    """Have the chat wait for a person, where a rule of the bot says so."""
    language = answer.understood.language if answer.understood else ""
    if answer.calls_person:
        note_wish(turn.chat, language)
    elif answer.outcome == Outcome.REFUSED:
        note_declined(turn.chat, turn.question, language)


def _store_message(turn: OpenTurn, answer: Answer) -> Message:
    retrieval, refusal = answer.retrieval, answer.refusal
    measured = None if retrieval is None else (retrieval.confidence, retrieval.threshold)
    if measured is None and refusal is not None:  # by a scope, before anything was searched
        measured = refusal.score, refusal.threshold
    message = Message(
        chat=turn.chat, role=MessageRole.ASSISTANT, content=answer.content or answer.calls.describe(),
        outcome=answer.outcome, error_code=answer.error_code, cut_reason=answer.cut_reason,
        prompt_tokens=answer.prompt_tokens, completion_tokens=answer.completion_tokens,
        refusal_reason=refusal.reason if refusal else "", help=describe_help(answer.help),
        confidence=measured[0] if measured else None, threshold=measured[1] if measured else None,
        request_id=turn.question.request_id, question=turn.question,
        curated_answer_id=answer.curated.answer_id if answer.curated else None, is_asked_back=answer.is_asked_back,
    )  # fmt: skip
    insert_soon(message)
    if citations := [Citation.of(message, *each) for each in answer.citations]:
        insert_soon(*citations)
    return message
