"""`/v1/chat/{id}/notes`, `/v1/chat/{id}/tags` and `/v1/chat-tags`: nothing that a token for one bot reads."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request

from conversations.annotating.changing import TagUse, add_note, delete_note, list_tags, set_tags
from conversations.annotating.schemas import (
    ChatNoteSchema,
    ChatTags,
    ChatTagSchema,
    NewChatNote,
    TagQuery,
    TagUseSchema,
)
from conversations.models import Chat, ChatNote, ChatTag
from conversations.turns.api import find_chat, readable_chats
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import ApiView
from tenants.authentication import require_identity
from tenants.calls.permissions import HasTenant, permit


class NotesView(ApiView):
    permission_classes = (HasTenant, permit("chat notes"))

    def chat(self, request: Request, chat_id: UUID) -> Chat:
        return find_chat(readable_chats(request), chat_id)


class NoteList(NotesView):
    @describe("List a chat's notes", answers={200: list[ChatNoteSchema]}, description="The oldest first.")  # fmt: skip
    def get(self, request: Request, chat_id: UUID) -> list[ChatNote]:
        return list(self.chat(request, chat_id).notes.all())

    @describe(
        "Write a note", body=NewChatNote, answers={201: ChatNoteSchema},
        description="For people of the tenant; visitors never see it.",
        errors={409: "The chat has 200 notes already (`too_many_notes`)."},
        example={"text": "Called back on Monday."},
    )  # fmt: skip
    def post(self, request: Request, chat_id: UUID, body: NewChatNote) -> ChatNote:
        user = require_identity(request._request).user
        return add_note(self.chat(request, chat_id), body.text, user)


class NoteDetail(NotesView):
    @describe("Delete a note", answers={204: None})
    def delete(self, request: Request, chat_id: UUID, note_id: UUID) -> None:
        delete_note(self.chat(request, chat_id), note_id)


class TagList(NotesView):
    @describe("List a chat's tags", answers={200: list[ChatTagSchema]})
    def get(self, request: Request, chat_id: UUID) -> list[ChatTag]:
        return list(self.chat(request, chat_id).tags.all())

    @describe(
        "Tag a chat", body=ChatTags, answers={200: list[ChatTagSchema]},
        description="In place of those that it has.", example={"tags": ["refund", "urgent"]},
    )  # fmt: skip
    def put(self, request: Request, chat_id: UUID, body: ChatTags) -> list[ChatTag]:
        return set_tags(self.chat(request, chat_id), body.tags, require_identity(request._request).user)  # fmt: skip


class TagUses(NotesView):
    @describe(
        "List tags", query=TagQuery, answers={200: list[TagUseSchema]},
        description="Those of the most chats first, 50 at most.",
    )  # fmt: skip
    def get(self, request: Request, query: TagQuery) -> list[TagUse]:
        return list_tags(query.q)
