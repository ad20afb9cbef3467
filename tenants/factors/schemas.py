"""Second factors and sessions on the wire."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool

from minirag.lib.http_in.nouns import Moment, Noun
from minirag.lib.http_in.rest import Body

Code = Annotated[
    str,
    Field(
        min_length=1,
        max_length=20,
        description="Of the device, or a recovery code.",
        examples=["123456"],
    ),
]


class DeviceKeySchema(Noun):
    key: Annotated[str, Field(description="In base32, to type.", examples=["JBSWY3DPEHPK3PXP"])]
    address: Annotated[
        str, Field(description="To show as a QR code.", examples=["otpauth://totp/Acme:alice"])
    ]


class RecoveryCodesSchema(Noun):
    recovery_codes: list[str]


class FactorRuleSchema(Noun):
    required: bool


class CodeBody(Body):
    otp: Code


class FactorRule(Body):
    required: StrictBool


class BrowserSessionSchema(Noun):
    id: UUID
    address: str
    agent: str
    browser: Annotated[str, Field(examples=["Firefox on Linux"])]
    created_at: Moment
    seen_at: Moment
