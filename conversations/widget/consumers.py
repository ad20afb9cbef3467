"""`/ws/chat/`: the widget's channel. The first frame authenticates; then questions go in and turn events come out.

No credential stands in the URL, where proxies would log it. A socket serves one bot, and one turn at a time. Every
question checks the session, the tenant and the bot anew, so whatever was suspended meanwhile stops answering.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import aclosing, suppress
from typing import Annotated, Any, Literal
from uuid import UUID

import structlog
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from pydantic import Field

from conversations.models import Message, MessageRole
from conversations.turns.feedback import set_feedback
from conversations.turns.recording import Asker
from conversations.turns.serializers import render_event, render_stored_citation
from conversations.turns.taking import Done, Started, TurnEvent, take_turn
from conversations.widget.sessions import WidgetSession, open_session, require_open_page
from minirag.lib.bounds import AsColumn
from minirag.lib.errors import BadInput, Conflict, NotAuthenticated, NotFound, ProductError
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.rest import Body, InvalidFields, validate_fields
from minirag.lib.text.strict_json import InvalidJSON, UnstorableText, parse_json
from tenants.audit import acting
from tenants.call_limits import bounds_of_visitor
from tenants.context import run_sync, tenant_context
from tenants.middleware import HostUnknown, find_tenant

logger = structlog.get_logger(__name__)

AUTHENTICATE_WITHIN_SECONDS = 10.0
CLOSE_UNAUTHENTICATED, CLOSE_REFUSED = 4401, 4403
_MAX_FRAME = 200_000  # characters: a question of 32,000 may be escaped to six times that


class AuthenticateFrame(Body):
    session_token: Annotated[str, Field(max_length=4096)]
    chat_id: UUID | None = None


class QuestionFrame(Body):
    message: Annotated[str, Field(min_length=1, max_length=32_000)]
    request_id: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9._-]*$")] = ""


class FeedbackFrame(Body):
    message_id: UUID
    feedback: Literal["positive", "negative"] | None
    reason: Annotated[str, AsColumn(Message, "feedback_reason")] | None = None


def load_stopped_turn(chat_id: UUID | None, request_id: str) -> dict[str, Any]:
    """Return what a stopped turn left, as the data of a `done`; an empty answer if nothing had been said."""
    said = Message.objects.filter(
        request_id=request_id, role=MessageRole.ASSISTANT
    ).prefetch_related("citations")
    message = said.filter(chat_id=chat_id).last() if chat_id else None
    return {
        "message_id": str(message.pk) if message else None,
        "content": message.content if message else "",
        "citations": [render_stored_citation(citation) for citation in message.citations.all()]
        if message
        else [],
        "refusal": None,
        "cut_reason": None,
        "usage": None,
        "stopped": True,
    }


class ChatConsumer(AsyncJsonWebsocketConsumer):
    """One widget's socket."""

    session: WidgetSession | None = None
    session_token = ""
    chat_id: UUID | None = None
    turn: asyncio.Task[None] | None = None
    request_id = ""
    deadline: asyncio.TimerHandle | None = None

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Hand a message on without the base class's hop to close database connections.

        That hop goes through the one thread all sockets share, so one slow call would stall them all; ours are given
        back by `run_sync`.
        """
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        await self.disconnect(message["code"])
        raise StopConsumer

    async def connect(self) -> None:
        await self.accept()
        loop = asyncio.get_running_loop()
        self.deadline = loop.call_later(
            AUTHENTICATE_WITHIN_SECONDS,
            lambda: asyncio.ensure_future(self.close(CLOSE_UNAUTHENTICATED)),
        )

    async def disconnect(self, code: int) -> None:
        if self.deadline:
            self.deadline.cancel()
        await self._stop_turn()

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any
    ) -> None:
        request_id = ""
        try:
            frame = self._read_frame(text_data)
            request_id = frame["request_id"] if isinstance(frame.get("request_id"), str) else ""
            await self._dispatch_frame(frame)
        except ProductError as error:
            await self._send_error(error, request_id)
            if isinstance(error, NotAuthenticated):
                await self.close(CLOSE_UNAUTHENTICATED)
        except Exception:  # the edge: the socket stays usable, the log has the rest
            logger.exception("frame failed")
            await self._send_error(
                ProductError("Something went wrong on our side.", retryable=True), request_id
            )

    def _read_frame(self, text: str | None) -> dict[str, Any]:
        if text is None or len(text) > _MAX_FRAME:
            raise BadInput("A frame is a JSON object in text.", code="frame_invalid")
        try:
            frame = parse_json(text.encode())
        except (InvalidJSON, UnstorableText, UnicodeEncodeError):
            raise BadInput("A frame is a JSON object in text.", code="frame_invalid") from None
        if not isinstance(frame, dict):
            raise BadInput("A frame is a JSON object in text.", code="frame_invalid")
        return frame

    async def _dispatch_frame(self, frame: dict[str, Any]) -> None:
        handlers = {
            "question": self._ask,
            "stop": self._stop,
            "feedback": self._give_feedback,
            "reset": self._reset,
        }
        if frame.get("type") == "authenticate":
            return await self._authenticate(frame)
        if self.session is None:
            raise NotAuthenticated("Authenticate first.")
        handler = handlers.get(frame.get("type"))  # type: ignore[arg-type]
        if handler is None:
            raise BadInput("Unknown frame type.", code="frame_unknown")
        return await handler(frame)

    async def _authenticate(self, frame: dict[str, Any]) -> None:
        body = validate_fields(AuthenticateFrame, frame, where="body")
        if self.turn is not None and not self.turn.done():
            raise Conflict("An answer is still being written.", code="busy")
        session = await self._open_session(body.session_token)
        if self.session is not None and self.session.bot_profile_id != session.bot_profile_id:
            raise NotAuthenticated("This socket serves another bot.", code="session_invalid")
        self.session = session
        self.session_token, self.chat_id = body.session_token, body.chat_id
        if self.deadline:
            self.deadline.cancel()
        await self.send_json(
            {"type": "authenticated", "chat_id": str(self.chat_id) if self.chat_id else None}
        )

    async def _open_session(self, token: str) -> WidgetSession:
        """Check the token, the page it is used from, and that it leads to the tenant of this path or host."""
        arrival = Arrival.of_scope(self.scope)

        def check() -> WidgetSession:
            session = open_session(token, arrival.origin)
            try:
                found = find_tenant(arrival, wants_bearer=False)
            except HostUnknown:
                found = None
            if found is None or (found.tenant is not None and found.tenant.pk != session.tenant.pk):
                raise NotAuthenticated("This session is not valid.", code="session_invalid")
            with tenant_context(session.tenant):
                require_open_page(session, arrival.own_origin)
            return session

        with tenant_context(None):
            return await run_sync(check)

    async def _ask(self, frame: dict[str, Any]) -> None:
        body = validate_fields(QuestionFrame, frame, where="body")
        if self.turn is not None and not self.turn.done():
            raise Conflict("An answer is still being written.", code="busy")
        session = await self._open_session(self.session_token)
        await bounds_of_visitor(
            session.tenant, session.visitor_id, Arrival.of_scope(self.scope).address
        ).count_async()
        with tenant_context(session.tenant):  # the task copies the context
            self.turn = asyncio.create_task(self._run_turn(session, body))

    async def _run_turn(self, session: WidgetSession, body: QuestionFrame) -> None:
        request_id = self.request_id = body.request_id or uuid.uuid4().hex
        structlog.contextvars.bind_contextvars(request_id=request_id)  # of this task alone
        asker = Asker(
            visitor_id=session.visitor_id,
            origin=session.origin,
            request_id=request_id,
            token_id=session.token_family,
        )
        try:
            events = take_turn(
                session.bot_profile_id, self.chat_id, body.message, asker=asker, is_stream=True
            )
            async with aclosing(events):
                async for event in events:
                    self.chat_id = getattr(event, "chat_id", self.chat_id)
                    if isinstance(event, Done):
                        self.turn = None  # stored: the next question may come as soon as the reader sees this
                    if not isinstance(event, Started):
                        await self._send_event(event, request_id)
        except ProductError as error:
            await self._send_error(error, request_id)
        except Exception:  # the edge of a task that nobody awaits
            logger.exception("turn failed")
            await self._send_error(
                ProductError("Something went wrong on our side.", retryable=True), request_id
            )

    async def _send_event(self, event: TurnEvent, request_id: str) -> None:
        """Every frame of a turn names its request and its chat: a reader may have gone on to another already."""
        name, data = render_event(event, extended=True, request_id=request_id)
        await self.send_json(
            {"type": name, "chat_id": str(self.chat_id), "request_id": request_id, **data}
        )

    async def _stop(self, frame: dict[str, Any]) -> None:
        """End the running turn; what was said until then is stored and closed with an ordinary `done`."""
        request_id = self.request_id
        if not await self._stop_turn() or self.session is None:
            return
        chat_id = self.chat_id
        with tenant_context(self.session.tenant):
            done = await run_sync(load_stopped_turn, chat_id, request_id)
        await self.send_json(
            {"type": "done", "request_id": request_id, "chat_id": chat_id and str(chat_id), **done}
        )

    async def _stop_turn(self) -> bool:
        """Cancel the running turn, if there is one, and wait until its end is stored."""
        turn, self.turn = self.turn, None
        if turn is None or turn.done():
            return False
        turn.cancel()
        with suppress(asyncio.CancelledError):
            await turn
        return True

    async def _reset(self, frame: dict[str, Any]) -> None:
        await self._stop_turn()
        self.chat_id = None
        await self.send_json({"type": "reset_done"})

    async def _give_feedback(self, frame: dict[str, Any]) -> None:
        body = validate_fields(FeedbackFrame, frame, where="body")
        session = await self._open_session(self.session_token)

        def save() -> None:
            own = Message.objects.filter(
                chat__visitor_id=session.visitor_id, chat__bot_profile_id=session.bot_profile_id
            )
            message = own.filter(pk=body.message_id).first()
            if message is None:
                raise NotFound("Message not found")
            set_feedback(message, body.feedback, body.reason)

        with tenant_context(session.tenant), acting("visitor"):
            await run_sync(save)
        await self.send_json(
            {
                "type": "feedback_saved",
                "message_id": str(body.message_id),
                "feedback": body.feedback,
            }
        )

    async def _send_error(self, error: ProductError, request_id: str) -> None:
        detail = (
            "The frame has invalid fields." if isinstance(error, InvalidFields) else error.detail
        )
        await self.send_json(
            {
                "type": "error",
                "detail": detail,
                "code": error.code,
                "retryable": error.retryable,
                "request_id": request_id,
            }
        )
