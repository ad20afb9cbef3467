"""Who is logged in to an admin, where there is no request of Django's: a socket that a page has opened."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.http.cookie import parse_cookie

from minirag.lib.http_in.arrivals import Arrival
from tenants.models import User
from tenants.sessions.keeping import lacks_factor


def session_cookie_of(slug: str | None) -> tuple[str, str]:
    """Return the name and path of the session cookie under a tenant's path, or of the root."""
    if slug is None:
        return settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_PATH
    return f"{settings.SESSION_COOKIE_NAME}_{slug}", f"/t/{slug}/"


def find_session_user(arrival: Arrival) -> User | None:
    """Return whose session the cookie is.

    None where it has ended, lacks its second factor, or is of somebody who may not enter any more.
    """
    name, _ = session_cookie_of(arrival.slug)
    key = parse_cookie(arrival.headers.get("cookie", "")).get(name)
    if not key:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    if not isinstance(user, User) or not user.is_active or lacks_factor(request.session, user):
        return None
    return user
