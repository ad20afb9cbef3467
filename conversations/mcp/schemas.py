"""What agents say to the tools over MCP, and what these answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from bots.scopes.models import LONGEST_QUESTION
from conversations.turns.schemas import CitationSchema, Cited, Refused
from knowledge.models import SourceType
from minirag.lib.http_in.nouns import Moment, Noun, Sometimes
from minirag.lib.http_in.openapi import Media
from minirag.lib.http_in.pagination import Cursor, PagedSchema
from minirag.lib.http_in.rest import Body
from minirag.lib.security.groups import Groups

MOST_PASSAGES = 20
Uri = Annotated[
    str | None,
    Field(description="The whole document as a resource of this server, where it may be read."),
]


# --- What is asked ------------------------------------------------------------------------------------------------
class OfBot(Body):
    bot: Annotated[
        str | None,
        Field(max_length=255, description="Id or name of the bot; not needed where there is one."),
    ] = None


class Asking(OfBot):
    groups: Annotated[
        Groups | None,
        Field(description="In which groups the reader is, where the token may say so."),
    ] = None


class SearchArguments(Asking):
    query: Annotated[
        str, Field(min_length=1, max_length=LONGEST_QUESTION, description="A question, or words.")
    ]
    limit: Annotated[
        int, Field(ge=1, le=MOST_PASSAGES, description="How many passages at most.")
    ] = 5


class AskArguments(Asking):
    question: Annotated[str, Field(min_length=1, max_length=LONGEST_QUESTION)]
    chat_id: Annotated[
        UUID | None, Field(description="Go on in the chat of an earlier answer.")
    ] = None


class ListArguments(OfBot):
    cursor: Annotated[Cursor | None, Field(description="`next_cursor` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


# --- What is answered ---------------------------------------------------------------------------------------------
class FoundSchema(CitationSchema):
    """A passage, the best first."""

    document_id: UUID | None
    uri: Uri


class SearchSchema(Noun):
    passages: list[FoundSchema]
    confidence: Annotated[
        float, Field(description="Whether the best of them answers the question, 0 to 1.")
    ]
    threshold: Annotated[float, Field(description="Below this the bot itself would not answer.")]


class AskSchema(Noun):
    answer: Annotated[str, Field(description="`[1]` stands for the citation of this number.")]
    citations: list[Cited]
    refusal: Annotated[
        Refused, Field(description="Why the sources did not answer it; null: they did.")
    ]
    cut_reason: Sometimes[str]
    chat_id: UUID
    message_id: UUID | None


class ListedSourceSchema(Noun):
    id: UUID
    name: str
    description: str
    source_type: SourceType
    language: str
    document_count: int
    updated_at: Moment


class ListedSourcesSchema(PagedSchema[ListedSourceSchema]):
    """What the bots answer from."""


# --- The protocol -------------------------------------------------------------------------------------------------
class RpcMessage(Body):
    """A message of JSON-RPC, as MCP has it: a request with an `id`, or a notification without."""

    model_config = ConfigDict(extra="allow")

    jsonrpc: Literal["2.0"]
    method: Annotated[str, Field(max_length=200, examples=["tools/list"])]
    id: int | Annotated[str, Field(max_length=200)] | None = None
    params: dict[str, Any] | None = None


class RpcErrorSchema(Noun):
    code: Annotated[int, Field(examples=[-32602])]
    message: str
    data: Any = None


class RpcReply(Noun):
    """The reply to a request: a result or an error."""

    jsonrpc: Literal["2.0"]
    id: int | str | None = None
    result: Sometimes[dict[str, Any]]
    error: Sometimes[RpcErrorSchema]


RPC_STREAM = Media(
    "text/event-stream", "The same reply, and before it what is told of the progress.",
    'event: message\ndata: {"jsonrpc": "2.0", "id": 1, "result": {"tools": []}}\n\n',
)  # fmt: skip
