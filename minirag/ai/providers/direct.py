"""Chat completions and embeddings of OpenAI-compatible servers over plain HTTP, for a tenth of LiteLLM's CPU.

`serves` says whether a model id can go this way; whatever cannot goes through `gateway`. An address that a tenant
chose is reached through guarded connections and never gets the platform's key.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

import httpx
from django.conf import settings

from minirag.ai import pricing
from minirag.ai.credentials import Credentials
from minirag.ai.providers import calls, connections, interpreting
from minirag.ai.providers.answers import AnswerReader
from minirag.ai.providers.calls import ChatCall, Piece
from minirag.lib.errors import ProviderError
from minirag.lib.http_out import frames
from minirag.lib.http_out.addresses import OutboundError


@dataclass(frozen=True)
class Family:
    """Whose servers speak the protocol, and what the platform's environment says about them, as LiteLLM names it."""

    base_names: tuple[str, ...]
    key_name: str
    default_base: str = ""
    needs_key: bool = False


FAMILIES = {
    "openai": Family(
        ("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        "OPENAI_API_KEY",
        "https://api.openai.com/v1",
        needs_key=True,
    ),
    "hosted_vllm": Family(("HOSTED_VLLM_API_BASE",), "HOSTED_VLLM_API_KEY"),
    "lm_studio": Family(("LM_STUDIO_API_BASE",), "LM_STUDIO_API_KEY"),
}
# The other modes (responses, completion, audio) have other paths or other bodies.
MODES = {None, "chat", "embedding"}
MAX_EMBEDDINGS_BYTES = 64 * 2**20
# For the few bytes between [DONE] and the body's end; without them the connection could not be used again.
DRAIN_SECONDS = 0.05


def split_model(model: str) -> tuple[str, str] | None:
    """("openai", "gpt-4o-mini") of `openai/gpt-4o-mini` or `gpt-4o-mini`; None for a provider not spoken here."""
    provider, slash, name = model.partition("/")
    if slash:
        return (provider, name) if provider in FAMILIES and name else None
    entry = pricing.load_map().get(model)
    known = entry is not None and entry.get("litellm_provider") == "openai"
    return ("openai", model) if known or model.startswith("ft:gpt-") else None


def serves(model: str, credentials: Credentials | None) -> bool:
    """Whether calls of this model go this way (setting DIRECT_OPENAI)."""
    found = split_model(model) if settings.DIRECT_OPENAI else None
    if found is None:
        return False
    provider, name = found
    if provider != "openai" or (credentials is not None and credentials.api_base):
        return True
    entry = pricing.load_map().get(name) or {}
    return entry.get("mode") in MODES and not name.startswith("responses/")


@dataclass(frozen=True)
class DirectRoute:
    """Where a call goes. `guarded`: the address is a tenant's."""

    name: str
    provider: str
    base: str
    guarded: bool
    headers: dict[str, str] = field(repr=False)
    key: str = field(repr=False)


def find_route(model: str, credentials: Credentials | None) -> DirectRoute:
    """Raises ProviderError("not_configured") for a missing key or address."""
    found = split_model(model)
    if found is None:
        raise ProviderError("not_configured")
    provider, name = found
    family = FAMILIES[provider]
    given = credentials or Credentials()
    headers = {
        "Accept": "text/event-stream, application/json", "Accept-Encoding": "identity",
        "User-Agent": f"python-httpx/{httpx.__version__}",
    }  # fmt: skip
    if given.api_base:
        base, key = given.api_base, given.api_key or calls.NO_KEY
    else:
        set_bases = (os.environ.get(each) for each in family.base_names)
        base = next(filter(None, set_bases), family.default_base)
        key = given.api_key or os.environ.get(family.key_name) or ""
        if not base or (family.needs_key and not key):
            raise ProviderError("not_configured", provider=provider)
        headers |= _name_organization(provider, own_key=bool(given.api_key))
    if key:
        headers["Authorization"] = f"Bearer {key}"
    base = base.strip().rstrip("/")
    return DirectRoute(name, provider, base, bool(given.api_base), headers, key)


def _name_organization(provider: str, *, own_key: bool) -> dict[str, str]:
    """The platform's account, which is of no use with a tenant's key."""
    if provider != "openai" or own_key:
        return {}
    names = {"OpenAI-Organization": "OPENAI_ORGANIZATION", "OpenAI-Project": "OPENAI_PROJECT_ID"}
    return {header: os.environ[name] for header, name in names.items() if os.environ.get(name)}


@lru_cache(maxsize=256)
def _chat_url(base: str) -> httpx.URL:
    """Read once, for httpx takes longer for that than for its request."""
    return httpx.URL(f"{base}/chat/completions")


class DirectAnswer:
    """One chat completion (see calls.ChatAnswer), streamed or, where the server would rather, whole."""

    def __init__(self, call: ChatCall, credentials: Credentials | None) -> None:
        self._call = call
        self._route = find_route(call.model, credentials)
        self.provider = self._route.provider
        self._response: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes]
        self._reader = AnswerReader(self.provider)

    @property
    def was_cut_off(self) -> bool:
        return self._reader.was_cut_off

    async def open(self) -> None:
        timeout = httpx.Timeout(None, connect=self._call.connect_seconds)
        request = httpx.Request(
            "POST",
            _chat_url(self._route.base),
            json={"model": self._route.name, **self._call.write()},
            headers=self._route.headers,
            extensions={"timeout": timeout.as_dict(), "frame": lambda: frames.frame_of(self)},
        )
        self._response = await connections.send(request, guarded=self._route.guarded)
        # Not aiter_raw(): at the body's end it closes the response itself, and a timeout that strikes inside that
        # closing would leave the connection counted as busy forever.
        self._chunks = aiter(cast(httpx.AsyncByteStream, self._response.stream))
        if not self._response.is_success:
            body = await interpreting.read_error(self._chunks)
            raise interpreting.complain(self._response, body, self.provider)
        encoding = self._response.headers.get("content-encoding", "")
        self._reader = AnswerReader(self.provider, content_encoding=encoding)

    async def read(self, *, may_wait: bool = False) -> list[Piece]:
        if may_wait:
            frames.note_speaking(self)
        while not self._reader.is_done:
            data = await anext(self._chunks, None)
            pieces = self._reader.feed(data) if data is not None else self._reader.finish()
            if self._reader.is_done and data is not None:
                frames.note_silence(self)
                await self._drain()
            if pieces or data is None:
                return pieces
        return []

    async def close(self) -> None:
        frames.note_silence(self)
        if self._response is not None:
            # Through a proxy it is httpcore's, which shields its closing from anyio's cancellation only.
            await asyncio.shield(self._response.aclose())

    def translate(self, error: BaseException) -> ProviderError:
        return translate(error, provider=self.provider)

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                async for _ in self._chunks:
                    pass
        except (TimeoutError, httpx.HTTPError):
            return


