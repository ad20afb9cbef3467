"""Routes of a tenant's own path or host."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from minirag.api import handler400, handler404, handler500  # noqa: F401 - Django looks for them here
from minirag.pages.public import find_widget, predecessor_pages, show_tenant
from tenants.admin_site.sites import tenant_site

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include("minirag.api")),
    path("", show_tenant, name="home"),
    *predecessor_pages,
    path("dashboard/widget/minirag-widget.js", find_widget),
    path("admin/", tenant_site.urls),
]
