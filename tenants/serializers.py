"""What the tenant and token endpoints read and write."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import EmailStr, Field, StrictBool

from minirag.lib.rest import Body, naive_utc
from tenants.models import ApiToken, Role, Tenant, User


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
    name: Annotated[str, Field(max_length=255)]


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
        "is_active": token.is_active,
        "expires_at": naive_utc(token.expires_at),
        "last_used_at": naive_utc(token.last_used_at),
        "created_at": naive_utc(token.created_at),
    }
