"""What a widget sends over its socket."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from bots.scopes.models import LONGEST_QUESTION
from conversations.following.journal import MOST_EVENTS
from conversations.models import Message
from minirag.lib.bounds import AsColumn
from minirag.lib.http_in.rest import Body

_REQUEST_ID = r"^[A-Za-z0-9._-]*$"


class AuthenticateFrame(Body):
    session_token: Annotated[str, Field(max_length=4096)]
    chat_id: UUID | None = None


class QuestionFrame(Body):
    message: Annotated[str, Field(min_length=1, max_length=LONGEST_QUESTION)]
    request_id: Annotated[str, Field(max_length=64, pattern=_REQUEST_ID)] = ""


class FeedbackFrame(Body):
    message_id: UUID
    feedback: Literal["positive", "negative"] | None
    reason: Annotated[str, AsColumn(Message, "feedback_reason")] | None = None


class ResumeFrame(Body):
    request_id: Annotated[str, Field(min_length=1, max_length=64, pattern=_REQUEST_ID)]
    after: Annotated[int, Field(ge=0, le=MOST_EVENTS)] = 0
