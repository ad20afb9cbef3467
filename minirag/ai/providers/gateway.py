"""The one door to LiteLLM: imported lazily, kept offline and silent, its errors turned into ours.

LiteLLM takes 3 s and 170 MB to import and would fetch its price map from the network, so `load_litellm` is
called from Celery or from a worker thread, never at import and never on the event loop.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import threading
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from django.conf import settings

from minirag.ai.credentials import Credentials
from minirag.ai.providers import connections
from minirag.ai.providers.calls import (
    NO_KEY,
    ChatCall,
    ModelCallFailed,
    Piece,
    category_of_outbound,
    parse_retry_after,
    report_complaint,
)
from minirag.ai.providers.causes import causes_of, find_header
from minirag.ai.providers.chunks import name_reason, read_content, read_tool_calls
from minirag.ai.providers.complaints import Complaint, category_of_status, read_complaint
from minirag.ai.providers.direct import DirectRoute
from minirag.ai.providers.direct import find_route as find_direct_route
from minirag.lib.errors import ProviderError
from minirag.lib.http_out.addresses import OutboundError

# Providers whose calls LiteLLM makes with the OpenAI client that it is handed. All others open connections of their
# own, by name and following redirects, so they may not go to an address that a tenant chose.
GUARDABLE = frozenset({"openai", "hosted_vllm", "lm_studio"})
# They write request addresses (Gemini's carries the key), headers and provider texts.
TALKATIVE_LOGGERS = (
    "LiteLLM",
    "LiteLLM Router",
    "LiteLLM Proxy",
    "openai",
    "httpx",
    "httpcore",
    "aiohttp",
)

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
                collect_after = gc.get_threshold()
                gc.set_threshold(0)
                try:
                    _litellm = _import_litellm()
                    # Its quarter of a million objects stay: each full collection looked through them for 150 ms.
                    gc.freeze()
                finally:
                    gc.set_threshold(*collect_after)
    return _litellm


def _import_litellm() -> ModuleType:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    # It would ignore the client that it is given (see GUARDABLE).
    os.environ["EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER"] = "False"
    import litellm

    from minirag.ai.builtin import provider

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
    list(
        litellm.completion(
            model="openai/warm", messages=messages, mock_response="warm", stream=True
        )
    )


class LiteLLMAnswer:
    """One chat completion through LiteLLM, which must be loaded. See ChatAnswer."""

    def __init__(self, call: ChatCall, credentials: Credentials | None) -> None:
        self._call = call
        self._route = find_route(call.model, credentials)
        self.provider = self._route.provider
        self._upstream: Any = None
        self._is_read = False

    @property
    def was_cut_off(self) -> bool:
        """LiteLLM ends a broken stream with a made-up "stop"; these two say whether the provider sent a reason."""
        return (
            getattr(self._upstream, "received_finish_reason", "stop") is None
            and getattr(self._upstream, "intermittent_finish_reason", None) is None
        )

    async def open(self) -> None:
        call = self._call
        self._upstream = await load_litellm().acompletion(
            model=self._route.model,
            timeout=_make_timeout(call.connect_seconds, call.first_token_seconds),
            num_retries=0,
            max_retries=0,
            **call.write(),
            **self._route.arguments,
            **await _hand_client(self._route),
        )

    async def read(self, *, may_wait: bool = False) -> list[Piece]:
        if self._call.dialect.streams:
            chunk = await anext(self._upstream, None)
        else:
            chunk, self._is_read = None if self._is_read else self._upstream, True
        return [] if chunk is None else [_read_chunk(chunk)]

    async def close(self) -> None:
        if hasattr(self._upstream, "aclose"):
            await asyncio.shield(self._upstream.aclose())

    def translate(self, error: BaseException) -> ProviderError:
        return translate(error, provider=self.provider)


def _read_chunk(chunk: Any) -> Piece:
    """A chunk of LiteLLM's, or its whole answer."""
    usage = getattr(chunk, "usage", None)
    choice = chunk.choices[0] if chunk.choices else None
    spoken = getattr(choice, "delta", None) or getattr(choice, "message", None)
    said, thought = read_content(getattr(spoken, "content", None))
    thought = thought or getattr(spoken, "reasoning_content", None) or ""
    reason = getattr(choice, "finish_reason", None)
    made = [each.model_dump() for each in getattr(spoken, "tool_calls", None) or ()]
    calls_made = read_tool_calls({"tool_calls": made})
    counted = vars(usage) if usage else None
    return Piece(said, reason and name_reason(reason), counted, thought, calls_made)


@dataclass(frozen=True)
class Route:
    """Where a call goes: the LiteLLM id, the provider's name, and the arguments that carry key and address.

    `direct`: the call must be given a client of ours as well. Where the address is a tenant's, no other may make it.
    """

    model: str
    provider: str
    arguments: dict[str, Any] = field(repr=False, default_factory=dict)
    direct: DirectRoute | None = None


