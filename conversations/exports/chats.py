"""The wire contract's exports: one chat or many, as one JSON document or one CSV file, written piece by piece.

A writer here is a plain generator of bytes that reads the database in batches by keyset, so a chat of a million
messages needs the memory of one batch, and no connection is held between two of them. `stream_pieces` runs each step
on a database thread; a reader who is slow is waited for (minirag.serving.backpressure).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from conversations.models import Chat, Message
from conversations.turns.serializers import render_chat
from minirag.lib.database import run_sync
from minirag.lib.http_in.rest import naive_utc
from minirag.lib.text.spreadsheet import write_rows

BATCH = 1000
PIECE_BYTES = 64 * 1024
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


class Row(NamedTuple):
    """What an export says of a message; a whole Message takes twice as long to load."""

    id: UUID
    chat_id: UUID
    role: str
    content: str
    prompt_tokens: int
    completion_tokens: int
    feedback: str | None
    created_at: datetime


async def stream_pieces(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Take pieces on a database thread, some of them at a step, in the tenant that is bound around it."""
    joined = join_pieces(pieces)
    while (piece := await run_sync(next, joined, None)) is not None:
        yield piece


def join_pieces(pieces: Iterator[bytes], size: int = PIECE_BYTES) -> Iterator[bytes]:
    """Join small pieces to such of at least `size` bytes: a hop to a thread costs more than a small piece."""
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= size:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def write_chat_json(chat: Chat) -> Iterator[bytes]:
    """`{chat, messages, exported_at}`."""
    exported_at = naive_utc(timezone.now())
    yield b'{"chat":' + to_json(render_chat(chat)) + b',"messages":['
    yield from _write_messages(read_messages(chat))
    yield b'],"exported_at":' + to_json(exported_at) + b"}"


def write_chat_csv(chat: Chat) -> Iterator[bytes]:
    yield write_rows([MESSAGE_COLUMNS])
    for batch in read_messages(chat):
        yield write_rows(describe_cells(row) for row in batch)


def write_chats_json(chats: list[Chat]) -> Iterator[bytes]:
    """`{chats: [{chat, messages}], exported_at}`, in the order of `chats`."""
    exported_at = naive_utc(timezone.now())
    before = b'{"chats":['
    for chat, batches in read_chats(chats):
        yield before + b'{"chat":' + to_json(render_chat(chat)) + b',"messages":['
        yield from _write_messages(batches)
        before = b"]},"
    closing = b"]}" if chats else before
    yield closing + b'],"exported_at":' + to_json(exported_at) + b"}"


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
            yield comma + b",".join(to_json(describe_row(row)) for row in batch)
            comma = b","


def describe_row(row: Row) -> dict[str, Any]:
    """The contract's Message, as `render_message` has it."""
    return {
        **row._asdict(),
        "id": str(row.id),
        "chat_id": str(row.chat_id),
        "created_at": naive_utc(row.created_at),
    }


def describe_cells(row: Row) -> tuple[Any, ...]:
    """The cells of MESSAGE_COLUMNS."""
    return (
        str(row.id), row.role, row.content, row.feedback, row.prompt_tokens, row.completion_tokens,
        naive_utc(row.created_at),
    )  # fmt: skip


def read_chats(chats: list[Chat]) -> Iterator[tuple[Chat, Iterable[list[Row]]]]:
    """Pair each chat with the batches of its messages: small chats are read together, a large one in several steps."""
    for group in group_chats(chats):
        found = _messages().filter(chat__in=group).order_by("chat_id", "created_at", "id")
        rows = load_rows(found[: BATCH + 1]) if len(group) > 1 else []
        if len(group) == 1 or len(rows) > BATCH:
            # Also where the chats' own counts were wrong.
            yield from ((chat, read_messages(chat)) for chat in group)
            continue
        by_chat = {key: list(own) for key, own in groupby(rows, key=lambda row: row.chat_id)}
        yield from ((chat, [by_chat.get(chat.pk, [])]) for chat in group)


def group_chats(chats: list[Chat]) -> Iterator[list[Chat]]:
    """Cut chats into runs that have a batch of messages between them by their own count."""
    group: list[Chat] = []
    size = 0
    for chat in chats:
        if group and size + chat.message_count > BATCH:
            yield group
            group, size = [], 0
        group.append(chat)
        size += chat.message_count
    if group:
        yield group


def read_messages(chat: Chat) -> Iterator[list[Row]]:
    """Read a chat from its beginning, a batch at a time, each after the last row of the one before."""
    messages = _messages().filter(chat=chat).order_by("created_at", "id")
    batch = load_rows(messages[:BATCH])
    while batch:
        yield batch
        if len(batch) < BATCH:
            return
        last = batch[-1]
        later = Q(created_at__gt=last.created_at) | Q(created_at=last.created_at, id__gt=last.id)
        batch = load_rows(messages.filter(later, created_at__gte=last.created_at)[:BATCH])


def _messages() -> QuerySet[Message, Any]:
    return Message.objects.values_list(*Row._fields)


def load_rows(messages: QuerySet[Message, Any]) -> list[Row]:
    return [Row._make(values) for values in messages]


def to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
