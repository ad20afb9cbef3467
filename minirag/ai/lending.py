"""Which key goes with a call: never one to another provider than its own."""

from __future__ import annotations

import asyncio

from minirag.ai import pricing
from minirag.ai.builtin import local
from minirag.ai.credentials import Credentials
from minirag.ai.providers import direct, gateway


async def lend_credentials(
    credentials: Credentials | None, owner: str, model: str
) -> Credentials | None:
    """The credentials of the model `owner` for `model`; a key never travels to another provider than its own.

    The owner's own key counts first, then the one chosen for the provider of `model`. An own key that was entered for
    one provider stays with it, whatever the owner has become.
    """
    if _find_family(model) is None or _find_family(owner) is None:
        await load_litellm()
    if credentials is not None and credentials.api_key and credentials.provider:
        is_same = credentials.is_for(_find_provider(model))
    else:
        is_same = model == owner or _find_keyholder(model) == _find_keyholder(owner)
    if credentials is None or (is_same and (credentials.api_key or not credentials.chosen)):
        return credentials and credentials.alone
    chosen = await choose_credentials(credentials, model)
    return chosen or (credentials.alone if is_same else None)


async def choose_credentials(credentials: Credentials, model: str) -> Credentials | None:
    """The key that is chosen for the provider of `model`, by LiteLLM's word; None where there is none."""
    if _find_family(model) is None:
        await load_litellm()
    return credentials.choose(_find_provider(model))


async def load_litellm() -> None:
    """Load it in a thread, if nobody has yet."""
    if gateway.loaded_litellm() is None:
        await asyncio.to_thread(gateway.load_litellm)


def _find_family(model: str) -> str | None:
    """The provider of a model where LiteLLM need not be asked."""
    if local.is_local(model):
        return "minirag"
    found = direct.split_model(model)
    return found[0] if found else None


def _find_keyholder(model: str) -> str:
    """The provider by the one name under which its keys are kept: LiteLLM has several for some."""
    return pricing.family_of(_find_provider(model) or "")


def _find_provider(model: str) -> str | None:
    return _find_family(model) or gateway.find_provider(model)