def find_route(model: str, credentials: Credentials | None) -> Route:
    """Raises ProviderError("not_configured") for an unknown provider, a missing key, or an address that LiteLLM
    cannot be made to reach by vetted connections only.
    """
    litellm = load_litellm()
    provider = find_provider(model)
    # Some providers take a URL for the model's name.
    if provider is None or "://" in model:
        raise ProviderError("not_configured")
    name = model.removeprefix(f"{provider}/")
    if provider in GUARDABLE and not _takes_other_road(name):
        route = find_direct_route(f"{provider}/{name}", credentials)
        arguments = {"api_base": route.base, "api_key": route.key or NO_KEY}
        return Route(f"openai/{name}", provider, arguments, route)
    if credentials is not None and credentials.api_base:
        raise ProviderError("not_configured", provider=provider)
    if credentials is not None and credentials.api_key:
        return Route(model, provider, {"api_key": credentials.api_key})
    missing = litellm.validate_environment(model)["missing_keys"]
    # Others are not always needed: roles stand in for AWS keys, Ollama has a default address.
    if any(name.endswith("_API_KEY") for name in missing):
        raise ProviderError("not_configured", provider=provider)
    return Route(model, provider)


def _takes_other_road(name: str) -> bool:
    """Whether LiteLLM would call OpenAI's Responses API, by a client of its own."""
    info, _ = load_litellm().main.responses_api_bridge_check(
        model=name, custom_llm_provider="openai"
    )
    return info.get("mode") == "responses"


async def _hand_client(route: Route) -> dict[str, Any]:
    """The `client` argument that makes a call ours: over vetted connections, and understood whatever its dialect."""
    if route.direct is None:
        return {}
    import openai

    http_client = await connections.find_async_client(guarded=route.direct.guarded, interprets=True)
    client = openai.AsyncOpenAI(**_sdk_arguments(route.direct), http_client=http_client)
    client.organization = client.project = None  # the environment's, which is the platform's
    return {"client": client}


def _hand_blocking_client(route: Route) -> dict[str, Any]:
    """The same for a blocking call."""
    if route.direct is None:
        return {}
    import openai

    http_client = connections.find_client(guarded=route.direct.guarded)
    client = openai.OpenAI(**_sdk_arguments(route.direct), http_client=http_client)
    client.organization = client.project = None
    return {"client": client}


def _sdk_arguments(route: DirectRoute) -> dict[str, Any]:
    headers = {name: value for name, value in route.headers.items() if name.startswith("OpenAI-")}
    return {
        "api_key": route.key or NO_KEY,
        "base_url": route.base,
        "max_retries": 0,
        "default_headers": headers,
    }


def request_embeddings(
    route: Route, texts: list[str], **options: Any
) -> tuple[list[Any], dict[str, Any]]:
    """The rows (`index`, `embedding`) and the usage. Blocks, and raises whatever LiteLLM raises."""
    response = load_litellm().embedding(
        model=route.model,
        input=texts,
        timeout=settings.MODEL_TIMEOUT_SECONDS,
        max_retries=0,
        **options,
        **route.arguments,
        **_hand_blocking_client(route),
    )
    usage = getattr(response, "usage", None)
    return list(getattr(response, "data", None) or []), vars(usage) if usage else {}


def find_provider(model: str) -> str | None:
    """LiteLLM's name for the provider of a model id, None when it knows none."""
    litellm = load_litellm()
    try:
        return litellm.get_llm_provider(model)[1]
    except litellm.exceptions.BadRequestError:
        return None


def translate(error: BaseException, *, provider: str = "") -> ModelCallFailed:
    """Our error for anything LiteLLM raised.

    Raise it outside the `except` block: otherwise the provider's text, which may hold a key, hangs on it.
    """
    for each in causes_of(error):
        if isinstance(each, ModelCallFailed):
            return each
    status = getattr(error, "status_code", None)
    return report_complaint(
        _find_complaint(error, status),
        provider=provider,
        kind=type(error).__name__,
        status=status,
        retry_after_seconds=parse_retry_after(find_header(error, "retry-after")),
    )


def _find_complaint(error: BaseException, status: Any) -> Complaint:
    """What a provider complains of, as far as LiteLLM's classes and the text that it passes on tell."""
    kinds = load_litellm().exceptions
    if isinstance(error, kinds.ContextWindowExceededError):
        return Complaint("context_length")
    if isinstance(error, kinds.ContentPolicyViolationError):
        return Complaint("content_filter")
    category = _categorise(error)
    if category not in ("bad_request", "rate_limit") or not isinstance(status, int):
        return Complaint(category)
    told = read_complaint(status, getattr(error, "message", ""))
    return told if told.says_more else Complaint(category)


def _categorise(error: BaseException) -> str:
    litellm = load_litellm()
    kinds = litellm.exceptions
    original = getattr(error, "original_exception", None)
    if isinstance(error, kinds.MidStreamFallbackError) and original is not None:
        return _categorise(original)
    for each in causes_of(error):
        if isinstance(each, OutboundError):
            return category_of_outbound(each)
        if isinstance(each, ProviderError):
            return each.category
    if any(
        isinstance(each, json.JSONDecodeError | kinds.APIResponseValidationError)
        for each in causes_of(error)
    ):
        return "malformed"
    for category, classes in (
        ("timeout", (kinds.Timeout, TimeoutError)),
        ("authentication", (kinds.AuthenticationError, kinds.PermissionDeniedError)),
        ("rate_limit", (kinds.RateLimitError,)),
        (
            "bad_request",
            (kinds.BadRequestError, kinds.NotFoundError, kinds.UnprocessableEntityError),
        ),
    ):
        if isinstance(error, classes):
            return category
    return category_of_status(getattr(error, "status_code", None))


def _make_timeout(connect_seconds: float, read_seconds: float) -> Any:
    """The HTTP timeouts of one call, for LiteLLM's `timeout` argument."""
    import httpx

    return httpx.Timeout(read_seconds, connect=connect_seconds)
