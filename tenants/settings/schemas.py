"""A tenant's settings on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from minirag.lib.bounds import AsColumn
from minirag.lib.http_in.nouns import Moment, Noun, Shown
from minirag.lib.http_in.rest import Body
from tenants.models import Tenant

LONGEST_LOGO = 400_000


class TenantSettingsSchema(Noun, of=Tenant):
    slug: Shown[Annotated[str, Field(examples=["acme"])]]
    name: Annotated[str, Field(examples=["Acme"])]
    shown_name: Annotated[str, Field(description="What people and visitors read; empty: the name.")]
    accent: Annotated[
        str,
        Field(
            description="The colour of buttons and links; empty: the product's.",
            examples=["#8a1c4a"],
        ),
    ]
    dark_accent: Annotated[
        str, Field(description="The same on dark pages; empty: made of the other.")
    ]
    logo_url: Shown[
        Annotated[
            str | None, Field(description="For everybody; its address changes with the logo.")
        ]
    ]
    languages: Annotated[list[str], Field(description="The usual one first.", examples=[["de"]])]
    time_zone: Annotated[str, Field(examples=["Europe/Berlin"])]
    contact: str
    default_model: Annotated[
        str, Field(description="What new bots speak with; empty: the installation's.")
    ]
    masking: Annotated[
        dict[str, Any],
        Field(
            description="What is kept from models, of bots that do not choose for themselves.",
            examples=[{"kinds": ["email"]}],
        ),
    ]
    updated_at: Shown[Moment]


class TenantSettingsChanges(TenantSettingsSchema, reads="changes"):
    """Only what is sent changes."""

    name: Annotated[str, AsColumn(Tenant, "name"), Field(min_length=1)]


class NewLogo(Body):
    content: Annotated[
        str,
        Field(
            min_length=1, max_length=LONGEST_LOGO, description="A PNG, JPEG or SVG file, in base64."
        ),
    ]
