"""What a call costs, from the price map that comes inside LiteLLM's wheel. Reads the file, does not import
LiteLLM.

Prices are the list prices per token: no volume tiers, no discount for cached input.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

PRICE_FILE = "model_prices_and_context_window_backup.json"
_READ: Final = frozenset(
    (
        "input_cost_per_token", "output_cost_per_token", "input_cost_per_query", "litellm_provider",
        "max_input_tokens", "mode", "output_vector_size",
    )
)  # fmt: skip
"""What is read of an entry: the whole map would take 5 MiB of each process."""
FREE = Decimal(0)
# Ten decimals: a tenth of a cent per million tokens is still counted.
SMALLEST_AMOUNT = Decimal("0.0000000001")


@dataclass(frozen=True)
class Prices:
    """US dollars per token."""

    prompt: Decimal
    completion: Decimal


def cost_of(model: str, prompt_tokens: int, completion_tokens: int = 0) -> Decimal:
    """US dollars of one call, 0 for a model without a known price (see `prices_of` to tell)."""
    prices = prices_of(model)
    if prices is None:
        return FREE
    return (prices.prompt * prompt_tokens + prices.completion * completion_tokens).quantize(
        SMALLEST_AMOUNT
    )


LOCAL_PROVIDERS = (
    "ollama/",
    "ollama_chat/",
    "hosted_vllm/",
    "lm_studio/",
    "llamafile/",
    "xinference/",
    "minirag/",
)
"""Providers that run on one's own machines, so that a model which the map does not know costs nothing."""


def prices_of(model: str) -> Prices | None:
    """List prices of a LiteLLM id (`gpt-4o-mini`, `openai/gpt-4o-mini`), zero for local models, None if unknown."""
    if model.startswith("minirag/"):
        return Prices(FREE, FREE)
    entry = _entry_of(model)
    if entry is None or "input_cost_per_token" not in entry:
        return None
    return Prices(
        _as_price(entry["input_cost_per_token"]), _as_price(entry.get("output_cost_per_token"))
    )


def dimensions_of(model: str) -> int | None:
    """Size of an embedding model's vectors when the map knows it."""
    entry = _entry_of(model)
    size = entry.get("output_vector_size") if entry else None
    return int(size) if size else None


def mode_of(model: str) -> str:
    """What a model is for, "chat" or "rerank" among others, where the map knows it."""
    entry = _entry_of(model)
    return str(entry.get("mode") or "") if entry else ""


def cost_of_search(model: str) -> Decimal:
    """US dollars of one search by a model that bills searches instead of tokens; 0 for all others."""
    entry = _entry_of(model)
    price = entry.get("input_cost_per_query") if entry else None
    return _as_price(price).quantize(SMALLEST_AMOUNT) if price else FREE


def context_of(model: str) -> int | None:
    """How many tokens a model can read, where the map knows it."""
    entry = _entry_of(model)
    size = entry.get("max_input_tokens") if entry else None
    return int(size) if isinstance(size, int | Decimal) and size > 0 else None


def provider_of(model: str) -> str:
    """The provider of a model id by the map, else by its prefix; "" where neither tells."""
    entry = load_map().get(model)
    named = str(entry.get("litellm_provider") or "") if entry else ""
    return family_of(named or (model.partition("/")[0] if "/" in model else ""))


_RELATIVES: Final = {
    "cohere_chat": "cohere", "text-completion-openai": "openai", "bedrock_converse": "bedrock",
    "ollama_chat": "ollama", "text-completion-codestral": "codestral", "azure_text": "azure",
}  # fmt: skip
_BRANCHED: Final = frozenset(("vertex_ai", "fireworks_ai"))  # `vertex_ai-language-models`


def family_of(provider: str) -> str:
    """The provider whose keys are good for this one: LiteLLM has several names for some."""
    branch = provider.partition("-")[0]
    return branch if branch in _BRANCHED else _RELATIVES.get(provider, provider)


def _entry_of(model: str) -> dict[str, Any] | None:
    entries = load_map()
    if model in entries:
        return entries[model]
    provider, _, name = model.partition("/")
    entry = entries.get(name)
    # The same name at another provider has another price.
    return entry if entry is not None and entry.get("litellm_provider") == provider else None


def _as_price(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value or 0))


def find_map() -> Path | None:
    """The file inside LiteLLM's wheel."""
    spec = importlib.util.find_spec("litellm")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / PRICE_FILE


@functools.cache
def load_map() -> dict[str, dict[str, Any]]:
    """The map by model id, read once (about 0.1 s; `chat.warm_up` does it before the first visitor)."""
    path = find_map()
    if path is None:
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, ValueError):
        return {}
    return {
        name: {key: value for key, value in entry.items() if key in _READ}
        for name, entry in entries.items()
        if isinstance(entry, dict)
    }
