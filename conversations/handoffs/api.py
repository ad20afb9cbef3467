"""`/v1/handoffs` and `/v1/bot-profiles/{id}/handoff-rules`."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from rest_framework.request import Request

from bots.profiles import find_bot
from conversations.audiences import open_chats
from conversations.handoffs.asking import call_person
from conversations.handoffs.changing import close, hand_back, join, release, say
from conversations.handoffs.reading import find_chat, find_handoff, list_handoffs
from conversations.handoffs.rules import find_rules, remove_rules, set_rules
from conversations.handoffs.schemas import (
    HandoffPageSchema,
    HandoffQuery,
    HandoffRulesSchema,
    HandoffSchema,
    Joining,
    NewHandoff,
    NewHandoffRules,
    PersonsAnswer,
    PersonsMessageSchema,
)
from conversations.models import Chat, Handoff, HandoffReason, HandoffRules, Message
from minirag.lib.http_in.openapi import EXAMPLE_IDS, describe
from minirag.lib.http_in.pagination import Page, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.authentication import require_identity
from tenants.calls.permissions import HasTenant, permit
from tenants.models import Right, User
from tenants.plans.holding import require_feature
from tenants.plans.models import Feature

_TAKEN = {
    409: "Another person is in it (`handoff_taken`), you have not joined it (`handoff_waiting`), or it is over "
    "(`handoff_closed`)."
}


class HandoffView(ApiView):
    """People answer with the rights of who owns the token."""

    permission_classes = (HasTenant, permit("the inbox"))

    def person(self, request: Request) -> User:
        return require_identity(request._request).user


class HandoffList(ApiView):
    permission_classes = (HasTenant, permit("chats", write=Right.CHAT))

    @describe(
        "List handoffs", query=HandoffQuery, answers={200: HandoffPageSchema},
        description="The newest first; `state=waiting` are those that somebody has to join.",
    )  # fmt: skip
    def get(self, request: Request, query: HandoffQuery) -> Page[Handoff]:
        found = list_handoffs(
            bot_profile_id=query.bot_profile_id, chat_id=query.chat_id, state=query.state
        )
        return paginate(found, query)

    @describe(
        "Ask for a person", body=NewHandoff, answers={201: HandoffSchema},
        description="In a chat; the handoff that it has already is answered.",
        errors={
            404: "No such chat in this tenant.",
            429: "The visitor waits in 3 other chats (`too_many_handoffs`).",
        },
        example={"chat_id": EXAMPLE_IDS["chat_id"]},
    )  # fmt: skip
    def post(self, request: Request, body: NewHandoff) -> Handoff:
        token = require_identity(request._request).token
        require_feature(Feature.HANDOFFS)
        chat = find_chat(open_chats(Chat.objects.all(), token), body.chat_id)
        with transaction.atomic():
            return call_person(chat, HandoffReason.PROGRAM)


class HandoffDetail(ApiView):
    permission_classes = (HasTenant, permit("chats"))

    @describe("Show a handoff", answers={200: HandoffSchema})
    def get(self, request: Request, handoff_id: UUID) -> Handoff:
        return find_handoff(handoff_id)


class HandoffJoining(HandoffView):
    @describe(
        "Join a chat", body=Joining, answers={200: HandoffSchema}, errors=_TAKEN, example={},
        description="From now on its bot is silent. The chat waits again after half an hour in which you neither "
        "write nor join once more.",
    )  # fmt: skip
    def post(self, request: Request, handoff_id: UUID, body: Joining) -> Handoff:
        return join(find_handoff(handoff_id), self.person(request), takes_over=body.takes_over)


class HandoffMessages(HandoffView):
    @describe(
        "Answer a visitor", body=PersonsAnswer, answers={201: PersonsMessageSchema}, errors=_TAKEN,
        example={"content": "I have looked it up: yes."},
    )  # fmt: skip
    def post(self, request: Request, handoff_id: UUID, body: PersonsAnswer) -> Message:
        return say(find_handoff(handoff_id), self.person(request), body.content)


class HandoffHandingBack(HandoffView):
    @describe(
        "Hand a chat back", answers={200: HandoffSchema}, errors=_TAKEN,
        description="Its bot answers again.",
    )  # fmt: skip
    def post(self, request: Request, handoff_id: UUID) -> Handoff:
        return hand_back(find_handoff(handoff_id), self.person(request))


class HandoffRelease(HandoffView):
    @describe(
        "Leave a chat to others", answers={200: HandoffSchema},
        description="It waits for a person again.",
    )  # fmt: skip
    def post(self, request: Request, handoff_id: UUID) -> Handoff:
        handoff = find_handoff(handoff_id)
        release(handoff, self.person(request))
        return handoff


class HandoffClosing(HandoffView):
    @describe("Close a handoff", answers={200: HandoffSchema}, errors=_TAKEN)
    def post(self, request: Request, handoff_id: UUID) -> Handoff:
        return close(find_handoff(handoff_id), self.person(request))


class HandoffRulesDetail(ApiView):
    permission_classes = (HasTenant, permit("bots"))

    @describe("Show a bot's handoff rules", answers={200: HandoffRulesSchema})
    def get(self, request: Request, bot_profile_id: UUID) -> HandoffRules:
        return find_rules(find_bot(bot_profile_id))

    @describe(
        "Give a bot handoff rules", body=NewHandoffRules, answers={200: HandoffRulesSchema},
        description="In place of those that it has.", example={"on_declined_twice": True},
    )  # fmt: skip
    def put(self, request: Request, bot_profile_id: UUID, body: NewHandoffRules) -> HandoffRules:
        return set_rules(find_bot(bot_profile_id), body.model_dump())

    @describe(
        "Remove a bot's handoff rules", answers={204: None},
        description="No visitor gets a person any more; those who wait or have one go on.",
    )  # fmt: skip
    def delete(self, request: Request, bot_profile_id: UUID) -> None:
        remove_rules(find_bot(bot_profile_id))
