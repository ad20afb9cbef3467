"""MiniRAG's own models as a LiteLLM provider, so that a caller of LiteLLM can use, or fall back to, `minirag/…`.

Imports LiteLLM: only `gateway` imports this module, when it loads LiteLLM. Callers may give the passages as
`minirag_passages=[{"number", "heading", "content", "score"}]`; otherwise those numbered `[1] …` in the messages
are used.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any

from litellm import CustomLLM
from litellm.types.utils import EmbeddingResponse, GenericStreamingChunk, ModelResponse, Usage

from minirag.ai import tokens
from minirag.ai.builtin import local, offline
from minirag.ai.builtin.offline import OfflinePassage

NUMBERED = re.compile(r"^\[(\d{1,3})\][ \t]*(.*?)(?=^\[\d{1,3}\]|\Z)", re.MULTILINE | re.DOTALL)


def register(litellm: ModuleType) -> None:
    litellm.custom_provider_map = [{"provider": "minirag", "custom_handler": MiniragProvider()}]
    litellm.utils.custom_llm_setup()


class MiniragProvider(CustomLLM):
    """`minirag/extractive` for completions; `minirag/minilm`, `minirag/hash` and `minirag/local…` for embeddings."""

    def completion(self, *args: Any, **call: Any) -> ModelResponse:
        answer, usage = _answer(call["messages"], call["optional_params"])
        response = call["model_response"]
        response.choices[0].message.content = answer
        response.choices[0].finish_reason = "stop"
        response.model = f"minirag/{call['model']}"
        response.usage = Usage(**usage)
        return response

    async def acompletion(self, *args: Any, **call: Any) -> ModelResponse:
        return await _in_thread(lambda: self.completion(**call))

    def streaming(self, *args: Any, **call: Any) -> Iterator[GenericStreamingChunk]:
        yield from _make_chunks(*_answer(call["messages"], call["optional_params"]))

    async def astreaming(self, *args: Any, **call: Any) -> AsyncIterator[GenericStreamingChunk]:
        answer, usage = await _in_thread(lambda: _answer(call["messages"], call["optional_params"]))
        for chunk in _make_chunks(answer, usage):
            yield chunk
            await asyncio.sleep(0)

    def embedding(self, *args: Any, **call: Any) -> EmbeddingResponse:
        texts = [call["input"]] if isinstance(call["input"], str) else list(call["input"])
        vectors, read = local.encode_locally(f"minirag/{call['model']}", texts)
        response = call["model_response"]
        response.model = f"minirag/{call['model']}"
        response.data = [
            {"object": "embedding", "index": index, "embedding": vector.tolist()}
            for index, vector in enumerate(vectors)
        ]
        response.usage = Usage(prompt_tokens=read, completion_tokens=0, total_tokens=read)
        return response

    async def aembedding(self, *args: Any, **call: Any) -> EmbeddingResponse:
        return await _in_thread(lambda: self.embedding(**call))


async def _in_thread(work: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(local.local_threads(), work)


def _answer(
    messages: list[dict[str, Any]], parameters: dict[str, Any]
) -> tuple[str, dict[str, int]]:
    question = next(
        (_text_of(message) for message in reversed(messages) if message["role"] == "user"), ""
    )
    given = parameters.get("minirag_passages")
    passages = [OfflinePassage(**each) for each in given] if given else _find_passages(messages)
    answer = offline.compose_answer(question, passages, embed=local.find_sentence_embedder())
    prompt_tokens = tokens.count_prompt_tokens(
        {"content": _text_of(message)} for message in messages
    )
    completion_tokens = tokens.count_tokens(answer)
    return answer, {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def _text_of(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content)


def _find_passages(messages: list[dict[str, Any]]) -> list[OfflinePassage]:
    """Passages numbered in the system message, best first as a prompt lists them."""
    text = "\n".join(_text_of(message) for message in messages if message["role"] == "system")
    return [
        OfflinePassage(
            number=int(number), heading="", content=content.strip(), score=1 / (rank + 1)
        )
        for rank, (number, content) in enumerate(NUMBERED.findall(text))
    ]


def _make_chunks(answer: str, usage: dict[str, int]) -> Iterator[GenericStreamingChunk]:
    for piece in offline.split_pieces(answer):
        yield GenericStreamingChunk(
            text=piece, is_finished=False, finish_reason="", usage=None, index=0
        )
    yield GenericStreamingChunk(
        text="", is_finished=True, finish_reason="stop", usage=usage, index=0
    )
