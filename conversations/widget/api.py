"""`/v1/widget/sessions`: what a page's widget asks for before it opens its socket. No token, only the bot's id."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from rest_framework.request import Request

from bots.appearance.looks import read_appearance
from bots.models import BotProfile
from conversations.handoffs.rules import describe_company
from conversations.models import Chat, leave_out_retried
from conversations.widget.identities import read_identity
from conversations.widget.schemas import AppearanceSchema, SessionBody, WidgetSessionSchema
from conversations.widget.sessions import (
    find_tenant_of_bot,
    issue_session,
    read_origin,
    require_embedding_token,
    require_origin,
)
from knowledge.models import Audience
from minirag.lib.errors import Forbidden, NotFound, ProductError
from minirag.lib.http_in.answering import Returned
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.doors import Door
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import EXAMPLE_IDS, describe
from minirag.lib.http_in.rest import OpenView, client_address, read_body
from minirag.lib.security.limits import limit_headers
from tenants.authentication import authenticate_bearer
from tenants.calls.limits import bounds_of_look, bounds_of_session
from tenants.context import tenant_context
from tenants.models import Tenant

_HISTORY_LENGTH = 100


_LOOK_SECONDS = 300


class WidgetAppearance(OpenView):
    door = Door(any_origin=True)

    @describe(
        "Show how a widget looks", answers={200: AppearanceSchema},
        description="Nothing secret, and for any page. Browsers and caches keep it for five minutes.",
        errors={404: "No such active bot."},
    )  # fmt: skip
    def get(self, request: Request, bot_profile_id: UUID) -> Returned:
        bounds_of_look(client_address(request)).count()
        tenant = find_tenant_of_bot(bot_profile_id)
        bound = getattr(request._request, "tenant", None)
        if bound is not None and bound.pk != tenant.pk:
            raise NotFound("Bot profile not found or inactive")
        with tenant_context(tenant):
            bot = BotProfile.objects.active().only("appearance").filter(pk=bot_profile_id).first()
            if bot is None:
                raise NotFound("Bot profile not found or inactive")
            look = read_appearance(bot.appearance)
        # A page that talks to the platform's host finds the tenant below its path.
        by = getattr(request._request, "tenant_by", None)
        prefix = "/" if by == "host" else f"/t/{tenant.slug}/"
        logo = f"{prefix}branding/logo?v={tenant.logo_hash}"
        shown = Joined(look, logo_url=logo if look.shows_logo and tenant.logo_hash else "")
        return Returned(shown, headers={"Cache-Control": f"public, max-age={_LOOK_SECONDS}"})


class WidgetSessions(OpenView):
    door = Door(any_origin=True)

    @describe(
        "Open a widget session", body=SessionBody, answers={201: WidgetSessionSchema},
        description="For pages that the bot allows, told by their `Origin`. Limited per address.",
        errors={
            401: "The embedding token is unknown, revoked, or for another bot; or the signed identity is not right.",
            403: "The page is not among the bot's `allowed_origins`.",
            404: "No such active bot.",
            429: "Too many sessions from this address.",
        },
        example={"bot_profile_id": EXAMPLE_IDS["bot_profile_id"], "visitor_id": "visitor-0001"},
    )  # fmt: skip
    def post(self, request: Request) -> Returned:
        address = client_address(request)
        try:
            body = read_body(SessionBody, request)
            tenant = self._find_tenant(request._request, body.bot_profile_id)
        except ProductError:
            bounds_of_session(address, None).count()  # or bots could be guessed without end
            raise
        state = bounds_of_session(address, tenant).count()
        with tenant_context(tenant):
            opened = self._open(request._request, body)
        return Returned(opened, headers=dict(limit_headers(state)))

    def _find_tenant(self, request: HttpRequest, bot_profile_id: UUID) -> Tenant:
        tenant = find_tenant_of_bot(bot_profile_id)
        bound = getattr(request, "tenant", None)
        if bound is not None and bound.pk != tenant.pk:
            raise NotFound("Bot profile not found or inactive")
        return tenant

    def _open(self, request: HttpRequest, body: SessionBody) -> dict[str, Any]:
        bot = BotProfile.objects.active().filter(pk=body.bot_profile_id).first()
        if bot is None:
            raise NotFound("Bot profile not found or inactive")
        arrival = Arrival.of_request(request)
        origin, embedding_token = arrival.origin or "", None
        try:
            origin = require_origin(bot, origin, arrival.own_origin)
        except Forbidden:
            if not arrival.authorization:
                raise
            # A page made for the predecessor, which carries a token.
            embedding_token = authenticate_bearer(arrival.authorization).token
            origin = read_origin(origin)
            require_embedding_token(embedding_token, bot)
        identity = read_identity(bot, body.identity, body.visitor_id) if body.identity else None
        token, expires_at = issue_session(
            bot, body.visitor_id, origin, token=embedding_token, identity=identity
        )
        audience = Audience.of(identity.groups if identity else ())
        chats = Chat.objects.open_to(audience).filter(
            visitor_id=body.visitor_id,
            subject=identity.subject if identity else "",
            bot_profile=bot,
        )
        chat = chats.filter(pk=body.chat_id).first() if body.chat_id else None
        messages = (
            chat.messages.prefetch_related("citations").order_by("-created_at")[:_HISTORY_LENGTH]
            if chat
            else ()
        )
        return {
            "session_token": token,
            "expires_at": expires_at,
            "bot": bot,
            "people": describe_company(bot.pk),
            "chat_id": chat.pk if chat else None,
            "messages": leave_out_retried(list(reversed(messages))),
        }
