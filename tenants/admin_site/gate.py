"""Between the log-in and the pages of an admin: the second factor, or getting one where one has to."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from tenants.calls.permissions import acting_user
from tenants.sessions.keeping import is_fresh, keep, lacks_factor

# What can be reached before, and in a tenant that is put away.
BEFORE = frozenset({"logout", "set_language", "second_factor", "second_factor_setup", "prove"})


def page_of(request: HttpRequest) -> str:
    return str(getattr(request.resolver_match, "url_name", ""))


def stop_at_gate(request: HttpRequest) -> HttpResponse | None:
    """Lead elsewhere whoever may not go on yet; None for the others, whose session is noted."""
    if page_of(request) in BEFORE:
        return None
    user = acting_user(request)
    if lacks_factor(request.session, user):
        return _lead(request, "second_factor" if user.has_second_factor else "second_factor_setup")
    keep(request, user)
    return None


def ask_for_proof(request: HttpRequest) -> HttpResponse | None:
    """Have whoever proved long ago who they are do it again, and come back; None where it is new enough."""
    return None if is_fresh(request) else _lead(request, "prove")


def _lead(request: HttpRequest, page: str) -> HttpResponse:
    return HttpResponseRedirect(
        f"{reverse(f'admin:{page}')}?{urlencode({'next': request.get_full_path()})}"
    )
