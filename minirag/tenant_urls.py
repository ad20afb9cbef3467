"""Routes of a tenant's own path or host."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from minirag.api import handler400, handler404, handler500  # noqa: F401 - Django looks for them here
from minirag.pages.hosted import show_bot
from minirag.pages.public import find_widget, predecessor_pages, show_tenant
from tenants.admin_site.sites import tenant_site
from tenants.branding.serving import send_colours, send_logo
from tenants.hosts.checking import PATH, show_word

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include("minirag.api")),
    path("", show_tenant, name="home"),
    *predecessor_pages,
    path("dashboard/widget/minirag-widget.js", find_widget),
    path("chat/<uuid:bot_id>/", show_bot, name="hosted_bot"),
    path("branding/logo", send_logo, name="branding_logo"),
    path("branding/colours.css", send_colours, name="branding_colours"),
    path(PATH.lstrip("/"), show_word),
    path("admin/", tenant_site.urls),
]
