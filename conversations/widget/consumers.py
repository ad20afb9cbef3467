"""`/ws/chat/`: the widget's channel. The first frame authenticates; then questions go in and turn events come out.

No credential is in the URL, where proxies would log it. A socket serves one bot, and one turn at a time. Every
question checks the session, the tenant and the bot again, so whatever was suspended in the meantime stops answering.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine
from contextlib import aclosing, suppress
from contextvars import copy_context
from typing import Any

import structlog

from bots.models import SourceFilter
from conversations.annotating.feedback import set_feedback
from conversations.following.journal import LAST_EVENTS
from conversations.following.running import Turn, find_turn
from conversations.history.consumers import HistoryConsumer, find_own_chats
from conversations.models import Message
from conversations.trying.consumers import TRIAL, TRIED_FRAMES, TryingSocket
from conversations.turns.schemas import tell_event
from conversations.turns.state import Asker
from conversations.widget.asked import ask_once, wait_for_question
from conversations.widget.schemas import (
    LONGEST_FRAME,
    AuthenticatedSchema,
    AuthenticateFrame,
    ErrorFrameSchema,
    FeedbackFrame,
    FeedbackSavedSchema,
    QuestionFrame,
    ResetDoneSchema,
    ResumeFrame,
    StopFrame,
)
from conversations.widget.sessions import WidgetSession, open_on_page
from minirag.lib.errors import (
    BadInput,
    Conflict,
    NotAuthenticated,
    NotFound,
    ProductError,
    TooManyRequests,
)
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.rest import validate_fields
from minirag.lib.open_sockets import (
    CLOSE_RESTARTING,
    CLOSE_TOO_MANY,
    CLOSE_UNAUTHENTICATED,
    read_frame,
)
from minirag.lib.starting.readiness import is_leaving
from tenants.audit import acting
from tenants.calls.limits import Bounds, bounds_of_frame, bounds_of_visitor
from tenants.context import run_sync, tenant_context

logger = structlog.get_logger(__name__)

STOP_WITHIN_SECONDS = 5.0  # of a turn in another process
MOST_REFUSALS = 10  # for being too many, one after the other
CLOSE_REFUSED = 4403


class ChatConsumer(HistoryConsumer, TryingSocket):
    """One widget's socket."""

    turn: asyncio.Task[Turn] | None = None  # the one that is read, once it is found
    reader: asyncio.Task[None] | None = None
    read_id = ""  # the request of that turn
    is_closed = False
    source_filter: SourceFilter | None = None  # of the page
    refusals = 0

    async def disconnect(self, code: int) -> None:
        """Leave the turn, which goes on: a connection that breaks is not a request to stop."""
        if self.reader:
            self.reader.cancel()
        await self.stop_listening()
        await super().disconnect(code)

    @property
    def is_busy(self) -> bool:
        return self.reader is not None and not self.reader.done()

    def leave_when_idle(self) -> None:
        """Close the socket of a process that stops, unless a turn is read; that closes it at its end."""
        if not self.is_busy:
            super().leave_when_idle()

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any
    ) -> None:
        request_id = ""
        if self.is_closed:  # frames right after it are not looked at
            return
        try:
            await self._bounds_of_frame().count_async()
            frame = read_frame(text_data, longest=LONGEST_FRAME)
            request_id = frame["request_id"] if isinstance(frame.get("request_id"), str) else ""
            await self._dispatch_frame(frame)
            self.refusals = 0
        except ProductError as error:
            await self.send_error(error, request_id)
            self.refusals += isinstance(error, TooManyRequests)
            if self.refusals > MOST_REFUSALS:  # to refuse costs as well
                self.is_closed = True
                await self.close(CLOSE_TOO_MANY)
            elif isinstance(error, NotAuthenticated) or (
                self.session is None and not error.retryable
            ):
                self.is_closed = True
                await self.close(CLOSE_UNAUTHENTICATED)
        except Exception:  # the edge: the socket stays usable, the log has the rest
            logger.exception("frame failed")
            await self.send_error(
                ProductError("Something went wrong on our side.", retryable=True), request_id
            )

    def _bounds_of_frame(self) -> Bounds:
        address = Arrival.of_scope(self.scope).address
        if self.session is None:
            return bounds_of_frame(None, "", address)
        return bounds_of_frame(self.session.tenant, self.session.visitor_id, address)

    async def _dispatch_frame(self, frame: dict[str, Any]) -> None:
        handlers = {
            "question": self._ask,
            "resume": self._resume,
            "stop": self._stop,
            "feedback": self._give_feedback,
            "reset": self._reset,
            **self.chat_handlers,
            **self.person_handlers,
        }
        if frame.get("type") == "authenticate":
            return await self._authenticate(frame)
        if self.session is None:
            raise NotAuthenticated("Authenticate first.")
        kind = frame.get("type")
        handler = handlers.get(kind) if isinstance(kind, str) else None
        if handler is None or (self.session.trial and kind not in TRIED_FRAMES):
            raise BadInput("Unknown frame type.", code="frame_unknown")
        return await handler(frame)

    async def _authenticate(self, frame: dict[str, Any]) -> None:
        body = validate_fields(AuthenticateFrame, frame, where="body")
        self._require_idle()
        session = await self.open_session(body.session_token)
        if self.session is not None and self.session.bot_profile_id != session.bot_profile_id:
            raise NotAuthenticated("This socket serves another bot.", code="session_invalid")
        self.session = session
        self.session_token, self.chat_id = body.session_token, body.chat_id
        self.language, self.source_filter = body.language, body.source_filter
        self.keep_open()
        await self.tell(AuthenticatedSchema(chat_id=self.chat_id))
        await self.follow_chat()

    async def open_session(self, token: str) -> WidgetSession:
        """Check the token, the page it is used from, and that it leads to the tenant of this path or host."""
        with tenant_context(None):
            return await run_sync(open_on_page, token, Arrival.of_scope(self.scope), self.session)

    async def _ask(self, frame: dict[str, Any]) -> None:
        body = validate_fields(QuestionFrame, frame, where="body")
        self._require_idle()
        assert self.session is not None  # noqa: S101 - for the type checker
        await bounds_of_visitor(  # first, since the next step reads the database
            self.session.tenant, self.session.visitor_id, Arrival.of_scope(self.scope).address
        ).count_async()
        session = await self.open_session(self.session_token)
        request_id = body.request_id or uuid.uuid4().hex
        if session.trial:
            trying = self.try_question(
                session.trial, session.bot_profile_id, request_id, body.message
            )
            with tenant_context(session.tenant):  # the task copies the context
                self.reader = asyncio.create_task(trying, name=TRIAL, context=copy_context())
            return
        asker = Asker(
            visitor_id=session.visitor_id,
            origin=session.origin,
            request_id=request_id,
            token_id=session.token_family,
            audience=session.audience,
            subject=session.subject,
            asks_on=True,
            languages=(self.language, *Arrival.of_scope(self.scope).languages),
        )

        turn = ask_once(
            session,
            self.chat_id,
            body.message,
            asker,
            given_id=body.request_id,
            source_filter=self.source_filter,
            follow=self._follow,
            tell=tell_event,
        )
        self._begin_to_read(session, request_id, turn)

    async def _resume(self, frame: dict[str, Any]) -> None:
        """Read a turn that this visitor asked for, here or elsewhere, after an event that they have."""
        body = validate_fields(ResumeFrame, frame, where="body")
        self._require_idle()
        session = await self.open_session(self.session_token)

        async def find() -> Turn:
            question = await wait_for_question(session, body.request_id)
            return await self._follow(question, after=body.after)

        self._begin_to_read(session, body.request_id, find(), after=body.after)

    async def _follow(self, question: Message, after: int = 0) -> Turn:
        if self.chat_id != question.chat_id:
            self.chat_id = question.chat_id
            await self.follow_chat()
        turn = find_turn(question)
        await turn.require_events(after)
        return turn

    def _require_idle(self) -> None:
        if self.is_busy:
            raise Conflict("An answer is still being written.", code="busy")

    def _begin_to_read(
        self,
        session: WidgetSession,
        request_id: str,
        turn: Coroutine[Any, Any, Turn],
        after: int = 0,
    ) -> None:
        with tenant_context(session.tenant):  # the tasks copy the context
            context = copy_context()
        context.run(structlog.contextvars.bind_contextvars, request_id=request_id)
        self.read_id = request_id
        self.turn = asyncio.get_running_loop().create_task(turn, context=context)
        # Where the reader has gone before it began, nobody asks what it failed with.
        self.turn.add_done_callback(lambda done: done.cancelled() or done.exception())
        reading = self._read_turn(self.turn, request_id, after)
        self.reader = asyncio.get_running_loop().create_task(reading, context=context)

    async def _read_turn(self, turn: asyncio.Task[Turn], request_id: str, after: int) -> None:
        """Send the events of a turn as they come. Every frame names its request, its chat and its number."""
        try:
            found = await asyncio.shield(turn)  # who is left while it begins goes on as well
            if (chat_id := getattr(found, "chat_id", self.chat_id)) != self.chat_id:
                self.chat_id = chat_id
                await self.follow_chat(looks=False)
            async with aclosing(found.tell(after)) as told:
                async for number, name, data in told:
                    if name in LAST_EVENTS:
                        self.reader = None  # stored: the next question may follow on this
                    ids = {"chat_id": str(self.chat_id), "request_id": request_id}
                    await self.send_json({"type": name, "number": number, **ids, **data})
                    await asyncio.sleep(
                        0
                    )  # the server writes; see `Socket` in `minirag.serving.daphne`
        except ProductError as error:
            await self.send_error(error, request_id)
        except Exception:  # the edge of a task that nobody awaits
            logger.exception("turn failed")
            await self.send_error(
                ProductError("Something went wrong on our side.", retryable=True), request_id
            )
        if is_leaving():
            await self.close(CLOSE_RESTARTING)

    async def _stop(self, frame: dict[str, Any]) -> None:
        """End the running turn; what was said until then is stored, and its reader sends it with an ordinary `done`."""
        body = validate_fields(StopFrame, frame, where="body")
        reader = self.reader
        if await self.forget_trial():
            return
        if body.request_id and body.request_id != self.read_id:
            assert self.session is not None  # noqa: S101 - for the type checker
            with tenant_context(self.session.tenant):
                question = await wait_for_question(self.session, body.request_id)
                await find_turn(question).stop()
            return
        if not self.is_busy or self.turn is None or reader is None:
            return
        with suppress(ProductError):  # the reader sends that
            await (await asyncio.shield(self.turn)).stop()
        await asyncio.wait({reader}, timeout=STOP_WITHIN_SECONDS)

    async def _stop_silently(self) -> None:
        """Have the running turn stopped, if there is one, and wait until its end is stored."""
        if await self.forget_trial():
            return
        if not self.is_busy or self.turn is None or self.reader is None:
            return
        self.reader.cancel()
        with suppress(ProductError):
            await (await asyncio.shield(self.turn)).stop()

    async def _reset(self, frame: dict[str, Any]) -> None:
        await self._stop_silently()
        await self.leave_people()
        self.chat_id = None
        self.tried.clear()
        await self.follow_chat()
        await self.tell(ResetDoneSchema())

    async def _give_feedback(self, frame: dict[str, Any]) -> None:
        body = validate_fields(FeedbackFrame, frame, where="body")
        session = await self.open_session_to_write(self.session_token)

        def save() -> None:
            own = Message.objects.filter(chat__in=find_own_chats(session).order_by())
            message = own.filter(pk=body.message_id).first()
            if message is None:
                raise NotFound("Message not found")
            set_feedback(message, body.feedback, body.reason)

        with tenant_context(session.tenant), acting("visitor"):
            await run_sync(save)
        await self.tell(FeedbackSavedSchema(message_id=body.message_id, feedback=body.feedback))

    async def end_session(self, error: ProductError) -> None:
        await self.send_error(error, "")
        self.is_closed = True
        await self.close(CLOSE_UNAUTHENTICATED)

    async def send_error(self, error: ProductError, request_id: str) -> None:
        await self.tell(ErrorFrameSchema.of(error, request_id))
