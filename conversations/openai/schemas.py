"""OpenAI's chat completions on the wire: what clients write, and what they are answered."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field

from bots.models import SourceFilter
from conversations.turns.schemas import Cited, HelpSchema, Refused
from minirag.lib.http_in.nouns import Noun
from minirag.lib.http_in.openapi import EXAMPLE_ID, Media
from minirag.lib.http_in.rest import Body
from minirag.lib.security.groups import Groups


# --- What is asked ------------------------------------------------------------------------------------------------
class Part(Body):
    type: str
    text: str | None = None


class ChatMessage(Body):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part] | None = None


class StreamOptions(Body):
    include_usage: bool = False
    include_event_ids: Annotated[
        bool, Field(description="Ours: ids to go on behind, by `Last-Event-ID`.")
    ] = False


class Metadata(Body):
    chat_id: UUID | None = None  # ours: go on in this chat


class Completion(Body):
    """A request as OpenAI's clients write it; whatever is not named here belongs to the bot."""

    model_config = ConfigDict(extra="allow")

    model: Annotated[str, Field(min_length=1, max_length=255)]
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=1000)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    user: Annotated[str, Field(max_length=255)] | None = None
    metadata: Metadata | None = None
    source_filter: Annotated[
        SourceFilter | None,
        Field(description="Ours: which of the bot's sources may answer; never more than it has."),
    ] = None
    groups: Annotated[
        Groups | None,
        Field(description="Ours: in which groups the visitor is; see API tokens."),
    ] = None
    n: Annotated[int, Field(ge=1, le=1)] | None = None


# --- What is answered ---------------------------------------------------------------------------------------------
class ModelSchema(Noun):
    """A bot as OpenAI's clients see it."""

    id: Annotated[
        str, BeforeValidator(str), Field(description="The bot's id.", examples=[EXAMPLE_ID])
    ]
    object: Literal["model"]
    created: Annotated[
        int,
        BeforeValidator(lambda moment: int(moment.timestamp())),
        Field(validation_alias="created_at", description="Seconds since 1970."),
    ]
    owned_by: Annotated[str, Field(description="The tenant's slug.", examples=["acme"])]
    name: str
    description: str


class ModelListSchema(Noun):
    object: Literal["list"]
    data: list[ModelSchema]


class CompletionMessageSchema(Noun):
    role: Literal["assistant"]
    content: Annotated[str, Field(examples=["Open from 9 to 17. [1]"])]
    refusal: Annotated[
        str | None, Field(description="The same text once more where the bot refused.")
    ]
    citations: list[Cited]
    refusal_details: Refused
    help: HelpSchema | None


class CompletionChoiceSchema(Noun):
    index: int
    message: CompletionMessageSchema
    logprobs: None
    finish_reason: Literal["stop", "length", "content_filter"]


class CompletionUsageSchema(Noun):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CompletionReply(Noun):
    """A chat completion of OpenAI's protocol, with `chat_id`, `message_id` and `ignored` beside it."""

    id: Annotated[str, Field(examples=["chatcmpl-7d793037a0760186574b0282f2f435e7"])]
    created: int
    model: Annotated[str, Field(description="The bot's id.", examples=[EXAMPLE_ID])]
    object: Literal["chat.completion"]
    choices: list[CompletionChoiceSchema]
    usage: CompletionUsageSchema
    chat_id: UUID
    message_id: Annotated[
        UUID | None, Field(description="Null where the question went to the person in the chat.")
    ]
    ignored: Annotated[
        list[str],
        Field(description="What was sent and belongs to the bot.", examples=[["temperature"]]),
    ]


COMPLETION_STREAM = Media(
    "text/event-stream", "OpenAI's chunks; the last with citations, then `[DONE]`.",
    'data: {"id": "chatcmpl-7d79", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": '
    '{"content": "Open from 9 to 17. [1]"}, "finish_reason": null}]}\n\ndata: [DONE]\n\n',
)  # fmt: skip
