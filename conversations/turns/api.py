"""`/v1/chat`: ask (JSON or Server-Sent Events), list, read, give feedback."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from bots.scopes.models import LONGEST_QUESTION
from conversations.following.api import write_events
from conversations.following.running import start_turn
from conversations.models import Chat, Message
from conversations.turns.feedback import set_feedback
from conversations.turns.replies import (
    ANSWER_STREAM,
    AnswerReply,
    ChatReply,
    FullMessageReply,
    MessageReply,
)
from conversations.turns.serializers import (
    render_answer,
    render_chat,
    render_message,
    render_message_in_full,
)
from conversations.turns.state import Asker
from conversations.turns.taking import Done, Failed, SourcesFound, Stopped, TurnEvent, TurnStopped
from minirag.lib.bounds import AsColumn
from minirag.lib.errors import NotFound, ProductError
from minirag.lib.http_in.doors import Door, Proof, door, fields_body
from minirag.lib.http_in.ignored import tell_ignored
from minirag.lib.http_in.openapi import EXAMPLE_IDS, describe
from minirag.lib.http_in.pagination import (
    OLDEST_FIRST,
    Cursor,
    PlainPageQuery,
    paginate,
    plain_response,
)
from minirag.lib.http_in.rest import (
    ApiView,
    Body,
    error_response,
    parse_uuid,
    read_body,
    read_body_async,
    read_query,
)
from minirag.lib.sse import stream_events
from tenants.authentication import require_identity
from tenants.calls.permissions import require_right
from tenants.models import Right


class Question(Body):
    bot_profile_id: UUID
    message: Annotated[str, Field(min_length=1, max_length=LONGEST_QUESTION)]
    chat_id: UUID | None = None
    stream: bool = False
    extended: bool = False  # ours: adds citations and refusal to the answer


class ChatQuery(Body):
    bot_profile_id: UUID | None = None
    limit: Annotated[int, Field(ge=0)] = 50
    offset: Annotated[int, Field(ge=0, lt=2**31)] = 0
    cursor: Cursor | None = None


class FeedbackBody(Body):
    feedback: Literal["positive", "negative"] | None
    reason: Annotated[str, AsColumn(Message, "feedback_reason")] | None = None


_ASKED = {"bot_profile_id": EXAMPLE_IDS["bot_profile_id"], "message": "When are you open?"}
_PROVIDER_ERRORS = {
    402: "The budget of the tenant, the bot or the API token is spent.",
    502: "The model provider failed.",
    503: "The model provider, or a server that we stand on, is down; try again later.",
    504: "The model provider took too long.",
}


@describe(
    "List chats",
    method="GET",
    query=ChatQuery,
    answers={200: list[ChatReply]},
    description="Newest first.",
)
@describe(
    "Ask a bot", method="POST", body=Question, answers={200: (AnswerReply, ANSWER_STREAM)},
    description="JSON, or Server-Sent Events with `stream`.",
    errors={404: "No such active bot, or no such chat, in this tenant.", **_PROVIDER_ERRORS},
    examples={"answer": _ASKED, "cited": {**_ASKED, "extended": True}, "stream": {**_ASKED, "stream": True}},
)  # fmt: skip
@door(Door(Proof.BEARER, fields_body, asks=True))
@csrf_exempt
async def chat_collection(request: HttpRequest) -> HttpResponseBase:
    """POST asks on the event loop; GET and the rest are an ordinary DRF view on a database thread."""
    if request.method != "POST":
        return await _list_chats(request)
    try:
        return await _ask(request)
    except Exception as error:  # noqa: BLE001 - the edge: error_response logs what nobody foresaw
        return error_response(error, request)


async def _ask(request: HttpRequest) -> HttpResponseBase:
    identity = require_identity(request)
    require_right(identity.token, Right.CHAT)
    body = await read_body_async(Question, request)
    require_right(identity.token, Right.CHAT, bot_profile_id=body.bot_profile_id)
    is_bound = identity.token is not None and identity.token.bot_profile_id is not None
    request_id: str = request.request_id  # type: ignore[attr-defined]
    token_id = identity.token.family if identity.token else None
    asker = Asker(
        user_id=identity.user.pk, request_id=request_id, own_chats_only=is_bound, token_id=token_id
    )
    turn = await start_turn(
        body.bot_profile_id, body.chat_id, body.message, asker=asker, is_stream=body.stream
    )
    if not body.stream:
        whole = JsonResponse(
            await collect_answer(turn.read(), extended=body.extended),
            json_dumps_params={"separators": (",", ":"), "ensure_ascii": False},
        )
        tell_ignored(request, whole)
        return whole
    # The contract's events have no id; who reads those can count them.
    events = write_events(
        turn.tell(), extended=body.extended, numbered=body.extended, request_id=request_id
    )
    response = stream_events(events, X_Turn_ID=str(turn.turn_id))
    tell_ignored(request, response)
    return response


async def collect_answer(
    events: AsyncGenerator[tuple[int, TurnEvent], None], *, extended: bool
) -> dict[str, Any]:
    """Read a turn to its end and return the body of the JSON answer; raises the ProductError it failed with."""
    passages: tuple[Any, ...] = ()
    async with aclosing(events):
        async for _, event in events:
            if isinstance(event, SourcesFound):
                passages = event.passages
            elif isinstance(event, Failed):
                raise event.error
            elif isinstance(event, Stopped):
                raise TurnStopped
            elif isinstance(event, Done):
                return render_answer(passages, event, extended=extended)
    raise ProductError("The turn ended without an answer.")


class ChatList(ApiView):
    http_method_names = ["get", "post", "head"]

    def get(self, request: Request) -> Response:
        query = read_query(ChatQuery, request)
        chats = readable_chats(request)
        if query.bot_profile_id:
            chats = chats.filter(bot_profile_id=query.bot_profile_id)
        page = paginate(chats, query, offset=query.offset)
        return plain_response(request, page, [render_chat(chat) for chat in page.items])

    def post(self, request: Request) -> Response:
        raise ProductError(
            "Asked on the event loop."
        )  # only here so that Allow and 405 tell the truth


_list_chats = ChatList.as_view()


class ChatDetail(ApiView):
    @describe("Show a chat", answers={200: ChatReply})
    def get(self, request: Request, chat_id: str) -> Response:
        return Response(render_chat(find_chat(readable_chats(request), chat_id)))


class MessageList(ApiView):
    @describe("List a chat's messages", query=PlainPageQuery, answers={200: list[MessageReply]})
    def get(self, request: Request, chat_id: str) -> Response:
        chat = find_chat(readable_chats(request), chat_id)
        page = paginate(
            chat.messages.all(), read_query(PlainPageQuery, request), order=OLDEST_FIRST
        )
        return plain_response(request, page, [render_message(message) for message in page.items])


class MessageDetail(ApiView):
    """Ours: one message with its citations and, if it refuses, why."""

    @describe("Show a message", answers={200: FullMessageReply})
    def get(self, request: Request, chat_id: str, message_id: str) -> Response:
        return Response(
            render_message_in_full(find_message(readable_chats(request), chat_id, message_id))
        )


class MessageFeedback(ApiView):
    @describe(
        "Give feedback",
        body=FeedbackBody,
        answers={200: MessageReply},
        example={"feedback": "positive"},
    )
    def patch(self, request: Request, chat_id: str, message_id: str) -> Response:
        chats = readable_chats(request, Right.CHAT)
        body = read_body(FeedbackBody, request)
        message = find_message(chats, chat_id, message_id)
        set_feedback(message, body.feedback, body.reason)
        return Response(render_message(message))


def readable_chats(request: Request, right: Right = Right.READ) -> QuerySet[Chat]:
    """Return the chats that the caller's token reaches. Raises Forbidden for one made for something else."""
    token = require_identity(request._request).token
    require_right(token, right)
    chats = Chat.objects.all()
    return (
        chats.filter(bot_profile_id=token.bot_profile_id)
        if token and token.bot_profile_id
        else chats
    )


def find_chat(chats: QuerySet[Chat], chat_id: str) -> Chat:
    chat = chats.filter(pk=parse_uuid(chat_id, "chat_id")).first()
    if chat is None:
        raise NotFound("Chat session not found")
    return chat


def find_message(chats: QuerySet[Chat], chat_id: str, message_id: str) -> Message:
    message_key = parse_uuid(message_id, "message_id")
    message = find_chat(chats, chat_id).messages.filter(pk=message_key).first()
    if message is None:
        raise NotFound("Message not found")
    return message
