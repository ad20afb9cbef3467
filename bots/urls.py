"""Routes of `/v1` that belong to this app."""

from __future__ import annotations

from django.urls import path

from bots import quota_views, scope_views, views

_SCOPES = "bot-profiles/<str:bot_profile_id>/scopes"

urlpatterns = [
    path("bot-profiles", views.BotList.as_view()),
    path("bot-profiles/<str:bot_profile_id>", views.BotDetail.as_view()),
    path("bot-profiles/<str:bot_profile_id>/settings", views.BotSettingsDetail.as_view()),
    path(_SCOPES, scope_views.ScopeList.as_view()),
    path(f"{_SCOPES}/check", scope_views.ScopeCheck.as_view()),
    path(f"{_SCOPES}/<str:scope_id>", scope_views.ScopeDetail.as_view()),
    path("scope-templates", scope_views.ScopeTemplateList.as_view()),
    path("quotas", quota_views.QuotaList.as_view()),
    path("quotas/<str:quota_id>", quota_views.QuotaDetail.as_view()),
]
