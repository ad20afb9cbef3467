"""The platform's list of tenants: what is done to many, seen before it is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action

from minirag.lib.errors import ProductError
from tenants.admin_site.gate import ask_for_proof
from tenants.admin_site.model_admin import ProductAdmin
from tenants.calls.permissions import acting_user
from tenants.models import Plan, Tenant, TenantStatus
from tenants.platform.lifecycle import MAX_MATCHES
from tenants.provisioning import archive_tenant, change_tenant, restore_tenant, suspend_tenant


class ChosenTenants(ProductAdmin):
    @action(description=gettext_lazy("Suspend"))
    def suspend_chosen(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> HttpResponse:
        if (proof := ask_for_proof(request)) is not None:
            return proof
        return self._change(
            request, chosen, "suspend_chosen", _("Suspend"), _("Chats, tokens and writes stop at once."),
            lambda tenant: tenant.is_active, suspend_tenant,
        )  # fmt: skip

    @action(description=gettext_lazy("Archive"))
    def archive_chosen(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> HttpResponse:
        if (proof := ask_for_proof(request)) is not None:
            return proof
        return self._change(
            request, chosen, "archive_chosen", _("Archive"), _("They are put away, their data kept and readable."),
            lambda tenant: tenant.status != TenantStatus.ARCHIVED, archive_tenant,
        )  # fmt: skip

    @action(description=gettext_lazy("Restore"))
    def restore_chosen(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> HttpResponse:
        return self._change(
            request, chosen, "restore_chosen", _("Restore"), _("Chats, tokens and writes work again at once."),
            lambda tenant: not tenant.is_active, restore_tenant,
        )  # fmt: skip

    @action(description=gettext_lazy("Give another plan"))
    def plan_chosen(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> HttpResponse:
        plans = list(Plan.objects.values_list("key", "name"))
        wanted = str(request.POST.get("plan") or (plans[0][0] if plans else "free"))
        if plans and wanted not in dict(plans):
            wanted = plans[0][0]

        def change(tenant: Tenant, *, actor: str) -> None:
            change_tenant(tenant, {"plan": wanted}, actor=actor)

        return self._change(
            request, chosen, "plan_chosen", _("Give another plan"),
            _("What the plan bounds counts at once; features that it lacks end."),
            lambda tenant: "post" not in request.POST or tenant.plan != wanted or not plans, change, plans,
        )  # fmt: skip

    def _change(
        self, request: HttpRequest, chosen: QuerySet[Tenant], name: str, verb: str, effect: str,
        concerns: Callable[[Tenant], bool], change: Callable[..., None], plans: Any = (),
    ) -> HttpResponse:  # fmt: skip
        """First show whom it concerns and what it does; on the second press do it to those."""
        tenants = list(chosen.order_by("slug")[:MAX_MATCHES])
        meant = [tenant for tenant in tenants if concerns(tenant)]
        if "post" in request.POST:
            actor = acting_user(request).email
            done = 0
            for tenant in meant:
                try:
                    change(tenant, actor=actor)
                    done += 1
                except ProductError as error:
                    self.message_user(request, f"{tenant}: {error.detail}", messages.WARNING)
            told = ngettext("%(verb)s: %(count)s tenant.", "%(verb)s: %(count)s tenants.", done)
            told %= {"verb": verb, "count": done}
            self.message_user(request, told, messages.SUCCESS)
            return HttpResponseRedirect(self.list_url())
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": verb, "effect": effect,
            "meant": meant, "others": [tenant for tenant in tenants if tenant not in meant], "action": name,
            "checkbox": ACTION_CHECKBOX_NAME, "cancel_url": self.list_url(), "plans": plans,
        }  # fmt: skip
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/chosen_tenants.html", context)
