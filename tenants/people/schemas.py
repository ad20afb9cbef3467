"""Tenants, their people and who signs up and in, on the wire."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import EmailStr, Field, StrictBool

from minirag.lib.bounds import AsColumn
from minirag.lib.http_in.nouns import Noun, Shown
from minirag.lib.http_in.rest import Body
from minirag.lib.security.passwords import MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH
from tenants.models import Role, Tenant, User
from tenants.tokens.schemas import RawToken, TokenPrefix

Slug = Annotated[str, AsColumn(Tenant, "slug"), Field(pattern=r"^[a-z0-9\-]+$")]
Password = Annotated[str, Field(min_length=MIN_PASSWORD_LENGTH, max_length=MAX_PASSWORD_LENGTH)]
DisplayName = Annotated[str, AsColumn(User, "display_name")]


class TenantSchema(Noun):
    id: UUID
    name: Annotated[str, Field(examples=["Acme"])]
    slug: Annotated[str, Field(examples=["acme"])]
    is_active: bool
    plan: Annotated[str, Field(examples=["free"])]


class UserSchema(Noun, of=User):
    id: Shown[UUID]
    tenant_id: Shown[UUID]
    email: Annotated[str, Field(examples=["alice@acme.example.com"])]
    display_name: Annotated[str, Field(examples=["Alice"])]
    role: Role
    is_active: Shown[bool]


class NewUser(UserSchema, reads="new"):
    email: EmailStr
    password: Password


class UserChanges(UserSchema, reads="changes"):
    """Only what is sent changes."""

    email: EmailStr
    password: Password
    is_active: StrictBool
    revoke_tokens: StrictBool


class SignUp(Body):
    tenant_name: Annotated[str, AsColumn(Tenant, "name")]
    tenant_slug: Slug
    owner_email: EmailStr
    owner_password: Password
    owner_display_name: DisplayName = ""


class SignedUpSchema(Noun):
    tenant: TenantSchema
    api_token: RawToken
    token_prefix: TokenPrefix


class LogIn(Body):
    email: EmailStr
    # Bounded, because hashing an endless password is work for us and none for the caller.
    password: Annotated[str, Field(max_length=1024)]
    tenant_slug: Annotated[str, AsColumn(Tenant, "slug")] | None = None
    otp: (
        Annotated[str, Field(max_length=20, description="A code, for who has a second factor.")]
        | None
    ) = None


class LoggedInSchema(Noun):
    access_token: Annotated[
        str, Field(description="A JWT.", examples=["eyJhbGciOi….eyJzdWIiOi….5mhB…"])
    ]
    token_type: Literal["bearer"]
    user: UserSchema
    tenant: TenantSchema


class MyselfSchema(Noun):
    user: UserSchema
    tenant: TenantSchema
