"""OpenAI's responses on the wire: what clients write, and what they are answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from conversations.openai.finding import NotAnswerable
from conversations.openai.schemas import (
    CalledFunction,
    ChatMessage,
    MadeCall,
    NamedJsonSchema,
    Unheard,
)
from conversations.turns.schemas import AskedGroups, AskedSources, Cited, HelpSchema, Refused
from minirag.ai.tooling import Tooling
from minirag.lib.http_in.nouns import Noun
from minirag.lib.http_in.openapi import EXAMPLE_ID, Media
from minirag.lib.http_in.rest import Body

_TEXT_PARTS = frozenset({"input_text", "output_text", "text"})
_RESPONSE_ID = "resp_7d793037a0760186574b0282f2f435e73b1f0a9c44d2e6f7"


# --- What is asked ------------------------------------------------------------------------------------------------
class ContentPart(Body):
    type: Annotated[str, Field(max_length=64)]
    text: str | None = None


class InputItem(Body):
    """A message, a call of a function or its result; another item of OpenAI's (`reasoning`, …) has no effect."""

    type: Annotated[str, Field(max_length=64)] = "message"
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: str | list[ContentPart] | None = None
    call_id: Annotated[str, Field(max_length=128)] | None = None
    name: Annotated[str, Field(max_length=128)] | None = None
    arguments: Annotated[str, Field(max_length=200_000)] = ""
    output: str | list[ContentPart] | None = None

    @model_validator(mode="after")
    def _require_call(self) -> Self:
        if self.type == "function_call" and not (self.call_id and self.name):
            raise ValueError("A function_call has a call_id and a name.")
        return self

    @property
    def is_heard(self) -> bool:
        """Whether it has an effect; what the system says has none."""
        if self.type in ("function_call", "function_call_output"):
            return True
        return self.type == "message" and self.role in ("user", "assistant")

    def as_message(self, index: int) -> ChatMessage | None:
        """The same in the words of completions; None for what has no place there. Raises NotAnswerable (400)."""
        if self.type == "function_call":
            function = CalledFunction(name=self.name or "", arguments=self.arguments)
            call = MadeCall(id=self.call_id or "", function=function)
            return ChatMessage(role="assistant", tool_calls=[call])
        if self.type == "function_call_output":
            text = _read_text(self.output, f"input.{index}.output")
            return ChatMessage(role="tool", tool_call_id=self.call_id or "", content=text)
        if self.type != "message" or self.role is None:
            return None
        text = _read_text(self.content, f"input.{index}.content")
        return ChatMessage(role=self.role, content=text)


def _read_text(content: str | list[ContentPart] | None, param: str) -> str:
    if not isinstance(content, list):
        return content or ""
    if any(part.type not in _TEXT_PARTS for part in content):
        raise NotAnswerable(
            "Only text can be read here.", code="content_type_unsupported", param=param
        )
    return "\n".join(part.text or "" for part in content)


class OfferedTool(Body):
    """A function of the client's; tools of other types are OpenAI's own, and not here."""

    type: Annotated[str, Field(max_length=64)]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    description: Annotated[str, Field(max_length=4096)] | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None

    @property
    def is_function(self) -> bool:
        return self.type == "function" and self.name is not None


class ChosenTool(Body):
    type: Literal["function"]
    name: Annotated[str, Field(min_length=1, max_length=64)]


