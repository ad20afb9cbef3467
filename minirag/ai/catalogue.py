"""The models that can be chosen, with what they cost and take: of the price map inside LiteLLM's wheel, and our own.

Nothing is fetched: a model that is newer than the wheel is not listed, and works all the same.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from minirag.ai import pricing
from minirag.ai.builtin import local
from minirag.ai.providers.direct import FAMILIES

LONGEST_MODEL: Final = 100  # what a bot's column holds
MODES: Final = {"chat": "chat", "responses": "chat", "embedding": "embedding", "rerank": "rerank"}
_MILLION: Final = 1_000_000
OWN: Final = "minirag"
_SMALL: Final = {
    "openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5", "mistral": "mistral/mistral-small-latest",
    "gemini": "gemini/gemini-2.5-flash-lite",
}  # fmt: skip
"""A well-known small model of each, to try a key with."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model. Prices in US dollars per million tokens, None where nobody has said them."""

    model: str
    provider: str
    mode: str
    context_tokens: int | None = None
    answer_tokens: int | None = None
    dimensions: int | None = None
    prompt_cost_per_1m: Decimal | None = None
    completion_cost_per_1m: Decimal | None = None
    cost_per_search: Decimal | None = None
    reads_images: bool = False
    calls_functions: bool = False
    thinks: bool = False
    ends_on: date | None = None


def find_models(*, provider: str = "", mode: str = "", words: str = "") -> list[Model]:
    """The models of a provider and a mode whose id has all `words` in it, by id."""
    family, wanted = pricing.family_of(provider), words.casefold().split()
    return [
        each
        for each in (*_list_own(), *_load_models())
        if (not provider or each.provider == family)
        and (not mode or each.mode == mode)
        and all(word in f"{each.provider} {each.model}".casefold() for word in wanted)
    ]


def is_provider(name: str) -> bool:
    """Whether keys of this provider can be of use."""
    return pricing.family_of(name) in list_providers()


@functools.cache
def list_providers() -> tuple[str, ...]:
    """The providers that have models of ours to choose from, by name."""
    return tuple(sorted({each.provider for each in _load_models()} | set(FAMILIES)))


def find_small_model(provider: str) -> str | None:
    """A cheap model of a provider that a key can be tried with; None where the map knows none."""
    family = pricing.family_of(provider)
    if family in _SMALL:
        return _SMALL[family]
    today = date.today()
    found = [
        each
        for each in _load_models()
        if each.provider == family and each.prompt_cost_per_1m and (each.ends_on or today) >= today
    ]
    chats = [each for each in found if each.mode == "chat"]
    best = min(chats or found, key=lambda each: each.prompt_cost_per_1m or 0, default=None)
    return best.model if best else None


def _list_own() -> Iterator[Model]:
    free = Decimal(0)
    yield Model("minirag/extractive", OWN, "chat", None, None, None, free, free)
    for name in (local.MINILM, local.HASH, *local.list_folders()):
        yield Model(name, OWN, "embedding", None, None, None, free, None)


@functools.cache
def _load_models() -> tuple[Model, ...]:
    """Read the map, about 0.1 s, once; only what is shown is kept."""
    path = pricing.find_map()
    try:
        text = path.read_text(encoding="utf-8") if path else "{}"
        entries = json.loads(text, parse_float=Decimal)
    except (OSError, ValueError):
        entries = {}
    models = (
        _read(name, entry)
        for name, entry in entries.items()
        if isinstance(entry, Mapping) and entry.get("mode") in MODES and len(name) <= LONGEST_MODEL
    )  # fmt: skip
    return tuple(sorted(models, key=lambda each: each.model))


def _read(name: str, entry: Mapping[str, Any]) -> Model:
    return Model(
        model=name,
        provider=pricing.family_of(str(entry.get("litellm_provider") or "")),
        mode=MODES[entry["mode"]],
        context_tokens=_read_count(entry.get("max_input_tokens")),
        answer_tokens=_read_count(entry.get("max_output_tokens")),
        dimensions=_read_count(entry.get("output_vector_size")),
        prompt_cost_per_1m=_read_price(entry.get("input_cost_per_token"), _MILLION),
        completion_cost_per_1m=_read_price(entry.get("output_cost_per_token"), _MILLION),
        cost_per_search=_read_price(entry.get("input_cost_per_query"), 1),
        reads_images=entry.get("supports_vision") is True,
        calls_functions=entry.get("supports_function_calling") is True,
        thinks=entry.get("supports_reasoning") is True,
        ends_on=_read_day(entry.get("deprecation_date")),
    )


def _read_count(value: Any) -> int | None:
    return int(value) if isinstance(value, int | Decimal) and value > 0 else None


def _read_price(value: Any, times: int) -> Decimal | None:
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        return None
    return (Decimal(value) * times).quantize(Decimal("0.000001")).normalize()


def _read_day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None
