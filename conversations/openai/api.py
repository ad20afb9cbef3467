"""`/v1/chat/completions` and `/v1/models`: for clients that speak OpenAI's protocol."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from rest_framework.request import Request

from bots.models import BotProfile
from conversations.audiences import asker_of
from conversations.following.api import find_repeated
from conversations.following.feeding import TurnFeed
from conversations.following.running import start_turn
from conversations.openai.completions import (
    Chunk,
    Writer,
    read_question,
)
from conversations.openai.finding import (
    EmbedderOfBot,
    find_model,
    list_embedders,
    list_models,
    name_visitor,
)
from conversations.openai.schemas import (
    COMPLETION_STREAM,
    Completion,
    CompletionReply,
    ModelListSchema,
    ModelSchema,
    StreamOptions,
)
from conversations.openai.tools import require_tools
from conversations.turns.events import Done, TurnEvent
from conversations.turns.schemas import tell_event
from minirag.lib.errors import ProductError
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.doors import Door, Proof, text_body
from minirag.lib.http_in.ignored import ignored_of, name_ignored, note_ignored
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openai_errors import as_openai_error
from minirag.lib.http_in.openapi import EXAMPLE_IDS, describe
from minirag.lib.http_in.rest import ApiView, on_loop, read_body_async
from minirag.lib.sse import encode_event, feed_events, stream_events
from tenants.authentication import require_identity
from tenants.calls.permissions import HasTenant, bound_bot, permit, require_right, require_role
from tenants.context import require_tenant, run_sync
from tenants.models import Right

_ASKED: dict[str, Any] = {
    "model": EXAMPLE_IDS["bot_profile_id"], "messages": [{"role": "user", "content": "When are you open?"}],
}  # fmt: skip


@describe(
    "Complete a chat", method="POST", body=Completion, answers={200: (CompletionReply, COMPLETION_STREAM)},
    description="OpenAI's protocol: `model` is a bot's id or unique name, the last message is the question.",
    errors={
        400: "No question that can be answered, or a broken request.",
        402: "The budget of the tenant, the bot or the API token is spent.", 404: "No such model, or no such chat.",
        502: "The model provider failed.", 504: "The model provider took too long.",
    },
    examples={"answer": _ASKED, "stream": {**_ASKED, "stream": True, "stream_options": {"include_usage": True}}},
)  # fmt: skip
@on_loop("POST", Door(Proof.BEARER, text_body, asks=True))
async def chat_completions(request: HttpRequest) -> HttpResponseBase:
    """Ask a bot on the event loop."""
    identity = require_identity(request)
    require_role(identity.user, Right.CHAT, "models")
    require_right(identity.token, Right.CHAT)
    body = await read_body_async(Completion, request)
    asked = read_question(body)
    ignored = list(dict.fromkeys([*asked.ignored, *ignored_of(request)]))
    note_ignored(request, ignored)
    bound = identity.token.bot_profile_id if identity.token else None
    bot = await run_sync(find_model, body.model, bound)
    require_tools(bot, asked.tooling)
    asker = asker_of(
        identity, body.groups, visitor_id=name_visitor(body.user),
        request_id=request.request_id, languages=Arrival.of_request(request).languages,  # type: ignore[attr-defined]
    )  # fmt: skip
    is_stream = bool(body.stream)
    chat_id = body.metadata.chat_id if body.metadata else None
    options = body.stream_options or StreamOptions()
    repeated = await find_repeated(request, bot.pk, asked.question) if is_stream else None
    if repeated is not None:
        begun, _, after = repeated
        writer = Writer(str(bot.pk), ignored, options.include_usage, begun.turn_id, True)
        stream = stream_events(
            _write(writer.go_on(begun.tell(after))), X_Turn_ID=str(begun.turn_id)
        )
        name_ignored(request, stream)
        return stream
    turn = await start_turn(
        bot.pk,
        chat_id,
        asked.question,
        asker=asker,
        is_stream=is_stream,
        tell=tell_event,
        history=asked.history,
        source_filter=body.source_filter,
        tooling=asked.tooling,
    )
    names_events = options.include_event_ids
    writer = Writer(str(bot.pk), ignored, options.include_usage, turn.turn_id, names_events)
    if not is_stream:
        whole = await writer.collect(turn.read())
        response = JsonResponse(whole, json_dumps_params={"ensure_ascii": False})
        name_ignored(request, response)
        return response
    feed = TurnFeed(turn, partial(_write_event, writer))
    # Only with the first words is the status known: what fails before is an HTTP error, which clients know to retry.
    await feed.begin()
    stream = feed_events(feed, X_Turn_ID=str(turn.turn_id))
    name_ignored(request, stream)
    return stream


_END = b"data: [DONE]\n\n"


def _write_event(writer: Writer, number: int, event: TurnEvent) -> bytes:
    """Write OpenAI's Server-Sent Events; a failure midway is an `error` object, and no `[DONE]` follows it."""
    try:
        blocks = [encode_event(chunk, number=name) for name, chunk in writer.write(number, event)]
    except ProductError as error:
        return _write_error(error)
    return b"".join([*blocks, _END] if isinstance(event, Done) else blocks)


async def _write(chunks: AsyncGenerator[Chunk, None]) -> AsyncIterator[bytes]:
    """`_write_event`, of a turn that is gone on with."""
    try:
        async with aclosing(chunks):
            async for name, chunk in chunks:
                yield encode_event(chunk, number=name)
        yield _END
    except ProductError as error:
        yield _write_error(error)


def _write_error(error: ProductError) -> bytes:
    said = {"detail": error.detail, "code": error.code}
    return encode_event(as_openai_error(error.status, said))


class ModelView(ApiView):
    permission_classes = (HasTenant, permit("models", read=Right.CHAT, bot_bound=True))


class ModelList(ModelView):
    @describe(
        "List models",
        answers={200: ModelListSchema},
        description="The bots that the caller may ask, and behind them the embedding models of these.",
    )
    def get(self, request: Request) -> dict[str, Any]:
        bots = list_models(bound_bot(request))
        embedders = [as_embedding_model(each) for each in list_embedders(bots)]
        return {"object": "list", "data": [*map(as_model, bots), *embedders]}


class ModelDetail(ModelView):
    @describe(
        "Get a model", answers={200: ModelSchema}, description="By the bot's id or unique name."
    )
    def get(self, request: Request, model: str) -> Joined:
        return as_model(find_model(model, bound_bot(request)))


def as_model(bot: BotProfile) -> Joined:
    return Joined(bot, object="model", owned_by=require_tenant().slug, kind="chat")


def as_embedding_model(embedder: EmbedderOfBot) -> dict[str, Any]:
    return {
        "id": embedder.name, "object": "model", "created_at": embedder.bot.created_at, "kind": "embedding",
        "owned_by": require_tenant().slug, "name": embedder.name, "description": "",
    }  # fmt: skip
