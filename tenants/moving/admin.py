"""The platform's pages of tenants on the move: order them, see how far they are, take their files; and receipts."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import register
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from minirag.lib.errors import ProductError
from minirag.lib.telling.kept_sentences import retell
from tenants.admin_site.gate import ask_for_proof
from tenants.admin_site.model_admin import LookOnlyAdmin, posted
from tenants.admin_site.rows import told
from tenants.admin_site.sites import platform_site
from tenants.calls.permissions import acting_user
from tenants.models import ErasureReceipt, TenantTransfer
from tenants.moving.api import send_file
from tenants.moving.importing import ALL, TRUSTED_HOSTS
from tenants.moving.jobs import (
    cancel_transfer,
    delete_transfer,
    open_transfer,
    order_import,
)
from tenants.moving.models import OVER
from tenants.moving.pages import follow, secret_field
from tenants.platform.receipts import ReceiptInvalid, verify_receipt

_COLOURS = {
    "pending": "info",
    "running": "info",
    "succeeded": "success",
    "failed": "danger",
    "cancelled": "warning",
}


class ImportForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File"), widget=UnfoldAdminFileFieldWidget,
        help_text=gettext_lazy("What an export has written. For a large file there is manage.py import_tenant."),
    )  # fmt: skip
    slug = forms.CharField(
        label=gettext_lazy("Slug here"), max_length=100, widget=UnfoldAdminTextInputWidget
    )
    passphrase = secret_field(gettext_lazy("The one that the export was made with."))
    without_secrets = forms.BooleanField(
        label=gettext_lazy("Leave secrets out"), required=False, widget=UnfoldBooleanSwitchWidget
    )
    without_hosts = forms.BooleanField(
        label=gettext_lazy("Leave hosts out"), required=False, widget=UnfoldBooleanSwitchWidget
    )
    trust_hosts = forms.BooleanField(
        label=gettext_lazy("Lead its hosts here at once"), required=False, widget=UnfoldBooleanSwitchWidget,
        help_text=gettext_lazy(
            "Only for a file that you trust. Otherwise its hosts are claimed, and the tenant shows anew that they are "
            "its own."
        ),
    )  # fmt: skip
    without_tokens = forms.BooleanField(
        label=gettext_lazy("Leave API tokens out"), required=False, widget=UnfoldBooleanSwitchWidget
    )
    without_webhooks = forms.BooleanField(
        label=gettext_lazy("Leave webhooks out"), required=False, widget=UnfoldBooleanSwitchWidget
    )
    without_log = forms.BooleanField(
        label=gettext_lazy("Leave the audit log out"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )


@register(TenantTransfer, site=platform_site)
class TenantTransferAdmin(LookOnlyAdmin):
    nothing_yet = gettext_lazy("Export or copy a tenant from its page, or import one here.")
    list_display = (
        "__str__",
        "source",
        "shown_status",
        "shown_progress",
        "shown_size",
        "asked_by",
        "created_at",
    )
    list_filter = ("status", "kind")
    search_fields = ("slug", "source", "asked_by")
    date_hierarchy = "created_at"
    actions_list = ("import_tenant",)
    actions_detail = ("download_file", "show_receipt", "cancel", "remove")
    fields = (
        ("kind", "slug"), ("source", "asked_by"), ("told_status", "told_error"), ("shown_progress", "shown_size"),
        "told_notes", ("created_at", "started_at"), ("finished_at", "expires_at"),
    )  # fmt: skip
    readonly_fields = ("told_status", "shown_progress", "shown_size", "told_notes", "told_error")
    told_error = told("error_message", gettext_lazy("error message"))

    @display(description=gettext_lazy("status"), ordering="status", label=_COLOURS)
    def shown_status(self, job: TenantTransfer) -> tuple[str, str]:
        return job.status, str(job.get_status_display())

    @display(description=gettext_lazy("status"))
    def told_status(self, job: TenantTransfer) -> str:
        return str(job.get_status_display())

    @display(description=gettext_lazy("progress"))
    def shown_progress(self, job: TenantTransfer) -> str:
        if not job.steps_total:
            return "–"
        return f"{job.steps_done} / {job.steps_total} {job.step}".strip()

    @display(description=gettext_lazy("size"), ordering="file_size")
    def shown_size(self, job: TenantTransfer) -> str:
        return filesizeformat(job.file_size) if job.file_size else "–"

    @display(description=gettext_lazy("what is to be known"))
    def told_notes(self, job: TenantTransfer) -> str:
        return " ".join(map(retell, job.notes)) or "–"

    def is_offered(self, act: str, row: TenantTransfer) -> bool:
        over = row.status in OVER
        offered = {"download_file": row.has_file, "cancel": not over, "remove": over}
        return (offered | {"show_receipt": row.receipt_id is not None}).get(act, True)

    @action(description=gettext_lazy("Import a tenant"), icon="upload")
    def import_tenant(self, request: HttpRequest) -> HttpResponse:
        def act(data: dict[str, Any]) -> HttpResponse:
            job = order_import(
                data["file"].chunks(), slug=data["slug"], passphrase=data["passphrase"],
                leave_secrets=data["without_secrets"], source=data["file"].name,
                parts={part for part in ALL if not data[f"without_{part}"]}
                | ({TRUSTED_HOSTS} if data["trust_hosts"] else set()),
                actor=acting_user(request).email,
            )  # fmt: skip
            return follow(self, request, job)

        form = ImportForm(posted(request), request.FILES or None)
        intro = _(
            "The whole file is checked before anything is written; it is taken in as a whole or not at all."
        )
        return self.ask(
            request,
            act,
            title=_("Import a tenant"),
            intro=intro,
            submit=_("Import"),
            form=form,
            needs_proof=True,
        )

    @action(description=gettext_lazy("Download"), icon="download", url_path="download")
    def download_file(self, request: HttpRequest, object_id: Any) -> HttpResponseBase:
        job = self.require_object(request, object_id)
        if (proof := ask_for_proof(request)) is not None:
            return proof
        try:
            return send_file(open_transfer(job, actor=acting_user(request).email), job)
        except ProductError as error:
            self.message_user(request, error.detail, messages.WARNING)
            return HttpResponseRedirect(self.change_url(job))

    @action(description=gettext_lazy("Receipt"), icon="verified", url_path="receipt")
    def show_receipt(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        job = self.require_object(request, object_id)
        if job.receipt_id is None:
            return HttpResponseRedirect(self.change_url(job))
        return HttpResponseRedirect(
            reverse("admin:tenants_erasurereceipt_change", args=[job.receipt_id])
        )

    @action(description=gettext_lazy("Cancel"), icon="cancel")
    def cancel(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        job = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> HttpResponse:
            cancel_transfer(job, actor=acting_user(request).email)
            self.message_user(request, _("It is cancelled; nothing of it stays."), messages.SUCCESS)
            return HttpResponseRedirect(self.change_url(job))

        intro = _(
            "Nothing of it stays: no file, and no new tenant; what was to be erased stays whole. A worker that is at "
            "it stops at the next table."
        )
        return self.ask(
            request,
            act,
            title=_("Cancel this transfer?"),
            intro=intro,
            submit=_("Cancel it"),
            obj=job,
        )

    @action(description=gettext_lazy("Remove"), icon="delete")
    def remove(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        job = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> HttpResponse:
            delete_transfer(job, actor=acting_user(request).email)
            return HttpResponseRedirect(self.list_url())

        return self.ask(
            request, act, title=_("Remove this transfer and its file?"), submit=_("Remove"), obj=job
        )


@register(ErasureReceipt, site=platform_site)
class ErasureReceiptAdmin(LookOnlyAdmin):
    nothing_yet = gettext_lazy("Each erased tenant leaves a signed receipt here.")
    list_display = ("slug", "created_at", "shown_signature")
    search_fields = ("slug",)
    date_hierarchy = "created_at"
    actions_detail = ("download_receipt",)
    fields = (("slug", "created_at"), "told_signature", "shown_receipt")
    readonly_fields = ("told_signature", "shown_receipt")

    @display(description=gettext_lazy("signature"), label={"good": "success", "bad": "danger"})
    def shown_signature(self, row: ErasureReceipt) -> tuple[str, str]:
        try:
            verify_receipt(row.receipt)
        except ReceiptInvalid as error:
            return "bad", error.detail
        return "good", _("good")

    @display(description=gettext_lazy("signature"))
    def told_signature(self, row: ErasureReceipt) -> str:
        return self.shown_signature(row)[1]

    @display(description=gettext_lazy("receipt"))
    def shown_receipt(self, row: ErasureReceipt) -> str:
        return format_html('<pre class="mr-pre">{}</pre>', json.dumps(row.receipt, indent=2))

    @action(description=gettext_lazy("Download"), icon="download", url_path="download")
    def download_receipt(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        row = self.require_object(request, object_id)
        response = HttpResponse(json.dumps(row.receipt, indent=1), content_type="application/json")
        response["Content-Disposition"] = f"attachment; filename=receipt-{row.slug}.json"
        return response
