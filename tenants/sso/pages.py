"""Pages about single sign-on: going to the provider and coming back, in both admins, and a tenant's setting it up."""

from __future__ import annotations

import secrets
import time

import structlog
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth import login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from minirag.lib.errors import ProductError
from minirag.lib.http_in.reading import client_address
from tenants.admin_site.gate import ask_for_proof
from tenants.admin_site.model_admin import may_manage, posted
from tenants.authentication import count_log_in
from tenants.calls.permissions import acting_user
from tenants.context import current_tenant, require_tenant
from tenants.links.base import base_of
from tenants.sessions.keeping import note_proof
from tenants.sso.changing import remove_provider, set_provider, user_for
from tenants.sso.finding import find_provider
from tenants.sso.forms import ProviderForm
from tenants.sso.models import SsoProvider
from tenants.sso.provider import SsoFailed, discover, redeem, write_request

logger = structlog.get_logger(__name__)
_KEPT, _SECONDS = "sso_try", 600
_BACKEND = "tenants.authentication.EmailBackend"


@never_cache
def start_sso(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    provider = find_provider()
    if provider is None:
        raise Http404
    state, nonce, verifier = (secrets.token_urlsafe(32) for _each in range(3))
    try:
        count_log_in(client_address(request), "sso")  # each asks the provider something
        endpoints = discover(provider)
    except ProductError as error:
        return _fail(request, error)
    request.session[_KEPT] = {
        "state": state, "nonce": nonce, "verifier": verifier, "at": int(time.time()),
        "tenant": str(provider.tenant_id), "issuer": provider.issuer, "next": request.GET.get("next", ""),
    }  # fmt: skip
    return HttpResponseRedirect(
        write_request(
            provider, endpoints, back=_back_of(request), state=state, nonce=nonce, verifier=verifier
        )
    )


@never_cache
def finish_sso(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Come back from the provider: only in the browser, the tenant and the ten minutes of the try that went there."""
    provider, kept = find_provider(), request.session.pop(_KEPT, None)
    if provider is None:
        raise Http404
    try:
        if not _fits(request, provider, kept):
            raise SsoFailed(_("This log-in was begun elsewhere, or too long ago. Try again."))
        person = redeem(
            provider, request.GET.get("code", ""), back=_back_of(request), nonce=kept["nonce"],
            verifier=kept["verifier"],
        )  # fmt: skip
        user = user_for(provider, person)
    except ProductError as error:
        return _fail(request, error)
    login(request, user, backend=_BACKEND)
    note_proof(request, factor=True)  # how many proofs it wants is the provider's to say
    wanted, home = kept["next"], reverse("admin:index")
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return HttpResponseRedirect(wanted if is_ours and wanted.startswith(home) else home)


def _fits(request: HttpRequest, provider: SsoProvider, kept: object) -> bool:
    if not isinstance(kept, dict) or not request.GET.get("code"):
        return False
    is_same = constant_time_compare(str(kept["state"]), request.GET.get("state", ""))
    is_here = (kept["tenant"], kept["issuer"]) == (str(provider.tenant_id), provider.issuer)
    said_issuer = request.GET.get("iss", provider.issuer).rstrip("/")  # RFC 9207
    is_now = 0 <= time.time() - int(kept["at"]) < _SECONDS
    return is_same and is_here and is_now and said_issuer == provider.issuer.rstrip("/")


def _fail(request: HttpRequest, error: ProductError) -> HttpResponse:
    logger.warning("a log-in by single sign-on failed", code=error.code, reason=str(error.detail))
    messages.error(request, str(error.detail))
    return HttpResponseRedirect(reverse("admin:login"))


def _back_of(request: HttpRequest) -> str:
    return f"{base_of(request, current_tenant())}/admin/sso/callback/"


def show_settings(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Set up the provider: owners, with a fresh proof, since whoever chooses it can come in as anybody."""
    actor, tenant = acting_user(request), require_tenant()
    if not may_manage(request, "single sign-on"):
        raise PermissionDenied
    proof = ask_for_proof(request)
    if proof is not None:
        return proof
    provider = SsoProvider.objects.filter(tenant=tenant).first()
    form = ProviderForm.of(provider, posted(request))
    try:
        if request.method == "POST" and "remove" in request.POST:
            remove_provider(actor, tenant)
            messages.success(request, _("Single sign-on is off. People log in with passwords."))
            return HttpResponseRedirect(request.path)
        if request.method == "POST" and form.is_valid():
            values = dict(form.cleaned_data)
            secret = values.pop("client_secret") or None
            set_provider(actor, tenant, values, secret=secret)
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(request.path)
    except ProductError as error:
        form.add_error(None, error.detail)
    context = {
        **site.each_context(request), "title": _("Single sign-on"), "form": form, "provider": provider,
        "back_address": _back_of(request),
    }  # fmt: skip
    request.current_app = site.name
    return TemplateResponse(request, "admin/sso.html", context)
