"""Whether the platform's own environment has a key for a model: told without a call, and without LiteLLM."""

from __future__ import annotations

import os
from typing import Final

from minirag.ai import pricing
from minirag.ai.builtin.local import is_local
from minirag.ai.providers import direct
from minirag.lib.errors import ProviderError

_NAMES: Final = {
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"), "together_ai": ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY"),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"), "huggingface": ("HUGGINGFACE_API_KEY", "HF_TOKEN"),
}  # fmt: skip
# They log in by roles, accounts or addresses.
_OTHERWISE: Final = frozenset(
    ("bedrock", "bedrock_mantle", "sagemaker", "vertex_ai", "azure", "azure_ai", "oci", "")
)


def has_platform_key(model: str) -> bool | None:
    """None where only a call could tell."""
    if is_local(model) or (
        model.startswith(pricing.LOCAL_PROVIDERS) and not direct.split_model(model)
    ):
        return True
    if direct.split_model(model):
        try:
            direct.find_route(model, None)
        except ProviderError:
            return False
        return True
    provider = pricing.provider_of(model)
    if provider in _OTHERWISE:
        return None
    names = _NAMES.get(provider, (f"{provider.upper()}_API_KEY",))
    return any(os.environ.get(name) for name in names)
