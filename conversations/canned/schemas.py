"""Canned answers on the wire."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from conversations.models import CannedAnswer
from minirag.lib.http_in.nouns import Moment, Noun, Shown
from minirag.lib.http_in.pagination import PagedSchema, PageQuery


class CannedAnswerSchema(Noun, of=CannedAnswer):
    id: Shown[UUID]
    name: Annotated[str, Field(min_length=1, pattern=r"^[\w][\w .-]*$", examples=["hours"])]
    text: Annotated[
        str,
        Field(
            min_length=1, examples=["Hello {visitor}, we are open from 9 to 17."],
            description="`{visitor}`, `{bot}` and `{person}` are filled in where it is used.",
        ),
    ]  # fmt: skip
    language: Annotated[
        str, Field(pattern="^([a-z]{2,3})?$", examples=["en"], description="Empty: in every chat.")
    ]
    bot_profile_id: Annotated[UUID | None, Field(description="`null`: in chats of every bot.")]
    created_at: Shown[Moment]
    updated_at: Shown[Moment]


class CannedAnswerPageSchema(PagedSchema[CannedAnswerSchema]):
    """Canned answers, the newest first."""


class NewCannedAnswer(CannedAnswerSchema, reads="new"):
    bot_profile_id: UUID | None = None

    def columns(self) -> dict[str, Any]:
        return self.model_dump()


class CannedAnswerChanges(CannedAnswerSchema, reads="changes"):
    """Only what is sent changes."""

    bot_profile_id: UUID | None = None

    def columns(self) -> dict[str, Any]:
        return self.model_dump(exclude_unset=True)


class CannedAnswerQuery(PageQuery):
    bot_profile_id: UUID | None = None
    language: Annotated[str, Field(max_length=10)] = ""
