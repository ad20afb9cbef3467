"""The two admin sites and who may enter them.

Each app's `admin.py` registers its pages on one of them, or both, by name (`@register(Tenant, site=platform_site)`);
the autodiscovery of django.contrib.admin only imports those modules. Django's default site is in no urlconf, so what
third-party apps register there is reachable from nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.i18n import set_language
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from minirag.lib.errors import ProductError, TooManyRequests
from minirag.lib.http_in.rest import client_address, wants_page
from tenants import audit
from tenants.admin_site.gate import BEFORE, page_of, stop_at_gate
from tenants.admin_site.help import link_help, show_help
from tenants.admin_site.palette import show_found
from tenants.admin_site.script_words import say_in_scripts
from tenants.authentication import count_log_in
from tenants.branding.serving import colours_address, logo_address
from tenants.calls.permissions import acting_user, refuse_write
from tenants.context import current_tenant, require_tenant
from tenants.entering.pages import do_leave, show_enter
from tenants.entering.staying import find_entry
from tenants.factors.pages import show_code, show_proof, show_setup
from tenants.links.pages import show_forgotten, show_set_password
from tenants.models import EmailLink, May, Tenant, User
from tenants.people.lockout import begin_attempt
from tenants.platform.maintenance import pause_of, pause_of_all
from tenants.sessions.keeping import note_proof
from tenants.sessions.pages import do_account, show_account
from tenants.settings.pages import show_own_settings
from tenants.sso.finding import find_provider
from tenants.sso.pages import finish_sso, show_settings, start_sso

_PROOFS: list[tuple[str, Callable[..., Any], str]] = [
    ("second-factor/", show_code, "second_factor"),
    ("second-factor/set-up/", show_setup, "second_factor_setup"),
    ("prove/", show_proof, "prove"),
]
_OWN_PAGES: list[tuple[str, Callable[..., Any], str]] = [
    ("account/", show_account, "security"),
    ("account/<slug:act>/", do_account, "security_act"),
]
_CHANGES = (May.MANAGE_SETTINGS, May.EDIT_BOTS, May.EDIT_KNOWLEDGE, May.ANSWER_CHATS)
_WAYS = frozenset({"enter", "leave", "jsi18n"})
_BADGE = {"active": "info", "suspended": "warning", "archived": "danger"}


class RateLimitedLogIn(AuthenticationForm):
    """The log-in form; its tries and those of `/v1/auth/login` are counted together."""

    # Django's own speaks of a "staff account".
    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": gettext_lazy("The email address or the password is not right."),
    }
    refusal: ProductError | None = None

    def clean(self) -> dict[str, Any]:
        try:
            count_log_in(client_address(self.request), self.cleaned_data.get("username") or "")
            return super().clean()
        except ProductError as error:
            self.refusal = error
            raise forms.ValidationError(error.detail) from None


class ProductAdminSite(UnfoldAdminSite):
    """What both sites share. Their name is `admin`, since each urlconf has only one of them."""

    login_form = RateLimitedLogIn
    enable_nav_sidebar = True

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        # The theme would write its colours into each page as a style; ours are in a file.
        return {
            **super().each_context(request),
            "site_url": reverse("home"),
            "colors": None,
            "help_link": link_help(request),
            "script_words": say_in_scripts(),
        }

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Made when it is looked at: our sidebar has a list of its own, and this one is an eighth of each page."""
        return SimpleLazyObject(
            lambda: super(ProductAdminSite, self).get_app_list(request, app_label)
        )

    def get_urls(self) -> list[Any]:
        return [
            path("help/<slug:page>/", self.admin_view(self._of_here(show_help)), name="help"),
            path("language/", self.admin_view(set_language), name="set_language"),
            path("forgotten/", self._of_here(show_forgotten), name="forgotten"),
            path("set-password/", self._of_here(show_set_password), name="set_password"),
            *(
                path(address, self.admin_view(self._of_here(page)), name=name)
                for address, page, name in (*_PROOFS, *_OWN_PAGES)
            ),
            path("sso/start/", self._of_here(start_sso), name="sso_start"),
            path("sso/callback/", self._of_here(finish_sso), name="sso_callback"),
            # No row has a page on a site, and of an id that is none Django's way there makes a 500.
            *(each for each in super().get_urls() if getattr(each, "name", "") != "view_on_site"),
        ]

    def _of_here(self, page: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(page)
        def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            response: HttpResponse = page(request, *args, site=self, **kwargs)
            return response

        return view

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        def gated(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response: HttpResponseBase = stop_at_gate(request) or view(request, *args, **kwargs)
            if isinstance(response, HttpResponseNotAllowed) and wants_page(request):
                # As after a log-in that came between a button and what it does.
                allowed = response["Allow"]
                response = render(request, "405.html", status=405)
                response["Allow"] = allowed
            return response

        return super().admin_view(_with_marks(view, gated), cacheable)

    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return show_found(self, request)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        query = urlencode({"next": request.GET["next"]}) if "next" in request.GET else ""
        url = f"{reverse('admin:sso_start')}?{query}" if find_provider() else ""
        response = super().login(request, {**(extra_context or {}), "sso_url": url})
        if request.method == "POST" and response.status_code == 302:
            note_proof(request)
        form = (getattr(response, "context_data", None) or {}).get("form")
        refusal = getattr(form, "refusal", None)
        if isinstance(refusal, ProductError):
            response.status_code = refusal.status
        if isinstance(refusal, TooManyRequests):
            response["Retry-After"] = str(refusal.retry_after_seconds)
        return response

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django's page, written down: it ends the user's JWTs, mailed links and other browsers' sessions.

        Guesses at the old password are counted with those of the log-in.
        """
        if request.method != "POST":
            return super().password_change(request, extra_context)
        user = acting_user(request)
        try:
            attempt = begin_attempt(user.email, client_address(request), [user])
        except ProductError as error:
            messages.error(request, error.detail)
            return HttpResponseRedirect(request.path)
        response = super().password_change(request, extra_context)
        form = (getattr(response, "context_data", None) or {}).get("form")
        if form is None or "old_password" not in form.errors:
            attempt.succeed(user)
        if response.status_code == 302:
            EmailLink.objects.revoke_of(user)
            audit.record(
                "user.password_set",
                detail={"user": user.email, "user_id": str(user.pk)},
            )
        return response


def _with_marks(view: Callable[..., Any], around: Callable[..., Any]) -> Callable[..., Any]:
    """What Django has put on a view, put on the function around it."""
    for name in ("model_admin", "csrf_exempt"):
        if hasattr(view, name):
            setattr(around, name, getattr(view, name))
    return around


class PlatformAdminSite(ProductAdminSite):
    """`/admin/` on the platform's own host: for platform operators, outside of any tenant."""

    index_title = gettext_lazy("Platform")
    index_template = "admin/platform_index.html"

    def has_permission(self, request: HttpRequest) -> bool:
        return current_tenant() is None and request.user.is_active and request.user.is_superuser

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {
            **super().each_context(request),
            "environment": [_("Platform"), "primary"],
            "site_subheader": _("Platform"),
            "read_only_reason": _tell_pause_of_all(),
        }


class TenantAdminSite(ProductAdminSite):
    """`/admin/` under a tenant's path or host: for its users, and for platform operators, whose entry is recorded."""

    index_title = gettext_lazy("Overview")
    index_template = "admin/tenant_index.html"

    def get_urls(self) -> list[Any]:
        return [
            path("settings/", self.admin_view(self._of_here(show_own_settings)), name="settings"),
            path("enter/", self.admin_view(self._of_here(show_enter)), name="enter"),
            path("leave/", self.admin_view(self._of_here(do_leave)), name="leave"),
            path("sso/", self.admin_view(self._of_here(show_settings)), name="sso"),
            *super().get_urls(),
        ]

    def has_permission(self, request: HttpRequest) -> bool:
        tenant, user = current_tenant(), request.user
        if tenant is None or not user.is_active:
            return False
        if isinstance(user, User) and user.is_superuser and user.entered_as is None:
            user.enters_as(None)  # no rights here until `recorded` has found a stay
        return user.is_superuser or user.tenant_id == tenant.pk

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        def recorded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if (way_in := lead_in(request)) is not None:
                return way_in
            refusal = (
                None
                if page_of(request) in BEFORE | _WAYS
                else refuse_write(request, require_tenant())
            )
            return refusal or view(request, *args, **kwargs)

        return super().admin_view(_with_marks(view, recorded), cacheable)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        tenant, shared = require_tenant(), super().each_context(request)
        return {
            **shared,
            "environment": [str(tenant), _BADGE[tenant.status]],
            "site_title": f"{tenant.public_name} · MiniRAG",
            "site_header": tenant.public_name,
            "site_subheader": "MiniRAG",
            "site_logo": logo_address() or None,
            "styles": [*shared["styles"], *filter(None, [colours_address()])],
            "entry": getattr(request, "entry", None),
            "read_only_reason": describe_read_only(tenant),
            "looks_only": _describe_looker(request),
        }


def _describe_looker(request: HttpRequest) -> str:
    """Say to those whose role changes nothing that it is so; empty for the others and for strangers."""
    user = request.user
    if not isinstance(user, User) or user.is_superuser:
        return ""  # what they are here, the banner of their stay says
    if any(user.may(right) for right in _CHANGES):
        return ""
    if user.may(May.READ_CHATS):
        return _("You are a member here: you can look at everything and change nothing.")
    return _("You are a viewer here: you can look at everything but chats, and change nothing.")


def _tell_pause_of_all() -> str:
    """Say on the platform's pages, where operators work on, that all tenants are in maintenance."""
    pause = pause_of_all()
    return pause.told() if pause else ""


def describe_read_only(tenant: Tenant) -> str:
    """Say why nothing can be changed; empty while the tenant is active."""
    if (pause := pause_of(tenant)) is not None:
        return pause.told()
    if tenant.is_active:
        return ""
    reason = (
        " " + _("Reason: %(status_reason)s") % {"status_reason": tenant.status_reason}
        if tenant.status_reason
        else ""
    )
    return _("This tenant is %(status)s: everything can be read and nothing changed.%(reason)s") % {
        "status": tenant.get_status_display(),
        "reason": reason,
    }


def lead_in(request: HttpRequest) -> HttpResponse | None:
    """Lead an operator who has not said why they are here to where that is asked; None for everybody else."""
    user = acting_user(request)
    request.entry = entry = find_entry(user)  # type: ignore[attr-defined]
    page = page_of(request)
    if not user.is_superuser or entry is not None or page in BEFORE | _WAYS:
        return None
    return HttpResponseRedirect(
        f"{reverse('admin:enter')}?{urlencode({'next': request.get_full_path()})}"
    )


platform_site = PlatformAdminSite()
tenant_site = TenantAdminSite()
