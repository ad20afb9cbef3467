"""What the bot endpoints answer, for the API's description."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from bots.models import Fusion
from minirag.lib.http_in.openapi import Moment, Reply


class BotProfileReply(Reply):
    id: UUID
    tenant_id: UUID
    name: Annotated[str, Field(examples=["Support"])]
    description: str
    model: Annotated[str, Field(examples=["minirag/extractive"])]
    embedding_model: str | None
    system_prompt: Annotated[str, Field(examples=["You are a helpful assistant."])]
    temperature: Annotated[float, Field(examples=[0.7])]
    max_tokens: Annotated[int, Field(examples=[1024])]
    has_credentials: bool
    is_active: bool
    created_at: Moment
    updated_at: Moment


class BotSettingsReply(Reply):
    refuses: bool
    refusal_floor: float | None
    refusal_text: str
    dense_weight: float | None
    fusion: Fusion
    passage_count: Annotated[int, Field(examples=[5])]
    history_turns: Annotated[int, Field(examples=[10])]
    greeting: str
    starter_questions: list[str]
    allowed_origins: Annotated[list[str], Field(examples=[["https://www.acme.com"]])]
    is_public: bool
