"""Bots on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StrictBool, field_validator, model_validator

from bots.models import BotProfile, CondenseMode, Fusion, RefusalMode, UnsupportedMode
from bots.origins import normalise_origin
from minirag.ai.credentials import Credentials, read_credentials
from minirag.lib.http_in.nouns import Moment, Noun, Shown, Sometimes


def _check_credentials(given: dict[str, Any]) -> dict[str, Any]:
    read_credentials(given)
    return given


_HeldBack = Annotated[
    Sometimes[dict[str, Any]],
    Field(description="In the answer to a change of a bot with a gate: what its draft changes now."),
]  # fmt: skip


class BotProfileSchema(Noun, of=BotProfile):
    id: Shown[UUID]
    tenant_id: Shown[UUID]
    name: Annotated[str, Field(examples=["Support"])]
    description: str
    model: Annotated[str, Field(examples=["minirag/extractive"])]
    embedding_model: str | None
    system_prompt: Annotated[str, Field(examples=["You are a helpful assistant."])]
    temperature: Annotated[float, Field(examples=[0.7])]
    max_tokens: Annotated[int, Field(examples=[1024])]
    has_credentials: Shown[bool]
    is_active: Shown[bool]
    created_at: Shown[Moment]
    updated_at: Shown[Moment]
    held_back: _HeldBack


class BotSettingsSchema(Noun, of=BotProfile):
    """How a bot answers, and on which pages its widget may be."""

    refuses: Annotated[StrictBool, Field(description="False is the mode `open`.")]
    refusal_mode: RefusalMode
    refusal_floor: float | None
    refusal_text: str
    dense_weight: float | None
    fusion: Fusion
    passage_count: Annotated[int, Field(examples=[5])]
    history_turns: Annotated[int, Field(examples=[10])]
    query_variations: Annotated[int, Field(examples=[0])]
    rerank_model: str
    recency_days: int | None
    source_filter: dict[str, Any]
    masking: Annotated[
        dict[str, Any],
        Field(
            description="What is kept from models; empty: as the tenant has it.",
            examples=[{"kinds": ["email", "phone"], "patterns": [r"K-\d{6}"], "passages": False}],
        ),
    ]
    unsupported_mode: UnsupportedMode
    asks_back: StrictBool
    follow_up_questions: StrictBool
    condense_mode: CondenseMode
    condense_model: str
    greeting: str
    appearance: dict[str, Any]
    contact: str
    starter_questions: list[str]
    allowed_origins: Annotated[list[str], Field(examples=[["https://www.acme.com"]])]
    is_public: StrictBool
    is_indexed: StrictBool
    key_provider: Annotated[
        Shown[str], Field(description="Whose the bot's own key is, which goes to nobody else.")
    ]
    held_back: _HeldBack


class _Origins(BaseModel):
    allowed_origins: list[Annotated[str, AfterValidator(normalise_origin)]] = []


class _Refusing(BaseModel):
    """`refuses` is the older and shorter way to say `refusal_mode`."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        said = self.model_dump(include={"refuses", "refusal_mode"}, exclude_unset=True)
        if len(said) == 2 and said["refuses"] is (said["refusal_mode"] == RefusalMode.OPEN):
            raise ValueError("refuses and refusal_mode contradict each other")
        return self


class _Written(_Origins, _Refusing):
    @field_validator("model", check_fields=False)
    @classmethod
    def _check_model(cls, model: str) -> str:
        if not model.strip():
            raise ValueError(
                "a bot needs a chat model; minirag/extractive is the one without a key"
            )
        return model

    credentials: Annotated[dict[str, Any], AfterValidator(_check_credentials)] | None = None

    @property
    def provider(self) -> Credentials:
        return read_credentials(self.credentials or {})

    @property
    def columns(self) -> dict[str, Any]:
        """What was sent, apart from the credentials."""
        return self.model_dump(exclude_unset=True, exclude={"credentials"})


class NewBot(_Written, BotProfileSchema, BotSettingsSchema, reads="new"):
    """A bot, with whichever of its settings are sent."""

    refuses: StrictBool = True
    # As MiniRAG 1.0's clients expect it; a bot that is made in the admin keeps closer to its sources.
    temperature: Annotated[float, Field(examples=[0.7])] = 0.7

    @property
    def columns(self) -> dict[str, Any]:
        return {"temperature": self.temperature} | super().columns


class BotChanges(_Written, BotProfileSchema, BotSettingsSchema, reads="changes"):
    is_active: bool


class BotSettingsChanges(_Origins, _Refusing, BotSettingsSchema, reads="changes"):
    """Only what is sent changes."""
