"""A tenant's hosts on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from minirag.lib.http_in.nouns import Moment, Noun
from minirag.lib.http_in.rest import Body
from tenants.hosts.checking import HostState


class HostSchema(Noun):
    host: Annotated[str, Field(examples=["bots.acme.com"])]
    is_claim: Annotated[
        bool, Field(description="It is not shown yet to be the tenant's own, and leads nowhere.")
    ]
    proof_name: Annotated[
        str, Field(description="Of the TXT record.", examples=["_minirag.bots.acme.com"])
    ]
    proof_content: Annotated[str, Field(description="What the TXT record has to say.")]
    leads_until: Annotated[
        Moment | None,
        Field(
            description="Its TXT record is missing: then it leads here no more. Null while it is not."
        ),
    ]
    is_primary: Annotated[bool, Field(description="Whether mails and links name it.")]
    checked_at: Moment | None
    state: Annotated[HostState | None, Field(description="What the last check found.")]
    advice: Annotated[str, Field(description="What to do, in a sentence.")]
    created_at: Moment


class CheckedHostSchema(HostSchema):
    addresses: Annotated[list[str], Field(description="The public ones that its name has.")]


class HostListSchema(Noun):
    items: list[HostSchema]


class NewHost(Body):
    host: Annotated[str, Field(min_length=1, max_length=253)]
