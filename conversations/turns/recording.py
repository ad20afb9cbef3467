"""What a turn writes: the question before anything can fail, the outcome in one transaction at the end."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from bots.models import BotProfile, Outcome, Scope, SourceFilter, Strictness
from bots.quotas.counting import Reservation, reserve_turn, settle_turn
from conversations.gaps.noting import note_turn
from conversations.handoffs.asking import keep_person, note_declined, note_wish, pass_on
from conversations.helping.offers import describe_help
from conversations.metering import count_turn, meter_turn, price_turn
from conversations.models import Chat, Citation, Handoff, Message, MessageRole, Trait
from conversations.turns.fitting import cut_history, load_history
from conversations.turns.state import Answer, Asker, History, OpenTurn
from conversations.turns.tracing import describe_turn
from conversations.turns.troubles import tell_trouble
from knowledge.curated.matching import find_by_words, with_curated
from knowledge.models import ANYONE, Audience
from knowledge.retrieval.external import load_bases
from knowledge.retrieval.passages import Passage
from knowledge.retrieval.scope import filters_of, holds_restricted
from knowledge.retrieval.tongues import load_languages
from minirag.lib.errors import Conflict, NotFound
from minirag.lib.rows import FixedQuery, fetch_together
from tenants.backend.holding import insert_soon
from tenants.context import require_tenant
from tenants.due import DueKind, make_due
from tenants.models import Tenant
from tenants.platform.maintenance import require_no_maintenance
from webhooks.event_types import EventType
from webhooks.events import emit
from webhooks.quota_events import tell_crossings

TITLE_LENGTH = 100
LOOK_SECONDS = 45.0
"""After how long somebody looks whether the process that takes a turn still lives."""

_TENANT_FACTS = (
    "status", "time_zone", "languages", "maintenance_until", "maintenance_message", "maintenance_of_all",
)  # fmt: skip
_TENANT = FixedQuery(lambda pk: Tenant.objects.only(*_TENANT_FACTS).filter(pk=pk), uuid.UUID)
_BOT: FixedQuery[BotProfile] = FixedQuery(
    lambda pk: with_curated(BotProfile.objects.active().with_scopes().with_keys()).filter(pk=pk),
    uuid.UUID,
)


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
    tenants, bots = fetch_together((_TENANT, require_tenant().pk), (_BOT, bot_profile_id))
    tenant = _require_active(tenants)
    if not bots:
        raise NotFound("Bot profile not found or inactive")
    [bot] = bots
    scopes = heed_scopes(bot)
    with transaction.atomic():
        if asker.require_new is not None:
            asker.require_new()
        chat = _find_chat(chat_id, bot, asker) if chat_id else _start_chat(bot, question, asker)
        if getattr(chat, "has_person", False) and keep_person(chat.pk):
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
                chat=chat,
                role=MessageRole.USER,
                content=question,
                outcome=Outcome.PENDING,
                request_id=asker.request_id,
            )
        )
        if chat_id:
            chat.count_up(messages=1)
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
    return _require_active(_TENANT.fetch(require_tenant().pk))


def _require_active(found: list[Tenant]) -> Tenant:
    if not found:
        raise Tenant.DoesNotExist
    [tenant] = found
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
    bases = load_bases(bot.pk, audience, filters_of(bot, source_filter))
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
        raise NotFound("Chat session not found")
    return chat


def _start_chat(bot: BotProfile, question: str, asker: Asker) -> Chat:
    return insert_soon(
        Chat(
            bot_profile=bot,
            user_id=asker.user_id,
            visitor_id=asker.visitor_id,
            subject=asker.subject,
            origin=asker.origin,
            title=question[:TITLE_LENGTH],
            message_count=1,  # the question
        )
    )


def close_turn(turn: OpenTurn, answer: Answer) -> Message | None:
    """Store the answer with its citations, usage, counters and event in one transaction.

    A turn that failed before it said anything only marks the question and meters what was spent; returns None then.
    Idempotent by claim: of two writers that close the same turn one does nothing.
    """
    with transaction.atomic():
        spent = price_turn(turn, answer)
        is_first = turn.question.end_turn(
            Outcome(answer.outcome),
            error_code=answer.error_code,
            citation_valid=judge_citations(answer),
            unsupported=count_unsupported(answer),
            trace=describe_turn(answer),
        )
        if not is_first:
            answer.is_closed = True
            if not Message.objects.filter(pk=turn.question.pk).exists():
                # Its chat was deleted meanwhile; what was spent stays counted.
                meter_turn(spent, turn.question)
                tell_crossings(settle_turn(turn.reservation, spent, is_failed=answer.is_broken))
            return None
        message = _store_message(turn, answer) if answer.content or answer.calls else None
        turn.chat.count_up(
            messages=1 if message else 0,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            cost_usd=sum((each.cost_usd for each in spent), Decimal(0)),
            language=answer.understood.language if answer.understood else "",
            traits=name_traits(answer),
        )
        meter_turn(spent, message or turn.question)
        tell_crossings(settle_turn(turn.reservation, spent, is_failed=answer.is_broken))
        if answer.outcome == Outcome.FAILED:
            tell_trouble(turn.bot, turn.question, answer.error_code)
        elif message is not None:
            _tell(turn, answer, message)
            _call_person(turn, answer)
            note_turn(turn.question, message, answer.understood, count_unsupported(answer))
    answer.is_closed = answer.is_stored = True
    count_turn(answer, spent)
    return message


def find_stored(turn: OpenTurn, answer: Answer) -> Message | None:
    """The answer that an earlier `close_turn` of ours has committed without hearing of it; None where others did."""
    said = answer.content or answer.calls.describe()
    ends = Message.objects.filter(question=turn.question, outcome=answer.outcome, content=said)
    found = ends.first()
    answer.is_stored = found is not None
    return found


def judge_citations(answer: Answer) -> bool | None:
    """Whether an answer cites, and only what is there; None where there is nothing to cite for."""
    is_small_talk = answer.understood is not None and answer.understood.is_small_talk
    is_unsourced = is_small_talk or answer.is_asked_back or answer.only_calls
    if answer.outcome != Outcome.ANSWERED or is_unsourced:
        return None
    return bool(answer.citations) and not answer.dropped_citations


def name_traits(answer: Answer) -> list[str]:
    """What a chat is found by after this turn."""
    if answer.outcome == Outcome.REFUSED:
        return Trait.of_refusal(answer.refusal.reason if answer.refusal else "")
    ended = {Outcome.FAILED: [Trait.FAILED], Outcome.STOPPED: [Trait.STOPPED]}
    found: list[str] = [*ended.get(Outcome(answer.outcome), [])]
    return [*found, Trait.UNCITED] if judge_citations(answer) is False else found


def count_unsupported(answer: Answer) -> int | None:
    """How many cited sentences their passages do not hold; None where there is nothing to cite for."""
    if answer.outcome != Outcome.ANSWERED:
        return None
    return sum(not each.is_supported for each in answer.support)


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
        chat=turn.chat,
        role=MessageRole.ASSISTANT,
        content=answer.content or answer.calls.describe(),
        outcome=answer.outcome,
        error_code=answer.error_code,
        cut_reason=answer.cut_reason,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        refusal_reason=refusal.reason if refusal else "",
        help=describe_help(answer.help),
        confidence=measured[0] if measured else None,
        threshold=measured[1] if measured else None,
        request_id=turn.question.request_id,
        question=turn.question,
        curated_answer_id=answer.curated.answer_id if answer.curated else None,
        is_asked_back=answer.is_asked_back,
    )
    insert_soon(message)
    if citations := [cite_passage(message, *each) for each in answer.citations]:
        insert_soon(*citations)
    return message


def cite_passage(message: Message, number: int, passage: Passage) -> Citation:
    """Keep what was cited as it was when it was cited."""
    return Citation(
        message=message,
        number=number,
        chunk_id=passage.chunk_id,
        source_id=passage.source_id,
        title=passage.title[:500],
        heading=passage.heading[:1000],
        url=passage.url,
        page=passage.page,
        place=passage.place,
        content=passage.content,
        score=passage.score,
        external_id=passage.external_id,
        kind=passage.kind,
    )


def numbered(passages: Sequence[Passage], numbers: Sequence[int]) -> list[tuple[int, Passage]]:
    """Pair the cited numbers with their passages, in ascending order."""
    return [(number, passages[number - 1]) for number in sorted(numbers)]
