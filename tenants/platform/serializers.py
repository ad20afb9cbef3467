"""What `/v1/platform` reads and writes."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, EmailStr, Field

from minirag.lib.http_in.pagination import PageQuery
from minirag.lib.http_in.rest import Body, naive_utc
from minirag.lib.moments import Moment
from minirag.lib.periods import is_time_zone
from minirag.lib.security.rates import parse_rate
from tenants.models import AuditEvent, Tenant
from tenants.platform.lifecycle import MAX_MATCHES, Selection

Slug = Annotated[str, Field(max_length=100, pattern=r"^[a-z0-9\-]+$")]
Reason = Annotated[str, Field(max_length=2048)]
Search = Annotated[str, Field(max_length=256)]
_MAX_METADATA = 20_000
Status = Literal["", "active", "suspended", "archived"]


def _check_time_zone(name: str) -> str:
    if not is_time_zone(name):
        raise ValueError("not an IANA time zone")
    return name


def _check_rate(text: str) -> str:
    if text:
        parse_rate(text)
    return text


def _check_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(metadata)) > _MAX_METADATA:
        raise ValueError(f"more than {_MAX_METADATA} characters as JSON")
    return metadata


Metadata = Annotated[dict[str, Any], AfterValidator(_check_metadata)]


class NewPlatformTenant(Body):
    slug: Slug
    name: Annotated[str, Field(max_length=255)]
    plan: Annotated[str, Field(max_length=50)] = "free"
    description: Annotated[str, Field(max_length=2048)] = ""
    metadata: Metadata = {}
    owner_email: EmailStr
    owner_password: Annotated[str, Field(min_length=8, max_length=128)]
    owner_display_name: Annotated[str, Field(max_length=255)] = ""


class TenantChanges(Body):
    """Only `model_fields_set` counts; the defaults are never used."""

    name: Annotated[str, Field(max_length=255)] = ""
    plan: Annotated[str, Field(min_length=1, max_length=50)] = "free"
    description: Annotated[str, Field(max_length=2048)] = ""
    metadata: Metadata = {}
    time_zone: Annotated[str, Field(max_length=64), AfterValidator(_check_time_zone)] = "UTC"
    rate: Annotated[str, Field(max_length=50), AfterValidator(_check_rate)] = ""


class TenantQuery(PageQuery):
    q: Search = ""
    status: Status = ""
    plan: Annotated[str, Field(max_length=50)] = ""

    @property
    def selection(self) -> Selection:
        return Selection(self.q, self.status, self.plan)


class PreviewQuery(Body):
    q: Search = ""
    status: Status = ""
    plan: Annotated[str, Field(max_length=50)] = ""
    sample_limit: Annotated[int, Field(ge=1, le=100)] = 20

    @property
    def selection(self) -> Selection:
        return Selection(self.q, self.status, self.plan)


class StatusChange(Body):
    reason: Reason = ""


class BulkChange(Body):
    slugs: Annotated[list[Slug], Field(min_length=1, max_length=100)]
    reason: Reason = ""


class MatchingChange(Body):
    q: Search = ""
    status: Status = ""
    plan: Annotated[str, Field(max_length=50)] = ""
    expected_total: Annotated[int, Field(ge=0, le=MAX_MATCHES)]
    confirm: bool = False
    reason: Reason = ""

    @property
    def selection(self) -> Selection:
        return Selection(self.q, self.status, self.plan)


class Erasure(Body):
    confirm: Annotated[str, Field(max_length=100)]


class AuditQuery(PageQuery):
    action: Annotated[str, Field(max_length=64)] = ""
    tenant: Annotated[str, Field(max_length=100)] = ""
    actor: Annotated[str, Field(max_length=320)] = ""
    request_id: Annotated[str, Field(max_length=64)] = ""
    created_from: Moment | None = None
    created_to: Moment | None = None


def render_platform_tenant(tenant: Tenant) -> dict[str, Any]:
    return {
        "id": str(tenant.pk),
        "slug": tenant.slug,
        "name": tenant.name,
        "description": tenant.description,
        "plan": tenant.plan,
        "metadata": tenant.metadata,
        "time_zone": tenant.time_zone,
        "rate": tenant.rate,
        "status": tenant.status,
        "status_reason": tenant.status_reason,
        "status_changed_at": naive_utc(tenant.status_changed_at),
        "created_at": naive_utc(tenant.created_at),
        "updated_at": naive_utc(tenant.updated_at),
    }


def render_audit_event(event: AuditEvent) -> dict[str, Any]:
    return {
        "id": event.pk,
        "action": event.action,
        "tenant_slug": event.tenant_slug,
        "actor": event.actor,
        "detail": event.detail,
        "request_id": event.request_id,
        "created_at": naive_utc(event.created_at),
    }
