"""OpenAI's chat completions on the wire: what clients write, and what they are answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field

from conversations.turns.schemas import AskedGroups, AskedSources, Cited, HelpSchema, Refused
from minirag.ai.tooling import Tooling
from minirag.lib.http_in.nouns import Noun, Sometimes
from minirag.lib.http_in.openapi import EXAMPLE_ID, Media
from minirag.lib.http_in.rest import Body


# --- What is asked ------------------------------------------------------------------------------------------------
class Part(Body):
    type: str
    text: str | None = None


class CalledFunction(Body):
    name: Annotated[str, Field(min_length=1, max_length=128)]
    arguments: Annotated[str, Field(max_length=200_000)] = ""


class MadeCall(Body):
    id: Annotated[str, Field(min_length=1, max_length=128)]
    type: Literal["function"] = "function"
    function: CalledFunction


class ChatMessage(Body):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    tool_calls: Annotated[list[MadeCall], Field(max_length=128)] | None = None
    tool_call_id: Annotated[str, Field(max_length=128)] | None = None


class ToolFunction(Body):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    description: Annotated[str, Field(max_length=4096)] | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ToolBody(Body):
    type: Literal["function"]
    function: ToolFunction


class NamedFunction(Body):
    name: Annotated[str, Field(min_length=1, max_length=64)]


class NamedTool(Body):
    type: Literal["function"]
    function: NamedFunction


class NamedJsonSchema(Body):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    description: Annotated[str, Field(max_length=4096)] | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class ResponseFormat(Body):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedJsonSchema | None = None


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
    source_filter: AskedSources = None
    groups: AskedGroups = None
    n: Annotated[int, Field(ge=1, le=1)] | None = None
    tools: Annotated[
        list[ToolBody] | None,
        Field(max_length=128, description="Functions of yours that the bot's model may call."),
    ] = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None

    def offer(self, exchange: tuple[dict[str, Any], ...]) -> Tooling:
        """What the model is offered, in the words of the provider."""
        choice, form = self.tool_choice, self.response_format
        return Tooling(
            tuple(each.model_dump(exclude_none=True) for each in self.tools or ()),
            choice.model_dump() if isinstance(choice, NamedTool) else choice,
            self.parallel_tool_calls,
            form.model_dump(by_alias=True, exclude_none=True) if form else None,
            exchange,
        )


# --- What is answered ---------------------------------------------------------------------------------------------
Unheard = Annotated[
    list[str],
    Field(description="What was sent and belongs to the bot.", examples=[["temperature"]]),
]


class ModelSchema(Noun):
    """A bot as OpenAI's clients see it, or the embedding model of one."""

    id: Annotated[
        str,
        BeforeValidator(str),
        Field(description="The bot's id, or the embedding model's.", examples=[EXAMPLE_ID]),
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
    kind: Annotated[
        Literal["chat", "embedding"],
        Field(description="A bot to ask, or a model for `/v1/embeddings`."),
    ]


class ModelListSchema(Noun):
    object: Literal["list"]
    data: list[ModelSchema]


class CompletionMessageSchema(Noun):
    role: Literal["assistant"]
    content: Annotated[
        str | None,
        Field(
            examples=["Open from 9 to 17. [1]"],
            description="Null where functions are called alone.",
        ),
    ]
    tool_calls: Sometimes[list[dict[str, Any]]]
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
    finish_reason: Literal["stop", "length", "content_filter", "tool_calls"]


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
    ignored: Unheard


COMPLETION_STREAM = Media(
    "text/event-stream", "OpenAI's chunks; the last with citations, then `[DONE]`.",
    'data: {"id": "chatcmpl-7d79", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": '
    '{"content": "Open from 9 to 17. [1]"}, "finish_reason": null}]}\n\ndata: [DONE]\n\n',
)  # fmt: skip
