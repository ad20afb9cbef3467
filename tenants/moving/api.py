"""`/v1/platform`: tenants on the move, and the receipts of those that were erased."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils.translation import gettext
from rest_framework.request import Request

from minirag.lib.errors import BadInput
from minirag.lib.http_in.doors import Door, Proof, upload_body
from minirag.lib.http_in.openapi import Media, describe
from minirag.lib.http_in.pagination import Page, PageQuery, paginate
from minirag.lib.http_in.rest import check_form_text, validate_fields
from tenants.context import run_sync
from tenants.models import ErasureReceipt, TenantTransfer
from tenants.moving.importing import ALL, TRUSTED_HOSTS
from tenants.moving.jobs import (
    cancel_transfer,
    find_transfer,
    open_transfer,
    order_clone,
    order_erasure,
    order_export,
    order_import,
)
from tenants.moving.schemas import (
    NewClone,
    NewTenantExport,
    ReceiptPageSchema,
    TenantFileForm,
    TransferPageSchema,
    TransferQuery,
    TransferSchema,
)
from tenants.platform.api import NO_PLATFORM, SLUG, UNKNOWN, PlatformView
from tenants.platform.schemas import Erasure
from tenants.provisioning import get_tenant
from tenants.tasks import queue_transfer

_BUSY = {409: "Too many transfers wait or run already."}


class PlatformTenantExport(PlatformView):
    @describe(
        "Export a tenant", path=SLUG, body=NewTenantExport, answers={202: TransferSchema}, errors=UNKNOWN | _BUSY,
        description="A worker writes one file; ask for the transfer until its `status` is `succeeded` or `failed`.",
        example={"passphrase": "correct horse battery"},
    )  # fmt: skip
    def post(self, request: Request, slug: str, body: NewTenantExport) -> TenantTransfer:
        job = order_export(get_tenant(slug), passphrase=body.passphrase, actor=self.actor(request))
        queue_transfer(job)
        return job


class PlatformTenantClone(PlatformView):
    @describe(
        "Copy a tenant", path=SLUG, body=NewClone, answers={202: TransferSchema},
        errors=UNKNOWN | {409: "The slug is taken, or too many transfers wait or run already."},
        example={"new_slug": "acme-two", "name": "Acme, second"},
    )  # fmt: skip
    def post(self, request: Request, slug: str, body: NewClone) -> TenantTransfer:
        job = order_clone(
            get_tenant(slug), body.new_slug, name=body.name, actor=self.actor(request),
            parts={"webhooks"} if body.with_webhooks else (),
        )  # fmt: skip
        queue_transfer(job)
        return job


class PlatformTenantErase(PlatformView):
    @describe(
        "Have a tenant erased", path=SLUG, body=Erasure, answers={202: TransferSchema}, example={"confirm": "acme"},
        errors=UNKNOWN | {409: "Only an archived tenant can be erased, or too many transfers wait or run already."},
        description="A worker does it; the transfer says how far it is and, at its end, which receipt there is.",
    )  # fmt: skip
    def post(self, request: Request, slug: str, body: Erasure) -> TenantTransfer:
        tenant = get_tenant(slug)
        job = order_erasure(tenant, confirm=body.confirm, actor=self.actor(request))
        queue_transfer(job)
        return job


class PlatformImports(PlatformView):
    door = Door(Proof.OPERATOR, upload_body)

    @describe(
        "Import a tenant", form=TenantFileForm, files=("file",), answers={202: TransferSchema},
        errors=NO_PLATFORM | {409: "The slug is taken, or too many transfers wait or run already."},
        description="A worker takes the file in, all of it or nothing. For larger files there is the command.",
    )  # fmt: skip
    def post(self, request: Request) -> TenantTransfer:
        raw = request._request
        posted = raw.POST.dict()
        check_form_text(posted)
        fields = {name: value for name, value in posted.items() if value != ""}
        form = validate_fields(TenantFileForm, fields, where="body")
        file = raw.FILES.get("file")
        if file is None:
            raise BadInput(
                gettext("Send the tenant's file as the part `file`."), code="file_missing"
            )
        job = order_import(
            file.chunks(), slug=form.slug, passphrase=form.passphrase, actor=self.actor(request),
            leave_secrets=form.without_secrets, source=str(file.name or ""),
            parts={part for part in ALL if not getattr(form, f"without_{part}")}
            | ({TRUSTED_HOSTS} if form.trust_hosts else set()),
        )  # fmt: skip
        queue_transfer(job)
        return job


class PlatformTransfers(PlatformView):
    @describe(
        "List transfers", query=TransferQuery, answers={200: TransferPageSchema}, errors=NO_PLATFORM
    )
    def get(self, request: Request, query: TransferQuery) -> Page[TenantTransfer]:
        wanted = {"status": query.status, "kind": query.kind}
        chosen = {name: value for name, value in wanted.items() if value}
        return paginate(TenantTransfer.objects.filter(**chosen), query)


class PlatformTransfer(PlatformView):
    @describe("Show a transfer", answers={200: TransferSchema}, errors={404: "No such transfer."})
    def get(self, request: Request, transfer_id: UUID) -> TenantTransfer:
        return find_transfer(transfer_id)


class PlatformTransferCancel(PlatformView):
    @describe(
        "Cancel a transfer", answers={200: TransferSchema},
        errors={404: "No such transfer.", 409: "It is over already."},
        description="Nothing of it stays; a worker that is at it stops at the next table.",
    )  # fmt: skip
    def post(self, request: Request, transfer_id: UUID) -> TenantTransfer:
        return cancel_transfer(find_transfer(transfer_id), actor=self.actor(request))


class PlatformTransferFile(PlatformView):
    @describe(
        "Download an exported tenant", answers={200: Media("application/zip", binary=True)},
        errors={404: "No such transfer.", 409: "It is no export, or not done.", 410: "It is not kept any longer."},
    )  # fmt: skip
    def get(self, request: Request, transfer_id: UUID) -> StreamingHttpResponse:
        job = find_transfer(transfer_id)
        return send_file(open_transfer(job, actor=self.actor(request)), job)


class PlatformReceipts(PlatformView):
    @describe(
        "List receipts of erasures", query=PageQuery, answers={200: ReceiptPageSchema},
        errors=NO_PLATFORM,
    )  # fmt: skip
    def get(self, request: Request, query: PageQuery) -> Page[ErasureReceipt]:
        return paginate(ErasureReceipt.objects.all(), query)


def send_file(pieces: Iterator[bytes], job: TenantTransfer) -> StreamingHttpResponse:
    """Answer with an export's file piece by piece, read off the event loop."""
    response = StreamingHttpResponse(_stream(pieces), content_type="application/zip")
    response["Content-Disposition"] = f"attachment; filename={job.slug}.zip"
    response["Content-Length"] = str(job.file_size)
    response["Cache-Control"] = "no-store"
    return response


async def _stream(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while piece := await run_sync(next, pieces, b""):
        yield piece
