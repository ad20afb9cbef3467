"""API tokens on the wire."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from django.utils import timezone
from pydantic import Field, StrictBool, StrictInt, model_validator

from minirag.lib import moments
from minirag.lib.http_in.nouns import EmptyIsNull, Moment, Noun, Shown, Sometimes
from minirag.lib.http_in.rest import Body
from minirag.lib.security.groups import Groups
from tenants.models import ApiToken, Right
from tenants.tokens.changing import MAX_OVERLAP_SECONDS, Grant

TokenPrefix = Annotated[
    str, Field(description="The token's first 8 characters.", examples=["Zk3vB0aq"])
]
RawToken = Annotated[
    str,
    Field(description="Shown this once.", examples=["Zk3vB0aqX1mY7cN5dL9eR2fT8gU4hW6iJ0kP3oQsVtx"]),
]


class ApiTokenSchema(Noun, of=ApiToken):
    id: Shown[UUID]
    tenant_id: Shown[UUID]
    name: Annotated[str, Field(examples=["shop"])]
    token_prefix: Shown[TokenPrefix]
    user_id: Shown[UUID]
    scopes: Annotated[
        list[Right],
        Field(
            validation_alias="rights", description="None of them: everything that its user may do."
        ),
    ]
    bot_profile_id: Annotated[UUID | None, Field(description="The only bot that it is good for.")]
    groups: Annotated[
        Sometimes[list[str]],
        EmptyIsNull,
        Field(
            description="In which groups its askers are; only there with one.", examples=[["staff"]]
        ),
    ]
    names_groups: Annotated[
        Sometimes[bool],
        EmptyIsNull,
        Field(description="Whether it may name `groups` with each question; only there if so."),
    ]
    is_active: Shown[bool]
    expires_at: Moment | None
    last_used_at: Shown[Moment | None]
    created_at: Shown[Moment]


class MintedApiTokenSchema(ApiTokenSchema):
    raw_token: RawToken


class NewApiToken(ApiTokenSchema, reads="new"):
    """What cuts the token down may be left out, or null, for what its maker has."""

    name: str
    scopes: Annotated[list[Right], Field(min_length=1, max_length=20)] | None = None  # type: ignore[assignment]
    groups: Groups = []
    names_groups: StrictBool = False
    expires_at: moments.Moment | None = None
    expires_in_days: (
        Annotated[StrictInt, Field(ge=1, le=3650, description="Instead of `expires_at`.")] | None
    ) = None

    @model_validator(mode="after")
    def _end_once(self) -> Self:
        if self.expires_at is not None and self.expires_in_days is not None:
            raise ValueError("expires_at and expires_in_days cannot be sent together")
        return self

    @property
    def grant(self) -> Grant:
        return Grant(
            tuple(self.scopes or ()), self.bot_profile_id, self._end(), tuple(self.groups), self.names_groups
        )  # fmt: skip

    def _end(self) -> datetime | None:
        if self.expires_in_days is None:
            return self.expires_at
        return timezone.now() + timedelta(days=self.expires_in_days)


class Rotation(Body):
    overlap_seconds: Annotated[StrictInt, Field(ge=0, le=MAX_OVERLAP_SECONDS)]
