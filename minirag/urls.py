"""Routes of the platform's own host."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from minirag.api import handler400, handler404, handler500  # noqa: F401 - Django looks for them here
from minirag.operations.api import health
from minirag.operations.metrics import show_metrics
from minirag.pages.public import find_widget, predecessor_pages, show_platform
from tenants.admin_site.sites import platform_site
from tenants.hosts.checking import PATH, show_word

urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health),
    path("metrics", show_metrics),
    path("v1/", include("minirag.api")),
    path("", show_platform, name="home"),
    *predecessor_pages,
    path("dashboard/widget/minirag-widget.js", find_widget),
    path(PATH.lstrip("/"), show_word),
    path("admin/", platform_site.urls),
]