def translate(error: BaseException, *, provider: str) -> ProviderError:
    """Our error for anything that a call raised. Raise it outside the `except` block (see gateway.translate)."""
    if isinstance(error, calls.ModelCallFailed):
        return error
    kind = type(error).__name__
    return calls.report_failure(_categorise(error), provider=provider, kind=kind)


def _categorise(error: BaseException) -> str:
    if isinstance(error, ProviderError):
        return error.category
    if isinstance(error, OutboundError):
        return calls.category_of_outbound(error)
    for category, classes in (
        ("timeout", (TimeoutError, httpx.TimeoutException)),
        ("bad_request", (httpx.LocalProtocolError, UnicodeEncodeError)),
        ("not_configured", (httpx.InvalidURL, httpx.UnsupportedProtocol)),
        ("malformed", (ValueError, RecursionError)),
    ):
        if isinstance(error, classes):
            return category
    return "unavailable"


def request_embeddings(
    route: DirectRoute, texts: Sequence[str]
) -> tuple[list[Any], dict[str, Any]]:
    """The rows of `data` and the usage. Blocks. Raises httpx's errors, OutboundError, ValueError or ProviderError."""
    body = {"model": route.name, "input": list(texts), "encoding_format": "float"}
    answer = post_json(route, "embeddings", body, settings.MODEL_TIMEOUT_SECONDS)
    rows, usage = (
        (answer.get("data"), answer.get("usage")) if isinstance(answer, dict) else (None, None)
    )
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ProviderError("malformed", provider=route.provider)
    return rows, usage if isinstance(usage, dict) else {}


def post_json(route: DirectRoute, path: str, body: dict[str, Any], seconds: float) -> Any:
    """The answer to a call that does not stream. Blocks. Raises httpx's errors, OutboundError, ValueError or ours."""
    timeout = httpx.Timeout(seconds, connect=min(calls.CONNECT_SECONDS, seconds))
    client = connections.find_client(guarded=route.guarded)
    ends_at = time.monotonic() + seconds
    with client.stream(
        "POST", f"{route.base}/{path}", json=body, headers=route.headers, timeout=timeout
    ) as response:
        if not response.is_success:
            error = b"".join(_read_within(response, ends_at, interpreting.MAX_ERROR_BYTES))
            raise interpreting.complain(response, error, route.provider)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise ProviderError("malformed", provider=route.provider)
        return json.loads(b"".join(_read_within(response, ends_at)))


def _read_within(
    response: httpx.Response, ends_at: float, most_bytes: int = MAX_EMBEDDINGS_BYTES
) -> Iterator[bytes]:
    """The body, unless it drips on past the deadline or beyond all measure."""
    total = 0
    for piece in response.iter_raw():
        total += len(piece)
        if total > most_bytes:
            raise ValueError("the answer is too long")
        if time.monotonic() > ends_at:
            raise TimeoutError
        yield piece
