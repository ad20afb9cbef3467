"""Between the log-in and the pages of an admin: the second factor, or getting one where one has to."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from tenants.calls.permissions import acting_user
from tenants.factors.proving import needs_factor
from tenants.sessions.keeping import has_factor, is_fresh, keep

# What can be reached before, and in a tenant that is put away.
BEFORE = frozenset({"logout", "second_factor", "second_factor_setup"})
WHEN_PUT_AWAY = BEFORE | {"prove"}


def page_of(request: HttpRequest) -> str:
    return str(getattr(request.resolver_match, "url_name", ""))


def stop_at_gate(request: HttpRequest) -> HttpResponse | None:
    """Lead elsewhere whoever may not go on yet; None for the others, whose session is noted."""
    if page_of(request) in BEFORE:
        return None
    user = acting_user(request)
    if user.has_second_factor:
        wanted = None if has_factor(request) else "second_factor"
    else:
        is_missing = needs_factor(user) and not has_factor(
            request
        )  # one that the provider asked for counts
        wanted = "second_factor_setup" if is_missing else None
    if wanted:
        return _lead(request, wanted)
    keep(request, user)
    return None


def ask_for_proof(request: HttpRequest) -> HttpResponse | None:
    """Have whoever proved long ago who they are do it again, and come back; None where it is new enough."""
    return None if is_fresh(request) else _lead(request, "prove")


def _lead(request: HttpRequest, page: str) -> HttpResponse:
    return HttpResponseRedirect(
        f"{reverse(f'admin:{page}')}?{urlencode({'next': request.get_full_path()})}"
    )
