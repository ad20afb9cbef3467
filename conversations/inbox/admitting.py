"""Who may watch the inbox over a socket: a page of the admin whose session lives, or whoever shows a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.core import signing

from minirag.lib.errors import Forbidden, NotAuthenticated
from minirag.lib.http_in.arrivals import Arrival
from tenants.authentication import authenticate_bearer
from tenants.calls.middleware import HostUnknown, find_tenant
from tenants.calls.permissions import require_right, restricted
from tenants.calls.session_users import find_session_user
from tenants.context import require_tenant
from tenants.models import Right, Tenant, User
from tenants.people.roles import May

TICKET_SECONDS: Final = 24 * 3600
_SALT: Final = "conversations.handoffs"


@dataclass(frozen=True)
class InboxWatcher:
    tenant: Tenant
    user: User

    @property
    def name(self) -> str:
        return self.user.display_name or self.user.email


def write_inbox_ticket(user: User) -> str:
    """What shows that a page of the present tenant's admin opens the socket, and no foreign one with its cookie."""
    return signing.dumps({"user": str(user.pk), "tenant": str(require_tenant().pk)}, salt=_SALT)


def admit_to_inbox(arrival: Arrival, *, token: str, ticket: str) -> InboxWatcher:
    """Check a credential, and that it leads to the tenant of this path or host. Called in no tenant.

    A ticket is nothing without the session of who it was written for. Raises NotAuthenticated, Forbidden.
    """
    watcher = _of_token(token) if token else _of_session(arrival, ticket)
    try:
        found = find_tenant(arrival, wants_bearer=False)
    except HostUnknown:
        found = None
    if found is None or (found.tenant is not None and found.tenant.pk != watcher.tenant.pk):
        raise _refused()
    if not watcher.user.may(May.READ_CHATS):
        raise Forbidden("Your role may not read chats.", code="role_forbidden")
    return watcher


def _of_token(token: str) -> InboxWatcher:
    identity = authenticate_bearer(f"Bearer {token}")
    require_right(identity.token, Right.READ)
    if identity.token is not None and identity.token.bot_profile_id:
        raise restricted()
    return InboxWatcher(identity.tenant, identity.user)


def _of_session(arrival: Arrival, ticket: str) -> InboxWatcher:
    try:
        said = signing.loads(ticket, salt=_SALT, max_age=TICKET_SECONDS)
        tenant_id, user_id = UUID(said["tenant"]), UUID(said["user"])
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        raise _refused() from None
    user = find_session_user(arrival)
    tenant = Tenant.objects.filter(pk=tenant_id).first()
    if user is None or user.pk != user_id or tenant is None or not tenant.is_active:
        raise _refused()
    if not user.is_superuser and user.tenant_id != tenant_id:
        raise _refused()
    return InboxWatcher(tenant, user)


def _refused() -> NotAuthenticated:
    return NotAuthenticated("This does not let you watch the inbox.", code="token_invalid")
