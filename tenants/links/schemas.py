"""Invitations and forgotten passwords on the wire."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import EmailStr, Field

from minirag.lib.bounds import AsColumn
from minirag.lib.http_in.nouns import Moment, Noun, Sometimes
from minirag.lib.http_in.rest import Body
from tenants.links.models import LinkState
from tenants.models import Role, Tenant
from tenants.people.schemas import DisplayName, Password, UserSchema


class NewInvitation(Body):
    email: EmailStr
    display_name: DisplayName = ""
    role: Role = Role.MEMBER


class InvitationSchema(Noun):
    id: UUID
    user: UserSchema
    state: LinkState
    made_by: str
    created_at: Moment
    expires_at: Moment
    mailed_at: Moment | None
    url: Sometimes[
        Annotated[
            str,
            Field(
                description="The link itself, where no mail went out: hand it over.",
                examples=["https://…"],
            ),
        ]
    ]


class ForgottenPassword(Body):
    email: EmailStr
    tenant_slug: Annotated[str, AsColumn(Tenant, "slug")] | None = None


class PasswordByLink(Body):
    link: Annotated[
        str, Field(min_length=1, max_length=200, description="What stands behind `link=`.")
    ]
    password: Password
