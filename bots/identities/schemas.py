"""The secret of signed identities on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictInt

from bots.identities.changing import MAX_OVERLAP_SECONDS
from minirag.lib.http_in.nouns import Moment, Noun
from minirag.lib.http_in.rest import Body


class IdentitySecretSchema(Noun):
    has_secret: Annotated[bool, Field(validation_alias="has_identity_secret")]
    previous_until: Annotated[
        Moment | None,
        Field(
            validation_alias="previous_identity_secret_until",
            description="Until when the secret before it counts as well.",
        ),
    ]


class NewIdentitySecretSchema(IdentitySecretSchema):
    secret: Annotated[
        str,
        Field(
            description="Shown this once.", examples=["Zk3vB0aqX1mY7cN5dL9eR2fT8gU4hW6iJ0kP3oQsVtx"]
        ),
    ]


class NewIdentitySecret(Body):
    overlap_seconds: Annotated[
        StrictInt,
        Field(ge=0, le=MAX_OVERLAP_SECONDS, description="So long the one before counts as well."),
    ] = 0
