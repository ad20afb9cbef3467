"""Who may watch something over a socket: whoever shows a token that may read, or a page of a session in the admin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.core import signing
from django.utils.translation import get_language

from minirag.lib.errors import NotAuthenticated
from minirag.lib.http_in.arrivals import Arrival
from tenants.authentication import authenticate_bearer
from tenants.calls.middleware import HostUnknown, find_tenant
from tenants.calls.permissions import require_right, restricted
from tenants.calls.session_users import find_session_user
from tenants.context import require_tenant
from tenants.models import OperatorEntry, Right, Tenant, User

TICKET_SECONDS: Final = 24 * 3600


@dataclass(frozen=True)
class Watcher:
    """Who watches, and in which language; `facts` is what their ticket was written for, None with a token."""

    tenant: Tenant
    user: User
    facts: dict[str, str] | None = field(default=None, hash=False)
    language: str = "en"

    @property
    def name(self) -> str:
        return self.user.display_name or self.user.email


def write_ticket(user: User, purpose: str, **facts: str) -> str:
    """What shows that a page of the present tenant's admin opens a socket, and no foreign one with its cookie."""
    said = {
        "user": str(user.pk), "tenant": str(require_tenant().pk), "facts": facts, "language": get_language() or "en",
    }  # fmt: skip
    return signing.dumps(said, salt=purpose)


def admit_watcher(arrival: Arrival, purpose: str, *, token: str, ticket: str) -> Watcher:
    """Check a credential, and that it leads to the tenant of this path or host. Called in no tenant.

    No widget session is one, and a ticket is nothing without the admin's session of who it was written for.
    Raises NotAuthenticated, Forbidden.
    """
    watcher = _of_token(token) if token else _of_ticket(arrival, purpose, ticket)
    try:
        found = find_tenant(arrival, wants_bearer=False)
    except HostUnknown:
        found = None
    if found is None or (found.tenant is not None and found.tenant.pk != watcher.tenant.pk):
        raise NotAdmitted
    return watcher


class NotAdmitted(NotAuthenticated):
    """A credential that does not count here, or not for this."""

    code = "token_invalid"

    def __init__(self) -> None:
        super().__init__("This does not let you watch here.", code=self.code)


def _of_token(token: str) -> Watcher:
    identity = authenticate_bearer(f"Bearer {token}")
    require_right(identity.token, Right.READ)
    if identity.token is not None and identity.token.bot_profile_id:
        raise restricted()
    return Watcher(identity.tenant, identity.user)


def _of_ticket(arrival: Arrival, purpose: str, ticket: str) -> Watcher:
    try:
        said = signing.loads(ticket, salt=purpose, max_age=TICKET_SECONDS)
        tenant_id, user_id, facts = UUID(said["tenant"]), UUID(said["user"]), dict(said["facts"])
        language = str(said.get("language") or "en")
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        raise NotAdmitted from None
    user = find_session_user(arrival)
    tenant = Tenant.objects.filter(pk=tenant_id).first()
    if user is None or user.pk != user_id or tenant is None or not tenant.is_readable:
        raise NotAdmitted
    if user.is_superuser:
        user.enters_as(entry := OperatorEntry.objects.of(user, tenant))
        if entry is None:
            raise NotAdmitted
    elif user.tenant_id != tenant_id:
        raise NotAdmitted
    return Watcher(tenant, user, facts, language)
