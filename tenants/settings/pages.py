"""“Settings” in a tenant's admin: who it is, how it looks, and the hosts that lead to it."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from minirag.lib.errors import ProductError
from minirag.lib.saving.tags import hold_row
from tenants.admin_site.model_admin import may_manage
from tenants.branding.serving import logo_address
from tenants.context import require_tenant
from tenants.hosts.changing import add_own_host, find_host, hosts_of, make_primary, remove_host
from tenants.hosts.checking import HostState, check_host, proof_of
from tenants.settings.changing import change_settings, remove_logo, set_logo
from tenants.settings.forms import HostForm, LogoForm, SettingsForm

Did = str | None
"""What to say of an act that was done; None where its form shows what is wrong."""


def show_own_settings(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """One page with a form for each part; `act` says which was sent."""
    if not may_manage(request, "the tenant's settings"):
        raise PermissionDenied
    tenant = require_tenant()
    act = request.POST.get("act", "") if request.method == "POST" else ""
    page = _Forms(request, act)
    if act in _ACTS:
        try:
            done = _ACTS[act](page)
        except ProductError as error:
            messages.error(request, error.detail)
            done = None
        if done is not None:
            messages.success(request, done)
            return HttpResponseRedirect(request.path)
    context = {
        **site.each_context(request), "title": _("Settings"), "form": page.settings, "logo_form": page.logo,
        "host_form": page.host, "logo_url": logo_address(),
        "hosts": [(each, _tell_state(each.check_outcome), proof_of(each)) for each in hosts_of(tenant)],
    }  # fmt: skip
    request.current_app = site.name
    return TemplateResponse(request, "admin/settings.html", context)


class _Forms:
    """The page's forms, of which the one that was sent is bound."""

    def __init__(self, request: HttpRequest, act: str) -> None:
        self.request, self.tenant = request, require_tenant()
        self.settings = SettingsForm.of(self.tenant, None)
        self.logo = (
            LogoForm(request.POST, request.FILES, prefix="logo")
            if act == "set-logo"
            else LogoForm(prefix="logo")
        )
        self.host = HostForm(request.POST if act == "add-host" else None)

    def save(self) -> Did:
        with transaction.atomic():
            hold_row(self.tenant.pk)
            self.tenant.refresh_from_db()
            self.settings = SettingsForm.of(self.tenant, self.request.POST)
            if not self.settings.is_valid():
                return None
            change_settings(self.tenant, self.settings.settings)
        return _("Saved.")

    def set_logo(self) -> Did:
        if not self.logo.is_valid():
            return None
        set_logo(self.tenant, self.logo.cleaned_data["logo"])
        return _("The logo is shown from now on.")

    def remove_logo(self) -> Did:
        remove_logo(self.tenant)
        return _("The logo is gone.")

    def add_host(self) -> Did:
        if not self.host.is_valid():
            return None
        added = add_own_host(self.tenant, self.host.cleaned_data["host"])
        return _("%(host)s is claimed. Show that it is yours by a TXT record, then check it.") % {
            "host": added.domain
        }

    def check_host(self) -> Did:
        domain = find_host(self.tenant, self.request.POST.get("host", ""))
        look = check_host(domain)
        told = ", ".join(look.addresses)
        return f"{domain.domain}: {look.advice}" + (f" ({told})" if told else "")

    def remove_host(self) -> Did:
        domain = find_host(self.tenant, self.request.POST.get("host", ""))
        remove_host(domain)
        return _("%(host)s leads here no more.") % {"host": domain.domain}

    def make_primary(self) -> Did:
        domain = find_host(self.tenant, self.request.POST.get("host", ""))
        make_primary(domain)
        return _("%(host)s is the primary host now.") % {"host": domain.domain}


_ACTS: dict[str, Callable[[_Forms], Did]] = {
    "save": _Forms.save,
    "set-logo": _Forms.set_logo,
    "remove-logo": _Forms.remove_logo,
    "add-host": _Forms.add_host,
    "check-host": _Forms.check_host,
    "remove-host": _Forms.remove_host,
    "make-primary": _Forms.make_primary,
}


def _tell_state(outcome: str) -> str:
    return str(HostState(outcome).label) if outcome else _("Not checked yet.")
