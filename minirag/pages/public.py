"""The pages for people who are not logged in: the platform's first page, and a tenant's page with its bot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import path, reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language_from_request, gettext, override
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView

from bots.models import BotProfile
from minirag.local.demo.tenants import DEMO_TENANTS, find_demo_tenant
from tenants.branding.serving import logo_address
from tenants.context import require_tenant
from tenants.models import Tenant, TenantStatus

_ACCENT = "#3f51d8"
_NO_STYLE = "/* The widget brings its own looks: see the bot's page in the admin. */\n"
_FOR_A_DAY = {"Cache-Control": "public, max-age=86400"}


@require_safe
def show_platform(request: HttpRequest) -> HttpResponse:
    """Say what this is; lead to the demo where there is one, else to the admin."""
    active = _find_demo()
    demos = [
        {"name": active[demo.slug].name, "slug": demo.slug, "demo": demo}
        for demo in DEMO_TENANTS
        if demo.slug in active
    ]
    context = {"demos": demos, "admin_url": reverse("admin:index")}
    return _in_its_language(request, lambda: render(request, "platform/home.html", context))


@require_safe
def show_tenant(request: HttpRequest) -> HttpResponse:
    """Show the page of the tenant's oldest public bot. 404 while the tenant has none or is not active."""
    return _in_its_language(request, lambda: _render_page(request, require_tenant()))


def _in_its_language(request: HttpRequest, render_page: Callable[[], HttpResponse]) -> HttpResponse:
    """The page in the language that was chosen in the admin, or that the browser asks for."""
    with override(get_language_from_request(request)):
        response = render_page()
    patch_vary_headers(response, ("Accept-Language", "Cookie"))
    return response


def _render_page(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    bot = BotProfile.objects.active().filter(is_public=True).order_by("created_at").first()
    if bot is None or not tenant.is_active:
        raise Http404
    context = {
        "tenant_name": tenant.public_name, "logo_url": logo_address(), "bot_name": bot.name, "bot_id": str(bot.pk),
        "tagline": bot.description or gettext("Ask, and read the answer with its sources."),
        "starter_questions": bot.starter_questions, "admin_url": reverse("admin:index"), "accent": _ACCENT,
        **_describe_demo(request, tenant),
    }  # fmt: skip
    if tenant.accent:
        context["accent"] = tenant.accent
    return render(request, "demo/page.html", context)


@require_safe
def find_widget(request: HttpRequest) -> HttpResponse:
    """Lead a page that was made for the predecessor to the widget's script."""
    return HttpResponseRedirect(static("minirag/widget.js"))


@require_safe
def show_no_style(request: HttpRequest) -> HttpResponse:
    """What the predecessor's widget had its looks from: pages that name it find it, and it changes nothing."""
    return HttpResponse(_NO_STYLE, content_type="text/css; charset=utf-8", headers=_FOR_A_DAY)


# Where the predecessor described its API, and where people have their bookmarks.
predecessor_pages = [
    path("dashboard", RedirectView.as_view(pattern_name="admin:index")),
    path("dashboard/", RedirectView.as_view(pattern_name="admin:index")),
    path("dashboard/widget/minirag-widget.css", show_no_style),
    path("docs", RedirectView.as_view(pattern_name="api-reference")),
    path("redoc", RedirectView.as_view(pattern_name="api-reference")),
    path("openapi.json", RedirectView.as_view(pattern_name="openapi-document")),
]


def _find_demo() -> dict[str, Tenant]:
    """Return the demo's active tenants by slug; a tenant with such a slug and another owner is not the demo's."""
    owned = Q()
    for demo in DEMO_TENANTS:
        owned |= Q(slug=demo.slug, users__email=demo.owner_email)
    found = Tenant.objects.filter(owned, status=TenantStatus.ACTIVE)
    return {tenant.slug: tenant for tenant in found}


def _describe_demo(request: HttpRequest, tenant: Tenant) -> dict[str, Any]:
    """Return what a tenant of the demo shows besides: its colours, and the way to the other one."""
    tenants, demo = _find_demo(), find_demo_tenant(tenant.slug)
    if demo is None or tenants.pop(tenant.slug, None) is None:
        return {}
    look = {"is_demo": True, "tagline": demo.tagline, "accent": demo.accent}
    other = next(iter(tenants.values()), None)
    if other is None or getattr(request, "tenant_by", None) != "path":
        return look
    return {**look, "other_demo_url": f"/t/{other.slug}/", "other_tenant_name": other.name}
