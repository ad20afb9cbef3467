"""`/v1/chat/export` and `/v1/chat/{id}/export`: the wire contract's exports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils import timezone
from rest_framework.request import Request

from conversations.exports.chats import Row, read_chats, read_messages
from conversations.exports.schemas import (
    ChatExportSchema,
    ChatsExportQuery,
    ChatsExportSchema,
    FormatQuery,
)
from conversations.listing.schemas import ChatSchema
from conversations.models import Chat
from conversations.turns.api import ChatView, find_chat, readable_chats
from conversations.turns.schemas import MessageSchema
from minirag.lib.database import stream_pieces
from minirag.lib.days import bounds_of
from minirag.lib.http_in.answering import to_json
from minirag.lib.http_in.nouns import Moment
from minirag.lib.http_in.openapi import Media, describe
from minirag.lib.http_in.rest import naive_utc
from minirag.lib.spreadsheet import write_rows
from tenants.context import require_tenant

MAX_CHATS = 1000
_CSV = "text/csv; charset=utf-8"
MESSAGE_COLUMNS = (
    "message_id",
    "role",
    "content",
    "feedback",
    "prompt_tokens",
    "completion_tokens",
    "created_at",
)
CHAT_COLUMNS = ("chat_id", "chat_title", *MESSAGE_COLUMNS)


class ChatExport(ChatView):
    @describe(
        "Export a chat", query=FormatQuery,
        answers={200: (ChatExportSchema, Media("text/csv", "One row per message; `format=csv`."))},
    )  # fmt: skip
    def get(self, request: Request, chat_id: UUID, query: FormatQuery) -> StreamingHttpResponse:
        chat = find_chat(readable_chats(request), chat_id)
        if query.format == "csv":
            return stream_file(write_chat_csv(chat), _CSV, f"chat_{chat.pk}.csv")
        return stream_file(write_chat_json(chat))


class ChatsExport(ChatView):
    @describe(
        "Export chats", query=ChatsExportQuery,
        answers={200: (ChatsExportSchema, Media("text/csv", "One row per message; `format=csv`."))},
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
    """Answer with a file that is still being read; one with a name is for saving."""
    response = StreamingHttpResponse(stream_pieces(pieces), content_type=content_type)
    if name:
        response["Content-Disposition"] = f"attachment; filename={name}"
    response["X-Accel-Buffering"] = "no"
    return response


# --- What is written ----------------------------------------------------------------------------------------------
def write_chat_json(chat: Chat) -> Iterator[bytes]:
    """`{chat, messages, exported_at}`."""
    exported_at = to_json(Moment, timezone.now())
    yield b'{"chat":' + to_json(ChatSchema, chat) + b',"messages":['
    yield from _write_messages(read_messages(chat))
    yield b'],"exported_at":' + exported_at + b"}"


def write_chat_csv(chat: Chat) -> Iterator[bytes]:
    yield write_rows([MESSAGE_COLUMNS])
    for batch in read_messages(chat):
        yield write_rows(describe_cells(row) for row in batch)


def write_chats_json(chats: list[Chat]) -> Iterator[bytes]:
    """`{chats: [{chat, messages}], exported_at}`, in the order of `chats`."""
    exported_at = to_json(Moment, timezone.now())
    before = b'{"chats":['
    for chat, batches in read_chats(chats):
        yield before + b'{"chat":' + to_json(ChatSchema, chat) + b',"messages":['
        yield from _write_messages(batches)
        before = b"]},"
    closing = b"]}" if chats else before
    yield closing + b'],"exported_at":' + exported_at + b"}"


def write_chats_csv(chats: list[Chat]) -> Iterator[bytes]:
    yield write_rows([CHAT_COLUMNS])
    for chat, batches in read_chats(chats):
        of_chat = (str(chat.pk), chat.title)
        for batch in batches:
            yield write_rows((*of_chat, *describe_cells(row)) for row in batch)


def _write_messages(batches: Iterable[list[Row]]) -> Iterator[bytes]:
    comma = b""
    for batch in batches:
        if batch:
            yield comma + to_json(list[MessageSchema], batch)[1:-1]
            comma = b","


def describe_cells(row: Row) -> tuple[Any, ...]:
    """The cells of MESSAGE_COLUMNS."""
    return (
        str(row.id), row.role, row.content, row.feedback, row.prompt_tokens, row.completion_tokens,
        naive_utc(row.created_at),
    )  # fmt: skip
