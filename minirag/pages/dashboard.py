"""The first page of each admin: a few counts that lead to the rows behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from bots.models import BotProfile, Outcome
from conversations.models import Chat, Message, MessageRole
from conversations.turns.troubles import list_failures
from knowledge.models import (
    CONFLICTS,
    Correction,
    DocumentEdit,
    SiteSync,
    Source,
    SourceStatus,
    SyncState,
)
from tenants.admin_site.model_admin import may_manage
from tenants.calls.permissions import acting_user
from tenants.context import current_tenant
from tenants.models import ApiToken, AuditEvent, May, Tenant, TenantStatus, User
from tenants.platform.queues import list_queues
from tenants.schemas import target_version


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


def _list_of(name: str, query: str = "") -> str:
    return reverse(f"admin:{name}_changelist") + (f"?{query}" if query else "")


def _describe_platform() -> dict[str, Any]:
    tenants = Tenant.objects.aggregate(
        active=Count("id", filter=Q(status=TenantStatus.ACTIVE)),
        suspended=Count("id", filter=Q(status=TenantStatus.SUSPENDED)),
        archived=Count("id", filter=Q(status=TenantStatus.ARCHIVED)),
        behind=Count("id", filter=~Q(schema_version=target_version())),
    )
    tenant_list = _list_of("tenants_tenant")
    behind = (
        f"{tenants['behind']} need manage.py migrate"
        if tenants["behind"]
        else "all schemas are current"
    )
    counts = [
        Shown(
            "Active tenants",
            tenants["active"],
            f"{tenant_list}?status__exact=active",
            behind,
            bool(tenants["behind"]),
        ),
        Shown("Suspended", tenants["suspended"], f"{tenant_list}?status__exact=suspended"),
        Shown("Archived", tenants["archived"], f"{tenant_list}?status__exact=archived"),
        Shown("Users", User.objects.filter(tenant__isnull=False).count(), _list_of("tenants_user")),
        Shown(
            "API tokens",
            ApiToken.objects.filter(is_active=True).count(),
            _list_of("tenants_apitoken"),
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
    more = f"; and {len(queues) - 3} more tenants" if len(queues) > 3 else ""
    tenant_list = _list_of("tenants_tenant")
    return Shown("Work waiting", sum(queue.waiting for queue in queues), tenant_list, note + more)


def _describe_tenant(request: HttpRequest) -> dict[str, Any]:
    sources = Source.objects.filter(deleted_at__isnull=True)
    states = sources.aggregate(
        ready=Count("id", filter=Q(status=SourceStatus.READY)),
        failed=Count("id", filter=Q(status=SourceStatus.ERROR)),
        working=Count("id", filter=Q(status__in=[SourceStatus.PENDING, SourceStatus.PROCESSING])),
    )
    day = timezone.now() - timedelta(days=1)
    said = Message.objects.filter(role=MessageRole.ASSISTANT, created_at__gte=day)
    answers = said.aggregate(
        all=Count("id", filter=Q(is_asked_back=False)),
        refused=Count("id", filter=Q(outcome=Outcome.REFUSED)),
        asked_back=Count("id", filter=Q(is_asked_back=True)),
    )
    notes = (f"{answers['refused']} refused", f"{answers['asked_back']} questions asked back")
    bots = BotProfile.objects.aggregate(
        active=Count("id", filter=Q(is_active=True)), all=Count("id")
    )
    source_list = _list_of("knowledge_source")
    may_read_chats = acting_user(request).may(May.READ_CHATS)
    chat_list = _list_of("conversations_chat") if may_read_chats else ""
    counts = [
        Shown("Active bots", bots["active"], _list_of("bots_botprofile", "is_active__exact=1")),
        Shown("Sources ready", states["ready"], f"{source_list}?status__exact=ready"),
        Shown("Waiting or at work", states["working"], f"{source_list}?status__in=pending,processing"),
        Shown(
            "Failed", states["failed"], f"{source_list}?status__exact=error",
            "see the reasons" if states["failed"] else "", is_bad=True,
        ),
        Shown("Chats in 24 hours", Chat.objects.filter(created_at__gte=day).count(), chat_list),
        Shown(
            "Answers in 24 hours", answers["all"], chat_list,
            ", ".join(note for note in notes if not note.startswith("0 ")),
        ),
        *_describe_decisions(),
        *_describe_failures(chat_list),
    ]  # fmt: skip
    return {
        "counts": counts, "next_step": _suggest_step(request, bots["all"], sum(states.values())),
        "may_read_chats": may_read_chats,
        "chats": Chat.objects.select_related("bot_profile")[:8] if may_read_chats else (),
        "troubled": sources.filter(status=SourceStatus.ERROR).only("id", "name", "status", "error_message")[:8],
    }  # fmt: skip


def _describe_decisions() -> list[Shown]:
    """What waits for a person, where anything does."""
    syncs = SiteSync.objects.filter(state=SyncState.WAITING, source__deleted_at__isnull=True)
    edits = DocumentEdit.objects.in_conflict().filter(document__source__deleted_at__isnull=True)
    corrections = Correction.objects.filter(state__in=CONFLICTS, source__deleted_at__isnull=True)
    waiting = (
        ("Syncs to approve", syncs.count(), _list_of("knowledge_sitesync", "state__exact=waiting")),
        ("Edits in conflict", edits.count(), _list_of("knowledge_document", "edited=conflict")),
        ("Corrections in conflict", corrections.count(), _list_of("knowledge_correction", "waits=1")),
    )  # fmt: skip
    return [
        Shown(label, count, url, "you decide", is_bad=True)
        for label, count, url in waiting
        if count
    ]


def _describe_failures(chat_list: str) -> list[Shown]:
    """Turns that failed at a model provider, where there are any."""
    failures = list_failures()
    if not failures:
        return []
    lasting = sorted(each["code"] for each in failures if each["is_lasting"])
    note = (
        f"{', '.join(lasting)}: look at the account and its key"
        if lasting
        else "may pass by itself"
    )
    number = sum(each["count"] for each in failures)
    return [Shown("Failed at the provider", number, chat_list, note, is_bad=bool(lasting))]


def _suggest_step(request: HttpRequest, bot_count: int, source_count: int) -> dict[str, str] | None:
    """Say what to do first in an empty tenant."""
    if not bot_count:
        url = reverse("admin:bots_botprofile_add") if may_manage(request, "bots") else ""
        text = "A bot answers questions from the documents that you give it."
        return {"title": "Make the first bot", "text": text, "url": url, "label": "Add a bot"}
    if not source_count:
        url = reverse("admin:knowledge_source_add") if may_manage(request, "sources") else ""
        text = (
            "Without a source the bot refuses every question: give it a text, a file or a web page."
        )
        return {
            "title": "Give the bot something to know",
            "text": text,
            "url": url,
            "label": "Add a source",
        }
    return None
