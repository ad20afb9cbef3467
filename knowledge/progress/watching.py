"""Who may watch sources over a socket: whoever shows a token that may read, or the admin's own page by its ticket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.core import signing

from minirag.lib.errors import NotAuthenticated
from minirag.lib.http_in.arrivals import Arrival
from tenants.authentication import authenticate_bearer
from tenants.calls.middleware import HostUnknown, find_tenant
from tenants.calls.permissions import require_right, restricted
from tenants.calls.session_users import find_session_user
from tenants.context import require_tenant
from tenants.models import Right, Tenant, User

TICKET_SECONDS: Final = 4 * 3600
_SALT: Final = "knowledge.progress"


@dataclass(frozen=True)
class Watcher:
    """Who watches what; `sources` is None where any of the tenant's may be."""

    tenant: Tenant
    user_id: UUID
    sources: frozenset[UUID] | None = None


def write_ticket(user: User, source_id: UUID) -> str:
    """What lets a page that this user has open watch this source of the present tenant for some hours."""
    said = {"user": str(user.pk), "tenant": str(require_tenant().pk), "source": str(source_id)}
    return signing.dumps(said, salt=_SALT)


def admit(arrival: Arrival, *, token: str, ticket: str) -> Watcher:
    """Check a credential, and that it leads to the tenant of this path or host. Raises NotAuthenticated, Forbidden.

    Called in no tenant. No widget session is one of these, and a ticket is nothing without the admin's session of who
    it was written for.
    """
    watcher = _of_token(token) if token else _of_ticket(arrival, ticket)
    try:
        found = find_tenant(arrival, wants_bearer=False)
    except HostUnknown:
        found = None
    if found is None or (found.tenant is not None and found.tenant.pk != watcher.tenant.pk):
        raise _refused()
    return watcher


def require_watched(watcher: Watcher, ids: Sequence[UUID]) -> None:
    """Raises NotAuthenticated for a source that a ticket is not for."""
    if watcher.sources is not None and not watcher.sources.issuperset(ids):
        raise _refused()


def _of_token(token: str) -> Watcher:
    identity = authenticate_bearer(f"Bearer {token}")
    require_right(identity.token, Right.READ)
    if identity.token is not None and identity.token.bot_profile_id:
        raise restricted()
    return Watcher(identity.tenant, identity.user.pk)


def _of_ticket(arrival: Arrival, ticket: str) -> Watcher:
    try:
        said = signing.loads(ticket, salt=_SALT, max_age=TICKET_SECONDS)
        tenant_id, user_id, source_id = (UUID(said[name]) for name in ("tenant", "user", "source"))
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        raise _refused() from None
    tenant = Tenant.objects.filter(pk=tenant_id).first()
    user = find_session_user(arrival)
    if user is None or user.pk != user_id or tenant is None or not tenant.is_readable:
        raise _refused()
    if not user.is_superuser and user.tenant_id != tenant_id:
        raise _refused()
    return Watcher(tenant, user_id, frozenset({source_id}))


def _refused() -> NotAuthenticated:
    return NotAuthenticated("This does not let you watch these sources.", code="token_invalid")
