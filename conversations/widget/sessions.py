"""Widget sessions: a short-lived right to talk to one bot from one origin, as a signed token without any secret.

The page carries only the bot's id. The token is checked against the live tenant and bot whenever it is used, so
archiving a tenant, deactivating a bot or narrowing its origins works at once.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from bots.models import BotProfile
from bots.origins import normalise_origin
from conversations.trying.setups import find_setup
from conversations.widget.identities import VisitorIdentity, name_secret
from knowledge.models import Audience
from minirag.lib.errors import Forbidden, NotAuthenticated, NotFound
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.rows import FixedQuery, fetched_ahead
from tenants.backend.cursor import TenantUnproven
from tenants.calls.middleware import HostUnknown, find_tenant
from tenants.calls.permissions import require_right, require_role
from tenants.context import require_tenant, tenant_context
from tenants.models import ApiToken, BotAddress, Right, Tenant

_AUDIENCE = "minirag.widget"

_TENANT = FixedQuery(lambda pk: Tenant.objects.filter(pk=pk), uuid.UUID)
_BOT = FixedQuery(lambda pk: BotProfile.objects.active().filter(pk=pk), uuid.UUID)


@dataclass(frozen=True)
class WidgetSession:
    """Whose widget is talking. `origin` is the page's, `visitor_id` a random id that the browser keeps."""

    tenant: Tenant
    bot_profile_id: uuid.UUID
    visitor_id: str
    origin: str
    expires_at: datetime
    token_id: uuid.UUID | None = None
    token_family: uuid.UUID | None = None
    subject: str = ""
    groups: tuple[str, ...] = ()
    signed_by: str = (
        ""  # of a visitor whom the site has signed for: see conversations.widget.identities
    )
    trial: str = ""  # what an operator tries: see conversations.trying.setups

    @property
    def audience(self) -> Audience:
        return Audience.of(self.groups)


def read_origin(origin: str) -> str:
    """Return a browser's Origin header in its normal form, "" for what is not an origin (`null`, a file, an app)."""
    try:
        return normalise_origin(origin)
    except ValueError:
        return ""


def require_origin(bot: BotProfile, origin: str, own_origin: str) -> str:
    """Return the normalised origin if this bot's widget may be there; raises Forbidden otherwise.

    Our own pages (`own_origin`) may where the bot is public.
    """
    asked = read_origin(origin)
    is_own = bot.is_public and asked == read_origin(own_origin)
    if asked and (is_own or asked in bot.allowed_origins):
        return asked
    raise Forbidden("This page may not use this bot.", code="origin_not_allowed")


def require_embedding_token(token: ApiToken | None, bot: BotProfile) -> None:
    """Accept a token in place of the list of origins, as the predecessor's widget carried one in every page.

    Raises Forbidden for one that is not of this tenant, no longer good, or not for chatting with this bot.
    """
    is_good = (
        token is not None and token.is_active and not token.is_expired and token.user.is_active
    )
    if token is None or not is_good or token.tenant_id != require_tenant().pk:
        raise Forbidden("This page may not use this bot.", code="origin_not_allowed")
    require_role(token.user, Right.CHAT, "chats")
    require_right(token, Right.CHAT, bot_profile_id=bot.pk)


def find_tenant_of_bot(bot_profile_id: uuid.UUID) -> Tenant:
    """Find whose bot this is, by its id alone; raises NotFound. A bot's id is not a secret: it is in the page."""
    with tenant_context(None):
        address = BotAddress.objects.select_related("tenant").filter(pk=bot_profile_id).first()
    if address is None or not address.tenant.is_active:
        raise NotFound("Bot profile not found or inactive")
    return address.tenant


def issue_session(
    bot: BotProfile, visitor_id: str, origin: str, *, token: ApiToken | None = None,
    identity: VisitorIdentity | None = None, trial: str = "",
) -> tuple[str, datetime]:  # fmt: skip
    """Sign a session of the current tenant; returns it and when it ends: with `token` and `identity` at the latest."""
    tenant = require_tenant()
    expires_at = timezone.now() + timedelta(minutes=settings.WIDGET_SESSION_MINUTES)
    claims: dict[str, Any] = {
        "aud": _AUDIENCE,
        "tid": str(tenant.pk),
        "bot": str(bot.pk),
        "vid": visitor_id,
        "org": origin,
        "exp": expires_at,
    }
    if token is not None:
        claims |= {"tok": str(token.pk), "fam": str(token.family)}
    if identity is not None:
        expires_at = claims["exp"] = min(expires_at, identity.expires_at)
        claims |= {"sub": identity.subject, "grp": list(identity.groups), "sec": identity.signed_by}
    if trial:
        claims["try"] = trial
    return jwt.encode(claims, settings.JWT_SECRET_KEY, algorithm="HS256"), expires_at


