"""What a widget's socket has of people: `CompanyConsumer`, base of its consumer.

A visitor asks for a person, leaves a message, types; they hear who joined, what people say, and that they type.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from conversations.handoffs.listening import ChatListener
from conversations.handoffs.telling import group_of_chat
from conversations.handoffs.visiting import (
    Company,
    ask_for_person,
    begin_anew,
    is_with_company,
    look_at_company,
    want_no_person,
    write_to_people,
)
from conversations.models import HandoffEnd, HandoffState
from conversations.widget.schemas import (
    CompanySchema,
    FrameSchema,
    LeftMessageFrame,
    SaidSchema,
    TypingSchema,
)
from conversations.widget.sessions import WidgetSession, require_served
from minirag.lib.errors import NotAuthenticated, ProductError
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.rest import validate_fields
from tenants.calls.limits import bounds_of_visitor
from tenants.context import run_sync, tenant_context
from tenants.platform.maintenance import require_no_maintenance


class CompanyConsumer(ChatListener):
    """A widget's socket, as far as people are concerned."""

    session: WidgetSession | None = None
    session_token = ""
    chat_id: UUID | None = None
    language = ""
    _company: Company | None = None
    _heard: frozenset[UUID] = frozenset()

    @property
    def person_handlers(self) -> Mapping[str, Callable[[dict[str, Any]], Awaitable[None]]]:
        handlers = {
            "person": self._ask_for_person,
            "person_message": self._leave_message,
            "person_withdraw": self._want_no_person,
            "typing": self._type,
        }
        return handlers  # noqa: RET504 - tests/test_docs.py reads it by this name

    @abstractmethod
    async def open_session(self, token: str) -> WidgetSession:
        """Check the token once more."""

    @abstractmethod
    async def end_session(self, error: ProductError) -> None:
        """Say why the socket ends, and close it."""

    async def open_session_to_write(self, token: str) -> WidgetSession:
        """The same for what changes something. Raises Maintenance."""
        session = await self.open_session(token)
        require_no_maintenance(session.tenant)
        return session

    async def tell(self, frame: FrameSchema) -> None:
        await self.send_json(frame.model_dump(mode="json"))

    # --- What the visitor hears ---
    async def follow_chat(self, *, looks: bool = True) -> None:
        """Hear of people in the chat that the socket is in now; a chat that has just begun has none yet."""
        session = self.session
        self._company = None  # what was known is of the chat before, and not for this one
        if session is None or self.chat_id is None:
            await self.listen_to()
            return
        with tenant_context(session.tenant):
            await self.listen_to(group_of_chat(self.chat_id))
        if looks:
            await self.look_safely()

    async def look(self) -> None:
        session, chat_id = self.session, self.chat_id
        if session is None or chat_id is None:
            return
        if is_with_company(self._company) and not await self._is_still_served(session):
            return
        with tenant_context(session.tenant):
            company = await run_sync(look_at_company, session, chat_id)
        if company is None and self._company is not None:  # the chat was deleted
            company = replace(
                self._company, state=HandoffState.CLOSED, ended_as=HandoffEnd.CLOSED, said=()
            )
        if chat_id != self.chat_id or company is None:
            return
        is_news = self._stands(self._company) != self._stands(company)
        was_open, self._company = is_with_company(self._company), company
        if is_news and (was_open or is_with_company(company)):
            shown = CompanySchema.model_validate(
                {
                    "chat_id": chat_id, "state": company.state, "reason": company.reason, "person": company.person,
                    "ended_as": company.ended_as,
                }
            )  # fmt: skip
            await self.tell(shown)
        for message in company.said:
            if message.pk not in self._heard:
                self._heard |= {message.pk}
                await self.tell(SaidSchema.model_validate({"chat_id": chat_id, "message": message}))

    async def _is_still_served(self, session: WidgetSession) -> bool:
        """Whether somebody who only listens may go on; where the bot is off, or is not for their page, that ends."""
        own_origin = Arrival.of_scope(self.scope).own_origin
        try:
            await run_sync(require_served, session, own_origin)
        except NotAuthenticated as error:
            self._company = None
            await self.end_session(error)
            return False
        return True

    def keeps_looking(self) -> bool:
        return is_with_company(self._company)

    def _stands(self, company: Company | None) -> tuple[str, str] | None:
        return (company.state, company.person) if company else None

    async def hear_typing(self, message: dict[str, Any]) -> None:
        if message.get("by") == "person" and is_with_company(self._company):
            await self.tell(TypingSchema(person=message.get("name") or None))

    # --- What the visitor does ---
    async def _count(self) -> None:
        assert self.session is not None  # noqa: S101 - for the type checker
        address = Arrival.of_scope(self.scope).address
        await bounds_of_visitor(self.session.tenant, self.session.visitor_id, address).count_async()

    async def _ask_for_person(self, frame: dict[str, Any]) -> None:
        await self._count()
        session = await self.open_session_to_write(self.session_token)
        with tenant_context(session.tenant):
            self.chat_id = await run_sync(ask_for_person, session, self.chat_id, self.language)
        await self.follow_chat()  # who asks is answered, whether or not it is news

    async def _leave_message(self, frame: dict[str, Any]) -> None:
        body = validate_fields(LeftMessageFrame, frame, where="body")
        await self._count()
        session = await self.open_session_to_write(self.session_token)

        def store() -> UUID:
            return write_to_people(
                session, self.chat_id, body.message, contact=body.contact, name=body.name,
                language=self.language, request_id=body.request_id,
            )  # fmt: skip

        with tenant_context(session.tenant):
            self.chat_id = await run_sync(store)
        await self.follow_chat()

    async def _want_no_person(self, frame: dict[str, Any]) -> None:
        session = await self.open_session_to_write(self.session_token)
        if self.chat_id is None:
            return
        with tenant_context(session.tenant):
            await run_sync(want_no_person, session, self.chat_id)
        await self.look_safely()

    async def leave_people(self) -> None:
        """The visitor begins a new conversation."""
        session, chat_id, company = self.session, self.chat_id, self._company
        if session is None or chat_id is None or not is_with_company(company):
            return
        with tenant_context(session.tenant):
            await run_sync(begin_anew, session, chat_id, company)

    async def _type(self, frame: dict[str, Any]) -> None:
        """Told only to a person who is there; what is typed stays with the visitor."""
        session = self.session
        company = self._company
        if session is None or self.chat_id is None or company is None:
            return
        if company.state == HandoffState.JOINED:
            with tenant_context(session.tenant):
                await self.tell_typing(group_of_chat(self.chat_id), by="visitor")
