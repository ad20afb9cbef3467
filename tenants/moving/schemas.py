"""Tenants on the move, on the wire."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from minirag.lib.bounds import AsColumn
from minirag.lib.http_in.nouns import Moment, Noun, Shown
from minirag.lib.http_in.pagination import PagedSchema, PageQuery
from minirag.lib.http_in.rest import Body
from tenants.models import ErasureReceipt, Tenant, TenantTransfer, TransferKind, TransferStatus
from tenants.people.schemas import Slug

Passphrase = Annotated[str, Field(max_length=1000)]


class TransferSchema(Noun, of=TenantTransfer):
    id: Shown[UUID]
    kind: Shown[TransferKind]
    slug: Shown[Annotated[str, Field(examples=["acme"])]]
    source: Shown[str]
    status: Shown[TransferStatus]
    error_code: Shown[str]
    error_message: Shown[str]
    steps_done: Shown[int]
    steps_total: Shown[int]
    step: Shown[Annotated[str, Field(description="What it is at: a table's name.")]]
    file_size: Shown[int]
    has_file: Shown[bool]
    notes: Shown[Annotated[list[str], Field(description="What is not as it was, in words.")]]
    receipt_id: Shown[UUID | None]
    asked_by: Shown[str]
    created_at: Shown[Moment]
    started_at: Shown[Moment | None]
    finished_at: Shown[Moment | None]
    expires_at: Shown[Moment | None]


class TransferPageSchema(PagedSchema[TransferSchema]):
    """Exports, imports, copies and erasures."""


class TransferQuery(PageQuery):
    status: TransferStatus | None = None
    kind: TransferKind | None = None


class NewTenantExport(Body):
    passphrase: Annotated[
        Passphrase,
        Field(description="Seals the tenant's secrets in the file; without one they are left out."),
    ] = ""


class NewClone(Body):
    new_slug: Slug
    name: Annotated[str, AsColumn(Tenant, "name")] = ""
    with_webhooks: bool = False


class TenantFileForm(Body):
    slug: Slug
    passphrase: Passphrase = ""
    without_secrets: bool = False
    without_hosts: bool = False
    trust_hosts: Annotated[
        bool, Field(description="They lead here at once. Otherwise each has to be proven anew.")
    ] = False
    without_tokens: bool = False
    without_webhooks: bool = False
    without_log: bool = False


class ReceiptSchema(Noun, of=ErasureReceipt):
    id: Shown[UUID]
    slug: Shown[str]
    receipt: Shown[Annotated[dict[str, Any], Field(description="As it was signed.")]]
    created_at: Shown[Moment]


class ReceiptPageSchema(PagedSchema[ReceiptSchema]):
    """Receipts of erasures."""
