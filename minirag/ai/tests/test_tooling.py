"""Functions of a client reach a model and its calls come back, by both roads to it."""

from __future__ import annotations

import asyncio
import json

import pytest

from minirag.ai.chat import ChatDelta, stream_chat
from minirag.ai.credentials import Credentials
from minirag.ai.providers.dialects import Dialect
from minirag.ai.tests.scripted_server import DONE, ScriptedServer, event
from minirag.ai.tests.test_chat import make_request
from minirag.ai.tooling import Calls, ToolCallPiece, Tooling
from minirag.lib.errors import ProviderError

TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
WEATHER = Tooling((TOOL,), "auto", False)


@pytest.fixture(autouse=True, params=[True, False], ids=["direct", "litellm"])
def road(request, settings) -> None:
    settings.DIRECT_OPENAI = request.param
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    settings.MODEL_MAX_RETRIES = 0


def called(index: int, arguments: str, **first: str) -> bytes:
    """An event with a piece of a call; `first` are the id and the name."""
    named = {"id": first["id"], "type": "function"} if first else {}
    function = {"arguments": arguments, **({"name": first["name"]} if first else {})}
    delta = {"tool_calls": [{"index": index, **named, "function": function}]}
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    return b"data: " + json.dumps({**chunk, "choices": [choice]}).encode() + b"\n\n"


def ask(packets, **changes):
    async def run():
        async with ScriptedServer(packets) as server:
            key = Credentials("k", server.base_url)
            patient = {"timeout_seconds": 120.0, "tooling": WEATHER}
            request = make_request("openai/some-model", key, **patient, **changes)
            return [each async for each in stream_chat(request)], server.requests[0][1]

    return asyncio.run(run())


def test_calls_come_back_piece_by_piece_and_are_put_together():
    packets = (
        called(0, "", id="call_a", name="get_weather"), called(0, '{"city": '), called(0, '"Ulm"}'),
        called(1, "{}", id="call_b", name="get_weather"), event(finish_reason="tool_calls"), DONE,
    )  # fmt: skip
    events, sent = ask(packets)
    calls = Calls()
    for each in events[:-1]:
        assert isinstance(each, ToolCallPiece)
        calls.add(each)
    assert calls.whole() == [
        {"id": "call_a", "type": "function",
         "function": {"name": "get_weather", "arguments": '{"city": "Ulm"}'}},
        {"id": "call_b", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}},
    ]  # fmt: skip
    assert sent["tools"] == [TOOL] and sent["tool_choice"] == "auto"
    assert sent["parallel_tool_calls"] is False
    assert events[-1].finish_reason == "stop" and events[-1].completion_tokens > 0


def test_words_and_calls_may_come_together():
    packets = (
        event("Let me look.", model="m"), called(0, "{}", id="call_a", name="get_weather"),
        event(finish_reason="tool_calls"), DONE,
    )  # fmt: skip
    events, _ = ask(packets)
    assert [type(each).__name__ for each in events] == [
        "ChatDelta",
        "ToolCallPiece",
        "ChatFinished",
    ]
    assert events[0] == ChatDelta("Let me look.")


def test_what_came_of_a_call_is_told_as_it_stands():
    exchange = (
        {"role": "assistant", "content": "", "tool_calls": [
            {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "call_a", "content": "21 degrees"},
        {"role": "tool", "tool_call_id": "call_b", "content": "dry"},
    )  # fmt: skip
    messages = ({"role": "user", "content": "Weather?"}, *exchange)
    _, sent = ask((event("21.", model="m"), event(finish_reason="stop"), DONE), messages=messages)
    assert [each["role"] for each in sent["messages"]] == ["user", "assistant", "tool", "tool"]
    assert sent["messages"][1]["tool_calls"][0]["id"] == "call_a"
    turns = Dialect(wants_turns=True).write(messages, temperature=None, max_tokens=5)["messages"]
    assert turns == list(messages), "two results are not joined into one"


def test_the_form_of_an_answer_is_told():
    form = {"type": "json_schema", "json_schema": {"name": "hours", "schema": {"type": "object"}}}

    async def run():
        async with ScriptedServer() as server:
            key = Credentials("k", server.base_url)
            tooling = Tooling(response_format=form)
            request = make_request("openai/some-model", key, tooling=tooling, timeout_seconds=120.0)
            async for _ in stream_chat(request):
                pass
            return server.requests[0][1]

    sent = asyncio.run(run())
    assert sent["response_format"] == form and "tools" not in sent


def test_a_model_of_ours_is_no_way_out_where_tools_are_wanted(settings):
    settings.FALLBACK_LLM_MODELS = ["minirag/extractive"]

    async def run():
        async with ScriptedServer(head=b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n") as server:
            key = Credentials("k", server.base_url)
            request = make_request(
                "openai/some-model", key, tooling=WEATHER, fallback_models=("minirag/extractive",)
            )
            with pytest.raises(ProviderError):
                async for _ in stream_chat(request):
                    pass

    asyncio.run(run())
