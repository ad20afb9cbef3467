"""What the tenant and token endpoints answer, for the API's description."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from minirag.lib.http_in.openapi import Moment, Reply
from tenants.models import Role, Scope, TenantStatus

TokenPrefix = Annotated[
    str, Field(description="The token's first 8 characters.", examples=["Zk3vB0aq"])
]
RawToken = Annotated[
    str,
    Field(description="Shown this once.", examples=["Zk3vB0aqX1mY7cN5dL9eR2fT8gU4hW6iJ0kP3oQsVtx"]),
]


class TenantReply(Reply):
    id: UUID
    name: Annotated[str, Field(examples=["Acme"])]
    slug: Annotated[str, Field(examples=["acme"])]
    is_active: bool
    plan: Annotated[str, Field(examples=["free"])]


class UserReply(Reply):
    id: UUID
    tenant_id: UUID
    email: Annotated[str, Field(examples=["alice@acme.example.com"])]
    display_name: Annotated[str, Field(examples=["Alice"])]
    role: Role
    is_active: bool


class ApiTokenReply(Reply):
    id: UUID
    tenant_id: UUID
    name: Annotated[str, Field(examples=["shop"])]
    token_prefix: TokenPrefix
    user_id: UUID
    scopes: Annotated[
        list[Scope], Field(description="None of them: everything that its user may do.")
    ]
    bot_profile_id: Annotated[UUID | None, Field(description="The only bot that it is good for.")]
    is_active: bool
    expires_at: Moment | None
    last_used_at: Moment | None
    created_at: Moment


class MintedApiTokenReply(ApiTokenReply):
    raw_token: RawToken


class SignedUpReply(Reply):
    tenant: TenantReply
    api_token: RawToken
    token_prefix: TokenPrefix


class LoggedInReply(Reply):
    access_token: Annotated[
        str, Field(description="A JWT.", examples=["eyJhbGciOi….eyJzdWIiOi….5mhB…"])
    ]
    token_type: Literal["bearer"]
    user: UserReply
    tenant: TenantReply


class MyselfReply(Reply):
    user: UserReply
    tenant: TenantReply


class PlatformTenantReply(Reply):
    id: UUID
    slug: Annotated[str, Field(examples=["acme"])]
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
    status: TenantStatus
    status_reason: str
    status_changed_at: Moment | None
    created_at: Moment
    updated_at: Moment


class PlatformTenantPageReply(Reply):
    items: list[PlatformTenantReply]
    next_cursor: str | None
    total: int


class ProvisionedTenantReply(Reply):
    tenant: PlatformTenantReply
    created: Annotated[
        bool, Field(description="False where the slug was there: nothing was changed.")
    ]
    api_token: Annotated[
        str | None, Field(description="The owner's token `default`, shown this once.")
    ]


class TenantPreviewReply(Reply):
    total: int
    sample_count: int
    tenants: list[PlatformTenantReply]


class ChangedTenantsReply(Reply):
    action: Literal["archive", "suspend", "restore"]
    updated_count: int
    tenants: list[PlatformTenantReply]


class AuditEventReply(Reply):
    id: int
    action: Annotated[str, Field(examples=["tenant.archived"])]
    tenant_slug: str
    actor: Annotated[str, Field(description="An e-mail, or the command that acted.")]
    detail: dict[str, Any]
    request_id: str
    created_at: Moment


class AuditEventPageReply(Reply):
    items: list[AuditEventReply]
    next_cursor: str | None
