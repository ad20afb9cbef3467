"""What `/v1/platform` reads and answers, and the audit log of both levels."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, EmailStr, Field

from minirag.lib.bounds import AsColumn
from minirag.lib.http_in.nouns import Moment, Noun, Shown
from minirag.lib.http_in.pagination import PagedSchema, PageQuery
from minirag.lib.http_in.rest import Body
from tenants.models import Tenant, TenantStatus
from tenants.people.schemas import DisplayName, Password, Slug
from tenants.platform.lifecycle import MAX_MATCHES, Selection

Reason = Annotated[str, AsColumn(Tenant, "status_reason")]


class PlatformTenantSchema(Noun, of=Tenant):
    id: Shown[UUID]
    slug: Shown[Annotated[str, Field(examples=["acme"])]]
    name: Annotated[str, Field(examples=["Acme"])]
    description: str
    plan: Annotated[str, Field(examples=["free"])]
    metadata: Annotated[
        dict[str, Any], Field(description="The operator's own facts; the tenant sees none.")
    ]
    time_zone: Annotated[str, Field(examples=["Europe/Berlin"])]
    rate: Annotated[
        str, Field(description="Its own TENANT_RATE, or empty.", examples=["6000/minute"])
    ]
    work_weight: Annotated[
        int,
        Field(description="Its share of the workers' time beside others that have work waiting."),
    ]
    status: Shown[TenantStatus]
    status_reason: Shown[str]
    status_changed_at: Shown[Moment | None]
    created_at: Shown[Moment]
    updated_at: Shown[Moment]


class TenantChanges(PlatformTenantSchema, reads="changes"):
    """Only what is sent changes."""

    plan: Annotated[str, Field(min_length=1)]


class NewPlatformTenant(Body):
    slug: Slug
    name: Annotated[str, AsColumn(Tenant, "name")]
    plan: Annotated[str, AsColumn(Tenant, "plan")] = "free"
    description: Annotated[str, AsColumn(Tenant, "description")] = ""
    metadata: Annotated[dict[str, Any], AsColumn(Tenant, "metadata")] = {}
    owner_email: EmailStr
    owner_password: Password
    owner_display_name: DisplayName = ""


class PlatformTenantPageSchema(PagedSchema[PlatformTenantSchema]):
    total: int


class ProvisionedTenantSchema(Noun):
    tenant: PlatformTenantSchema
    created: Annotated[
        bool, Field(description="False where the slug was there: nothing was changed.")
    ]
    api_token: Annotated[
        str | None, Field(description="The owner's token `default`, shown this once.")
    ]


class _Selecting(BaseModel):
    q: Annotated[str, Field(max_length=256)] = ""
    status: Literal["", "active", "suspended", "archived"] = ""
    plan: Annotated[str, AsColumn(Tenant, "plan")] = ""

    @property
    def selection(self) -> Selection:
        return Selection(self.q, self.status, self.plan)


class TenantQuery(_Selecting, PageQuery):
    """Which tenants are listed."""


class PreviewQuery(_Selecting, Body):
    sample_limit: Annotated[int, Field(ge=1, le=100)] = 20


class TenantPreviewSchema(Noun):
    total: int
    sample_count: int
    tenants: list[PlatformTenantSchema]


class StatusChange(Body):
    reason: Reason = ""


class BulkChange(Body):
    slugs: Annotated[list[Slug], Field(min_length=1, max_length=100)]
    reason: Reason = ""


class MatchingChange(_Selecting, Body):
    expected_total: Annotated[int, Field(ge=0, le=MAX_MATCHES)]
    confirm: bool = False
    reason: Reason = ""


class ChangedTenantsSchema(Noun):
    action: Literal["archive", "suspend", "restore"]
    updated_count: int
    tenants: list[PlatformTenantSchema]


class Erasure(Body):
    confirm: Annotated[str, AsColumn(Tenant, "slug")]


class QueueSchema(Noun):
    slug: Annotated[str, Field(examples=["acme"])]
    work_weight: int
    waiting: int
    running: int
    oldest_wait_seconds: Annotated[
        int | None, Field(description="For how long nothing has been done to what waits longest.")
    ]


class QueuesSchema(Noun):
    items: list[QueueSchema]
    waiting: int
    running: int


class NewMaintenance(Body):
    message: Annotated[str, AsColumn(Tenant, "maintenance_message")] = ""
    minutes: Annotated[int, Field(ge=1, le=7 * 24 * 60)]


class MaintenanceSchema(Noun):
    until: Annotated[Moment | None, Field(description="None once it has ended.")]
    tenants: Annotated[int, Field(description="How many it concerns.")]
