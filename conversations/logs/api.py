"""`/v1/chat-logs` and `/v1/chat/{id}/logs`: one row per turn, for whoever looks after a bot."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from bots.models import Outcome
from conversations.logs.replies import TurnPageReply
from conversations.logs.rows import (
    TurnFilter,
    count_turns,
    render_turn,
    search_turns,
    select_turns,
    with_answers,
)
from conversations.turns.api import find_chat, readable_chats
from minirag.lib.days import Day, bounds_of
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import (
    NEWEST_FIRST,
    OLDEST_FIRST,
    PageQuery,
    paginate,
    render_page,
)
from minirag.lib.http_in.rest import ApiView, read_query
from tenants.context import require_tenant
from tenants.permissions import HasTenant, bound_bot, permit


class ChatLogQuery(PageQuery):
    """`q` looks for a text in the newest 20,000 turns that the other filters leave."""

    bot_profile_id: UUID | None = None
    chat_id: UUID | None = None
    request_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    outcome: Outcome | None = None
    refusal_only: bool = False
    citation_valid: bool | None = None
    feedback: Literal["positive", "negative"] | None = None
    from_date: Day | None = None
    to_date: Day | None = None
    q: Annotated[str, Field(min_length=2, max_length=200)] | None = None


class ChatLogList(ApiView):
    permission_classes = (HasTenant, permit("chat logs", bot_bound=True))

    @describe(
        "List the chat log", query=ChatLogQuery, answers={200: TurnPageReply},
        description="One row per turn, the newest first. `total` is counted up to 1,000, and `total_is_exact` says "
        "whether that is all.",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        query = read_query(ChatLogQuery, request)
        start, end = bounds_of(query.from_date, query.to_date, require_tenant().time_zone)
        turns = select_turns(
            TurnFilter(
                bot_profile_id=query.bot_profile_id, chat_id=query.chat_id, request_id=query.request_id,
                outcome=query.outcome, refusal_only=query.refusal_only, citation_valid=query.citation_valid,
                feedback=query.feedback, start=start, end=end,
            )
        )  # fmt: skip
        if bot := bound_bot(request):
            turns = turns.filter(chat__bot_profile_id=bot)
        if query.q:
            turns = search_turns(turns, query.q)
        total, is_exact = count_turns(turns)
        page = paginate(with_answers(turns), query, order=NEWEST_FIRST)
        items = [render_turn(question) for question in page.items]
        return Response(render_page(page, items, total=total, total_is_exact=is_exact))


class ChatTurnList(ApiView):
    permission_classes = (HasTenant, permit("chat logs", bot_bound=True))

    @describe(
        "List the turns of a chat",
        query=PageQuery,
        answers={200: TurnPageReply},
        description="The oldest first.",
    )
    def get(self, request: Request, chat_id: str) -> Response:
        chat = find_chat(readable_chats(request), chat_id)
        turns = select_turns(TurnFilter(chat_id=chat.pk))
        total, is_exact = count_turns(turns)
        page = paginate(with_answers(turns), read_query(PageQuery, request), order=OLDEST_FIRST)
        items = [render_turn(question) for question in page.items]
        return Response(render_page(page, items, total=total, total_is_exact=is_exact))
