"""Who may watch the inbox over a socket: a page of the admin whose session lives, or whoever shows a token."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any, Final

from django.core.handlers.asgi import ASGIRequest
from django.utils.translation import get_language_from_request, gettext

from minirag.lib.errors import Forbidden
from minirag.lib.http_in.arrivals import Arrival
from tenants.calls.watching import Watcher, admit_watcher, write_ticket
from tenants.models import User
from tenants.people.roles import May

_PURPOSE: Final = "conversations.inbox"


def write_inbox_ticket(user: User) -> str:
    """What lets a page that this user has open watch the inbox of the present tenant."""
    return write_ticket(user, _PURPOSE)


def admit_to_inbox(arrival: Arrival, *, token: str, ticket: str) -> Watcher:
    """Check a credential, and that its user may read chats. Called in no tenant.

    Raises NotAuthenticated, Forbidden.
    """
    watcher = admit_watcher(arrival, _PURPOSE, token=token, ticket=ticket)
    if not watcher.user.may(May.READ_CHATS):
        raise Forbidden(gettext("Your role may not read chats."), code="role_forbidden")
    return watcher


def language_of_page(scope: Mapping[str, Any]) -> str:
    """The language of the admin's page that opened a socket: the one chosen there (a cookie), or the browser's."""
    return get_language_from_request(ASGIRequest({**scope, "method": "GET"}, BytesIO()))
