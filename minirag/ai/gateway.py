"""The one door to LiteLLM: imported lazily, kept offline and silent, its errors turned into ours.

LiteLLM takes 3 s and 170 MB to import and would fetch its price map from the network, so `load_litellm` is
called from Celery or from a worker thread, never at import and never on the event loop.
"""

from __future__ import annotations

import json
import logging
import os
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from django.conf import settings

from minirag.ai.credentials import Credentials
from minirag.lib.errors import ProviderError

# Retrying a timeout on the same model would double a wait that was already too long.
RETRIED = frozenset({"rate_limit", "unavailable", "malformed"})
FIRST_DELAY_SECONDS = 0.25
LONGEST_DELAY_SECONDS = 8.0
# Sent to a tenant's own address in place of a key: without one LiteLLM would send the platform's.
NO_KEY = "no-key"
# They write request addresses (Gemini's carries the key), headers and provider texts.
TALKATIVE_LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "openai", "httpx", "httpcore", "aiohttp")

logger = logging.getLogger(__name__)
_litellm: ModuleType | None = None
_loading = threading.Lock()


def loaded_litellm() -> ModuleType | None:
    """LiteLLM if some call has loaded it, without loading it."""
    return _litellm


def load_litellm() -> ModuleType:
    """LiteLLM, configured; blocks for seconds on the first call of a process."""
    global _litellm
    if _litellm is None:
        with _loading:
            if _litellm is None:
                _litellm = _import_litellm()
    return _litellm


def _import_litellm() -> ModuleType:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    from minirag.ai import provider

    litellm.telemetry = False
    litellm.drop_params = True
    litellm.suppress_debug_info = True
    litellm.turn_off_message_logging = True
    litellm.disable_streaming_logging = True
    litellm.num_retries = None
    # Its blocking embedding call takes max_retries=0 for "not given"; retrying is our business.
    litellm.DEFAULT_MAX_RETRIES = 0
    for name in TALKATIVE_LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    provider.register(litellm)
    return litellm


def warm_up() -> None:
    """Loads LiteLLM and what it would otherwise load during the first call, on the event loop (half a second)."""
    litellm = load_litellm()
    import openai
    from openai.types.chat import ChatCompletionChunk

    ChatCompletionChunk.model_rebuild()
    openai.OpenAI(api_key=NO_KEY).chat.completions  # noqa: B018 - its first use imports the resources
    messages = [{"role": "user", "content": "warm"}]
    list(litellm.completion(model="openai/warm", messages=messages, mock_response="warm", stream=True))


@dataclass(frozen=True)
class Route:
    """Where a call goes: the LiteLLM id, the provider's name, and the arguments that carry key and address."""

    model: str
    provider: str
    arguments: dict[str, Any] = field(repr=False, default_factory=dict)


def find_route(model: str, credentials: Credentials | None) -> Route:
    """Raises ProviderError("not_configured") for an unknown provider or a missing key."""
    litellm = load_litellm()
    provider = find_provider(model)
    if provider is None:
        raise ProviderError("not_configured")
    arguments: dict[str, Any] = {}
    if credentials is not None and credentials.api_base:
        arguments["api_base"] = credentials.api_base
        arguments["api_key"] = credentials.api_key or NO_KEY
    elif credentials is not None and credentials.api_key:
        arguments["api_key"] = credentials.api_key
    else:
        missing = litellm.validate_environment(model)["missing_keys"]
        # Others are not always needed: roles stand in for AWS keys, Ollama has a default address.
        if any(name.endswith("_API_KEY") for name in missing):
            raise ProviderError("not_configured", provider=provider)
    return Route(model, provider, arguments)


def find_provider(model: str) -> str | None:
    """LiteLLM's name for the provider of a model id, None when it knows none."""
    litellm = load_litellm()
    try:
        return litellm.get_llm_provider(model)[1]
    except litellm.exceptions.BadRequestError:
        return None


class ModelCallFailed(ProviderError):
    """A ProviderError that remembers how long the provider asked us to stay away."""

    def __init__(self, category: str, *, provider: str, retry_after_seconds: float) -> None:
        super().__init__(category, provider=provider)
        self.retry_after_seconds = retry_after_seconds


def translate(error: BaseException, *, provider: str = "") -> ModelCallFailed:
    """Our error for anything LiteLLM raised.

    Raise it outside the `except` block: otherwise the provider's text, which may hold a key, hangs on it.
    """
    category = _categorise(error)
    status = getattr(error, "status_code", None)
    logger.warning("%s call failed: %s (%s, status %s)", provider, category, type(error).__name__, status)
    return ModelCallFailed(category, provider=provider, retry_after_seconds=read_retry_after(error))


def _categorise(error: BaseException) -> str:
    litellm = load_litellm()
    kinds = litellm.exceptions
    original = getattr(error, "original_exception", None)
    if isinstance(error, kinds.MidStreamFallbackError) and original is not None:
        return _categorise(original)
    if any(isinstance(each, json.JSONDecodeError | kinds.APIResponseValidationError) for each in _causes(error)):
        return "malformed"
    for category, classes in (
        ("timeout", (kinds.Timeout, TimeoutError)),
        ("authentication", (kinds.AuthenticationError, kinds.PermissionDeniedError)),
        ("rate_limit", (kinds.RateLimitError,)),
        ("bad_request", (kinds.BadRequestError, kinds.NotFoundError, kinds.UnprocessableEntityError)),
    ):
        if isinstance(error, classes):
            return category
    return _category_of_status(getattr(error, "status_code", None))


def _category_of_status(status: Any) -> str:
    known = {401: "authentication", 403: "authentication", 408: "timeout", 429: "rate_limit", 504: "timeout"}
    if status in known:
        return known[status]
    return "bad_request" if isinstance(status, int) and 400 <= status < 500 else "unavailable"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def make_timeout(connect_seconds: float, read_seconds: float) -> Any:
    """The HTTP timeouts of one call, for LiteLLM's `timeout` argument."""
    import httpx

    return httpx.Timeout(read_seconds, connect=connect_seconds)


def choose_delay(attempt: int, failure: ProviderError) -> float | None:
    """Seconds to wait before trying the same model again, None when that is pointless.

    `attempt` counts from 0. Exponential with jitter, so that many clients do not return at once; a provider's
    Retry-After is honoured up to 8 s.
    """
    asked = getattr(failure, "retry_after_seconds", 0.0)
    if failure.category not in RETRIED or attempt >= settings.MODEL_MAX_RETRIES or asked > LONGEST_DELAY_SECONDS:
        return None
    backoff = FIRST_DELAY_SECONDS * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, guards nothing
    return min(LONGEST_DELAY_SECONDS, max(backoff, asked))


def read_retry_after(error: BaseException) -> float:
    """Seconds the provider asked us to wait, 0 when it named none."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        return max(0.0, float(headers.get("retry-after") or 0))
    except ValueError:
        return 0.0
