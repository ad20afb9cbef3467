"""Who may watch sources over a socket: whoever shows a token that may read, or the admin's own page of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from minirag.lib.http_in.arrivals import Arrival
from tenants.calls.watching import NotAdmitted, Watcher, admit_watcher, write_ticket
from tenants.models import User

_PURPOSE: Final = "knowledge.progress"
_EVERY: Final = "every"


def write_source_ticket(user: User, source_id: UUID) -> str:
    """What lets a page that this user has open watch this source of the present tenant."""
    return write_ticket(user, _PURPOSE, source=str(source_id))


def write_ticket_for_all(user: User) -> str:
    """The same for any source of the present tenant, for a page that shows many."""
    return write_ticket(user, _PURPOSE, source=_EVERY)


def admit_to_sources(arrival: Arrival, ids: Sequence[UUID], *, token: str, ticket: str) -> Watcher:
    """Check a credential for these sources; a token is good for all. Called in no tenant.

    Raises NotAuthenticated, Forbidden.
    """
    watcher = admit_watcher(arrival, _PURPOSE, token=token, ticket=ticket)
    if watcher.facts is not None:
        known = watcher.facts.get("source")
        if known != _EVERY and any(str(each) != known for each in ids):
            raise NotAdmitted
        if not watcher.user.has_perm("knowledge.view_source"):
            raise NotAdmitted
    return watcher
