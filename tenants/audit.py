"""The platform's audit log: who did what to whom, in a row that nothing changes afterwards.

`record` is for acts that somebody may have to answer for: people, roles, tokens, a tenant's life, keys. It joins the
caller's transaction, so an act that is rolled back leaves no line.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request

from minirag.lib.http_in.reading import client_address, django_request
from minirag.lib.http_in.request_ids import current_request_id
from tenants.context import current_tenant
from tenants.models import ApiToken, AuditEvent, Tenant, User

_SECRET_WORDS = (
    "password",
    "secret",
    "raw_token",
    "token_hash",
    "api_key",
    "authorization",
    "credential",
)
_MAX_TEXT = 500


def record(
    action: str, *, request: HttpRequest | Request | None = None, actor: User | str = "",
    tenant: Tenant | None = None, detail: dict[str, Any] | None = None,
) -> AuditEvent:  # fmt: skip
    """Append "noun.done_to_it" (`token.created`) to the log; returns the row.

    Who acted is `actor`, or else the caller of `request`, whose address and API token (its prefix) are noted too. The
    tenant is the current one unless given. `detail` is JSON: ids, names and numbers; values whose key sounds like a
    secret are masked.
    """
    tenant = tenant or current_tenant()
    noted = {key: _clean(key, value) for key, value in (detail or {}).items()}
    if request is not None:
        actor = actor or find_actor(request)
        noted |= _describe_call(request)
    return AuditEvent.objects.create(
        action=action, tenant_slug=tenant.slug if tenant else "", detail=noted,
        actor=(actor.email if isinstance(actor, User) else actor)[:320],
        request_id=current_request_id()[:64],
    )  # fmt: skip


def find_actor(request: HttpRequest | Request) -> User | str:
    """Return who is calling: the user behind a bearer token, or of an admin session; "" for nobody we know."""
    raw = django_request(request)
    user = getattr(getattr(raw, "identity", None), "user", None) or getattr(raw, "user", None)
    return user if isinstance(user, User) else ""


def _describe_call(request: HttpRequest | Request) -> dict[str, str]:
    token = getattr(getattr(django_request(request), "identity", None), "token", None)
    called = {"address": client_address(request)}
    return called | {"token": token.token_prefix} if isinstance(token, ApiToken) else called


def _clean(key: str, value: Any) -> Any:
    if any(word in key.lower() for word in _SECRET_WORDS) and not isinstance(value, bool):
        return "…"
    if isinstance(value, dict):
        return {name: _clean(name, item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(key, item) for item in value]
    if isinstance(value, bool | int | float | None):
        return value
    return str(value)[:_MAX_TEXT]
