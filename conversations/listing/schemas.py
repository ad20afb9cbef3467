"""Chats on the wire: the contract's keys, what `extended` adds to them, and what lists are filtered by."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from conversations.listing.choosing import ChatFilter
from minirag.lib.http_in.nouns import Moment, Noun, Sometimes
from minirag.lib.http_in.pagination import Cursor
from minirag.lib.http_in.rest import Body


class ChatFactsSchema(Noun):
    """What a chat was like; lists are filtered by it."""

    language: Annotated[str, Field(description="Of the latest question.", examples=["en"])]
    cost_usd: Annotated[float, Field(examples=[0.0012])]
    traits: Annotated[
        list[str],
        Field(
            description="What happened in it at least once: `refused` and `refused:<reason>`, `failed`, `stopped`, "
            "`uncited`, `liked`, `disliked`, `person`.",
            examples=[["refused", "refused:off_topic"]],
        ),
    ]


class ChatSchema(Noun):
    id: UUID
    tenant_id: UUID
    bot_profile_id: UUID
    title: Annotated[str, Field(examples=["When are you open?"])]
    message_count: int
    total_prompt_tokens: int
    total_completion_tokens: int
    created_at: Moment
    updated_at: Moment
    facts: Annotated[Sometimes[ChatFactsSchema], Field(description="Where `extended` asks for it.")]


class ChatQuery(ChatFilter):
    """Whose conditions beside the bot are ours."""

    limit: Annotated[int, Field(ge=0)] = 50
    offset: Annotated[int, Field(ge=0, lt=2**31)] = 0
    cursor: Cursor | None = None
    extended: Annotated[bool, Field(description="Ours: adds `facts`.")] = False


class ExtendedQuery(Body):
    extended: Annotated[bool, Field(description="Ours: adds `facts`.")] = False
