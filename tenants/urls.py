"""Routes of `/v1` that belong to this app."""

from __future__ import annotations

from django.urls import path

from tenants import api
from tenants.factors import api as factors_api
from tenants.hosts import api as hosts_api
from tenants.links import api as links_api
from tenants.log import api as log_api
from tenants.moving import api as moving_api
from tenants.people import api as people_api
from tenants.plans import api as plans_api
from tenants.platform import api as platform_api
from tenants.settings import api as settings_api
from tenants.sso import api as sso_api
from tenants.tokens import api as tokens_api

urlpatterns = [
    path("tenants", api.TenantList.as_view()),
    path("tenants/me", api.OwnTenant.as_view()),
    path("auth/login", people_api.LogInView.as_view()),
    path("auth/me", people_api.Myself.as_view()),
    path("auth/forgotten-password", links_api.ForgottenPasswords.as_view()),
    path("auth/set-password", links_api.PasswordsByLink.as_view()),
    path("auth/second-factor", factors_api.OwnFactor.as_view()),
    path("auth/second-factor/confirm", factors_api.OwnFactorConfirmed.as_view()),
    path("auth/second-factor/recovery-codes", factors_api.OwnRecoveryCodes.as_view()),
    path("auth/second-factor/remove", factors_api.OwnFactorRemoved.as_view()),
    path("auth/sessions", factors_api.OwnSessions.as_view()),
    path("auth/sessions/<str:session_id>", factors_api.OwnSession.as_view()),
    path("tenants/me/settings", settings_api.OwnSettings.as_view()),
    path("tenants/me/logo", settings_api.OwnLogo.as_view()),
    path("tenants/me/hosts", hosts_api.HostList.as_view()),
    path("tenants/me/hosts/<str:host>", hosts_api.HostDetail.as_view()),
    path("tenants/me/hosts/<str:host>/check", hosts_api.HostCheck.as_view()),
    path("tenants/me/hosts/<str:host>/primary", hosts_api.HostPrimary.as_view()),
    path("tenants/me/sso", sso_api.OwnProvider.as_view()),
    path("tenants/me/second-factor", factors_api.FactorRules.as_view()),
    path("users/<str:user_id>/second-factor", factors_api.FactorOfUser.as_view()),
    path("users/<str:user_id>/sessions", factors_api.SessionsOfUser.as_view()),
    path("invitations", links_api.InvitationList.as_view()),
    path("invitations/<str:invitation_id>", links_api.InvitationDetail.as_view()),
    path("invitations/<str:invitation_id>/send-again", links_api.InvitationAgain.as_view()),
    path("users", people_api.UserList.as_view()),
    path("users/<str:user_id>", people_api.UserDetail.as_view()),
    path("api-tokens", tokens_api.ApiTokenList.as_view()),
    path("api-tokens/<str:token_id>", tokens_api.ApiTokenDetail.as_view()),
    path("api-tokens/<str:token_id>/rotate", tokens_api.ApiTokenRotation.as_view()),
    path("audit-events", log_api.AuditEvents.as_view()),
    path("audit-events/export", log_api.AuditExport.as_view()),
    path("platform/audit-events", log_api.PlatformAuditEvents.as_view()),
    path("platform/audit-events/export", log_api.PlatformAuditExport.as_view()),
    path("platform/tenants", platform_api.PlatformTenantList.as_view()),
    path("platform/plans", plans_api.PlanList.as_view()),
    path("platform/plans/<str:key>", plans_api.PlanDetail.as_view()),
    path("platform/queues", platform_api.PlatformQueues.as_view()),
    path("platform/bulk/preview", platform_api.BulkPreview.as_view()),
    path("platform/bulk/<str:act>-matching", platform_api.BulkMatching.as_view()),
    path("platform/bulk/<str:act>", platform_api.BulkByName.as_view()),
    path("platform/tenants/<str:slug>", platform_api.PlatformTenantDetail.as_view()),
    path("platform/maintenance", platform_api.PlatformMaintenance.as_view()),
    path(
        "platform/tenants/<str:slug>/maintenance", platform_api.PlatformTenantMaintenance.as_view()
    ),
    path("platform/tenants/<str:slug>/export", moving_api.PlatformTenantExport.as_view()),
    path("platform/tenants/<str:slug>/clone", moving_api.PlatformTenantClone.as_view()),
    path("platform/tenants/<str:slug>/erase", moving_api.PlatformTenantErase.as_view()),
    path("platform/imports", moving_api.PlatformImports.as_view()),
    path("platform/transfers", moving_api.PlatformTransfers.as_view()),
    path("platform/transfers/<str:transfer_id>", moving_api.PlatformTransfer.as_view()),
    path(
        "platform/transfers/<str:transfer_id>/cancel", moving_api.PlatformTransferCancel.as_view()
    ),
    path(
        "platform/transfers/<str:transfer_id>/download", moving_api.PlatformTransferFile.as_view()
    ),
    path("platform/receipts", moving_api.PlatformReceipts.as_view()),
    path("platform/tenants/<str:slug>/<str:act>", platform_api.PlatformTenantStatus.as_view()),
]
