"""Admin pages of the platform itself: tenants, hosts and operators' tokens."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import register
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from tenants import audit
from tenants.admin_site.forms import DomainForm, DomainRowForm, NewTenantForm, ReasonForm
from tenants.admin_site.model_admin import LookOnlyAdmin, ProductAdmin, once_per_row, posted
from tenants.admin_site.rows import GuardedRows
from tenants.admin_site.sites import platform_site
from tenants.calls.permissions import acting_user
from tenants.context import tenant_context
from tenants.entering import admin as entering_admin  # noqa: F401 - registers the list of stays
from tenants.log import admin as log_admin  # noqa: F401 - registers the audit log
from tenants.models import Domain, OperatorToken, Plan, Tenant, TenantStatus
from tenants.moving import admin as moving_admin  # noqa: F401 - registers the pages of transfers
from tenants.people import admin as people_admin  # noqa: F401 - registers the pages of users
from tenants.plans import admin as plans_admin  # noqa: F401 - registers the pages of plans
from tenants.platform import admin as platform_admin  # noqa: F401 - registers the pages of logs
from tenants.platform.queues import measure_queue
from tenants.platform.tenant_pages.chosen import ChosenTenants
from tenants.platform.tenant_pages.moved import MovedTenants
from tenants.platform.tenant_pages.paused import PausedTenants
from tenants.platform.tenant_pages.shown import ShownFigures
from tenants.provisioning import (
    archive_tenant,
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


class DomainInline(GuardedRows):
    model = Domain
    form = DomainRowForm
    extra = 0
    verbose_name = _("host")
    fields = ("domain", "is_primary", "is_claim")
    verbose_name_plural = _("hosts")


@register(Tenant, site=platform_site)
class TenantAdmin(ChosenTenants, ShownFigures, PausedTenants, MovedTenants, ProductAdmin):
    list_display = (
        "name_and_slug",
        "shown_status",
        "plan",
        "shown_turns",
        "shown_failed",
        "shown_cost",
        "shown_size",
        "shown_activity",
        "user_count",
        "schema_state",
        "way_in",
    )
    list_select_related = ("figures",)
    list_filter = ("status", "plan", "is_canary")
    search_fields = ("name", "slug", "domains__domain")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)  # the model's own does not reach what is counted below
    readonly_fields = (
        "slug", "schema_name", "status", "status_reason", "status_changed_at", "told_schema", "created_at",
        "admin_link", "queue", "shown_pause",
    )  # fmt: skip
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "slug"),
                    ("plan", "admin_link"),
                    ("time_zone", "rate"),
                    ("work_weight", "queue"),
                )
            },
        ),
        (
            _("Status"),
            {"fields": (("status", "status_changed_at"), ("status_reason", "shown_pause"))},
        ),
        (_("Database"), {"fields": (("schema_name", "told_schema"), "is_canary", "created_at")}),
    )
    inlines = (DomainInline,)
    actions = ("suspend_chosen", "archive_chosen", "restore_chosen", "plan_chosen")
    actions_list = ("figures_page", "pause_all", "resume_all")
    actions_detail = ("suspend", "archive", "restore", "pause", "resume", "export", "copy", "erase")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        return super().get_queryset(request).annotate(user_count=Count("users", distinct=True))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the plans that there are; a name that none has bounds nothing, and stays what it is."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "plan" and field is not None:
            plans = [(plan.key, plan.name) for plan in Plan.objects.all()]
            known = ", ".join(f"{key} ({name})" for key, name in plans) or _("none yet")
            field.help_text = _("The key of a plan: %(known)s. Another name bounds nothing.") % {
                "known": known
            }
        return field

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # erase asks for the slug instead

    @display(description=_("tenant"), header=True, ordering="name")
    def name_and_slug(self, tenant: Tenant) -> list[str]:
        return [str(tenant), tenant.slug]

    @display(description=_("status"), ordering="status", label=STATUS_COLOURS)
    def shown_status(self, tenant: Tenant) -> tuple[str, str]:
        return tenant.status, tenant.get_status_display()

    @display(description=_("users"), ordering="user_count")
    def user_count(self, tenant: Any) -> int:
        return int(tenant.user_count)

    @display(description=_("schema"), label={"current": "success", "behind": "danger"})
    def schema_state(self, tenant: Tenant) -> tuple[str, str]:
        is_current = tenant.schema_version == target_version()
        return ("current", gettext("current")) if is_current else ("behind", gettext("behind"))

    @display(description=_("schema"))
    def told_schema(self, tenant: Tenant) -> str:
        return self.schema_state(tenant)[1]

    @display(description=_("admin"))
    def way_in(self, tenant: Tenant) -> str:
        return format_html(
            '<a class="mr-path" href="/t/{}/admin/">{}</a>', tenant.slug, gettext("Enter")
        )

    @display(description=_("admin"))
    def admin_link(self, tenant: Tenant) -> str:
        return format_html(
            '<a class="mr-path" href="/t/{}/admin/">/t/{}/admin/</a>', tenant.slug, tenant.slug
        )

    @display(description=_("queue"))
    @once_per_row
    def queue(self, tenant: Tenant) -> str:
        with tenant_context(tenant):
            return str(measure_queue())

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Provision a tenant and show its token, once."""

        def provision(data: dict[str, Any]) -> HttpResponse:
            made = provision_tenant(**data, actor=acting_user(request).email)
            self.log_addition(request, made.tenant, [{"added": {}}])
            return self.show_secret_once(
                request,
                made.raw_token,
                title=gettext("%(tenant)s is ready") % {"tenant": made.tenant},
                user=made.owner,
                next_url=self.change_url(made.tenant),
                next_label=gettext("Go to the tenant"),
            )

        return self.ask(
            request, provision, title=gettext("Add a tenant"), submit=gettext("Make the tenant"),
            form=NewTenantForm(posted(request)),
            intro=gettext("Makes the tenant's schema, its owner and the owner's first API token."),
        )  # fmt: skip

    def has_suspend_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._is_in(request, object_id, TenantStatus.ACTIVE)

    def has_archive_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._is_in(request, object_id, TenantStatus.ACTIVE, TenantStatus.SUSPENDED)

    def has_restore_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._is_in(request, object_id, TenantStatus.SUSPENDED, TenantStatus.ARCHIVED)

    def _is_in(self, request: HttpRequest, object_id: Any, *statuses: TenantStatus) -> bool:
        return object_id is None or self.require_object(request, object_id).status in statuses

    @action(description=_("Suspend"), permissions=["suspend"], icon="pause_circle")
    def suspend(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._change_status(
            request,
            object_id,
            suspend_tenant,
            gettext("Suspend"),
            gettext("Chats, tokens and writes stop at once. Its users can read."),
        )

    @action(description=_("Archive"), permissions=["archive"], icon="inventory_2")
    def archive(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._change_status(
            request,
            object_id,
            archive_tenant,
            gettext("Archive"),
            gettext(
                "Puts the tenant away for good, its data kept and readable. From then on it can be erased."
            ),
        )

    def _change_status(
        self, request: HttpRequest, object_id: str, change: Any, verb: str, intro: str
    ) -> HttpResponse:
        tenant = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> None:
            change(tenant, reason=data["reason"], actor=acting_user(request).email)
            self.message_user(
                request,
                gettext("%(tenant)s: %(status)s")
                % {"tenant": tenant, "status": tenant.get_status_display()},
                messages.SUCCESS,
            )

        form = ReasonForm(posted(request))
        return self.ask(
            request, act, title=f"{verb} {tenant}?", intro=intro, submit=verb, obj=tenant, form=form, needs_proof=True,
        )  # fmt: skip

    @action(description=_("Restore"), permissions=["restore"], icon="play_circle")
    def restore(self, request: HttpRequest, object_id: str) -> HttpResponse:
        tenant = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> None:
            restore_tenant(tenant, actor=acting_user(request).email)
            self.message_user(
                request, gettext("%(tenant)s works again.") % {"tenant": tenant}, messages.SUCCESS
            )

        return self.ask(
            request,
            act,
            title=gettext("Restore %(tenant)s?") % {"tenant": tenant},
            intro=gettext("Chats, tokens and writes work again at once."),
            submit=gettext("Restore"),
            obj=tenant,
        )


@register(Domain, site=platform_site)
class DomainAdmin(ProductAdmin):
    nothing_yet = _("A host leads visitors to a tenant by a name of its own.")
    form = DomainForm
    list_display = ("domain", "tenant", "is_primary", "is_claim", "created_at")
    list_filter = ("is_primary", "is_claim")
    list_select_related = ("tenant",)
    search_fields = ("domain", "tenant__name", "tenant__slug")
    autocomplete_fields = ("tenant",)
    fields = ("domain", "tenant", "is_primary", "is_claim")


@register(OperatorToken, site=platform_site)
class OperatorTokenAdmin(LookOnlyAdmin):
    """Made by `manage.py create_operator_token`; here they are seen and, chosen from the list, revoked."""

    nothing_yet = _("With such a token a program does what operators do.")
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

    @action(description=_("Revoke the chosen tokens"))
    def revoke_chosen(self, request: HttpRequest, tokens: QuerySet[OperatorToken]) -> None:
        for token in tokens.filter(is_active=True):
            audit.record("operator_token.revoked", detail={"prefix": token.token_prefix})
        tokens.update(is_active=False)
