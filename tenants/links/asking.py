"""Asking for a link for a forgotten password: anybody may, and nobody learns whether there is an account."""

from __future__ import annotations

import hashlib

import structlog
from django.conf import settings
from django.http import HttpRequest

from minirag.lib.http_in.reading import client_address, network_of
from minirag.lib.security.limits import Bound, check
from minirag.lib.security.rates import parse_rate
from tenants.context import PUBLIC_SCHEMA
from tenants.links.base import base_of, is_certain
from tenants.models import Tenant
from tenants.tasks import queue_password_link

logger = structlog.get_logger(__name__)
_ACCOUNTS_PER_ADDRESS = 5


def ask_for_link(
    request: HttpRequest, email: str, tenant: Tenant | None, *, exists: bool = True
) -> None:
    """Have a worker mail a link to whoever has this e-mail in a tenant; the answer is the same where nobody has.

    Raises TooManyRequests, or LimiterUnavailable when it cannot be counted.
    """
    address = network_of(client_address(request))
    digest = hashlib.sha256(email.strip().lower().encode()).hexdigest()[:32]
    rate = parse_rate(settings.PASSWORD_RESET_RATE)
    bounds = [
        Bound(f"resets:{address}", rate * _ACCOUNTS_PER_ADDRESS if rate else ""),
        Bound(f"reset:{digest}", rate or ""),
    ]
    check(bounds, scope=PUBLIC_SCHEMA, redis_url=settings.REDIS_URL, fail_closed=True)
    if not is_certain(request):
        logger.error("no link was mailed: set PUBLIC_URL, since ALLOWED_HOSTS lets in any host")
    elif exists:
        queue_password_link(email, tenant, base_of(request, tenant))
