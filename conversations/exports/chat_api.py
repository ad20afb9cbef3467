"""`/v1/chat/export` and `/v1/chat/{id}/export`: the wire contract's exports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

from django.http import StreamingHttpResponse
from pydantic import Field
from rest_framework.request import Request

from conversations.exports.chats import (
    stream_pieces,
    write_chat_csv,
    write_chat_json,
    write_chats_csv,
    write_chats_json,
)
from conversations.turns.api import find_chat, readable_chats
from conversations.turns.replies import ChatExportReply, ChatsExportReply
from minirag.lib.days import Day, bounds_of
from minirag.lib.http_in.openapi import Media, describe
from minirag.lib.http_in.rest import ApiView, Body
from tenants.context import require_tenant

MAX_CHATS = 1000
_CSV = "text/csv; charset=utf-8"


class FormatQuery(Body):
    format: str = "json"  # whatever is not csv is json: so says the contract


class ChatsExportQuery(FormatQuery):
    bot_profile_id: UUID | None = None
    from_date: Day | None = None
    to_date: Day | None = None
    limit: Annotated[int, Field(ge=0)] = 100


class ChatExport(ApiView):
    @describe(
        "Export a chat", query=FormatQuery,
        answers={200: (ChatExportReply, Media("text/csv", "One row per message; `format=csv`."))},
    )  # fmt: skip
    def get(self, request: Request, chat_id: str, query: FormatQuery) -> StreamingHttpResponse:
        chat = find_chat(readable_chats(request), chat_id)
        if query.format == "csv":
            return stream_file(write_chat_csv(chat), _CSV, f"chat_{chat.pk}.csv")
        return stream_file(write_chat_json(chat))


class ChatsExport(ApiView):
    @describe(
        "Export chats", query=ChatsExportQuery,
        answers={200: (ChatsExportReply, Media("text/csv", "One row per message; `format=csv`."))},
        description="The newest first, 100 unless `limit` (at most 1000) says otherwise. Both days count whole, in the "
        "tenant's time zone, by when a chat was begun. For more, make an export job.",
    )  # fmt: skip
    def get(self, request: Request, query: ChatsExportQuery) -> StreamingHttpResponse:
        start, end = bounds_of(query.from_date, query.to_date, require_tenant().time_zone)
        chats = readable_chats(request)
        if query.bot_profile_id:
            chats = chats.filter(bot_profile_id=query.bot_profile_id)
        if start:
            chats = chats.filter(created_at__gte=start)
        if end:
            chats = chats.filter(created_at__lt=end)
        chosen = list(chats.order_by("-created_at", "-id")[: min(query.limit, MAX_CHATS)])
        if query.format == "csv":
            return stream_file(write_chats_csv(chosen), _CSV, "chats_export.csv")
        return stream_file(write_chats_json(chosen))


def stream_file(
    pieces: Iterator[bytes], content_type: str = "application/json", name: str = ""
) -> StreamingHttpResponse:
    """Answer with a file that is still being read; one with a name is to be saved."""
    response = StreamingHttpResponse(stream_pieces(pieces), content_type=content_type)
    if name:
        response["Content-Disposition"] = f"attachment; filename={name}"
    response["X-Accel-Buffering"] = "no"
    return response
