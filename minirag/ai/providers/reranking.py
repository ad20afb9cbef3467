"""Calls of rerankers: at servers that are reached directly, over vetted connections, and by LiteLLM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minirag.ai.providers import direct, gateway
from minirag.lib.errors import ProviderError


def goes_directly(model: str) -> bool:
    """Whether a reranker is called at an OpenAI-compatible server, which has it at `/rerank`, if any."""
    return direct.split_model(model) is not None


def request_directly(
    route: direct.DirectRoute, question: str, texts: Sequence[str], seconds: float
) -> dict[str, Any]:
    """The answer of a server that speaks Cohere's and Jina's protocol, as vLLM does. See `direct.post_json`."""
    body = {
        "model": route.name, "query": question, "documents": list(texts), "top_n": len(texts),
    }  # fmt: skip
    answer = direct.post_json(route, "rerank", body, seconds)
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list) or not all(isinstance(row, dict) for row in results):
        raise ProviderError("malformed", provider=route.provider)
    return dict(answer)


def request_by_litellm(
    route: gateway.Route, question: str, texts: list[str], seconds: float
) -> dict[str, Any]:
    """What a reranker says of the texts. Blocks, and raises whatever LiteLLM raises."""
    response = gateway.load_litellm().rerank(
        model=route.model, query=question, documents=texts, top_n=len(texts), return_documents=False,
        timeout=seconds, max_retries=0, **route.arguments,
    )  # fmt: skip
    results = [row if isinstance(row, dict) else vars(row) for row in response.results or []]
    return {"results": results}
