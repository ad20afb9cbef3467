"""What the tenant and token endpoints read and write."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import EmailStr, Field, StrictBool, StrictInt

from minirag.lib.http_in.rest import Body, naive_utc
from minirag.lib.moments import Moment
from tenants.models import ApiToken, Role, Scope, Tenant, User
from tenants.tokens.changing import MAX_OVERLAP_SECONDS, Rights


class SignUp(Body):
    tenant_name: Annotated[str, Field(max_length=255)]
    tenant_slug: Annotated[str, Field(max_length=100, pattern=r"^[a-z0-9\-]+$")]
    owner_email: EmailStr
    owner_password: Annotated[str, Field(min_length=8, max_length=128)]
    owner_display_name: Annotated[str, Field(max_length=255)] = ""


class LogIn(Body):
    email: EmailStr
    # Bounded, because hashing an endless password is work for us and none for the caller.
    password: Annotated[str, Field(max_length=1024)]
    tenant_slug: Annotated[str, Field(max_length=100)] | None = None


Email = Annotated[EmailStr, Field(max_length=320)]
Password = Annotated[str, Field(min_length=8, max_length=128)]
DisplayName = Annotated[str, Field(max_length=255)]


class NewUser(Body):
    email: Email
    password: Password
    display_name: DisplayName = ""
    role: Role = Role.MEMBER


class UserChanges(Body):
    """Only `model_fields_set` counts; the defaults are never used."""

    email: Email = ""
    password: Password = ""
    display_name: DisplayName = ""
    role: Role = Role.MEMBER
    is_active: StrictBool = True
    revoke_tokens: StrictBool = False


class NewApiToken(Body):
    """What cuts the token down may be left out, or null, for what its maker has."""

    name: Annotated[str, Field(max_length=255)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=20)] | None = None
    bot_profile_id: UUID | None = None
    expires_at: Moment | None = None

    @property
    def rights(self) -> Rights:
        return Rights(tuple(self.scopes or ()), self.bot_profile_id, self.expires_at)


class Rotation(Body):
    overlap_seconds: Annotated[StrictInt, Field(ge=0, le=MAX_OVERLAP_SECONDS)]


def render_tenant(tenant: Tenant) -> dict[str, Any]:
    return {
        "id": str(tenant.pk),
        "name": tenant.name,
        "slug": tenant.slug,
        "is_active": tenant.is_active,
        "plan": tenant.plan,
    }


def render_user(user: User) -> dict[str, Any]:
    return {
        "id": str(user.pk),
        "tenant_id": str(user.tenant_id),
        "email": user.email,
        "display_name": user.display_name,
        "role": user.role,
        "is_active": user.is_active,
    }


def render_token(token: ApiToken) -> dict[str, Any]:
    return {
        "id": str(token.pk),
        "tenant_id": str(token.tenant_id),
        "name": token.name,
        "token_prefix": token.token_prefix,
        "user_id": str(token.user_id),
        "scopes": token.scopes,
        "bot_profile_id": str(token.bot_profile_id) if token.bot_profile_id else None,
        "is_active": token.is_active,
        "expires_at": naive_utc(token.expires_at),
        "last_used_at": naive_utc(token.last_used_at),
        "created_at": naive_utc(token.created_at),
    }
