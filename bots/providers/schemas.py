"""Provider keys and the models that can be chosen, on the wire."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

from bots.models import ProviderCredential
from bots.providers.changing import MOST_CHOSEN
from bots.providers.trying import KeyOutcome
from minirag.ai.catalogue import LONGEST_MODEL
from minirag.ai.credentials import LONGEST_BASE, LONGEST_KEY
from minirag.lib.http_in.nouns import Fixed, Moment, Noun, Shown
from minirag.lib.http_in.pagination import PagedSchema
from minirag.lib.http_in.rest import Body

_ModelId = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_MODEL)
]
_Key = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_KEY),
    Field(description="Kept sealed and never shown again.", examples=["sk-…"]),
]
Dollars = Annotated[
    Decimal,
    PlainSerializer(float, return_type=float),
    WithJsonSchema({"type": "number", "minimum": 0}),
]


class ProviderSchema(Noun, of=ProviderCredential):
    id: Shown[UUID]
    tenant_id: Shown[UUID]
    name: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1),
        Field(examples=["OpenAI, invoice of marketing"]),
    ]
    provider: Fixed[Annotated[str, Field(examples=["openai"])]]
    api_base: Annotated[
        str,
        Field(
            max_length=LONGEST_BASE,
            description="Of a compatible server of your own, ending in /v1; empty: the provider's.",
        ),
    ]
    last_four: Shown[Annotated[str, Field(description="Of the key; empty where it is short.")]]
    bot_profile_ids: Shown[Annotated[list[UUID], Field(description="The bots that use it.")]]
    key_set_at: Shown[Moment]
    tested_at: Shown[Moment | None]
    test_outcome: Shown[
        Annotated[
            KeyOutcome | None,
            BeforeValidator(lambda text: text or None),
            Field(description="Of the last test of this key."),
        ]
    ]
    created_at: Shown[Moment]
    updated_at: Shown[Moment]


class ProviderPageSchema(PagedSchema[ProviderSchema]):
    """Provider keys."""


class NewProvider(ProviderSchema, reads="new"):
    api_key: _Key


class ProviderChanges(ProviderSchema, reads="changes"):
    """Only what is sent changes."""

    api_key: _Key


class KeyTest(Body):
    model: Annotated[
        _ModelId | None,
        Field(
            description="Null: one of a bot that uses the key, else a small one of the provider's."
        ),
    ] = None


class KeyTrialSchema(Noun):
    outcome: KeyOutcome
    works: bool
    detail: Annotated[str, Field(description="The outcome in a sentence.")]
    model: str
    milliseconds: int
    cost_usd: Dollars


class ModelSchema(Noun):
    model: Annotated[str, Field(examples=["gpt-4o-mini"])]
    provider: Annotated[str, Field(examples=["openai"])]
    mode: Literal["chat", "embedding", "rerank"]
    context_tokens: int | None
    answer_tokens: int | None
    dimensions: int | None
    prompt_cost_per_1m: Annotated[
        Dollars | None, Field(description="US dollars; null where nobody has said it.")
    ]
    completion_cost_per_1m: Dollars | None
    cost_per_search: Dollars | None
    reads_images: bool
    calls_functions: bool
    thinks: bool
    ends_on: Annotated[
        date | None, Field(description="When the provider takes it away.", examples=["2027-01-31"])
    ]


class CatalogueSchema(Noun):
    items: list[ModelSchema]
    total: Annotated[
        int, Field(description="How many there are that fit; narrow the search to see others.")
    ]
    providers: list[str]


class CatalogueQuery(Body):
    provider: Annotated[str, Field(max_length=50)] = ""
    mode: Literal["", "chat", "embedding", "rerank"] = ""
    q: Annotated[str, Field(max_length=100, description="Words that the id has in it.")] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class BotProvidersSchema(Noun):
    items: list[ProviderSchema]


class BotProviders(Body):
    provider_ids: Annotated[
        list[UUID],
        Field(max_length=MOST_CHOSEN, description="These and no others; one of a provider."),
    ]
