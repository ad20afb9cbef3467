"""The widget on the wire: its session, and the frames of its socket."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import EmailStr, Field, StringConstraints

from bots.models import SourceFilter
from bots.scopes.models import LONGEST_QUESTION
from conversations.following.journal import MOST_EVENTS
from conversations.handoffs.schemas import PersonsMessageSchema, Said
from conversations.models import Handoff, HandoffEnd, HandoffReason, HandoffState
from conversations.turns.schemas import FailureSchema, FeedbackBody, FullMessageSchema
from minirag.lib.bounds import AsColumn
from minirag.lib.errors import ProductError
from minirag.lib.http_in.nouns import EmptyIsNull, Joined, Moment, Noun
from minirag.lib.http_in.rest import Body, InvalidFields

LONGEST_FRAME = 200_000  # characters: a question of 32,000 may be escaped to six times that
_REQUEST_ID = r"^[A-Za-z0-9._-]*$"


# --- The session --------------------------------------------------------------------------------------------------
class SessionBody(Body):
    bot_profile_id: UUID
    visitor_id: Annotated[str, Field(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
    chat_id: UUID | None = None
    identity: Annotated[
        str,
        Field(
            max_length=8192,
            description="Who the visitor is, as a JWT that the site's server has signed.",
        ),
    ] = ""


class WidgetBotSchema(Noun):
    name: Annotated[str, Field(examples=["Support"])]
    greeting: str
    starter_questions: list[str]


class AppearanceSchema(Noun):
    """How a widget is to look, where its page does not say otherwise; "" and null are the widget's own."""

    title: Annotated[str, Field(examples=["Ask us"])]
    theme: Literal["", "light", "dark"]
    position: Literal["", "left", "right"]
    size: Literal["", "small", "large"]
    radius: Annotated[int | None, Field(description="Of the window's corners, in pixels.")]
    color: Annotated[str, Field(examples=["#8a1c4a"])]
    dark_color: Annotated[
        str,
        Field(description="In the dark: chosen, or made of `color`.", validation_alias="dark"),
    ]
    launcher: Annotated[
        Literal["", "question", "people"], Field(description="The icon of the bubble.")
    ]
    launcher_label: Annotated[
        str, Field(description="Words beside that icon.", examples=["Ask us"])
    ]
    image_hosts: Annotated[
        list[str],
        Field(description="Whose pictures answers may show.", examples=[["images.example.com"]]),
    ]
    logo_url: Annotated[str, Field(description="Below the API's own host; empty without one.")]


class PeopleSchema(Noun):
    """The people behind a bot, for whom its visitors may ask."""

    is_staffed: Annotated[bool, Field(description="Whether they are there at this hour.")]
    takes_messages: Annotated[
        bool, Field(description="Whether one may be left while they are not.")
    ]
    opens_at: Annotated[Moment | None, Field(description="When they are there again.")]


class VisitorsMessageSchema(FullMessageSchema):
    request_id: Annotated[
        str, Field(description="A question's own: by it its turn is resumed, or asked again.")
    ]


class WidgetSessionSchema(Noun):
    session_token: str
    expires_at: Moment
    bot: WidgetBotSchema
    people: Annotated[
        PeopleSchema | None, Field(description="Null where visitors cannot ask for a person.")
    ]
    chat_id: UUID | None
    messages: list[VisitorsMessageSchema]


# --- What a widget sends ------------------------------------------------------------------------------------------
class AuthenticateFrame(Body):
    session_token: Annotated[str, Field(max_length=12_288)]
    chat_id: UUID | None = None
    language: Annotated[str, Field(max_length=35)] = ""
    # Of what the bot may answer from the page may only take away: a visitor who changes it sees what the bot shows all.
    source_filter: SourceFilter | None = None


class QuestionFrame(Body):
    message: Annotated[str, Field(min_length=1, max_length=LONGEST_QUESTION)]
    request_id: Annotated[str, Field(max_length=64, pattern=_REQUEST_ID)] = ""


class StopFrame(Body):
    """Of a turn that this socket does not read, as another tab's, with its `request_id`."""

    request_id: Annotated[str, Field(max_length=64, pattern=_REQUEST_ID)] = ""


class FeedbackFrame(FeedbackBody):
    message_id: UUID
    request_id: Annotated[str, Field(max_length=64, pattern=_REQUEST_ID)] = ""


class ResumeFrame(Body):
    request_id: Annotated[str, Field(min_length=1, max_length=64, pattern=_REQUEST_ID)]
    after: Annotated[int, Field(ge=0, le=MOST_EVENTS)] = 0


class ListChatsFrame(Body):
    request_id: Annotated[str, Field(max_length=64, pattern=_REQUEST_ID)] = ""


class ForgetChatFrame(Body):
    chat_id: UUID
    request_id: Annotated[str, Field(max_length=64, pattern=_REQUEST_ID)] = ""


# --- What it is sent, beside the events of a turn -----------------------------------------------------------------
class FrameSchema(Noun):
    type: str


class AuthenticatedSchema(FrameSchema):
    type: Literal["authenticated"] = "authenticated"
    chat_id: UUID | None


class ResetDoneSchema(FrameSchema):
    type: Literal["reset_done"] = "reset_done"


class FeedbackSavedSchema(FrameSchema):
    type: Literal["feedback_saved"] = "feedback_saved"
    message_id: UUID
    feedback: Literal["positive", "negative"] | None


class OwnChat(Noun):
    id: UUID
    title: str
    message_count: int
    updated_at: Moment


class OwnChatsSchema(FrameSchema):
    """A visitor's own conversations with this bot, the latest first."""

    type: Literal["chats"] = "chats"
    request_id: str
    chats: list[OwnChat]


class ChatForgottenSchema(FrameSchema):
    type: Literal["chat_forgotten"] = "chat_forgotten"
    request_id: str
    chat_id: UUID


class ErrorFrameSchema(FailureSchema, FrameSchema):
    type: Literal["error"] = "error"

    @classmethod
    def of(cls, error: ProductError, request_id: str) -> Self:
        is_of_fields = isinstance(error, InvalidFields)
        detail = "The frame has invalid fields." if is_of_fields else error.detail
        return cls.model_validate(Joined(error, detail=detail, request_id=request_id))


# --- People ---------------------------------------------------------------------------------------------------------
class LeftMessageFrame(Body):
    message: Said
    contact: Annotated[EmailStr, Field(max_length=320)]
    name: Annotated[str, StringConstraints(strip_whitespace=True), AsColumn(Handoff, "contact_name")] = ""  # fmt: skip
    request_id: Annotated[str, Field(max_length=64, pattern=_REQUEST_ID)] = ""


class CompanySchema(FrameSchema):
    """How the chat stands with people: sent when it changes."""

    type: Literal["company"] = "company"
    chat_id: UUID
    state: HandoffState
    reason: HandoffReason
    person: Annotated[str | None, EmptyIsNull]
    ended_as: Annotated[HandoffEnd | None, EmptyIsNull]


class SaidSchema(FrameSchema):
    """A person has said something. It may come twice, with the same id."""

    type: Literal["said"] = "said"
    chat_id: UUID
    message: PersonsMessageSchema


class TypingSchema(FrameSchema):
    type: Literal["typing"] = "typing"
    person: str | None
