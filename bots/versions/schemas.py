"""Versions of a bot on the wire."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from bots.models import BotVersion, CameFrom
from minirag.lib.comparing.schemas import ComparisonSchema
from minirag.lib.http_in.nouns import Moment, Noun
from minirag.lib.http_in.pagination import PagedSchema
from minirag.lib.http_in.rest import Body


class BotVersionSchema(Noun, of=BotVersion):
    id: UUID
    bot_profile_id: UUID
    number: Annotated[int, Field(examples=[3])]
    came_from: CameFrom
    made_by: Annotated[str, Field(description="By e-mail address.")]
    note: Annotated[str, Field(description="Why, where somebody said so.")]
    restored_number: Annotated[int | None, Field(description="Which version was brought back.")]
    changed: Annotated[
        list[str],
        Field(description="What is other than in the version before.", examples=[["temperature"]]),
    ]
    created_at: Moment


class BotVersionPageSchema(PagedSchema[BotVersionSchema]):
    pass


class BotVersionDetailSchema(BotVersionSchema):
    configuration: Annotated[
        dict[str, Any],
        Field(
            description="All settings by name; `provider_keys` by name and id, `own_key`: whether there was one; "
            "`scopes`, `datasets` and `handoff_rules`, which versions from before they were kept do not have.",
            examples=[{"temperature": 0.2}],
        ),
    ]
    cannot_come_back: Annotated[
        list[str], Field(description="In sentences: what bringing it back would not restore.")
    ]


class VersionComparisonQuery(Body):
    other_id: Annotated[
        UUID | None, Field(description="Another version of the bot; without: what is live now.")
    ] = None


class FieldChangeSchema(Noun):
    name: Annotated[str, Field(examples=["temperature"])]
    label: Annotated[str, Field(examples=["Temperature"])]
    before: Annotated[str, Field(description="As a person reads it.")]
    after: str
    text: Annotated[
        ComparisonSchema | None, Field(description="Of a text: which lines changed, and how.")
    ]


class VersionComparisonSchema(Noun):
    before: Annotated[int, Field(description="Its number.")]
    after: Annotated[int | None, Field(description="Null: what is live now.")]
    changes: list[FieldChangeSchema]


class RollBackBody(Body):
    reason: Annotated[
        str, Field(max_length=1000, description="Why. It is kept with the new version.")
    ] = ""


class RollBackSchema(Noun):
    bot_profile_id: UUID
    number: Annotated[
        int | None, Field(description="The newest version; null where the bot has none.")
    ]
    held_back: Annotated[
        dict[str, Any],
        Field(description="What the bot's gate holds back: what its draft changes now."),
    ]
    changes: list[FieldChangeSchema]
    cannot_come_back: list[str]
