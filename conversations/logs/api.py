"""`/v1/chat-logs` and `/v1/chat/{id}/logs`: one row per turn, for the people who look after a bot."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext
from rest_framework.request import Request

from conversations.logs.finding import find_turns
from conversations.logs.rows import (
    TurnFilter,
    count_turns,
    log_turn,
    select_turns,
    with_answers,
)
from conversations.logs.schemas import ChatLogQuery, TraceSchema, TurnPageSchema
from conversations.logs.traces import question_of, tell_turn
from conversations.turns.api import find_chat, find_message, readable_chats
from minirag.lib.days import bounds_of
from minirag.lib.errors import NotFound
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import (
    NEWEST_FIRST,
    OLDEST_FIRST,
    PageQuery,
    paginate,
    render_page,
)
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, bound_bot, permit
from tenants.context import require_tenant


class ChatLogList(ApiView):
    permission_classes = (HasTenant, permit("chat logs", bot_bound=True))

    @describe(
        "List the chat log", query=ChatLogQuery, answers={200: TurnPageSchema},
        description="One row per turn, the newest first. `total` is counted up to 1,000, and `total_is_exact` says "
        "whether that is all.",
    )  # fmt: skip
    def get(self, request: Request, query: ChatLogQuery) -> dict[str, Any]:
        start, end = bounds_of(query.from_date, query.to_date, require_tenant().time_zone)
        turns = select_turns(
            TurnFilter(
                bot_profile_id=query.bot_profile_id, chat_id=query.chat_id, request_id=query.request_id,
                outcome=query.outcome, refusal_only=query.refusal_only, citation_valid=query.citation_valid,
                feedback=query.feedback, start=start, end=end,
            )
        )  # fmt: skip
        if bound_bot(request):
            turns = turns.filter(chat__in=readable_chats(request).order_by())
        if query.q:
            turns = find_turns(turns, query.q)
        total, is_exact = count_turns(turns)
        page = paginate(with_answers(turns), query, order=NEWEST_FIRST)
        items = [log_turn(question) for question in page.items]
        return render_page(page, items, total=total, total_is_exact=is_exact)


class ChatTurnList(ApiView):
    permission_classes = (HasTenant, permit("chat logs", bot_bound=True))

    @describe(
        "List the turns of a chat",
        query=PageQuery,
        answers={200: TurnPageSchema},
        description="The oldest first.",
    )
    def get(self, request: Request, chat_id: UUID, query: PageQuery) -> dict[str, Any]:
        chat = find_chat(readable_chats(request), chat_id)
        turns = select_turns(TurnFilter(chat_id=chat.pk))
        total, is_exact = count_turns(turns)
        page = paginate(with_answers(turns), query, order=OLDEST_FIRST)
        items = [log_turn(question) for question in page.items]
        return render_page(page, items, total=total, total_is_exact=is_exact)


class MessageTrace(ApiView):
    permission_classes = (HasTenant, permit("chat logs", bot_bound=True))

    @describe(
        "Show why an answer is as it is", answers={200: TraceSchema},
        description="What the turn of a question or an answer understood, found, judged and spent, each candidate with "
        "its scores and fate.",
    )  # fmt: skip
    def get(self, request: Request, chat_id: UUID, message_id: UUID) -> dict[str, Any]:
        question = question_of(find_message(readable_chats(request), chat_id, message_id))
        if question is None:
            raise NotFound(gettext("Message not found"))
        return tell_turn(question)
