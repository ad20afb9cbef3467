"""Admin pages of what was done: the audit log of both levels, what people did in an admin, and migrations."""

from __future__ import annotations

from django.contrib.admin import register
from django.contrib.admin.models import LogEntry
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from tenants.admin_site.model_admin import LookOnlyAdmin
from tenants.admin_site.sites import platform_site, tenant_site
from tenants.models import SchemaMigration


@register(SchemaMigration, site=platform_site)
class SchemaMigrationAdmin(LookOnlyAdmin):
    list_display = ("finished_at", "tenant", "shown_outcome", "short_from", "short_to", "error")
    list_select_related = ("tenant",)
    search_fields = ("tenant__slug", "tenant__name", "error")
    date_hierarchy = "finished_at"

    @display(description=_("outcome"), label={"done": "success", "failed": "danger"})
    def shown_outcome(self, migration: SchemaMigration) -> str:
        return "failed" if migration.error else "done"

    @display(description=_("from"))
    def short_from(self, migration: SchemaMigration) -> str:
        return migration.from_version[:8]

    @display(description=_("to"))
    def short_to(self, migration: SchemaMigration) -> str:
        return migration.to_version[:8]


_ACTS = (
    gettext_noop("added"),
    gettext_noop("changed"),
    gettext_noop("deleted"),
    gettext_noop("did"),
)


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
        ("action_time", "user"), ("told_action", "content_type"), ("object_repr", "object_id"), "shown_message",
    )  # fmt: skip
    readonly_fields = ("told_action", "shown_message")

    @display(
        description=_("action"), label={"added": "success", "changed": "info", "deleted": "danger"}
    )
    def shown_action(self, entry: LogEntry) -> tuple[str, str]:
        act = {1: "added", 2: "changed", 3: "deleted"}.get(entry.action_flag, "did")
        return act, gettext(act)

    @display(description=_("action"))
    def told_action(self, entry: LogEntry) -> str:
        return self.shown_action(entry)[1]

    @display(description=_("what"))
    def shown_message(self, entry: LogEntry) -> str:
        return entry.get_change_message() or "–"
