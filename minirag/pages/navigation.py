"""The sidebar of each admin, grouped by what one comes for (Unfold's SIDEBAR.navigation)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from tenants.calls.permissions import acting_user
from tenants.context import current_tenant
from tenants.people.roles import NOUNS

Page = tuple[str, str, str]  # title, icon, name of the admin's list

_PLATFORM: list[tuple[str, list[Page]]] = [
    (
        "Tenants",
        [
            ("Tenants", "domain", "tenants_tenant"),
            ("Hosts", "language", "tenants_domain"),
            ("Plans", "sell", "tenants_plan"),
        ],
    ),
    ("Access", [("Users", "group", "tenants_user"), ("API tokens", "key", "tenants_apitoken")]),
    (
        "System",
        [
            ("Audit log", "history", "tenants_auditevent"),
            ("Changes in this admin", "edit_note", "admin_logentry"),
            ("Schema migrations", "database", "tenants_schemamigration"),
            ("Periodic tasks", "schedule", "django_celery_beat_periodictask"),
            ("Intervals", "timer", "django_celery_beat_intervalschedule"),
            ("Crontabs", "event_repeat", "django_celery_beat_crontabschedule"),
        ],
    ),
]

_TENANT: list[tuple[str, list[Page]]] = [
    (
        "Assistants",
        [
            ("Bots", "smart_toy", "bots_botprofile"),
            ("Scopes", "shield", "bots_scope"),
            ("Provider keys", "vpn_key", "bots_providercredential"),
        ],
    ),
    (
        "Knowledge",
        [
            ("Sources", "upload_file", "knowledge_source"),
            ("Syncs", "sync", "knowledge_sitesync"),
            ("Pages and files", "folder_copy", "knowledge_sitepage"),
            ("Documents", "description", "knowledge_document"),
            ("Versions", "history", "knowledge_documentversion"),
            ("Chunks", "segment", "knowledge_chunk"),
            ("Corrections", "edit_square", "knowledge_correction"),
            ("Datasets", "folder_open", "knowledge_dataset"),
            ("Curated answers", "fact_check", "knowledge_curatedanswer"),
        ],
    ),
    (
        "Conversations",
        [
            ("Inbox", "support_agent", "conversations_handoff"),
            ("Handoff rules", "rule", "conversations_handoffrules"),
            ("Chats", "chat", "conversations_chat"),
            ("Exports", "download", "conversations_exportjob"),
        ],
    ),
    (
        "Quality",
        [
            ("Gaps", "help_center", "conversations_gap"),
            ("Golden questions", "star", "conversations_goldenquestion"),
            ("Evaluation runs", "monitoring", "conversations_evaluationrun"),
            ("Gates", "verified", "bots_qualitygate"),
            ("Drafts", "edit_note", "bots_botdraft"),
        ],
    ),
    (
        "Usage",
        [
            ("Quotas", "speed", "bots_quota"),
            ("Quota periods", "date_range", "bots_quotause"),
            ("Usage events", "data_usage", "bots_usageevent"),
            ("Prices", "payments", "bots_priceoverride"),
        ],
    ),
    ("Access", [("Users", "group", "tenants_user"), ("API tokens", "key", "tenants_apitoken")]),
    (
        "System",
        [
            ("Webhooks", "webhook", "webhooks_webhook"),
            ("Deliveries", "outbox", "webhooks_delivery"),
            ("Audit log", "history", "tenants_auditevent"),
        ],
    ),
]


def list_groups(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the site at hand, with links under its own prefix."""
    overview = {"title": "Overview", "icon": "space_dashboard", "link": reverse("admin:index")}
    groups = _PLATFORM if current_tenant() is None else _TENANT
    account = {"title": "Your account", "icon": "lock_person", "link": reverse("admin:security")}
    own = [overview, account]
    if current_tenant() is not None and acting_user(request).may(
        NOUNS["the tenant's settings"].change
    ):
        own.append({"title": _("Settings"), "icon": "tune", "link": reverse("admin:settings")})
    if current_tenant() is not None and acting_user(request).may(NOUNS["quotas"].read):
        own.append({"title": _("Plan"), "icon": "sell", "link": reverse("admin:bots_quota_plan")})
    if current_tenant() is not None and acting_user(request).may(NOUNS["single sign-on"].change):
        own.append({"title": "Single sign-on", "icon": "login", "link": reverse("admin:sso")})
    return [{"items": own}] + [
        {
            "title": title,
            "items": [
                {"title": page, "icon": icon, "link": reverse(f"admin:{name}_changelist")}
                for page, icon, name in pages
                if acting_user(request).has_perm(view_of(name))
            ],
        }
        for title, pages in groups
        if any(acting_user(request).has_perm(view_of(name)) for _, _, name in pages)
    ]


def view_of(name: str) -> str:
    """The permission to look at a list: `tenants_user` is `tenants.view_user`; apps have several lines in theirs."""
    app, _line, model = name.rpartition("_")
    return f"{app}.view_{model}"
