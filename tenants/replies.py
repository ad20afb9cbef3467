"""What the tenant and token endpoints answer, for the API's description."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from minirag.lib.openapi import Moment, Reply
from tenants.models import Role, Scope

TokenPrefix = Annotated[str, Field(description="The token's first 8 characters.", examples=["Zk3vB0aq"])]
RawToken = Annotated[
    str, Field(description="Shown this once.", examples=["Zk3vB0aqX1mY7cN5dL9eR2fT8gU4hW6iJ0kP3oQsVtx"])
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
    scopes: Annotated[list[Scope], Field(description="None of them: everything that its user may do.")]
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
    access_token: Annotated[str, Field(description="A JWT.", examples=["eyJhbGciOi….eyJzdWIiOi….5mhB…"])]
    token_type: Literal["bearer"]
    user: UserReply
    tenant: TenantReply


class MyselfReply(Reply):
    user: UserReply
    tenant: TenantReply
