"""Chats, messages and turns on the wire: the contract's keys, and what `extended` adds to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AliasPath, BeforeValidator, Field

from bots.models import Outcome, SourceFilter
from bots.scopes.models import LONGEST_QUESTION
from conversations.models import (
    EXCERPT_LENGTH,
    CitationKind,
    CutReason,
    Feedback,
    Message,
    MessageRole,
)
from conversations.turns.grounding import Refusal
from conversations.turns.taking import (
    Delta,
    Done,
    Failed,
    SourcesFound,
    Stopped,
    ToolCalled,
    TurnEvent,
)
from knowledge.documents.schemas import Place
from knowledge.retrieval.passages import Passage
from minirag.lib.bounds import AsColumn
from minirag.lib.errors import ProductError
from minirag.lib.http_in.nouns import EmptyIsNull, Joined, Moment, Noun, RelatedRows, Sometimes
from minirag.lib.http_in.openapi import EXAMPLE_ID, Media
from minirag.lib.http_in.rest import Body
from minirag.lib.security.groups import Groups

_STREAM = """event: sources
data: {"sources": []}

event: delta
data: {"content": "Open from 9 to 17. [1]"}

event: done
data: {"chat_id": "c4a70000-0000-4000-8000-000000000001", "message_id": "3e550000-0000-4000-8000-000000000001", \
"usage": {"model": "minirag/extractive", "prompt_tokens": 321, "completion_tokens": 9, "total_tokens": 330}}

"""
ANSWER_STREAM = Media(
    "text/event-stream", "The events `sources`, `delta` …, and `done` or `error`.", _STREAM
)
EVENT_STREAM = Media(
    "text/event-stream",
    "The same events, each with its number as `id`.",
    _STREAM.replace("event: sources", "id: 1\nevent: sources")
    .replace("event: delta", "id: 2\nevent: delta")
    .replace("event: done", "id: 3\nevent: done"),
)
FourDecimals = AfterValidator(lambda score: round(score, 4))
Score = Annotated[float, FourDecimals, Field(examples=[0.8294])]
ChunkId = Annotated[
    str,
    Field(
        validation_alias="shown_id",
        description="A UUID, or nyxCore's own name of an external chunk.",
        examples=[EXAMPLE_ID],
        max_length=200,
    ),
]
Excerpt = Annotated[
    str,
    AfterValidator(lambda text: text[:EXCERPT_LENGTH]),
    Field(
        description="Its first 200 characters.",
        examples=["Open from 9 to 17."],
    ),
]


# --- Chats and messages -------------------------------------------------------------------------------------------
class MessageSchema(Noun):
    id: UUID
    chat_id: UUID
    role: MessageRole
    content: Annotated[str, Field(examples=["Open from 9 to 17. [1]"])]
    prompt_tokens: int
    completion_tokens: int
    feedback: Feedback | None
    created_at: Moment


class RefusalSchema(Noun):
    reason: Annotated[str, Field(examples=["low_confidence"])]
    score: float | None
    threshold: float | None


class CitationSchema(Noun):
    number: Annotated[int, Field(description="The `[1]` in the answer.")]
    kind: Annotated[
        CitationKind,
        Field(
            description="A `curated` answer has no marks; `source_id` is its own id, `chunk_id` that of its question."
        ),
    ]
    chunk_id: ChunkId
    content: Annotated[
        str, Field(description="The whole passage.", examples=["Open from 9 to 17."])
    ]
    score: Score
    source_id: UUID
    title: Annotated[str, Field(examples=["Hours"])]
    heading: str
    url: str
    page: int | None
    place: Place


class NearSchema(Noun):
    """A passage that comes close to what was asked, as it was then."""

    chunk_id: str
    source_id: str
    title: Annotated[str, Field(examples=["Returns"])]
    heading: Annotated[str, Field(description="The last of those it stands under.")]
    url: str
    page: int | None
    place: Place = ""
    content: Annotated[str, Field(description="Its first 200 characters.")]


class HelpSchema(Noun):
    """What may be shown below a refusal or an answer, each with its sentence in the answer's language.

    `choices` are the readings of a question that was asked back instead: asking one of them is the reply.
    """

    language: Annotated[str, Field(examples=["en"])]
    choices: list[str]
    passages_label: Annotated[str, Field(examples=["You may mean:"])]
    passages: list[NearSchema]
    questions_label: Annotated[str, Field(examples=["You can ask me, for example:"])]
    questions: Annotated[list[str], Field(description="The sources answer them.")]
    contact_label: Annotated[str, Field(description="A sentence with the contact in it.")]
    contact: str


class FullMessageSchema(MessageSchema):
    outcome: Outcome
    cut_reason: Annotated[CutReason | None, EmptyIsNull]
    refusal: RefusalSchema | None
    help: HelpSchema | None
    feedback_reason: Annotated[str | None, EmptyIsNull]
    author: Annotated[str | None, EmptyIsNull, Field(validation_alias="author_name")]
    citations: Annotated[list[CitationSchema], RelatedRows]


# --- Turns --------------------------------------------------------------------------------------------------------
class PassageSchema(Noun):
    chunk_id: ChunkId
    content: Excerpt
    score: Score
    source_id: UUID


class NumberedPassageSchema(CitationSchema):
    """A passage as the answer may cite it, but for the length of its text."""

    content: Excerpt


class UsageSchema(Noun):
    model: Annotated[str, Field(examples=["minirag/extractive"])]
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


def _join_number(cited: Any) -> Any:
    """A turn has what it cites as (number, passage), and a message as rows of its own."""
    if not isinstance(cited, tuple):
        return cited
    number, passage = cited
    return SimpleNamespace(number=number, shown_id=passage.shown_id, **vars(passage))


def _round_scores(refusal: Refusal | None) -> Refusal | None:
    if refusal is None:
        return None
    score, threshold = round(refusal.score, 4), round(refusal.threshold, 4)
    return replace(refusal, score=score, threshold=threshold)


Cited = Annotated[CitationSchema, BeforeValidator(_join_number)]
Refused = Annotated[RefusalSchema | None, BeforeValidator(_round_scores)]
Cut = Annotated[
    CutReason | None,
    EmptyIsNull,
    Field(description="Why the answer is not whole, if it is not."),
]


class AnswerSchema(Noun):
    """The answer to a question; the last four only where `extended` was asked for."""

    chat_id: UUID
    message: MessageSchema
    sources: list[PassageSchema]
    usage: UsageSchema
    citations: list[Cited] = []
    refusal: Refused = None
    cut_reason: Cut = None
    help: HelpSchema | None = None
    passed_on: Sometimes[bool]

    @classmethod
    def of(cls, passages: Sequence[Passage], done: Done, *, extended: bool) -> Self:
        """What is not shown is unset: write it with `exclude_unset=True`."""
        shown: dict[str, Any] = {
            "chat_id": done.chat_id,
            "message": done.message,
            "sources": passages,
            "usage": done.usage,
        }
        if extended:
            grounds = ("citations", "refusal", "cut_reason", "help", "passed_on")
            shown |= {name: getattr(done, name) for name in grounds if hasattr(done, name)}
        return cls.model_validate(shown)


class TurnOutcomeSchema(Noun):
    """A turn, whose id is that of its question; `pending` while it runs, in another process for up to a second."""

    id: UUID
    chat_id: UUID
    outcome: Outcome


# --- What a turn tells its readers --------------------------------------------------------------------------------
class SourcesSchema(Noun):
    sources: Annotated[
        list[Annotated[NumberedPassageSchema, BeforeValidator(_join_number)]],
        BeforeValidator(lambda passages: list(enumerate(passages, start=1))),
        Field(validation_alias="passages"),
    ]


class DeltaSchema(Noun):
    content: str


class ToolCallSchema(Noun):
    """A piece of a call of the client's function; the first of each has `id` and `name`."""

    index: Annotated[int, Field(validation_alias=AliasPath("piece", "index"))]
    id: Annotated[str, Field(validation_alias=AliasPath("piece", "id"))]
    name: Annotated[str, Field(validation_alias=AliasPath("piece", "name"))]
    arguments: Annotated[str, Field(validation_alias=AliasPath("piece", "arguments"))]


