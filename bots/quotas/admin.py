"""Admin pages of quotas: what may be used up, with a bar of what was; the operator's can be seen and not changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import register
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from bots.models import BotProfile, Scope
from bots.plans.using import find_holding
from bots.quotas.changing import check_quota
from bots.quotas.counting import Standing, find_standings, forget_crossings
from bots.quotas.models import Quota, QuotaResource, QuotaSubject, QuotaUse
from minirag.lib.errors import BadInput
from minirag.lib.telling.shown import show_number
from tenants.admin_site.meanwhile import GuardedModelForm
from tenants.admin_site.model_admin import LookOnlyAdmin, ProductAdmin, once_per_row
from tenants.admin_site.searching import search_field
from tenants.admin_site.sites import tenant_site
from tenants.calls.permissions import acting_user
from tenants.context import require_tenant
from tenants.models import ApiToken

_RESOURCE_COLOURS = {
    QuotaResource.MESSAGES: "info", QuotaResource.TOKENS: "primary", QuotaResource.COST: "success",
    QuotaResource.STORAGE: "warning",
}  # fmt: skip


_GONE = _("one that is gone")
_SUBJECTS = {QuotaSubject.BOT.value, QuotaSubject.TOKEN.value}


class QuotaForm(GuardedModelForm):
    """A quota of a bot, of an API token, or of the whole tenant; who it is for is found by name."""

    class Meta:
        model = Quota
        fields = ("resource", "period", "limit", "warning_percent", "is_platform")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in _SUBJECTS & self.fields.keys():
            if name == self.instance.subject:
                self.initial[name] = self.instance.subject_id

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        if cleaned.keys() >= _SUBJECTS:
            self._set_subject(cleaned)
        for name in self._meta.fields or ():
            if name in cleaned:
                setattr(self.instance, name, cleaned[name])
        try:
            check_quota(self.instance)
        except BadInput as error:
            raise ValidationError(error.detail) from None
        return cleaned

    def _set_subject(self, cleaned: dict[str, Any]) -> None:
        chosen = [name for name in sorted(_SUBJECTS) if cleaned[name]]
        if len(chosen) == 2:
            raise ValidationError(gettext("A quota is for a bot or for a token, not for both."))
        subject = chosen[0] if chosen else QuotaSubject.TENANT.value
        self.instance.subject = subject
        self.instance.subject_id = cleaned[subject].pk if chosen else None

    def _get_validation_exclusions(self) -> set[str]:
        # Bot and token are shown in place of these two, which the unique constraint is about.
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # unknown to the stubs
        return excluded - {"subject", "subject_id"}


def first_tokens() -> QuerySet[ApiToken]:
    """Return the tenant's tokens that took no other's place: quotas count for all that they are rotated to."""
    return ApiToken.objects.filter(tenant=require_tenant(), family_id__isnull=True)


def name_subjects(quotas: Iterable[Quota]) -> dict[str, str]:
    """Return the names of what these quotas are for by `subject:id`, in two queries."""
    ids = [quota.subject_id for quota in quotas if quota.subject_id]
    bots = BotProfile.objects.filter(pk__in=ids).values_list("pk", "name") if ids else ()
    tokens = first_tokens().filter(pk__in=ids) if ids else ()
    return {
        f"{QuotaSubject.TENANT}:": gettext("the whole tenant"),
        **{
            f"{QuotaSubject.BOT}:{pk}": gettext("bot %(name)s") % {"name": name}
            for pk, name in bots
        },
        **{
            f"{QuotaSubject.TOKEN}:{token.pk}": gettext("token %(token)s") % {"token": token}
            for token in tokens
        },
    }


def _key_of(quota: Quota) -> str:
    return f"{quota.subject}:{quota.subject_id or ''}"


@register(Quota, site=tenant_site)
class QuotaAdmin(ProductAdmin):
    nothing_yet = _(
        "A quota bounds what the tenant, a bot or a token may use up in a day or month."
    )
    form = QuotaForm
    list_display = (
        "shown_resource",
        "shown_subject",
        "period",
        "shown_use",
        "shown_reset",
        "is_platform",
    )
    list_filter = ("resource", "period", "subject", "is_platform")
    search_fields = ("resource", "subject_id")
    readonly_fields = ("shown_subject", "shown_use", "shown_reset")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("bot", "token"),
                    "resource",
                    ("limit", "period"),
                    ("warning_percent", "is_platform"),
                )
            },
        ),
        (_("Now"), {"fields": (("shown_use", "shown_reset"),)}),
    )

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(self.show_plan)
        return [path("plan/", page, name="bots_quota_plan"), *super().get_urls()]

    def show_plan(self, request: HttpRequest) -> HttpResponse:
        """The tenant's plan: what it has, and what is used of it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("Plan"),
            "holding": find_holding(),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/plan.html", context)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, with what its columns show looked up for all rows at once."""
        changelist = super().get_changelist_instance(request)
        changelist.result_list = rows = list(changelist.result_list)
        standings, names = find_standings(rows), name_subjects(rows)
        for quota in rows:
            quota.standing, quota.subject_name = (
                standings[quota.pk],
                names.get(_key_of(quota), _GONE),
            )
        return changelist

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_change(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_change(request, obj)

    def save_model(self, request: HttpRequest, obj: Quota, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        forget_crossings(obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What is used is deleted with its quota; nobody deletes it alone."""
        listed, counts, forbidden, protected = super().get_deleted_objects(objs, request)
        return listed, counts, set(forbidden) - {str(QuotaUse._meta.verbose_name)}, protected

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Add the two fields that find a bot or a token by typing, where they can be changed."""
        found = {
            "bot": search_field(
                Scope, "bot_profile", self.admin_site, BotProfile.objects.all(),
                required=False, help_text=gettext("Neither a bot nor a token: for the whole tenant."),
            ),
            "token": search_field(
                ApiToken, "replaced_by", self.admin_site, first_tokens(), required=False, label=gettext("API token")
            ),
        }  # fmt: skip
        form = type("FoundQuotaForm", (QuotaForm,), found)
        return super().get_form(request, obj, change, form=form, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who only looks sees the name instead."""
        if self.has_change_permission(request, obj) if obj else True:
            return self.fieldsets
        first = {
            "fields": (
                "shown_subject",
                "resource",
                ("limit", "period"),
                ("warning_percent", "is_platform"),
            )
        }
        return ((None, first), self.fieldsets[1])

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fixed = () if acting_user(request).is_superuser else ("is_platform",)
        return (*self.readonly_fields, *fixed, *(("resource", "period") if obj else ()))

    @display(description=_("what"), ordering="resource", label=_RESOURCE_COLOURS)
    def shown_resource(self, quota: Quota) -> tuple[str, str]:
        return quota.resource, quota.get_resource_display()

    @display(description=_("for"))
    @once_per_row
    def shown_subject(self, quota: Quota) -> str:
        return getattr(quota, "subject_name", "") or name_subjects([quota]).get(
            _key_of(quota), str(_GONE)
        )

    @display(description=_("used"))
    @once_per_row
    def shown_use(self, quota: Quota) -> str:
        if quota.pk is None or quota._state.adding:
            return "–"
        standing = _standing_of(quota)
        percent = 100 if not quota.limit else min(100, round(100 * standing.used / quota.limit))
        state = (
            "full"
            if standing.used >= quota.limit
            else "warned"
            if standing.used >= quota.warning_level
            else "fine"
        )
        return format_html(
            '<span class="mr-use mr-use-{}"><span class="mr-use-bar" role="img" aria-label="{} %">'
            '<span style="width:{}%"></span></span>{}</span>',
            state, percent, percent,
            gettext("%(used)s of %(limit)s")
            % {"used": _format(quota, standing.used), "limit": _format(quota, quota.limit)},
        )  # fmt: skip

    @display(description=_("starts anew"))
    @once_per_row
    def shown_reset(self, quota: Quota) -> str:
        if quota.pk is None or quota._state.adding:
            return "–"
        resets_at = _standing_of(quota).resets_at
        return f"{resets_at:%Y-%m-%d %H:%M} UTC" if resets_at else gettext("never")


def _standing_of(quota: Quota) -> Standing:
    standing: Standing | None = getattr(quota, "standing", None)
    if standing is None:
        standing = find_standings([quota])[quota.pk]
        quota.standing = standing  # type: ignore[attr-defined]
    return standing


def _may_change(request: HttpRequest, quota: Quota | None) -> bool:
    return quota is None or not quota.is_platform or acting_user(request).is_superuser


def _format(quota: Quota, amount: Any) -> str:
    return (
        f"${show_number(amount, 2)}"
        if quota.resource == QuotaResource.COST
        else show_number(amount, 0)
    )


@register(QuotaUse, site=tenant_site)
class QuotaUseAdmin(LookOnlyAdmin):
    nothing_yet = _("What was used of each quota stands here, by its period.")
    list_display = ("quota", "starts_at", "used", "warned_at", "reached_at")
    list_filter = ("quota__resource", "quota__period")
    list_select_related = ("quota",)
    search_fields = ("quota__resource",)
    date_hierarchy = "starts_at"
