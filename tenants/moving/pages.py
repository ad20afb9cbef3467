"""The platform's pages that order a tenant's way: out into a file, to a copy, to its end."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from minirag.lib.bounds import longest
from tenants.admin_site.forms import EraseForm
from tenants.admin_site.model_admin import ProductAdmin, posted
from tenants.calls.permissions import acting_user
from tenants.models import Tenant, TenantTransfer
from tenants.moving.jobs import order_clone, order_erasure, order_export
from tenants.tasks import queue_transfer


def secret_field(help_text: Any, *, required: bool = False) -> forms.CharField:
    widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    return forms.CharField(
        label=gettext_lazy("Passphrase"), required=required, strip=False, max_length=1000,
        help_text=help_text, widget=widget,
    )  # fmt: skip


class ExportForm(forms.Form):
    passphrase = secret_field(
        gettext_lazy(
            "Seals provider keys, webhooks' secrets and second factors in the file: at least 12 characters. "
            "Empty: they are left out."
        )
    )


class CloneForm(forms.Form):
    slug = forms.CharField(
        label=gettext_lazy("Slug of the copy"), max_length=100, widget=UnfoldAdminTextInputWidget
    )
    name = forms.CharField(
        label=gettext_lazy("Name of the copy"), required=False, max_length=longest(Tenant, "name"),
        widget=UnfoldAdminTextInputWidget,
    )  # fmt: skip
    with_webhooks = forms.BooleanField(
        label=gettext_lazy("With its webhooks"), required=False, widget=UnfoldBooleanSwitchWidget,
        help_text=gettext_lazy("The copy would call the same addresses as the original."),
    )  # fmt: skip


def follow(page: ProductAdmin, request: HttpRequest, job: TenantTransfer) -> HttpResponse:
    """Have a worker do it, and lead to where one sees how far it is."""
    queue_transfer(job)
    page.message_user(
        request, _("A worker does it now; this page says how far it is."), messages.SUCCESS
    )
    return HttpResponseRedirect(reverse("admin:tenants_tenanttransfer_change", args=[job.pk]))


def ask_export(page: ProductAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """The page that orders a tenant's file."""

    def act(data: dict[str, Any]) -> HttpResponse:
        job = order_export(tenant, passphrase=data["passphrase"], actor=acting_user(request).email)
        return follow(page, request, job)

    intro = _(
        "One file with its schema, users, hosts, tokens' digests, log and files, all of one moment. It goes on working."
    )
    title = _("Export %(tenant)s") % {"tenant": tenant}
    return page.ask(
        request,
        act,
        title=title,
        intro=intro,
        submit=_("Export"),
        obj=tenant,
        form=ExportForm(posted(request)),
        needs_proof=True,
    )


def ask_clone(page: ProductAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """The page that orders a copy of a tenant."""

    def act(data: dict[str, Any]) -> HttpResponse:
        job = order_clone(
            tenant, data["slug"], name=data["name"], actor=acting_user(request).email,
            parts={"webhooks"} if data["with_webhooks"] else (),
        )  # fmt: skip
        return follow(page, request, job)

    intro = _(
        "Users, secrets, knowledge and chats are copied. Hosts and API tokens stay with the original."
    )
    title = _("Copy %(tenant)s") % {"tenant": tenant}
    return page.ask(
        request,
        act,
        title=title,
        intro=intro,
        submit=_("Copy"),
        obj=tenant,
        form=CloneForm(posted(request)),
        needs_proof=True,
    )


def ask_erasure(page: ProductAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """The page that orders a tenant's end."""

    def act(data: dict[str, Any]) -> HttpResponse:
        who = acting_user(request).email
        return follow(page, request, order_erasure(tenant, confirm=data["slug"], actor=who))

    intro = _(
        "Its schema, users, tokens, hosts and files are deleted for good. There is no way back."
    )
    return page.ask(
        request,
        act,
        title=_("Erase %(tenant)s for good?") % {"tenant": tenant},
        intro=intro,
        submit=_("Erase for good"),
        danger=True,
        obj=tenant,
        form=EraseForm(posted(request), slug=tenant.slug),
        needs_proof=True,
    )
