"""Notes and tags on the wire."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from conversations.annotating.changing import MOST_TAGS
from conversations.models import ChatNote, ChatTag
from conversations.models.annotations import LONGEST_NOTE, LONGEST_TAG
from minirag.lib.bounds import AsColumn
from minirag.lib.http_in.nouns import Moment, Noun, Shown
from minirag.lib.http_in.rest import Body


class ChatNoteSchema(Noun, of=ChatNote):
    id: Shown[UUID]
    chat_id: Shown[UUID]
    text: Annotated[
        str, Field(min_length=1, max_length=LONGEST_NOTE, examples=["Called back on Monday."])
    ]
    author_id: Shown[UUID | None]
    author_email: Shown[str]
    created_at: Shown[Moment]


class NewChatNote(ChatNoteSchema, reads="new"):
    pass


class ChatTagSchema(Noun, of=ChatTag):
    name: Annotated[str, Field(examples=["refund"])]
    added_by: str
    created_at: Moment


class ChatTags(Body):
    """All tags that the chat is to have."""

    tags: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=LONGEST_TAG)]],
        Field(max_length=MOST_TAGS, description="In small letters, whatever is sent."),
    ]


class TagUseSchema(Noun):
    name: str
    chats: Annotated[int, Field(description="On how many it is.")]


class TagQuery(Body):
    q: Annotated[str, AsColumn(ChatTag, "name"), Field(description="How they begin.")] = ""
