"""What a tenant pays for a model: its own price, else the list price, else the contract's default.

Prices count when a call is recorded; what was recorded is never priced again.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext

from bots.models import BotProfile, PriceOverride, UsageDay, UsageKind
from bots.quotas.models import Quota, QuotaResource
from minirag.ai.pricing import FREE, LOCAL_PROVIDERS, SMALLEST_AMOUNT, Prices, prices_of
from minirag.lib.errors import NotFound
from minirag.lib.rows import FixedQuery
from tenants.audit import record

MILLION = 1_000_000
DEFAULT_ID = "default"
"""The model id whose override replaces DEFAULT_PRICES."""
PRICED_KINDS = (UsageKind.CHAT, UsageKind.REWRITE)
"""Calls that cost the default where nobody has a price for their model; any other costs nothing then."""


def _per_million(prompt: str, completion: str) -> Prices:
    return Prices(Decimal(prompt) / MILLION, Decimal(completion) / MILLION)


DEFAULT_PRICES = _per_million("1", "3")
# The wire contract's list. LiteLLM's map wins over it; these count for what the map has dropped.
NAMED_PRICES = {
    "gpt-4o": _per_million("2.5", "10"),
    "gpt-4o-mini": _per_million("0.15", "0.6"),
    "gpt-4-turbo": _per_million("10", "30"),
    "gpt-4": _per_million("30", "60"),
    "gpt-3.5-turbo": _per_million("0.5", "1.5"),
    "o1": _per_million("15", "60"),
    "o1-mini": _per_million("3", "12"),
    "o3-mini": _per_million("1.1", "4.4"),
    "claude-opus-4-6": _per_million("15", "75"),
    "claude-sonnet-4-5-20250929": _per_million("3", "15"),
    "claude-haiku-4-5-20251001": _per_million("0.8", "4"),
    "gemini/gemini-2.0-flash": _per_million("0.1", "0.4"),
    "gemini/gemini-1.5-pro": _per_million("1.25", "5"),
    "gemini/gemini-1.5-flash": _per_million("0.075", "0.3"),
}


def price_call(
    kind: UsageKind,
    model: str,
    overrides: Mapping[str, Prices],
    *,
    prompt_tokens: int,
    completion_tokens: int,
    listed: Decimal | int,
) -> Decimal | int:
    """US dollars of one call in this tenant, whose own prices are `overrides`; `listed`: at list prices.

    An override counts before the list; while the operator has set a budget, only where it is not below it. A chat
    model without any price costs the default, so that no budget is blind to it; without an override offline and local
    models cost nothing, and neither does an embedding model without a price.
    """
    if not (prompt_tokens or completion_tokens):
        return listed
    overrides = {name: overrides[name] for name in (model, DEFAULT_ID) if name in overrides}
    is_listed = bool(listed) or prices_of(model) is not None or kind not in PRICED_KINDS
    if model not in overrides and is_listed:
        return listed
    own = _cost_at(find_prices(model, overrides), prompt_tokens, completion_tokens)
    if overrides and has_platform_budget():
        return max(
            own,
            listed
            if is_listed
            else _cost_at(find_prices(model, {}), prompt_tokens, completion_tokens),
        )
    return own


def has_platform_budget() -> bool:
    """Whether the operator has set a budget for this tenant, which it could undercut by prices of its own."""
    return Quota.objects.filter(resource=QuotaResource.COST, is_platform=True).exists()


def _cost_at(prices: Prices, prompt_tokens: int, completion_tokens: int) -> Decimal:
    return (prices.prompt * prompt_tokens + prices.completion * completion_tokens).quantize(
        SMALLEST_AMOUNT
    )


def find_prices(model: str, overrides: Mapping[str, Prices], *, is_chat: bool = True) -> Prices:
    """Prices per token of a model, given the tenant's own (see `load_overrides`).

    One that nobody has a price for costs the default where it chats, and nothing where it does not.
    """
    known = overrides.get(model) or prices_of(model) or NAMED_PRICES.get(model)
    if known is not None:
        return known
    is_free = not is_chat or model.startswith(LOCAL_PROVIDERS)
    return Prices(FREE, FREE) if is_free else overrides.get(DEFAULT_ID, DEFAULT_PRICES)


OVERRIDES: FixedQuery[PriceOverride] = FixedQuery(PriceOverride.objects.all)
"""What `load_overrides` asks."""


def load_overrides() -> dict[str, Prices]:
    """The tenant's own prices by model id."""
    return {
        row.model: Prices(row.prompt_cost_per_1m / MILLION, row.completion_cost_per_1m / MILLION)
        for row in OVERRIDES.fetch()
    }


def list_prices() -> dict[str, Prices]:
    """Prices of the contract's models and of those that this tenant's bots use, have used or have a price for."""
    overrides = load_overrides()
    models = {DEFAULT_ID, *NAMED_PRICES, *overrides, *settings.FALLBACK_LLM_MODELS}
    models.update(BotProfile.objects.values_list("model", flat=True))
    used = UsageDay.objects.order_by().distinct()
    models.update(used.filter(kind__in=PRICED_KINDS).values_list("model", flat=True))
    others = {settings.DEFAULT_EMBEDDING_MODEL}
    others.update(
        name or "" for name in BotProfile.objects.values_list("embedding_model", flat=True)
    )
    others.update(used.exclude(kind__in=PRICED_KINDS).values_list("model", flat=True))
    wanted = sorted((models | others) - {""})
    return {model: find_prices(model, overrides, is_chat=model in models) for model in wanted}


def set_override(
    model: str, *, prompt_cost_per_1m: Decimal, completion_cost_per_1m: Decimal
) -> PriceOverride:
    """Have this tenant's calls of a model cost that from now on; made or changed."""
    prices = {
        "prompt_cost_per_1m": prompt_cost_per_1m,
        "completion_cost_per_1m": completion_cost_per_1m,
    }
    with transaction.atomic():
        override = PriceOverride.objects.update_or_create(model=model, defaults=prices)[0]
        shown = {name: str(price) for name, price in prices.items()}
        record("price.changed", of=override, detail={"model": model, **shown})
    return override


def remove_override(model: str) -> None:
    """Go back to the list price. Raises NotFound where the tenant has no price of its own."""
    with transaction.atomic():
        deleted, _ = PriceOverride.objects.filter(model=model).delete()
        if not deleted:
            raise NotFound(gettext("No price override for this model"))
        record("price.removed", detail={"model": model})
