"""Usage made by hand: events at chosen moments, for the tests of what is counted of them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bots.models import BotProfile, UsageEvent, UsageKind
from tenants.models import Tenant


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def spend(bot: BotProfile, moment: datetime | None = None, **fields: Any) -> UsageEvent:
    """One call of 10 + 5 tokens for a tenth of a cent, unless told otherwise; at `moment`, or now."""
    prompt, completion = fields.pop("prompt_tokens", 10), fields.pop("completion_tokens", 5)
    defaults: dict[str, Any] = {
        "kind": UsageKind.CHAT,
        "model": "openai/gpt-4o",
        "cost_usd": Decimal("0.001"),
    }
    event = UsageEvent.objects.create(
        bot_profile=bot, prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion,
        **defaults | fields,
    )  # fmt: skip
    if moment is not None:
        UsageEvent.objects.filter(pk=event.pk).update(created_at=moment)
    return event


def move_to(tenant: Tenant, time_zone: str) -> None:
    """Let a tenant live in another time zone, where it is bound as well."""
    tenant.time_zone = time_zone
    Tenant.objects.filter(pk=tenant.pk).update(time_zone=time_zone)
