"""Routes of `/v1` that belong to this app."""

from __future__ import annotations

from django.urls import path

from tenants import views

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
]
