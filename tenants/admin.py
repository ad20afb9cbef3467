"""Admin pages of the platform itself: tenants, hosts, its audit log and migrations; and a tenant's own audit log."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import register
from django.contrib.admin.models import LogEntry
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from unfold.admin import TabularInline
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from tenants import audit
from tenants.admin_site.forms import DomainForm, EraseForm, NewTenantForm, ReasonForm
from tenants.admin_site.model_admin import LookOnlyAdmin, ProductAdmin, posted
from tenants.admin_site.sites import platform_site, tenant_site
from tenants.calls.permissions import acting_user
from tenants.context import current_tenant
from tenants.models import AuditEvent, Domain, OperatorToken, SchemaMigration, Tenant, TenantStatus
from tenants.people import admin as people_admin  # noqa: F401 - registers the pages of users
from tenants.provisioning import (
    archive_tenant,
    erase_tenant,
    provision_tenant,
    restore_tenant,
    suspend_tenant,
)
from tenants.schemas import target_version
from tenants.tokens import admin as tokens_admin  # noqa: F401 - registers the pages of tokens

STATUS_COLOURS = {
    TenantStatus.ACTIVE: "success",
    TenantStatus.SUSPENDED: "warning",
    TenantStatus.ARCHIVED: "danger",
}


class DomainInline(TabularInline):
    model = Domain
    form = DomainForm
    extra = 0
    verbose_name = "host"
    fields = ("domain", "is_primary")
    verbose_name_plural = "hosts"


@register(Tenant, site=platform_site)
class TenantAdmin(ProductAdmin):
    list_display = (
        "name_and_slug",
        "shown_status",
        "plan",
        "user_count",
        "schema_state",
        "created_at",
        "admin_link",
    )
    list_filter = ("status", "plan", "is_canary")
    search_fields = ("name", "slug", "domains__domain")
    date_hierarchy = "created_at"
    readonly_fields = (
        "slug", "schema_name", "status", "status_reason", "status_changed_at", "schema_state", "created_at",
        "admin_link",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": (("name", "slug"), ("plan", "admin_link"), ("time_zone", "rate"))}),
        ("Status", {"fields": (("status", "status_changed_at"), "status_reason")}),
        ("Database", {"fields": (("schema_name", "schema_state"), "is_canary", "created_at")}),
    )
    inlines = (DomainInline,)
    actions = ("suspend_chosen", "archive_chosen", "restore_chosen")
    actions_detail = ("suspend", "archive", "restore", "erase")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        return super().get_queryset(request).annotate(user_count=Count("users", distinct=True))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # erase asks for the slug instead

    @display(description="tenant", header=True, ordering="name")
    def name_and_slug(self, tenant: Tenant) -> list[str]:
        return [str(tenant), tenant.slug]

    @display(description="status", ordering="status", label=STATUS_COLOURS)
    def shown_status(self, tenant: Tenant) -> tuple[str, str]:
        return tenant.status, tenant.get_status_display()

    @display(description="users", ordering="user_count")
    def user_count(self, tenant: Any) -> int:
        return int(tenant.user_count)

    @display(description="schema", label={"current": "success", "behind": "danger"})
    def schema_state(self, tenant: Tenant) -> str:
        return "current" if tenant.schema_version == target_version() else "behind"

    @display(description="admin")
    def admin_link(self, tenant: Tenant) -> str:
        return format_html(
            '<a class="mr-path" href="/t/{}/admin/">/t/{}/admin/</a>', tenant.slug, tenant.slug
        )

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Provision a tenant and show its token, once."""

        def provision(data: dict[str, Any]) -> HttpResponse:
            made = provision_tenant(**data, actor=acting_user(request).email)
            self.log_addition(request, made.tenant, [{"added": {}}])
            return self.show_secret_once(
                request, made.raw_token, title=f"{made.tenant} is ready", user=made.owner,
                next_url=self.change_url(made.tenant), next_label="Go to the tenant",
            )  # fmt: skip

        return self.ask(
            request, provision, title="Add a tenant", submit="Make the tenant",
            form=NewTenantForm(posted(request)),
            intro="Makes the tenant's schema, its owner and the owner's first API token.",
        )  # fmt: skip

    def has_suspend_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._is_in(request, object_id, TenantStatus.ACTIVE)

    def has_archive_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._is_in(request, object_id, TenantStatus.ACTIVE, TenantStatus.SUSPENDED)

    def has_restore_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._is_in(request, object_id, TenantStatus.SUSPENDED, TenantStatus.ARCHIVED)

    def _is_in(self, request: HttpRequest, object_id: Any, *statuses: TenantStatus) -> bool:
        return object_id is None or self.require_object(request, object_id).status in statuses

    @action(description="Suspend", permissions=["suspend"], icon="pause_circle")
    def suspend(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._change_status(
            request,
            object_id,
            suspend_tenant,
            "Suspend",
            "Chats, tokens and writes stop at once. Its users can read.",
        )

    @action(description="Archive", permissions=["archive"], icon="inventory_2")
    def archive(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._change_status(
            request,
            object_id,
            archive_tenant,
            "Archive",
            "Puts the tenant away for good, its data kept and readable.",
        )

    def _change_status(
        self, request: HttpRequest, object_id: str, change: Any, verb: str, intro: str
    ) -> HttpResponse:
        tenant = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> None:
            change(tenant, reason=data["reason"], actor=acting_user(request).email)
            self.message_user(
                request, f"{tenant} is {tenant.get_status_display().lower()} now.", messages.SUCCESS
            )

        form = ReasonForm(posted(request))
        return self.ask(
            request, act, title=f"{verb} {tenant}?", intro=intro, submit=verb, obj=tenant, form=form
        )

    @action(description="Restore", permissions=["restore"], icon="play_circle")
    def restore(self, request: HttpRequest, object_id: str) -> HttpResponse:
        tenant = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> None:
            restore_tenant(tenant, actor=acting_user(request).email)
            self.message_user(request, f"{tenant} works again.", messages.SUCCESS)

        return self.ask(
            request, act, title=f"Restore {tenant}?", intro="Chats, tokens and writes work again at once.",
            submit="Restore", obj=tenant,
        )  # fmt: skip

    @action(description="Erase…", icon="delete_forever", variant=ActionVariant.DANGER)
    def erase(self, request: HttpRequest, object_id: str) -> HttpResponse:
        tenant = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> HttpResponse:
            name = str(tenant)
            erase_tenant(tenant, actor=acting_user(request).email)
            self.message_user(request, f"{name} was erased.", messages.SUCCESS)
            return HttpResponseRedirect(self.list_url())

        form = EraseForm(posted(request), slug=tenant.slug)
        intro = (
            "Its schema, users, tokens, hosts and files are deleted for good. There is no way back."
        )
        return self.ask(
            request, act, title=f"Erase {tenant} for good?", intro=intro, submit="Erase for good", danger=True,
            obj=tenant, form=form,
        )  # fmt: skip

    @action(description="Suspend")
    def suspend_chosen(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> None:
        rows = chosen.filter(status=TenantStatus.ACTIVE)
        self.act_on_each(
            request,
            rows,
            lambda t: suspend_tenant(t, actor=acting_user(request).email),
            "suspended",
        )

    @action(description="Archive")
    def archive_chosen(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> None:
        rows = chosen.exclude(status=TenantStatus.ARCHIVED)
        self.act_on_each(
            request, rows, lambda t: archive_tenant(t, actor=acting_user(request).email), "archived"
        )

    @action(description="Restore")
    def restore_chosen(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> None:
        rows = chosen.exclude(status=TenantStatus.ACTIVE)
        self.act_on_each(
            request, rows, lambda t: restore_tenant(t, actor=acting_user(request).email), "restored"
        )


@register(Domain, site=platform_site)
class DomainAdmin(ProductAdmin):
    form = DomainForm
    list_display = ("domain", "tenant", "is_primary", "created_at")
    list_filter = ("is_primary",)
    list_select_related = ("tenant",)
    search_fields = ("domain", "tenant__name", "tenant__slug")
    autocomplete_fields = ("tenant",)
    fields = ("domain", "tenant", "is_primary")


@register(AuditEvent, site=platform_site)
@register(AuditEvent, site=tenant_site)
class AuditEventAdmin(LookOnlyAdmin):
    """Every write by API, admin or command; in a tenant's admin its own, for those who manage it."""

    search_fields = ("action", "tenant_slug", "actor", "request_id")
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        events, tenant = super().get_queryset(request), current_tenant()
        return events if tenant is None else events.of_tenant(tenant)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        home = () if current_tenant() else ("tenant_slug",)
        return ("created_at", "action", *home, "actor", "shown_what", "shown_where")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return acting_user(request).is_manager

    @display(description="what")
    def shown_what(self, event: AuditEvent) -> str:
        return str(event.detail.get("name") or event.detail.get("user") or "–")[:90]

    @display(description="from")
    def shown_where(self, event: AuditEvent) -> str:
        return " · ".join(
            str(value) for key in ("address", "agent") if (value := event.detail.get(key))
        )[:90]


@register(OperatorToken, site=platform_site)
class OperatorTokenAdmin(LookOnlyAdmin):
    """Made by `manage.py create_operator_token`; here they are seen and, chosen from the list, revoked."""

    list_display = (
        "name",
        "token_prefix",
        "user",
        "is_read_only",
        "is_active",
        "expires_at",
        "last_used_at",
    )
    list_filter = ("is_active", "is_read_only")
    list_select_related = ("user",)
    search_fields = ("name", "token_prefix", "user__email")
    exclude = ("token_hash",)
    actions = ("revoke_chosen",)

    @action(description="Revoke the chosen tokens")
    def revoke_chosen(self, request: HttpRequest, tokens: QuerySet[OperatorToken]) -> None:
        for token in tokens.filter(is_active=True):
            audit.record("operator_token.revoked", detail={"prefix": token.token_prefix})
        tokens.update(is_active=False)


@register(SchemaMigration, site=platform_site)
class SchemaMigrationAdmin(LookOnlyAdmin):
    list_display = ("finished_at", "tenant", "shown_outcome", "short_from", "short_to", "error")
    list_select_related = ("tenant",)
    search_fields = ("tenant__slug", "tenant__name", "error")
    date_hierarchy = "finished_at"

    @display(description="outcome", label={"done": "success", "failed": "danger"})
    def shown_outcome(self, migration: SchemaMigration) -> str:
        return "failed" if migration.error else "done"

    @display(description="from")
    def short_from(self, migration: SchemaMigration) -> str:
        return migration.from_version[:8]

    @display(description="to")
    def short_to(self, migration: SchemaMigration) -> str:
        return migration.to_version[:8]


@register(LogEntry, site=platform_site)
@register(LogEntry, site=tenant_site)
class AuditLogAdmin(LookOnlyAdmin):
    """What people did in the admin at hand: a tenant's has its platform operators too, and no other tenant's acts."""

    list_display = (
        "action_time",
        "user",
        "shown_action",
        "content_type",
        "object_repr",
        "shown_message",
    )
    list_filter = ("action_flag", "content_type")
    list_select_related = ("user", "content_type")
    search_fields = ("object_repr", "change_message", "user__email")
    date_hierarchy = "action_time"
    fields = (
        ("action_time", "user"), ("shown_action", "content_type"), ("object_repr", "object_id"), "shown_message",
    )  # fmt: skip
    readonly_fields = ("shown_action", "shown_message")

    @display(
        description="action", label={"added": "success", "changed": "info", "deleted": "danger"}
    )
    def shown_action(self, entry: LogEntry) -> str:
        return {1: "added", 2: "changed", 3: "deleted"}.get(entry.action_flag, "did")

    @display(description="what")
    def shown_message(self, entry: LogEntry) -> str:
        return entry.get_change_message() or "–"
