"""The first page of each admin: what is wrong and how it goes, with the way to the rows behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext

from bots.models import BotProfile
from conversations.models import Chat
from minirag.pages.navigation import view_of
from minirag.pages.overview.checklist import list_steps
from minirag.pages.overview.problems import count_sources, count_things, list_of, list_problems
from minirag.pages.overview.weeks import describe_week
from tenants.admin_site.model_admin import may_manage
from tenants.calls.permissions import acting_user
from tenants.context import current_tenant
from tenants.models import ApiToken, AuditEvent, May, Tenant, TenantStatus, User
from tenants.platform.queues import list_queues
from tenants.schemas import target_version

_MOST_BOTS: Final = 100


@dataclass(frozen=True)
class Shown:
    """One number, with a link to the list that it counts where one may see it. `note` says more, red if it is bad."""

    label: str
    number: int
    url: str
    note: str = ""
    is_bad: bool = False


def fill_index(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the index page of the site at hand shows (Unfold's DASHBOARD_CALLBACK)."""
    return {
        **context,
        **(_describe_platform() if current_tenant() is None else _describe_tenant(request)),
    }


def _describe_platform() -> dict[str, Any]:
    tenants = Tenant.objects.aggregate(
        active=Count("id", filter=Q(status=TenantStatus.ACTIVE)),
        suspended=Count("id", filter=Q(status=TenantStatus.SUSPENDED)),
        archived=Count("id", filter=Q(status=TenantStatus.ARCHIVED)),
        behind=Count("id", filter=~Q(schema_version=target_version())),
    )
    tenant_list = list_of("tenants_tenant")
    behind = (
        gettext("%(count)s need manage.py migrate") % {"count": tenants["behind"]}
        if tenants["behind"]
        else gettext("all schemas are current")
    )
    counts = [
        Shown(
            gettext("Active tenants"),
            tenants["active"],
            f"{tenant_list}?status__exact=active",
            behind,
            bool(tenants["behind"]),
        ),
        Shown(gettext("Suspended"), tenants["suspended"], f"{tenant_list}?status__exact=suspended"),
        Shown(gettext("Archived"), tenants["archived"], f"{tenant_list}?status__exact=archived"),
        Shown(
            gettext("Users"),
            User.objects.filter(tenant__isnull=False).count(),
            list_of("tenants_user"),
        ),
        Shown(
            gettext("API tokens"),
            ApiToken.objects.filter(is_active=True).count(),
            list_of("tenants_apitoken"),
        ),
        _describe_queues(),
    ]
    return {
        "counts": counts, "has_tenants": any(tenants[status] for status in TenantStatus.values),
        "newest": Tenant.objects.order_by("-created_at")[:8], "events": AuditEvent.objects.all()[:8],
    }  # fmt: skip


def _describe_queues() -> Shown:
    """How much waits for a worker, and whose it is."""
    queues = list_queues()
    note = "; ".join(f"{queue.slug}: {queue}" for queue in queues[:3])
    more = ""
    if len(queues) > 3:
        rest = len(queues) - 3
        more = "; " + ngettext("and %(count)s more tenant", "and %(count)s more tenants", rest) % {
            "count": rest
        }
    tenant_list = list_of("tenants_tenant")
    return Shown(
        gettext("Work waiting"), sum(queue.waiting for queue in queues), tenant_list, note + more
    )


def _describe_tenant(request: HttpRequest) -> dict[str, Any]:
    """First what is wrong, then what to do, then how the week went."""
    user = acting_user(request)
    bots = list(BotProfile.objects.order_by("-is_active", "name", "id")[:_MOST_BOTS])
    sources, things = count_sources(), count_things()
    may_read_chats, sees_figures = user.may(May.READ_CHATS), user.may(May.READ_FIGURES)
    week = describe_week({bot.pk: str(bot) for bot in bots}) if sees_figures else None
    leads = week is not None and may_manage(request, "bots")

    def sees(page: str) -> bool:
        is_settings = page == "settings"
        return user.may(May.MANAGE_SETTINGS) if is_settings else user.has_perm(view_of(page))

    return {
        "counts": _count_tenant(bots, sources),
        "problems": list_problems(bots, sources, things, sees),
        "steps": list_steps(bots, sources, week) if leads and week is not None else [],
        "week": week,
        "may_read_chats": may_read_chats,
        "chats": Chat.objects.select_related("bot_profile")[:8] if may_read_chats else (),
    }


def _count_tenant(bots: list[BotProfile], sources: Mapping[str, int]) -> list[Shown]:
    source_list = list_of("knowledge_source")
    active = sum(bot.is_active for bot in bots)
    return [
        Shown(gettext("Active bots"), active, list_of("bots_botprofile", "is_active__exact=1")),
        Shown(gettext("Sources ready"), sources["ready"], f"{source_list}?status__exact=ready"),
        Shown(gettext("Waiting or at work"), sources["working"], f"{source_list}?status__in=pending,processing"),
        Shown(gettext("Failed"), sources["failed"], f"{source_list}?status__exact=error", is_bad=True),
    ]  # fmt: skip
