"""A tenant's provider for single sign-on on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import AnyHttpUrl, Field, StrictBool

from minirag.lib.bounds import AsColumn
from minirag.lib.http_in.nouns import Moment, Noun
from minirag.lib.http_in.rest import Body
from tenants.models import Role, SsoProvider

Domains = Annotated[
    list[Annotated[str, Field(max_length=100)]], AsColumn(SsoProvider, "allowed_domains")
]


class SsoProviderSchema(Noun):
    issuer: Annotated[str, Field(examples=["https://login.example.com"])]
    client_id: str
    has_secret: bool
    allowed_domains: list[str]
    makes_users: bool
    default_role: Role
    is_required: bool
    is_active: bool
    back_address: Annotated[
        str, Field(description="To tell the provider.", examples=["https://…/admin/sso/callback/"])
    ]
    updated_at: Moment


class NewSsoProvider(Body):
    issuer: Annotated[AnyHttpUrl, Field(max_length=500)]
    client_id: Annotated[str, AsColumn(SsoProvider, "client_id"), Field(min_length=1)]
    client_secret: Annotated[
        str | None, Field(max_length=1000, description="Left out or null: as it is.")
    ] = None
    allowed_domains: Domains
    makes_users: StrictBool = False
    default_role: Role = Role.MEMBER
    is_required: StrictBool = False
    is_active: StrictBool = True