class DoneSchema(Noun):
    """What the contract's `done` has; no message where a turn was stopped before it said anything."""

    chat_id: UUID
    message_id: UUID | None
    usage: UsageSchema | None


class FullDoneSchema(DoneSchema):
    citations: list[Cited]
    refusal: Refused
    cut_reason: Cut
    help: HelpSchema | None
    content: str
    tool_calls: Sometimes[list[dict[str, Any]]]
    stopped: Sometimes[bool]
    passed_on: Sometimes[bool]


class FailureSchema(Noun):
    detail: str
    code: str
    retryable: bool
    request_id: str


EVENTS: dict[type[Any], tuple[str, type[Noun]]] = {
    SourcesFound: ("sources", SourcesSchema),
    Delta: ("delta", DeltaSchema),
    ToolCalled: ("tool_call", ToolCallSchema),
    Done: ("done", FullDoneSchema),
    Stopped: ("done", FullDoneSchema),
    Failed: ("error", FailureSchema),
}


def tell_event(event: TurnEvent, request_id: str) -> tuple[str, dict[str, Any]]:
    """Return an event's name and data in the extended form, the same for SSE, WebSocket and readers who come back."""
    name, noun = EVENTS.get(type(event), EVENTS[Done])  # one that was passed on is done, too
    if isinstance(event, Delta):  # by hand, since there is one for each token
        return name, {"content": event.content}
    if isinstance(event, Failed):
        return name, tell_error(event.error, request_id)
    return name, noun.model_validate(event).model_dump(mode="json")


def tell_error(error: ProductError, request_id: str) -> dict[str, Any]:
    """Return the data of an `error` event."""
    found = Joined(error, request_id=request_id)
    return FailureSchema.model_validate(found).model_dump(mode="json")


def cut_to_contract(name: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return an event's extended data without what the contract lacks."""
    if name == "sources":
        return {"sources": [_keep(PassageSchema, each) for each in data["sources"]]}
    return _keep(DoneSchema, data) if name == "done" else data


def _keep(noun: type[Noun], data: dict[str, Any]) -> dict[str, Any]:
    return {key: data[key] for key in noun.model_fields}


# --- What is asked ------------------------------------------------------------------------------------------------
AskedSources = Annotated[
    SourceFilter | None,
    Field(description="Ours: which of the bot's sources may answer; never more than it has."),
]
AskedGroups = Annotated[
    Groups | None, Field(description="Ours: in which groups the visitor is; see API tokens.")
]


class Question(Body):
    bot_profile_id: UUID
    message: Annotated[str, Field(min_length=1, max_length=LONGEST_QUESTION)]
    chat_id: UUID | None = None
    stream: bool = False
    extended: bool = False  # ours: adds citations and refusal to the answer
    source_filter: AskedSources = None
    groups: AskedGroups = None


class FeedbackBody(Body):
    feedback: Literal["positive", "negative"] | None
    reason: Annotated[str, AsColumn(Message, "feedback_reason")] | None = None
