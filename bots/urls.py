"""Routes of `/v1` that belong to this app."""

from __future__ import annotations

from django.urls import path

from bots import api
from bots.identities import api as identities_api
from bots.plans import api as plans_api
from bots.providers import api as providers_api
from bots.quotas import api as quotas_api
from bots.readiness import api as readiness_api
from bots.scopes import api as scopes_api
from bots.versions import api as versions_api

_SCOPES = "bot-profiles/<str:bot_profile_id>/scopes"
_VERSIONS = "bot-profiles/<str:bot_profile_id>/versions"

urlpatterns = [
    path("bot-profiles", api.BotList.as_view()),
    path("bot-profiles/<str:bot_profile_id>", api.BotDetail.as_view()),
    path("bot-profiles/<str:bot_profile_id>/settings", api.BotSettingsDetail.as_view()),
    path(
        "bot-profiles/<str:bot_profile_id>/identity-secret", identities_api.IdentitySecret.as_view()
    ),
    path(_SCOPES, scopes_api.ScopeList.as_view()),
    path(f"{_SCOPES}/check", scopes_api.ScopeCheck.as_view()),
    path(f"{_SCOPES}/<str:scope_id>", scopes_api.ScopeDetail.as_view()),
    path("scope-templates", scopes_api.ScopeTemplateList.as_view()),
    path("bot-profiles/<str:bot_profile_id>/providers", providers_api.BotProviderList.as_view()),
    path("bot-profiles/<str:bot_profile_id>/readiness", readiness_api.BotReadiness.as_view()),
    path(_VERSIONS, versions_api.VersionList.as_view()),
    path(f"{_VERSIONS}/<str:version_id>", versions_api.VersionDetail.as_view()),
    path(f"{_VERSIONS}/<str:version_id>/comparison", versions_api.VersionComparison.as_view()),
    path(f"{_VERSIONS}/<str:version_id>/roll-back", versions_api.VersionRollBack.as_view()),
    path("providers", providers_api.ProviderList.as_view()),
    path("providers/catalogue", providers_api.ModelCatalogue.as_view()),
    path("providers/<str:provider_id>", providers_api.ProviderDetail.as_view()),
    path("providers/<str:provider_id>/test", providers_api.ProviderTest.as_view()),
    path("tenants/me/plan", plans_api.OwnPlan.as_view()),
    path("quotas", quotas_api.QuotaList.as_view()),
    path("quotas/<str:quota_id>", quotas_api.QuotaDetail.as_view()),
]
