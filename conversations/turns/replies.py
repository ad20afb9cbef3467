"""What the chat and widget endpoints answer, for the API's description."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from bots.models import Outcome
from conversations.models import CutReason, Feedback, MessageRole
from minirag.lib.http_in.openapi import EXAMPLE_ID, Media, Moment, Reply

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
Score = Annotated[float, Field(examples=[0.8294])]


class ChatReply(Reply):
    id: UUID
    tenant_id: UUID
    bot_profile_id: UUID
    title: Annotated[str, Field(examples=["When are you open?"])]
    message_count: int
    total_prompt_tokens: int
    total_completion_tokens: int
    created_at: Moment
    updated_at: Moment


class MessageReply(Reply):
    id: UUID
    chat_id: UUID
    role: MessageRole
    content: Annotated[str, Field(examples=["Open from 9 to 17. [1]"])]
    prompt_tokens: int
    completion_tokens: int
    feedback: Feedback | None
    created_at: Moment


ChunkId = Annotated[
    str,
    Field(
        description="A UUID, or nyxCore's own name of an external chunk.",
        examples=[EXAMPLE_ID],
        max_length=200,
    ),
]


class RefusalReply(Reply):
    reason: Annotated[str, Field(examples=["low_confidence"])]
    score: float | None
    threshold: float | None


class PassageReply(Reply):
    chunk_id: ChunkId
    content: Annotated[
        str, Field(description="Its first 200 characters.", examples=["Open from 9 to 17."])
    ]
    score: Score
    source_id: UUID


class CitationReply(Reply):
    number: Annotated[int, Field(description="The `[1]` in the answer.")]
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


class FullMessageReply(MessageReply):
    outcome: Outcome
    cut_reason: CutReason | None
    refusal: RefusalReply | None
    feedback_reason: str | None
    citations: list[CitationReply]


class UsageReply(Reply):
    model: Annotated[str, Field(examples=["minirag/extractive"])]
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AnswerReply(Reply):
    """The answer to a question; the last three only where `extended` was asked for."""

    chat_id: UUID
    message: MessageReply
    sources: list[PassageReply]
    usage: UsageReply
    citations: list[CitationReply] = []
    refusal: RefusalReply | None = None
    cut_reason: Annotated[
        CutReason | None, Field(description="Why the answer is not whole, if it is not.")
    ] = None


class TurnOutcomeReply(Reply):
    """A turn, whose id is that of its question; `pending` while it runs, in another process for up to a second."""

    id: UUID
    chat_id: UUID
    outcome: Outcome


class ChatExportReply(Reply):
    chat: ChatReply
    messages: list[MessageReply]
    exported_at: Moment


class ExportedChatReply(Reply):
    chat: ChatReply
    messages: list[MessageReply]


class ChatsExportReply(Reply):
    chats: list[ExportedChatReply]
    exported_at: Moment


class WidgetBotReply(Reply):
    name: Annotated[str, Field(examples=["Support"])]
    greeting: str
    starter_questions: list[str]


class WidgetSessionReply(Reply):
    session_token: str
    expires_at: Moment
    bot: WidgetBotReply
    chat_id: UUID | None
    messages: list[FullMessageReply]


class ModelReply(Reply):
    """A bot as OpenAI's clients see it."""

    id: Annotated[str, Field(description="The bot's id.", examples=[EXAMPLE_ID])]
    object: Literal["model"]
    created: Annotated[int, Field(description="Seconds since 1970.")]
    owned_by: Annotated[str, Field(description="The tenant's slug.", examples=["acme"])]
    name: str
    description: str


class ModelListReply(Reply):
    object: Literal["list"]
    data: list[ModelReply]


class CompletionMessageReply(Reply):
    role: Literal["assistant"]
    content: Annotated[str, Field(examples=["Open from 9 to 17. [1]"])]
    refusal: Annotated[
        str | None, Field(description="The same text once more where the bot refused.")
    ]
    citations: list[CitationReply]
    refusal_details: RefusalReply | None


class CompletionChoiceReply(Reply):
    index: int
    message: CompletionMessageReply
    logprobs: None
    finish_reason: Literal["stop", "length", "content_filter"]


class CompletionUsageReply(Reply):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CompletionReply(Reply):
    """A chat completion of OpenAI's protocol, with `chat_id`, `message_id` and `ignored` beside it."""

    id: Annotated[str, Field(examples=["chatcmpl-7d793037a0760186574b0282f2f435e7"])]
    created: int
    model: Annotated[str, Field(description="The bot's id.", examples=[EXAMPLE_ID])]
    object: Literal["chat.completion"]
    choices: list[CompletionChoiceReply]
    usage: CompletionUsageReply
    chat_id: UUID
    message_id: UUID
    ignored: Annotated[
        list[str],
        Field(description="What was sent and belongs to the bot.", examples=[["temperature"]]),
    ]


COMPLETION_STREAM = Media(
    "text/event-stream", "OpenAI's chunks; the last with citations, then `[DONE]`.",
    'data: {"id": "chatcmpl-7d79", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": '
    '{"content": "Open from 9 to 17. [1]"}, "finish_reason": null}]}\n\ndata: [DONE]\n\n',
)  # fmt: skip
