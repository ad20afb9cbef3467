"""Handoffs on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints

from bots.models import Outcome
from conversations.models import (
    Handoff,
    HandoffEnd,
    HandoffReason,
    HandoffRules,
    HandoffState,
    MessageRole,
)
from conversations.models.handoffs import LONGEST_SAID
from conversations.turns.schemas import CitationSchema
from minirag.lib.http_in.nouns import EmptyIsNull, Moment, Noun, RelatedRows, Shown
from minirag.lib.http_in.pagination import PagedSchema, PageQuery
from minirag.lib.http_in.rest import Body

Said = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_SAID)
]


class HandoffSchema(Noun, of=Handoff):
    """A chat that waits for a person, or has one."""

    id: UUID
    chat_id: UUID
    bot_profile_id: UUID
    state: HandoffState
    reason: HandoffReason
    language: Annotated[str, Field(examples=["en"])]
    contact: Annotated[str | None, EmptyIsNull, Field(description="Of a visitor who left a message.")]  # fmt: skip
    contact_name: Annotated[str | None, EmptyIsNull]
    person_email: Annotated[
        str | None, EmptyIsNull, Field(description="Who is in it, or was at its end.")
    ]
    person_name: Annotated[str | None, EmptyIsNull, Field(description="As visitors see it.")]
    ended_as: Annotated[HandoffEnd | None, EmptyIsNull]
    waiting_since: Moment
    joined_at: Moment | None
    closed_at: Moment | None
    created_at: Moment


class HandoffPageSchema(PagedSchema[HandoffSchema]):
    """Handoffs, the newest first."""


class HandoffQuery(PageQuery):
    bot_profile_id: UUID | None = None
    chat_id: UUID | None = None
    state: HandoffState | None = None


class NewHandoff(Body):
    chat_id: UUID


class Joining(Body):
    takes_over: Annotated[
        StrictBool, Field(description="Also where another person answers in it, who is told.")
    ] = False


class PersonsAnswer(Body):
    content: Said


class PersonsMessageSchema(Noun):
    id: UUID
    chat_id: UUID
    role: MessageRole
    content: Annotated[str, Field(examples=["I have looked it up: yes."])]
    author: Annotated[str | None, EmptyIsNull, Field(validation_alias="author_name")]
    created_at: Moment


class HandoffRulesSchema(Noun, of=HandoffRules):
    """When visitors of a bot get a person."""

    bot_profile_id: Shown[UUID]
    is_offered: StrictBool
    on_wish: StrictBool
    on_declined_twice: StrictBool
    on_disliked: StrictBool
    hours: Annotated[
        dict[str, Any],
        Field(
            description="By day (`mon` to `sun`), from and to in the tenant's time zone; a date (`2026-12-24`, or "
            "`12-25` of every year) counts in place of its weekday. Empty: always.",
            examples=[{"mon": [["09:00", "12:00"], ["13:00", "17:00"]]}],
        ),
    ]
    takes_messages: StrictBool
    created_at: Shown[Moment]
    updated_at: Shown[Moment]


class NewHandoffRules(HandoffRulesSchema, reads="new"):
    """What is not sent is as in new rules: offered, heeding wishes, always."""


# --- The inbox's socket ---------------------------------------------------------------------------------------------
class InboxWatchFrame(Body):
    """The first frame: `token` as in the API, or the `ticket` of an admin's page; `handoff_id` to see its chat."""

    type: Literal["watch"]
    token: Annotated[str, Field(max_length=4096)] = ""
    ticket: Annotated[str, Field(max_length=1024)] = ""
    handoff_id: UUID | None = None


class InboxCountSchema(Noun):
    type: Literal["inbox"] = "inbox"
    waiting: int
    joined: int
    newest: str


class InboxStateSchema(Noun):
    type: Literal["state"] = "state"
    state: HandoffState
    told: str
    is_mine: bool


class InboxMessageSchema(Noun):
    """A message of the chat. It may come twice, with the same id, when more is known of it."""

    type: Literal["message"] = "message"
    id: UUID
    role: MessageRole
    content: str
    author: Annotated[str | None, EmptyIsNull, Field(validation_alias="author_name")]
    outcome: Outcome
    citations: Annotated[list[CitationSchema], RelatedRows]
    created_at: Moment


class InboxTypingSchema(Noun):
    type: Literal["typing"] = "typing"
    by: str
    name: str


class InboxPresenceSchema(Noun):
    """Somebody else has the chat open; told again every half a minute."""

    type: Literal["present"] = "present"
    name: str


class InboxErrorSchema(Noun):
    type: Literal["error"] = "error"
    detail: str
    code: str
    retryable: bool
