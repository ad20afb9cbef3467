"""What the bot endpoints read and write."""

from __future__ import annotations

from typing import Annotated, Any

from django.conf import settings
from pydantic import AfterValidator, ConfigDict, Field, StrictBool

from bots.models import BotProfile, Fusion
from bots.origins import normalise_origin
from minirag.ai.credentials import Credentials
from minirag.lib.http_in.rest import Body, naive_utc
from minirag.lib.http_out.client import OutboundError, check_url
from tenants.context import require_tenant

Name = Annotated[str, Field(max_length=255)]
Description = Annotated[str, Field(max_length=1000)]
ModelId = Annotated[str, Field(max_length=100)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


def _check_credentials(credentials: dict[str, Any]) -> dict[str, Any]:
    key = credentials.get("api_key")
    if key is not None and not (isinstance(key, str) and key.isprintable() and len(key) <= 4096):
        raise ValueError("api_key must be a text of one line")
    if credentials and not key:
        raise ValueError("api_key is required; {} or null forgets the stored one")
    base = credentials.get("api_base")
    if base is not None:
        if not isinstance(base, str):
            raise ValueError("api_base must be a URL")
        try:
            check_url(base, allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS))
        except OutboundError as error:
            raise ValueError(f"api_base: {error.reason}") from None
    return credentials


class NewBot(Body):
    name: Name
    description: Description = ""
    model: ModelId = ""
    embedding_model: ModelId | None = None
    system_prompt: str = ""
    temperature: Annotated[float, Field(ge=0.0, le=2.0)] = 0.7
    max_tokens: Annotated[int, Field(ge=1, le=128_000)] = 1024
    credentials: Annotated[dict[str, Any], AfterValidator(_check_credentials)] | None = None

    @property
    def provider(self) -> Credentials:
        """What counts of the credentials: the key, and for a compatible server its base URL."""
        given = self.credentials or {}
        return Credentials(
            api_key=given.get("api_key") or None, api_base=given.get("api_base") or None
        )


class BotChanges(NewBot):
    """Only `model_fields_set` counts; the defaults are never used."""

    name: Name = ""
    is_active: bool = True


class BotSettings(Body):
    """How a bot answers and where its widget may stand. Unlike the contract's bodies it refuses unknown fields."""

    model_config = ConfigDict(extra="forbid")

    refuses: StrictBool = True
    refusal_floor: Share | None = None
    refusal_text: Annotated[str, Field(max_length=1000)] = ""
    dense_weight: Share | None = None
    fusion: Fusion = Fusion.MAX_NORM
    passage_count: Annotated[int, Field(ge=1, le=20)] = 5
    history_turns: Annotated[int, Field(ge=0, le=50)] = 10
    greeting: Annotated[str, Field(max_length=500)] = ""
    starter_questions: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=10)
    ] = []
    allowed_origins: Annotated[
        list[Annotated[str, Field(max_length=300), AfterValidator(normalise_origin)]],
        Field(max_length=50),
    ] = []
    is_public: StrictBool = False


def render_bot(bot: BotProfile) -> dict[str, Any]:
    return {
        "id": str(bot.pk),
        "tenant_id": str(require_tenant().pk),
        "name": bot.name,
        "description": bot.description,
        "model": bot.model,
        "embedding_model": bot.embedding_model,
        "system_prompt": bot.system_prompt,
        "temperature": bot.temperature,
        "max_tokens": bot.max_tokens,
        "has_credentials": bot.has_credentials,
        "is_active": bot.is_active,
        "created_at": naive_utc(bot.created_at),
        "updated_at": naive_utc(bot.updated_at),
    }


def render_settings(bot: BotProfile) -> dict[str, Any]:
    return {name: getattr(bot, name) for name in BotSettings.model_fields}
