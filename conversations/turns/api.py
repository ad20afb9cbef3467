"""`/v1/chat`: ask (JSON or Server-Sent Events), list, read, give feedback."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.annotating.feedback import set_feedback
from conversations.audiences import asker_of, open_chats
from conversations.erasing.deleting import delete_chat
from conversations.following.api import find_repeated, stream_turn
from conversations.following.running import Turn, start_turn
from conversations.listing.finding import list_chats
from conversations.listing.schemas import ChatQuery, ChatSchema, ExtendedQuery
from conversations.models import Chat, Message
from conversations.turns.events import read_to_end
from conversations.turns.schemas import (
    ANSWER_STREAM,
    AnswerSchema,
    FeedbackBody,
    FullMessageSchema,
    MessageSchema,
    Question,
    tell_event,
)
from minirag.lib.errors import Forbidden, NotFound, ProductError
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.doors import Door, Proof, door, fields_body
from minirag.lib.http_in.ignored import tell_ignored
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import EXAMPLE_IDS, describe
from minirag.lib.http_in.pagination import OLDEST_FIRST, Page, PlainPageQuery, paginate
from minirag.lib.http_in.rest import ApiView, error_response, read_body_async
from tenants.authentication import require_identity
from tenants.calls.permissions import (
    HasTenant,
    bound_bot,
    permit,
    require_right,
    require_role,
)
from tenants.models import ApiToken, Right

_ASKED = {"bot_profile_id": EXAMPLE_IDS["bot_profile_id"], "message": "When are you open?"}
_LISTED: dict[str, Any] = {
    "query": ChatQuery,
    "answers": {200: list[ChatSchema]},
    "description": "Newest first. The conditions may be combined freely.",
}
_PROVIDER_ERRORS = {
    402: "The budget of the tenant, the bot or the API token is spent.",
    502: "The model provider failed.",
    503: "The model provider, or a server that we stand on, is down; try again later.",
    504: "The model provider took too long.",
}


@describe("List chats", method="GET", **_LISTED)
@describe(
    "Ask a bot", method="POST", body=Question, answers={200: (AnswerSchema, ANSWER_STREAM)},
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
    require_role(identity.user, Right.CHAT, "chats")
    require_right(identity.token, Right.CHAT)
    body = await read_body_async(Question, request)
    require_right(identity.token, Right.CHAT, bot_profile_id=body.bot_profile_id)
    request_id: str = request.request_id  # type: ignore[attr-defined]
    asker = asker_of(
        identity, body.groups, request_id=request_id, languages=Arrival.of_request(request).languages,
        asks_on=body.extended,
    )  # fmt: skip
    repeated = (
        await find_repeated(request, body.bot_profile_id, body.message) if body.stream else None
    )
    if repeated is not None:
        begun, told_as, after = repeated
        return _stream(request, begun, told_as, after=after, extended=body.extended)
    turn = await start_turn(
        body.bot_profile_id,
        body.chat_id,
        body.message,
        asker=asker,
        is_stream=body.stream,
        tell=tell_event,
        source_filter=body.source_filter,
    )
    if not body.stream:
        answer = AnswerSchema.of(*await read_to_end(turn.read()), extended=body.extended)
        whole = HttpResponse(
            answer.model_dump_json(exclude_unset=True), content_type="application/json"
        )
        tell_ignored(request, whole)
        return whole
    return _stream(request, turn, request_id, extended=body.extended)


def _stream(
    request: HttpRequest, turn: Turn, request_id: str, *, extended: bool, after: int = 0
) -> HttpResponseBase:
    # The contract's events have no id; who reads those can count them.
    response = stream_turn(turn, after, extended=extended, numbered=extended, request_id=request_id)
    tell_ignored(request, response)
    return response


class ChatView(ApiView):
    permission_classes = (HasTenant, permit("chats", write=Right.CHAT, bot_bound=True))


class ChatList(ChatView):
    http_method_names = ["get", "post", "head"]

    @describe("List chats", **_LISTED)
    def get(self, request: Request, query: ChatQuery) -> Page[Chat]:
        if query.tag and bound_bot(request):
            raise Forbidden("Tags are not for a token of one bot.", code="token_restricted")
        chats = list_chats(readable_chats(request), query).chats
        page = paginate(chats, query, offset=query.offset)
        return page.of(with_facts) if query.extended else page

    def post(self, request: Request) -> Response:
        raise ProductError(
            "Asked on the event loop."
        )  # only here so that Allow and 405 tell the truth


_list_chats = ChatList.as_view()
chat_collection.respond = _list_chats.respond  # type: ignore[attr-defined]


class ChatDetail(ChatView):
    @describe("Show a chat", query=ExtendedQuery, answers={200: ChatSchema})
    def get(self, request: Request, chat_id: UUID, query: ExtendedQuery) -> Any:
        chat = find_chat(readable_chats(request), chat_id)
        return with_facts(chat) if query.extended else chat

    @describe(
        "Delete a chat", answers={204: None},
        description="With all that was said in it. What was spent stays counted. For owners and admins.",
    )  # fmt: skip
    def delete(self, request: Request, chat_id: UUID) -> None:
        require_role(request.user, Right.MANAGE, "chats")
        require_right(require_identity(request._request).token, Right.MANAGE)
        delete_chat(find_chat(readable_chats(request), chat_id))


class MessageList(ChatView):
    @describe("List a chat's messages", query=PlainPageQuery, answers={200: list[MessageSchema]})
    def get(self, request: Request, chat_id: UUID, query: PlainPageQuery) -> Page[Message]:
        chat = find_chat(readable_chats(request), chat_id)
        return paginate(chat.messages.all(), query, order=OLDEST_FIRST)


class MessageDetail(ChatView):
    """Ours: one message with its citations and, if it refuses, why."""

    @describe("Show a message", answers={200: FullMessageSchema})
    def get(self, request: Request, chat_id: UUID, message_id: UUID) -> Message:
        return find_message(readable_chats(request), chat_id, message_id)


class MessageFeedback(ChatView):
    @describe(
        "Give feedback",
        body=FeedbackBody,
        answers={200: MessageSchema},
        example={"feedback": "positive"},
    )
    def patch(
        self, request: Request, chat_id: UUID, message_id: UUID, body: FeedbackBody
    ) -> Message:
        message = find_message(readable_chats(request), chat_id, message_id)
        set_feedback(message, body.feedback, body.reason)
        return message


def with_facts(chat: Chat) -> Joined:
    return Joined(chat, facts=chat)


def readable_chats(request: Request) -> QuerySet[Chat]:
    """Return the chats that the caller's token reaches."""
    token = request.auth if isinstance(request.auth, ApiToken) else None
    chats, bot = open_chats(Chat.objects.all(), token), bound_bot(request)
    return chats.filter(bot_profile_id=bot) if bot else chats


def find_chat(chats: QuerySet[Chat], chat_id: UUID) -> Chat:
    chat = chats.filter(pk=chat_id).first()
    if chat is None:
        raise NotFound("Chat session not found")
    return chat


def find_message(chats: QuerySet[Chat], chat_id: UUID, message_id: UUID) -> Message:
    message = find_chat(chats, chat_id).messages.filter(pk=message_id).first()
    if message is None:
        raise NotFound("Message not found")
    return message
