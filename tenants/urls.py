"""Routes of `/v1` that belong to this app."""

from __future__ import annotations

from django.urls import path

from tenants import api
from tenants.platform import api as platform_api

urlpatterns = [
    path("tenants", api.TenantList.as_view()),
    path("tenants/me", api.OwnTenant.as_view()),
    path("auth/login", api.LogInView.as_view()),
    path("auth/me", api.Myself.as_view()),
    path("users", api.UserList.as_view()),
    path("users/<str:user_id>", api.UserDetail.as_view()),
    path("api-tokens", api.ApiTokenList.as_view()),
    path("api-tokens/<str:token_id>", api.ApiTokenDetail.as_view()),
    path("api-tokens/<str:token_id>/rotate", api.ApiTokenRotation.as_view()),
    path("audit-events", platform_api.AuditEvents.as_view()),
    path("platform/audit-events", platform_api.PlatformAuditEvents.as_view()),
    path("platform/tenants", platform_api.PlatformTenantList.as_view()),
    path("platform/bulk/preview", platform_api.BulkPreview.as_view()),
    path("platform/bulk/<str:act>-matching", platform_api.BulkMatching.as_view()),
    path("platform/bulk/<str:act>", platform_api.BulkByName.as_view()),
    path("platform/tenants/<str:slug>", platform_api.PlatformTenantDetail.as_view()),
    path("platform/tenants/<str:slug>/<str:act>", platform_api.PlatformTenantStatus.as_view()),
]
