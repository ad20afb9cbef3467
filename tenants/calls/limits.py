"""Which rate limits bound a call, by who makes it. `minirag.lib.security.limits` counts them, all at once.

| caller | bounds |
|---|---|
| API token | the token (its own `rate`, else API_RATE) and its tenant (the tenant's `rate`, else TENANT_RATE) |
| log-in (JWT) | the user (API_RATE) and the tenant |
| nobody we know | the address (ADDRESS_RATE) |
| `/v1/platform`, by anybody | the address (API_RATE) |
| asking a question | beside those, the token or user (CHAT_RATE) |
| widget's look, read | the address (ADDRESS_RATE) |
| widget session, made | the address (WIDGET_RATE) and the bot's tenant |
| widget visitor's question | the visitor (VISITOR_RATE), their address (ten times that) and the bot's tenant |
| any frame of a widget's socket | the visitor, once known (six times VISITOR_RATE), and their address (sixty times) |

Without Redis, what costs money is refused and the rest goes on uncounted: questions and widget sessions fail closed
(503, `limiter_unavailable`), every other call fails open. Log-in and sign-up count by themselves, and fail closed.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from minirag.lib.errors import ProductError
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.doors import Door, Proof
from minirag.lib.http_in.reading import network_of
from minirag.lib.security.limits import Bound, LimitState, check, check_async
from minirag.lib.security.rates import parse_rate
from tenants.authentication import Identity
from tenants.context import PUBLIC_SCHEMA
from tenants.models import Tenant

ADDRESS_FACTOR = (
    10  # visitors behind one address, an office's say, share this many times one visitor's rate
)
FRAME_FACTOR = 6  # a question comes with authenticating, coming back, stopping and feedback


@dataclass(frozen=True)
class Bounds:
    """What bounds one call, and what happens to it where that cannot be counted."""

    scope: str
    bounds: tuple[Bound, ...]
    fail_closed: bool = False

    def count(self) -> LimitState | None:
        """Count the call. Raises TooManyRequests or LimiterUnavailable."""
        return check(
            self.bounds,
            scope=self.scope,
            redis_url=settings.REDIS_URL,
            fail_closed=self.fail_closed,
        )

    async def count_async(self) -> LimitState | None:
        """`count` on the event loop."""
        return await check_async(
            self.bounds,
            scope=self.scope,
            redis_url=settings.REDIS_URL,
            fail_closed=self.fail_closed,
        )


def bounds_of_arrival(
    arrival: Arrival, door: Door, identity: Identity | ProductError | None
) -> Bounds:
    """Return what bounds a call through a view's door: nothing for pages, and for widget sessions."""
    if door.proof == Proof.OPERATOR:
        bound = Bound(f"platform:{network_of(arrival.address)}", settings.API_RATE)
        return Bounds(PUBLIC_SCHEMA, (bound,))
    if door.proof != Proof.BEARER:
        return Bounds(PUBLIC_SCHEMA, ())
    if not isinstance(identity, Identity):
        bound = Bound(f"address:{network_of(arrival.address)}", settings.ADDRESS_RATE)
        return Bounds(PUBLIC_SCHEMA, (bound,))
    return bounds_of_caller(identity, asks=door.asks and arrival.method == "POST")


def bounds_of_caller(identity: Identity, *, asks: bool) -> Bounds:
    """Return what bounds a call of `/v1` by somebody we know, who asks a question or not."""
    tenant, token = identity.tenant, identity.token
    who = f"token:{token.pk}" if token else f"user:{identity.user.pk}"
    rate = token.rate if token and token.rate else settings.API_RATE
    bounds: tuple[Bound, ...] = (Bound(who, rate), _bound_of_tenant(tenant))
    if asks:
        bounds = (*bounds_of_question(identity).bounds, *bounds)
    return Bounds(tenant.schema_name, bounds, fail_closed=asks)


def bounds_of_question(identity: Identity) -> Bounds:
    """Return what bounds a question within a call of `/v1` that was counted as a call already."""
    token, tenant = identity.token, identity.tenant
    who = f"token:{token.pk}" if token else f"user:{identity.user.pk}"
    bound = Bound(f"chat:{who}", settings.CHAT_RATE, "questions")
    return Bounds(tenant.schema_name, (bound,), fail_closed=True)


def bounds_of_look(address: str) -> Bounds:
    """Return what bounds reading how a widget looks, or bots could be guessed without end."""
    bound = Bound(f"widget-look:{network_of(address)}", settings.ADDRESS_RATE)
    return Bounds(PUBLIC_SCHEMA, (bound,))


def bounds_of_session(address: str, tenant: Tenant | None) -> Bounds:
    """Return what bounds the making of a widget session; `tenant` is None where its bot was not found."""
    bound = Bound(f"widget-session:{network_of(address)}", settings.WIDGET_RATE)
    if tenant is None:
        return Bounds(PUBLIC_SCHEMA, (bound,), fail_closed=True)
    return Bounds(tenant.schema_name, (bound, _bound_of_tenant(tenant)), fail_closed=True)


def bounds_of_visitor(tenant: Tenant, visitor_id: str, address: str) -> Bounds:
    """Return what bounds a visitor's question: since visitors choose their own id, their address counts as well."""
    rate = parse_rate(settings.VISITOR_RATE)
    bounds = (
        Bound(f"visitor:{visitor_id}", rate or "", "questions"),
        Bound(f"address:{network_of(address)}", rate * ADDRESS_FACTOR if rate else "", "questions"),
        _bound_of_tenant(tenant),
    )
    return Bounds(tenant.schema_name, bounds, fail_closed=True)


def bounds_of_frame(tenant: Tenant | None, visitor_id: str, address: str) -> Bounds:
    """Return what bounds whatever comes over a widget's socket; `tenant` is None before there is a session.

    Frames cost no money, so they do not use up what the tenant's other callers have.
    """
    rate = parse_rate(settings.VISITOR_RATE)
    own = rate * FRAME_FACTOR if rate else ""
    shared = rate * (FRAME_FACTOR * ADDRESS_FACTOR) if rate else ""
    bounds = (Bound(f"frames:address:{network_of(address)}", shared, "frames"),)
    if tenant is None:
        return Bounds(PUBLIC_SCHEMA, bounds)
    return Bounds(
        tenant.schema_name, (Bound(f"frames:visitor:{visitor_id}", own, "frames"), *bounds)
    )


def _bound_of_tenant(tenant: Tenant) -> Bound:
    return Bound("tenant", tenant.rate or settings.TENANT_RATE)
