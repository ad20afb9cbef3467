"""Routes of `/v1` that belong to this app."""

from __future__ import annotations

from django.urls import path

from tenants import platform_views, views

urlpatterns = [
    path("tenants", views.TenantList.as_view()),
    path("tenants/me", views.OwnTenant.as_view()),
    path("auth/login", views.LogInView.as_view()),
    path("auth/me", views.Myself.as_view()),
    path("users", views.UserList.as_view()),
    path("users/<str:user_id>", views.UserDetail.as_view()),
    path("api-tokens", views.ApiTokenList.as_view()),
    path("api-tokens/<str:token_id>", views.ApiTokenDetail.as_view()),
    path("api-tokens/<str:token_id>/rotate", views.ApiTokenRotation.as_view()),
    path("audit-events", platform_views.AuditEvents.as_view()),
    path("platform/audit-events", platform_views.PlatformAuditEvents.as_view()),
    path("platform/tenants", platform_views.PlatformTenantList.as_view()),
    path("platform/bulk/preview", platform_views.BulkPreview.as_view()),
    path("platform/bulk/<str:act>-matching", platform_views.BulkMatching.as_view()),
    path("platform/bulk/<str:act>", platform_views.BulkByName.as_view()),
    path("platform/tenants/<str:slug>", platform_views.PlatformTenantDetail.as_view()),
    path("platform/tenants/<str:slug>/<str:act>", platform_views.PlatformTenantStatus.as_view()),
]
