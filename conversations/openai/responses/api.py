"""`/v1/responses`: OpenAI's newer protocol, in which a response is gone on from by its id."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from conversations.audiences import asker_of
from conversations.following.feeding import TurnFeed
from conversations.following.running import start_turn
from conversations.openai.completions import show_exchange, split_exchange
from conversations.openai.finding import choose_question, find_model, name_visitor
from conversations.openai.responses.previous import Before, find_previous, name_response
from conversations.openai.responses.schemas import RESPONSE_STREAM, NewResponse, ResponseReply
from conversations.openai.responses.writing import ResponseWriter
from conversations.openai.tools import read_tooling, require_tools
from conversations.turns.events import TurnEvent
from conversations.turns.schemas import tell_event
from minirag.lib.errors import ProductError
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.doors import Door, Proof, text_body
from minirag.lib.http_in.ignored import ignored_of, name_ignored, note_ignored
from minirag.lib.http_in.openapi import EXAMPLE_IDS, describe
from minirag.lib.http_in.rest import on_loop, read_body_async
from minirag.lib.sse import encode_event, feed_events
from tenants.authentication import require_identity
from tenants.calls.permissions import require_right, require_role
from tenants.context import run_sync
from tenants.models import Right

_ASKED: dict[str, Any] = {
    "model": EXAMPLE_IDS["bot_profile_id"], "input": "When are you open?",
}  # fmt: skip


@describe(
    "Create a response", method="POST", body=NewResponse, answers={200: (ResponseReply, RESPONSE_STREAM)},
    description="OpenAI's Responses protocol: `model` is a bot's id or unique name, `input` the question.",
    errors={
        400: "No question that can be answered, or a broken request.",
        402: "The budget of the tenant, the bot or the API token is spent.",
        404: "No such model, or no such previous response of this token.",
        409: "`response_in_progress`: the previous response is still being made.",
        502: "The model provider failed.", 504: "The model provider took too long.",
    },
    examples={"answer": _ASKED, "stream": {**_ASKED, "stream": True}},
)  # fmt: skip
@on_loop("POST", Door(Proof.BEARER, text_body, asks=True))
async def responses(request: HttpRequest) -> HttpResponseBase:
    """Ask a bot on the event loop."""
    identity = require_identity(request)
    require_role(identity.user, Right.CHAT, "models")
    require_right(identity.token, Right.CHAT)
    body = await read_body_async(NewResponse, request)
    messages = body.messages
    end = split_exchange(messages, "input")
    said = [(each.role, str(each.content or "")) for each in messages]
    question, history = choose_question(said[:end], "input")
    exchange = show_exchange(messages[end:], [text for _, text in said[end:]])
    tooling = read_tooling(body.offer(exchange))
    # Of an item that a client sends back as it was answered, its ids and states are no news.
    unread = [name for name in ignored_of(request) if not name.startswith("input.")]
    ignored = list(dict.fromkeys([*body.unheard, *unread]))
    note_ignored(request, ignored)
    bound = identity.token.bot_profile_id if identity.token else None
    bot = await run_sync(find_model, body.model, bound)
    require_tools(bot, tooling)
    asker = asker_of(
        identity, body.groups, visitor_id=name_visitor(body.user),
        request_id=request.request_id, languages=Arrival.of_request(request).languages,  # type: ignore[attr-defined]
    )  # fmt: skip
    before, previous = Before(None, history), body.previous_response_id
    if previous:
        found = await run_sync(find_previous, previous, bot.pk, bot.history_turns, asker)
        before = Before(found.chat_id, [*found.history, *history])
    turn = await start_turn(
        bot.pk,
        before.chat_id,
        question,
        asker=asker,
        is_stream=bool(body.stream),
        tell=tell_event,
        history=before.history,
        source_filter=body.source_filter,
        tooling=tooling,
    )
    is_kept = body.store is not False
    writer = ResponseWriter(
        name_response(turn.turn_id, asker, is_kept=is_kept), turn.turn_id, str(bot.pk), ignored,
        {"store": is_kept, "metadata": body.metadata or {}, "user": body.user,
         "previous_response_id": previous, **body.echo(tooling)},
    )  # fmt: skip
    if not body.stream:
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


def _write_event(writer: ResponseWriter, number: int, event: TurnEvent) -> bytes:
    """Write OpenAI's Server-Sent Events; what fails midway ends in `response.failed`."""
    try:
        told = list(writer.write(event))
    except ProductError as error:
        told = [writer.fail(error)]
    return b"".join([encode_event(each, name=each["type"]) for each in told])