def open_session(token: str, origin: str | None) -> WidgetSession:
    """Check a token and where it is used from; raises NotAuthenticated (`session_expired`, `session_invalid`).

    `origin` None means that the transport carries none, and is accepted: only browsers send it, and they always do.
    """
    try:
        claims = jwt.decode(
            token,
            settings.JWT_SECRET_KEY,
            algorithms=["HS256"],
            audience=_AUDIENCE,
            options={"require": ["exp", "aud", "tid", "bot", "vid", "org"]},
        )
        tenant_id, bot_profile_id = uuid.UUID(claims["tid"]), uuid.UUID(claims["bot"])
        token_id, token_family = (
            uuid.UUID(claims[name]) if name in claims else None for name in ("tok", "fam")
        )
    except jwt.ExpiredSignatureError:
        raise NotAuthenticated("This session has ended.", code="session_expired") from None
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
        raise NotAuthenticated("This session is not valid.", code="session_invalid") from None
    if origin is not None and read_origin(origin) != claims["org"]:
        raise NotAuthenticated("This session belongs to another page.", code="session_invalid")
    tenant = _TENANT.first(tenant_id)
    if tenant is None or not tenant.is_active:
        raise NotAuthenticated("This session is not valid.", code="session_invalid")
    expires_at = datetime.fromtimestamp(claims["exp"], tz=timezone.get_default_timezone())
    return WidgetSession(
        tenant, bot_profile_id, claims["vid"], claims["org"], expires_at, token_id, token_family,
        claims.get("sub", ""), tuple(claims.get("grp", ())), claims.get("sec", ""),
        claims.get("try", ""),
    )  # fmt: skip


def _require_way(arrival: Arrival, tenant: Tenant) -> None:
    """Check that the path or host of a socket leads to this tenant, or to none. Raises NotAuthenticated."""
    try:
        found = find_tenant(arrival, wants_bearer=False)
    except HostUnknown:
        found = None
    if found is None or (found.tenant is not None and found.tenant.pk != tenant.pk):
        raise NotAuthenticated("This session is not valid.", code="session_invalid")


def open_on_page(token: str, arrival: Arrival, before: WidgetSession | None) -> WidgetSession:
    """`open_session` of a socket, and all that its path, host and page have to be. Raises NotAuthenticated.

    What was open `before` is looked at anew: its tenant's row and its bot's in one message, in its tenant.
    """
    if before is None:
        return _open_on_page(token, arrival)
    asked = (_TENANT, before.tenant.pk), (_BOT, before.bot_profile_id)
    try:
        with tenant_context(before.tenant), fetched_ahead(*asked):
            return _open_on_page(token, arrival)
    except OperationalError as error:
        if not isinstance(error.__cause__, TenantUnproven):
            raise
    return _open_on_page(token, arrival)  # that tenant was erased


def _open_on_page(token: str, arrival: Arrival) -> WidgetSession:
    session = open_session(token, arrival.origin)
    with tenant_context(None):
        _require_way(arrival, session.tenant)
    with tenant_context(session.tenant):
        require_open_page(session, arrival.own_origin)
    return session


def _is_believed(session: WidgetSession, bot: BotProfile) -> bool:
    """Whether the secret still counts that has signed who the visitor is, if any has."""
    if not session.signed_by:
        return not session.groups and not session.subject
    return session.signed_by in map(name_secret, bot.reveal_identity_secrets())


def require_served(session: WidgetSession, own_origin: str) -> None:
    """Check what a socket that only listens still needs: all that `open_session` checks, but for its end in time.

    Raises NotAuthenticated (`session_invalid`).
    """
    with tenant_context(None):
        tenant = _TENANT.first(session.tenant.pk)
    if tenant is None or not tenant.is_active:
        raise NotAuthenticated("This session is not valid.", code="session_invalid")
    with tenant_context(tenant):
        require_open_page(session, own_origin)


def require_open_page(session: WidgetSession, own_origin: str) -> None:
    """Check, inside the session's tenant, that its bot is still active and still allowed on its page.

    Neither is it, where a visitor was signed for, once that secret counts no more. Raises NotAuthenticated
    (`session_invalid`). `own_origin` is ours, as the browser sees it.
    """
    if session.trial:
        if session.origin != read_origin(own_origin):
            raise NotAuthenticated("This session is not valid.", code="session_invalid")
        find_setup(session.trial, session.bot_profile_id)
        return
    bot = _BOT.first(session.bot_profile_id)
    if bot is not None and not _is_believed(session, bot):
        bot = None
    try:
        if bot is not None and session.token_id is not None:
            require_embedding_token(
                ApiToken.objects.select_related("user").filter(pk=session.token_id).first(), bot
            )
            return
        if bot is not None:
            require_origin(bot, session.origin, own_origin)
            return
    except Forbidden:
        pass
    raise NotAuthenticated("This session is not valid.", code="session_invalid")
