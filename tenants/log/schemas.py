"""The audit log on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from minirag.lib import moments
from minirag.lib.bounds import AsColumn
from minirag.lib.http_in.nouns import Moment, Noun
from minirag.lib.http_in.pagination import PagedSchema, PageQuery
from minirag.lib.http_in.rest import Body
from tenants.log.finding import Wanted
from tenants.models import AuditEvent


class _Filters(BaseModel):
    action: Annotated[
        str, AsColumn(AuditEvent, "action"), Field(description="`source.*` is a beginning.")
    ] = ""
    tenant: Annotated[str, AsColumn(AuditEvent, "tenant_slug")] = ""
    actor: Annotated[str, AsColumn(AuditEvent, "actor")] = ""
    thing: Annotated[
        str, Field(max_length=255, description="The id or the name of what it was done to.")
    ] = ""
    outcome: Literal["", "done", "refused", "failed"] = ""
    request_id: Annotated[str, AsColumn(AuditEvent, "request_id")] = ""
    q: Annotated[str, Field(max_length=200, description="Words, or how they begin.")] = ""
    created_from: moments.Moment | None = None
    created_to: moments.Moment | None = None

    @property
    def wanted(self) -> Wanted:
        return Wanted(
            action=self.action, actor=self.actor, thing=self.thing, outcome=self.outcome, request_id=self.request_id,
            q=self.q, since=self.created_from, until=self.created_to,
        )  # fmt: skip


class AuditQuery(_Filters, PageQuery):
    """Which lines are listed."""


class AuditExportQuery(_Filters, Body):
    format: Literal["csv", "jsonl"] = "csv"


class AuditEventSchema(Noun):
    id: int
    action: Annotated[str, Field(examples=["tenant.archived"])]
    outcome: Annotated[str, Field(description="`done`, `refused` or `failed`.", examples=["done"])]
    tenant_slug: str
    actor: Annotated[str, Field(description="An e-mail, or the command that acted.")]
    detail: dict[str, Any]
    request_id: str
    created_at: Moment


class AuditEventPageSchema(PagedSchema[AuditEventSchema]):
    """What was done."""