class TextFormat(NamedJsonSchema):
    type: Literal["text", "json_object", "json_schema"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "answer"


class TextOptions(Body):
    format: TextFormat | None = None


class NewResponse(Body):
    """A request as OpenAI's clients write it; whatever is not named here belongs to the bot."""

    model_config = ConfigDict(extra="allow")

    model: Annotated[str, Field(min_length=1, max_length=255, description="A bot's id or name.")]
    input: Annotated[
        Annotated[str, Field(max_length=1_000_000)]
        | Annotated[list[InputItem], Field(min_length=1, max_length=1000)],
        Field(description="The question, or messages of which the last is it."),
    ]
    stream: bool | None = False
    store: Annotated[
        bool | None,
        Field(description="`false`: nobody can go on from this response by its id."),
    ] = True
    previous_response_id: Annotated[
        str | None,
        Field(max_length=100, description="Go on from this one, of the same token or log-in."),
    ] = None
    user: Annotated[str, Field(max_length=255)] | None = None
    metadata: Annotated[
        dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]] | None,
        Field(max_length=16, description="Comes back as it is, and is not stored."),
    ] = None
    source_filter: AskedSources = None
    groups: AskedGroups = None

    tools: Annotated[
        list[OfferedTool] | None,
        Field(max_length=128, description="Functions of yours that the bot's model may call."),
    ] = None
    tool_choice: Literal["none", "auto", "required"] | ChosenTool | None = None
    parallel_tool_calls: bool | None = None
    text: TextOptions | None = None

    @property
    def messages(self) -> list[ChatMessage]:
        """What is said, called and came of it, in the words of completions. Raises NotAnswerable (400)."""
        if isinstance(self.input, str):
            return [ChatMessage(role="user", content=self.input)]
        said = [
            message
            for index, item in enumerate(self.input)
            if (message := item.as_message(index)) is not None
        ]
        if not said:
            raise NotAnswerable(
                "There is no message in this.", code="question_length", param="input"
            )
        return said

    def offer(self, exchange: tuple[dict[str, Any], ...]) -> Tooling:
        """What the model is offered, in the words of the provider."""
        tools = [
            {"type": "function", "function": each.model_dump(exclude_none=True, exclude={"type"})}
            for each in self.tools or ()
            if each.is_function
        ]
        choice: Any = self.tool_choice
        if isinstance(choice, ChosenTool):
            choice = {"type": "function", "function": {"name": choice.name}}
        form = self.text.format if self.text else None
        written: dict[str, Any] | None = None
        if form is not None:
            written = {"type": form.type}
            if form.type == "json_schema":
                named = form.model_dump(by_alias=True, exclude_none=True, exclude={"type"})
                written["json_schema"] = named
        return Tooling(tuple(tools), choice, self.parallel_tool_calls, written, exchange)

    def echo(self, tooling: Tooling | None) -> dict[str, Any]:
        """What of it the response says again; where there are no tools, that none were chosen."""
        tools = [each.model_dump() for each in self.tools or () if each.is_function]
        form = self.text.format if self.text else None
        choice = self.tool_choice or "auto" if tooling is not None and tooling.tools else "none"
        written = form.model_dump(by_alias=True, exclude_none=True) if form else {"type": "text"}
        return {
            "tools": tools, "parallel_tool_calls": bool(self.parallel_tool_calls), "text": {"format": written},
            "tool_choice": choice if isinstance(choice, str) else choice.model_dump(),
        }  # fmt: skip

    @property
    def unheard(self) -> list[str]:
        """The names of what has no effect here."""
        names = sorted(str(name)[:64] for name in self.model_extra or {})
        if isinstance(self.input, list):
            names += [
                f"input.{index}" for index, item in enumerate(self.input) if not item.is_heard
            ]
        names += [
            f"tools.{index}" for index, tool in enumerate(self.tools or ()) if not tool.is_function
        ]
        return names[:50]


# --- What is answered ---------------------------------------------------------------------------------------------
class OutputTextSchema(Noun):
    type: Literal["output_text"]
    text: Annotated[str, Field(examples=["Open from 9 to 17. [1]"])]
    annotations: Annotated[
        list[dict[str, Any]],
        Field(
            description="For each `[1]` in the text a `url_citation`, or a `file_citation` where the passage has no "
            "address; `number` says which of `citations` it is.",
        ),
    ]
    logprobs: list[Any]


class OutputMessageSchema(Noun):
    id: Annotated[str, Field(examples=["msg_7d793037a0760186574b0282f2f435e7"])]
    type: Literal["message"]
    role: Literal["assistant"]
    status: Literal["in_progress", "completed", "incomplete"]
    content: list[OutputTextSchema]
    citations: Annotated[list[Cited], Field(description="Ours.")]
    refusal_details: Annotated[Refused, Field(description="Ours: why the bot refused, else null.")]
    help: Annotated[HelpSchema | None, Field(description="Ours.")]


class FunctionCallSchema(Noun):
    id: Annotated[str, Field(examples=["fc_7d793037a0760186574b0282f2f435e7_0"])]
    type: Literal["function_call"]
    status: Literal["in_progress", "completed"]
    call_id: str
    name: str
    arguments: str


class InputDetailsSchema(Noun):
    cached_tokens: int


class OutputDetailsSchema(Noun):
    reasoning_tokens: int


class ResponseUsageSchema(Noun):
    input_tokens: int
    input_tokens_details: InputDetailsSchema
    output_tokens: int
    output_tokens_details: OutputDetailsSchema
    total_tokens: int


class IncompleteSchema(Noun):
    reason: Literal["max_output_tokens", "content_filter"]


class ResponseErrorSchema(Noun):
    code: str
    message: str


class ResponseReply(Noun):
    """A response of OpenAI's protocol, with `chat_id`, `message_id` and `ignored` beside it."""

    id: Annotated[str, Field(examples=[_RESPONSE_ID])]
    object: Literal["response"]
    created_at: int
    completed_at: int | None
    status: Literal["in_progress", "completed", "incomplete", "failed"]
    model: Annotated[str, Field(description="The bot's id.", examples=[EXAMPLE_ID])]
    output: list[OutputMessageSchema | FunctionCallSchema]
    usage: ResponseUsageSchema | None
    error: ResponseErrorSchema | None
    incomplete_details: IncompleteSchema | None
    previous_response_id: str | None
    store: bool
    metadata: dict[str, str]
    user: str | None
    instructions: Annotated[None, Field(description="They are the bot's owner's.")]
    parallel_tool_calls: bool
    tool_choice: Any
    tools: list[Any]
    temperature: None
    top_p: None
    max_output_tokens: None
    truncation: Literal["disabled"]
    text: dict[str, Any]
    reasoning: dict[str, Any]
    chat_id: UUID | None
    message_id: UUID | None
    ignored: Unheard


RESPONSE_STREAM = Media(
    "text/event-stream", "OpenAI's typed events, from `response.created` to `response.completed`.",
    'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", "sequence_number": 4, '
    '"item_id": "msg_7d79", "output_index": 0, "content_index": 0, "delta": "Open from 9 to 17. [1]", '
    '"logprobs": []}\n\n',
)  # fmt: skip
