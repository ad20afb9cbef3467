"""Try a key with one tiny call, and say in plain words how it fared."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bots.models import BotProfile, ProviderCredential
from minirag.ai import pricing
from minirag.ai.catalogue import find_small_model
from minirag.ai.chat import ChatFinished, ChatRequest, stream_chat
from minirag.ai.credentials import Credentials
from minirag.ai.embeddings import embed_query
from minirag.ai.lending import choose_credentials
from minirag.ai.providers.calls import ModelCallFailed
from minirag.ai.rerank import is_reranker, rerank
from minirag.lib.database import wait_for_model
from minirag.lib.errors import BadInput, ProviderError
from tenants.audit import record
from tenants.log.models import Outcome

SECONDS: Final = 20.0
_MAX_TOKENS: Final = 16
_MESSAGES: Final = ({"role": "user", "content": "Reply with OK."},)


class KeyOutcome(models.TextChoices):
    """How a key fared."""

    WORKS = "works", _("The key works.")
    WRONG_KEY = "wrong_key", _("The provider does not accept this key, or not for this model.")
    NO_MONEY = "no_money", _("The key is good, but its account has no credit left.")
    NO_SUCH_MODEL = "no_such_model", _("The provider has no such model, or not for this key.")
    BUSY = (
        "busy",
        _("The provider's rate limit is reached: the key may be good. Try again in a minute."),
    )
    TOO_SLOW = "too_slow", _("There was no answer in time.")
    UNREACHABLE = "unreachable", _("The provider cannot be reached, or is down at the moment.")
    UNREADABLE = "unreadable", _("What answers there does not speak as this provider does.")
    REFUSED = (
        "refused",
        _("The provider refuses the request, though it says nothing against the key."),
    )
    NOT_CALLABLE = (
        "not_callable",
        _("A key alone is not enough here, or the address may not be called."),
    )


PASSING: Final = (KeyOutcome.BUSY, KeyOutcome.TOO_SLOW, KeyOutcome.UNREACHABLE)
"""What says nothing against a key, and may pass by itself."""
_OF_CATEGORY: Final = {
    "authentication": KeyOutcome.WRONG_KEY, "quota": KeyOutcome.NO_MONEY, "rate_limit": KeyOutcome.BUSY,
    "timeout": KeyOutcome.TOO_SLOW, "unavailable": KeyOutcome.UNREACHABLE, "malformed": KeyOutcome.UNREADABLE,
    "interrupted": KeyOutcome.UNREADABLE, "bad_request": KeyOutcome.REFUSED,
    "not_configured": KeyOutcome.NOT_CALLABLE,
    # It was let in and answered, if with nothing.
    "empty": KeyOutcome.WORKS, "content_filter": KeyOutcome.WORKS, "context_length": KeyOutcome.WORKS,
}  # fmt: skip


@dataclass(frozen=True)
class KeyTrial:
    outcome: KeyOutcome
    model: str
    milliseconds: int
    cost_usd: Decimal = pricing.FREE

    @property
    def works(self) -> bool:
        return self.outcome == KeyOutcome.WORKS

    @property
    def detail(self) -> str:
        return str(self.outcome.label)


def choose_model(credential: ProviderCredential) -> str:
    """A model to try a key with: one of a bot that uses it, else a small one of the provider's.

    Raises BadInput where a model has to be named.
    """
    family = pricing.family_of(credential.provider)
    bots = BotProfile.objects.filter(provider_choices__credential=credential)
    rows = bots.values_list("model", "condense_model", "rerank_model", "embedding_model")
    named = [name for row in rows for name in row if name]
    for name in named:
        if pricing.provider_of(name) == family:
            return str(name)
    small = None if credential.api_base else find_small_model(credential.provider)
    if small is None:
        raise BadInput(gettext("Name a model that this key is for."), code="model_needed")
    return small


def try_stored(credential: ProviderCredential, model: str) -> KeyTrial:
    """`try_key`; keep how it fared, and write down that somebody has tried it. Blocks."""
    trial = wait_for_model(try_key, credential.provider, credential.credentials, model)
    credential.note_test(trial.outcome)
    told = {"model": trial.model, "outcome": trial.outcome.value}
    became = Outcome.DONE if trial.works else Outcome.FAILED
    record("provider.tested", of=credential, detail=told, outcome=became)
    return trial


async def try_key(provider: str, key: Credentials, model: str) -> KeyTrial:
    """Make one call of `model` with a key of `provider`; takes SECONDS at most.

    It is metered nowhere. Raises BadInput (`model_of_other_provider`) before anything is sent, so that a key never
    travels to another provider than its own.
    """
    started = time.monotonic()
    lent = await choose_credentials(Credentials(chosen=((provider, key),)), model)
    if lent is None:
        raise BadInput(
            gettext("%(model)s is not a model of %(provider)s.")
            % {"model": model, "provider": provider},
            code="model_of_other_provider",
        )
    outcome, cost = KeyOutcome.WORKS, pricing.FREE
    try:
        async with asyncio.timeout(SECONDS):
            cost = await _call(model, lent)
    except TimeoutError:
        outcome = KeyOutcome.TOO_SLOW
    except ProviderError as error:
        outcome = _judge(error)
    return KeyTrial(outcome, model, round((time.monotonic() - started) * 1000), cost)


async def _call(model: str, key: Credentials) -> Decimal:
    if pricing.mode_of(model) == "embedding" or "embed" in model.rpartition("/")[2].lower():
        return (await embed_query(model, "test", credentials=key)).cost_usd
    if is_reranker(model):
        said = await rerank(model, "test", ["a", "b"], credentials=key, timeout_seconds=SECONDS)
        return said.cost_usd
    request = ChatRequest(
        model=model, messages=_MESSAGES, temperature=0.0, max_tokens=_MAX_TOKENS, credentials=key,
        timeout_seconds=SECONDS,
    )  # fmt: skip
    async with aclosing(stream_chat(request)) as events:
        async for event in events:
            if isinstance(event, ChatFinished):
                return event.cost_usd or pricing.FREE
    return pricing.FREE


def _judge(error: ProviderError) -> KeyOutcome:
    if isinstance(error, ModelCallFailed) and error.complaint.is_of_model:
        return KeyOutcome.NO_SUCH_MODEL
    return _OF_CATEGORY[error.category]
