"""`/v1/turns/{id}`: come back to a turn, to read its events from any number on, or to have it stopped.

A turn goes on when its reader has gone. Who may read the tenant's chats may follow every turn; a token that may only
ask follows those in the chats that its own user began.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from pydantic import Field

from conversations.audiences import open_chats
from conversations.following.feeding import TurnFeed, Write
from conversations.following.journal import MOST_EVENTS, Told
from conversations.following.running import Turn, TurnRun, find_turn
from conversations.models import Chat, Message, MessageRole
from conversations.turns.events import Delta, TurnEvent
from conversations.turns.schemas import (
    EVENT_STREAM,
    TurnOutcomeSchema,
    cut_to_contract,
    tell_error,
)
from minirag.lib.errors import BadInput, Forbidden, NotFound, ProductError
from minirag.lib.http_in.doors import API_DOOR
from minirag.lib.http_in.ignored import note_ignored, tell_ignored
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.reading import spot_body
from minirag.lib.http_in.rest import (
    Body,
    on_loop,
    parse_uuid,
    read_query,
)
from minirag.lib.sse import encode_event, encode_text, feed_events, stream_events
from tenants.authentication import Identity, require_identity
from tenants.calls.permissions import require_right, require_role
from tenants.context import run_sync
from tenants.models import Right


class EventsQuery(Body):
    after: Annotated[int, Field(ge=0, le=MOST_EVENTS)] = 0
    extended: bool = False


_UNKNOWN = {404: "No such turn in this tenant, or none that this token may follow."}


@describe(
    "Read a turn's events", method="GET", query=EventsQuery, answers={200: EVENT_STREAM},
    description="From behind `Last-Event-ID` or `after` on, those that are still to come as well.",
    errors={**_UNKNOWN, 410: "The events are not kept any longer.", 503: "The events cannot be read at the moment."},
)  # fmt: skip
@on_loop("GET", API_DOOR)
async def turn_events(request: HttpRequest, turn_id: str) -> HttpResponseBase:
    """Follow a turn on the event loop, here or in the process that takes it."""
    query = read_query(EventsQuery, request)
    note_ignored(request, (name for name in request.GET if name not in EventsQuery.model_fields))
    after = read_last_number(request.META.get("HTTP_LAST_EVENT_ID"), query.after)
    question = await run_sync(find_question, require_identity(request), turn_id)
    turn = find_turn(question)
    await turn.require_events(after)
    response = stream_turn(
        turn, after, extended=query.extended, numbered=True, request_id=question.request_id
    )
    tell_ignored(request, response)
    return response


@describe(
    "Stop a turn", method="POST", answers={202: TurnOutcomeSchema}, errors=_UNKNOWN,
    description="What was said until then is stored. A turn that is over stays as it is.",
)  # fmt: skip
@on_loop("POST", API_DOOR)
async def turn_stop(request: HttpRequest, turn_id: str) -> HttpResponseBase:
    """Stop a turn of this process before answering, one of another within a second."""
    identity = require_identity(request)
    require_role(identity.user, Right.CHAT, "chats")
    require_right(identity.token, Right.CHAT)
    question = await run_sync(find_question, identity, turn_id)
    note_ignored(request, [*request.GET, *spot_body(request)])
    await find_turn(question).stop()
    await run_sync(question.refresh_from_db)
    answer = TurnOutcomeSchema.model_validate(question)
    response = JsonResponse(answer.model_dump(mode="json"), status=202)
    tell_ignored(request, response)
    return response


def read_last_number(header: str | None, otherwise: int) -> int:
    """Read `Last-Event-ID`, which a browser's EventSource sends by itself. Raises BadInput."""
    if header is None:
        return otherwise
    header = header.rpartition(":")[2]
    if not header.isascii() or not header.isdigit() or int(header[:9]) > MOST_EVENTS:
        raise BadInput("Last-Event-ID must be the number of an event.")
    return int(header[:9])


async def find_repeated(
    request: HttpRequest, bot_profile_id: UUID, asked: str
) -> tuple[Turn, str, int] | None:
    """Return the turn that a repeated request goes on with, its request id, and behind which event; None for a new one.

    A client whose stream broke sends the same again with `Last-Event-ID`: `turn:number`, or a number beside
    `X-Turn-ID`. Raises BadInput, NotFound for another question's turn, and what KeptTurn raises.
    """
    last = request.META.get("HTTP_LAST_EVENT_ID")
    if last is None:
        return None
    named, _, number = last.rpartition(":")
    turn_id = named or request.META.get("HTTP_X_TURN_ID", "")
    if not turn_id:
        raise BadInput("Last-Event-ID needs X-Turn-ID beside it: the turn to go on with.")
    after = read_last_number(number, 0)

    def find() -> Message:
        question = find_question(require_identity(request), turn_id)
        if (question.chat.bot_profile_id, question.content) != (bot_profile_id, asked):
            raise NotFound("Turn not found")
        return question

    question = await run_sync(find)
    turn = find_turn(question)
    await turn.require_events(after)
    return turn, question.request_id, after


def find_question(identity: Identity, turn_id: str) -> Message:
    """Return the question of a turn that the caller may follow. Raises NotFound, or Forbidden for a useless token."""
    token = identity.token
    questions = Message.objects.filter(role=MessageRole.USER, pk=parse_uuid(turn_id, "turn_id"))
    if token is not None and token.bot_profile_id:
        questions = questions.filter(chat__bot_profile_id=token.bot_profile_id)
    require_role(identity.user, Right.READ, "chats")
    try:
        require_right(token, Right.READ)
    except Forbidden:
        require_right(token, Right.CHAT)
        questions = questions.filter(chat__user_id=identity.user.pk)
    question = questions.filter(chat__in=open_chats(Chat.objects.order_by(), token)).first()
    if question is None:
        raise NotFound("Turn not found")
    return question


def stream_turn(
    turn: Turn, after: int, *, extended: bool, numbered: bool, request_id: str
) -> HttpResponseBase:
    """Answer with a turn's events behind number `after`: those of the contract, with what it lacks, or with numbers."""
    named = {"X_Turn_ID": str(turn.turn_id)}
    if isinstance(turn, TurnRun):
        write = _write_for(turn, extended=extended, numbered=numbered)
        return feed_events(TurnFeed(turn, write, after), **named)
    events = write_events(
        turn.tell(after), extended=extended, numbered=numbered, request_id=request_id
    )
    return stream_events(events, **named)


def _write_for(turn: TurnRun, *, extended: bool, numbered: bool) -> Write:
    """How `write_events` writes, of a turn of this process."""

    def write(number: int, event: TurnEvent) -> bytes:
        shown = number if numbered else None
        if isinstance(event, Delta):
            return encode_text("content", event.content, name="delta", number=shown)
        name, data = turn.render(event)
        data = data if extended else cut_to_contract(name, data)
        return encode_event(data, name=name, number=shown)

    return write


async def write_events(
    told: AsyncGenerator[Told, None],
    *,
    extended: bool,
    numbered: bool,
    request_id: str,
) -> AsyncIterator[bytes]:
    """Write a turn as Server-Sent Events: those of the contract, with what it lacks, or with their numbers."""

    try:
        async with aclosing(told):
            async for number, name, data in told:
                shown = data if extended else cut_to_contract(name, data)
                yield encode_event(shown, name=name, number=number if numbered else None)
    except (
        ProductError
    ) as error:  # the turn's process died, or what it told cannot be read any more
        yield encode_event(tell_error(error, request_id), name="error")
