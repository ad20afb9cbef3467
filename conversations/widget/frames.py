"""What a widget sends over its socket."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from bots.scopes.models import LONGEST_QUESTION
from conversations.following.journal import MOST_EVENTS
from conversations.models import Message
from minirag.lib.bounds import AsColumn
from minirag.lib.errors import BadInput, ProductError
from minirag.lib.http_in.rest import Body, InvalidFields
from minirag.lib.text.strict_json import InvalidJSON, UnstorableText, parse_json

_LONGEST = 200_000  # characters: a question of 32,000 may be escaped to six times that
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


def read_frame(text: str | None) -> dict[str, Any]:
    """Read what came as a frame. Raises BadInput (`frame_invalid`) for what is none."""
    invalid = BadInput("A frame is a JSON object in text.", code="frame_invalid")
    if text is None or len(text) > _LONGEST:
        raise invalid
    try:
        frame = parse_json(text.encode())
    except (InvalidJSON, UnstorableText, UnicodeEncodeError):
        raise invalid from None
    if not isinstance(frame, dict):
        raise invalid
    return frame


def render_frame_error(error: ProductError, request_id: str) -> dict[str, Any]:
    """Write an error as the frame that tells it."""
    is_plain = not isinstance(error, InvalidFields)
    return {
        "type": "error",
        "detail": error.detail if is_plain else "The frame has invalid fields.",
        "code": error.code,
        "retryable": error.retryable,
        "request_id": request_id,
    }
