"""MiniRAG's own models, called through LiteLLM as any other provider's."""

from __future__ import annotations

import pytest

PASSAGES = [
    {
        "number": 3,
        "heading": "Refunds",
        "content": "Goods can be returned within 30 days.",
        "score": 0.9,
    },
    {
        "number": 5,
        "heading": "Shipping",
        "content": "Parcels leave Graz every evening.",
        "score": 0.4,
    },
]
MESSAGES = [{"role": "user", "content": "Within how many days can goods be returned?"}]
ANSWER = "Goods can be returned within 30 days. [3]"

pytestmark = pytest.mark.usefixtures("litellm", "embedder")


def test_completion(litellm):
    response = litellm.completion(
        model="minirag/extractive", messages=MESSAGES, minirag_passages=PASSAGES
    )
    assert response.choices[0].message.content.startswith(ANSWER)
    assert response.usage.completion_tokens > 5


async def test_async_completion(litellm):
    response = await litellm.acompletion(
        model="minirag/extractive", messages=MESSAGES, minirag_passages=PASSAGES
    )
    assert response.choices[0].message.content.startswith(ANSWER)


def test_streaming(litellm):
    stream = litellm.completion(
        model="minirag/extractive", messages=MESSAGES, minirag_passages=PASSAGES, stream=True
    )
    pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
    assert len(pieces) > 6
    assert "".join(pieces).startswith(ANSWER)


async def test_async_streaming_reports_usage(litellm):
    stream = await litellm.acompletion(
        model="minirag/extractive",
        messages=MESSAGES,
        minirag_passages=PASSAGES,
        stream=True,
        stream_options={"include_usage": True},
    )
    pieces, usage = [], None
    async for chunk in stream:
        usage = getattr(chunk, "usage", None) or usage
        pieces += [chunk.choices[0].delta.content or ""] if chunk.choices else []
    assert "".join(pieces).startswith(ANSWER)
    assert usage.completion_tokens > 5


async def test_it_can_be_the_fallback_of_another_provider(litellm, provider):
    response = await litellm.acompletion(
        model="openai/error-401",
        api_key="k",
        api_base=provider.base_url,
        messages=MESSAGES,
        fallbacks=[{"model": "minirag/extractive", "minirag_passages": PASSAGES}],
    )
    assert response.choices[0].message.content.startswith(ANSWER)


def test_passages_are_found_in_the_prompt_when_none_are_given(litellm):
    system = (
        "Answer from these sources.\n[1] Parcels leave Graz every evening.\n"
        "[2] Goods can be returned within 30 days.\n"
    )
    response = litellm.completion(
        model="minirag/extractive", messages=[{"role": "system", "content": system}, *MESSAGES]
    )
    assert "Goods can be returned within 30 days. [2]" in response.choices[0].message.content


def test_embedding(litellm):
    response = litellm.embedding(model="minirag/minilm", input=["a refund", "a volcano"])
    assert [len(row["embedding"]) for row in response.data] == [384, 384]
    assert response.usage.total_tokens == 9


async def test_async_embedding(litellm):
    response = await litellm.aembedding(model="minirag/hash", input=["a refund"])
    assert len(response.data[0]["embedding"]) == 384
