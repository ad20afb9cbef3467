"""The sidebar of each admin, grouped by what one comes for (Unfold's SIDEBAR.navigation)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tenants.admin_site.model_admin import is_writable
from tenants.calls.permissions import acting_user
from tenants.context import current_tenant
from tenants.people.roles import NOUNS

Page = tuple[Any, str, str]
"""Title, icon, name of the admin's list; another page of the same rows is named behind a colon."""

_PLATFORM: list[tuple[Any, list[Page]]] = [
    (
        _("Tenants"),
        [
            (_("Tenants"), "domain", "tenants_tenant"),
            (_("Hosts"), "language", "tenants_domain"),
            (_("Plans"), "sell", "tenants_plan"),
            (_("Exports, copies, erasures"), "swap_horiz", "tenants_tenanttransfer"),
            (_("Receipts of erasures"), "receipt_long", "tenants_erasurereceipt"),
            (_("Operators' stays"), "shield_person", "tenants_operatorentry"),
        ],
    ),
    (
        _("Access"),
        [(_("Users"), "group", "tenants_user"), (_("API tokens"), "key", "tenants_apitoken")],
    ),
    (
        _("System"),
        [
            (_("Audit log"), "history", "tenants_auditevent"),
            (_("Changes in this admin"), "edit_note", "admin_logentry"),
            (_("Schema migrations"), "database", "tenants_schemamigration"),
            (_("Periodic tasks"), "schedule", "django_celery_beat_periodictask"),
            (_("Intervals"), "timer", "django_celery_beat_intervalschedule"),
            (_("Crontabs"), "event_repeat", "django_celery_beat_crontabschedule"),
        ],
    ),
]

_TENANT: list[tuple[Any, list[Page]]] = [
    (
        _("Assistants"),
        [
            (_("Bots"), "smart_toy", "bots_botprofile"),
            (_("Scopes"), "shield", "bots_scope"),
            (_("Provider keys"), "vpn_key", "bots_providercredential"),
        ],
    ),
    (
        _("Knowledge"),
        [
            (_("All knowledge"), "account_tree", "knowledge_source:tree"),
            (_("Add knowledge"), "add_circle", "knowledge_source:add"),
            (_("Sources"), "upload_file", "knowledge_source"),
            (_("Syncs"), "sync", "knowledge_sitesync"),
            (_("Pages and files"), "folder_copy", "knowledge_sitepage"),
            (_("Documents"), "description", "knowledge_document"),
            (_("Versions"), "history", "knowledge_documentversion"),
            (_("Chunks"), "segment", "knowledge_chunk"),
            (_("Corrections"), "edit_square", "knowledge_correction"),
            (_("Datasets"), "folder_open", "knowledge_dataset"),
            (_("Curated answers"), "fact_check", "knowledge_curatedanswer"),
        ],
    ),
    (
        _("Conversations"),
        [
            (_("Inbox"), "support_agent", "conversations_handoff"),
            (_("Handoff rules"), "rule", "conversations_handoffrules"),
            (_("Canned answers"), "quickreply", "conversations_cannedanswer"),
            (_("Chats"), "chat", "conversations_chat"),
            (_("Exports"), "download", "conversations_exportjob"),
        ],
    ),
    (
        _("Quality"),
        [
            (_("Gaps"), "help_center", "conversations_gap"),
            (_("Golden questions"), "star", "conversations_goldenquestion"),
            (_("Evaluation runs"), "monitoring", "conversations_evaluationrun"),
            (_("Gates"), "verified", "bots_qualitygate"),
            (_("Drafts"), "edit_note", "bots_botdraft"),
            (_("Versions of bots"), "manage_history", "bots_botversion"),
        ],
    ),
    (
        _("Usage"),
        [
            (_("Quotas"), "speed", "bots_quota"),
            (_("Quota uses"), "date_range", "bots_quotause"),
            (_("Usage events"), "data_usage", "bots_usageevent"),
            (_("Prices"), "payments", "bots_priceoverride"),
        ],
    ),
    (
        _("Access"),
        [(_("Users"), "group", "tenants_user"), (_("API tokens"), "key", "tenants_apitoken")],
    ),
    (
        _("System"),
        [
            (_("Webhooks"), "webhook", "webhooks_webhook"),
            (_("Deliveries"), "outbox", "webhooks_delivery"),
            (_("Audit log"), "history", "tenants_auditevent"),
        ],
    ),
]


# The theme's templates look for these at each entry, and looking for what is not there takes long.
_PLAIN_GROUP = {"badge": None, "collapsible": False, "separator": False}
_PLAIN_ITEM = {"badge": None, "link_callback": None}


def list_groups(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the site at hand, with links under its own prefix."""
    overview = {
        "title": gettext("Overview"),
        "icon": "space_dashboard",
        "link": reverse("admin:index"),
    }
    groups = _PLATFORM if current_tenant() is None else _TENANT
    account = {
        "title": gettext("Your account"),
        "icon": "lock_person",
        "link": reverse("admin:security"),
    }
    own = [overview, account]
    if current_tenant() is not None and acting_user(request).may(
        NOUNS["the tenant's settings"].change
    ):
        own.append(
            {"title": gettext("Settings"), "icon": "tune", "link": reverse("admin:settings")}
        )
    if current_tenant() is not None and acting_user(request).may(NOUNS["quotas"].read):
        own.append(
            {"title": gettext("Plan"), "icon": "sell", "link": reverse("admin:bots_quota_plan")}
        )
    if current_tenant() is None:
        own.append({"title": gettext("Health"), "icon": "monitor_heart", "link": _health_page()})
    if current_tenant() is not None and acting_user(request).may(NOUNS["single sign-on"].change):
        own.append(
            {"title": gettext("Single sign-on"), "icon": "login", "link": reverse("admin:sso")}
        )
    shown: list[dict[str, Any]] = [{"items": own}] + [
        {
            "title": title,
            "items": [
                {"title": page, "icon": icon, "link": _link_to(name)}
                for page, icon, name in open_ones
            ],
        }
        for title, pages in groups
        if (open_ones := [each for each in pages if _may_open(request, each[2])])
    ]
    items = [item for group in shown for item in group["items"]]
    _mark_open(items, request.path)
    for item in items:
        item |= _PLAIN_ITEM
    return [_PLAIN_GROUP | group for group in shown]


def _mark_open(items: list[dict[str, Any]], path: str) -> None:
    """Mark the one page that is open: some stand below another's address."""
    index = reverse("admin:index")
    leading = [
        item["link"] for item in items if item["link"] != index and path.startswith(item["link"])
    ]
    open_link = max(leading, key=len, default=path)
    for item in items:
        item["active"] = item["link"] == open_link


def _link_to(name: str) -> str:
    rows, _colon, page = name.partition(":")
    return reverse(f"admin:{rows}_{page or 'changelist'}")


def _may_open(request: HttpRequest, name: str) -> bool:
    """Whether one may look at its rows, or add one where that is the page."""
    rows, _colon, page = name.partition(":")
    view, user = view_of(rows), acting_user(request)
    if page == "add":
        return is_writable() and user.has_perm(view.replace(".view_", ".add_"))
    return user.has_perm(view)


def view_of(name: str) -> str:
    """The permission to look at a list: `tenants_user` is `tenants.view_user`; apps have several lines in theirs."""
    app, _line, model = name.rpartition("_")
    return f"{app}.view_{model}"


def _health_page() -> str:
    return f"{reverse('admin:django_celery_beat_periodictask_changelist')}health/"
