"""What is known of a browser's session: who is in it and from where, and when its user proved last who they are."""

from __future__ import annotations

import time
from uuid import UUID

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext

from minirag.lib.errors import NotFound
from minirag.lib.http_in.reading import client_address
from tenants import audit
from tenants.calls.permissions import acting_user
from tenants.factors.proving import needs_factor
from tenants.models import Tenant, User
from tenants.people.changing import find_in_reach, people_locked
from tenants.sessions.models import BrowserSession, BrowserSessionQuerySet

FRESH_SECONDS = 600
_SEEN_EVERY = 300
_PROVED, _FACTOR, _SEEN = "proved_at", "factor_of", "seen"


def note_proof(request: HttpRequest, *, factor: bool = False) -> None:
    """The session's user has just given a password or a code (`factor`), or came from their own provider."""
    request.session[_PROVED] = int(time.time())
    if factor:
        request.session[_FACTOR] = str(request.user.pk)
    keep(request, acting_user(request))  # so that it can be ended even if no page is opened in it


def has_factor(session: SessionBase, user: User) -> bool:
    """Whether the second factor of whoever is logged in was given in this session."""
    return bool(session.get(_FACTOR) == str(user.pk))


def lacks_factor(session: SessionBase, user: User) -> bool:
    """Whether the session goes no further than to its second factor. One that the provider asked for counts."""
    return (user.has_second_factor or needs_factor(user)) and not has_factor(session, user)


def is_fresh(request: HttpRequest) -> bool:
    """Whether the proof is new enough for what does harm in the wrong hands."""
    age = time.time() - float(request.session.get(_PROVED, 0))
    return 0 <= age < FRESH_SECONDS


def keep(request: HttpRequest, user: User) -> None:
    """Write down that the session is in use, at most every five minutes."""
    if not request.session.session_key:  # somebody else was logged in to it just now
        request.session.create()
    key, now = str(request.session.session_key), int(time.time())
    seen_key, seen_at = request.session.get(_SEEN, ("", 0))
    if seen_key == key and now - seen_at < _SEEN_EVERY:
        return
    if seen_key and seen_key != key:  # Django gives a session another key when a password changes
        BrowserSession.objects.filter(session_key=seen_key, user=user).delete()
    row = BrowserSession(
        user=user, session_key=key, seen_at=timezone.now(), address=client_address(request)[:64],
        agent=request.headers.get("User-Agent", "")[:200],
    )  # fmt: skip
    BrowserSession.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["session_key"],
        update_fields=["user", "seen_at", "address", "agent"],
    )  # fmt: skip
    request.session[_SEEN] = (key, now)


def sessions_of(user: User) -> BrowserSessionQuerySet:
    """Where somebody is logged in now, the latest first."""
    return BrowserSession.objects.filter(user=user).alive()


def end_own(user: User, session_id: UUID) -> None:
    """Log oneself out in a browser. Raises NotFound."""
    if not sessions_of(user).filter(pk=session_id).end():
        raise NotFound(gettext("Session not found"))
    _note(user, user, 1)


def end_all_of(actor: User, tenant: Tenant | None, user_id: UUID) -> int:
    """Log somebody out everywhere, JWTs as well; returns in how many browsers. Raises NotFound, Forbidden."""
    with people_locked(tenant, actor) as actor:
        user = find_in_reach(actor, tenant, user_id)
        count = sessions_of(user).end()
        User.objects.end_jwts(user)
        _note(actor, user, count)
    return count


def _note(actor: User, user: User, count: int) -> None:
    audit.record(
        "user.sessions_ended", actor=actor, tenant=user.tenant,
        detail={"user": user.email, "user_id": str(user.pk), "count": count},
    )  # fmt: skip
