"""What the direct road does beyond what test_chat and test_embeddings ask of both."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys

import pytest

from minirag.ai.chat import stream_chat
from minirag.ai.credentials import Credentials
from minirag.ai.embeddings import embed_texts
from minirag.ai.providers import answers, connections, direct
from minirag.ai.tests.scripted_server import DONE, ScriptedServer, event
from minirag.ai.tests.test_chat import collect, fail, make_request
from minirag.lib.errors import ProviderError
from tests.fakes.openai_server import FakeOpenAI

FINISH = event(finish_reason="stop")
EVENT_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"


@pytest.fixture(autouse=True)
def directly(settings) -> None:
    settings.DIRECT_OPENAI = True
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    settings.MODEL_MAX_RETRIES = 0


def ask(server: ScriptedServer, model: str = "openai/some-model", **changes):
    return make_request(model, Credentials("k", server.base_url), **changes)


class TestWhichModels:
    @pytest.mark.parametrize(
        ("model", "address", "expected"),
        [
            ("gpt-4o-mini", None, True),
            ("openai/gpt-4o-mini", None, True),
            ("openai/anything", "http://x.example/v1", True),
            ("openai/org/anything", "http://x.example/v1", True),
            ("hosted_vllm/llama", None, True),
            ("lm_studio/llama", None, True),
            ("text-embedding-3-small", None, True),
            ("openai/o1-pro", None, False),
            ("openai/responses/gpt-4o", None, False),
            ("gpt-3.5-turbo-instruct", None, False),
            ("ollama_chat/llama3", None, False),
            ("anthropic/claude-3-haiku", None, False),
            ("claude-3-haiku-20240307", None, False),
            ("openai/", None, False),
            ("nobody", None, False),
        ],
    )
    def test_those_that_speak_the_protocol(self, model, address, expected):
        assert direct.serves(model, Credentials("k", address)) is expected

    def test_none_when_it_is_switched_off(self, settings):
        settings.DIRECT_OPENAI = False
        assert not direct.serves("gpt-4o-mini", None)

    @pytest.mark.parametrize("model", ["openai/o3-mini", "openai/gpt-5-mini"])
    async def test_reasoning_models_get_the_names_they_know(self, model):
        async with ScriptedServer() as server:
            await collect(ask(server, model))
        [(_, body)] = server.requests
        assert body["max_completion_tokens"] == 200
        assert "temperature" not in body and "max_tokens" not in body


class TestEventStream:
    async def answer_of(self, *packets: bytes) -> tuple[str, object]:
        async with ScriptedServer(packets=packets) as server:
            return await collect(ask(server))

    async def test_events_may_be_cut_anywhere(self):
        whole = event("Grüße ") + event("aus 東京") + FINISH + DONE
        text, _ = await self.answer_of(*(whole[i : i + 1] for i in range(len(whole))))
        assert text == "Grüße aus 東京"

    async def test_many_events_may_come_at_once(self):
        text, _ = await self.answer_of(
            b"".join(event(f"{number} ") for number in range(100)) + FINISH + DONE
        )
        assert text.split() == [str(number) for number in range(100)]

    async def test_comments_other_fields_and_windows_line_ends_are_no_matter(self):
        noise = b": ping\r\n\r\nevent: message\r\nid: 7\r\nretry: 5\r\n"
        text, _ = await self.answer_of(
            noise + event("a").replace(b"\n", b"\r\n"), noise + event("b"), FINISH, DONE
        )
        assert text == "ab"

    async def test_a_space_after_the_colon_is_optional(self):
        text, _ = await self.answer_of(
            event("a").replace(b"data: ", b"data:"), FINISH, b"data:[DONE]\n\n"
        )
        assert text == "a"

    async def test_the_end_needs_no_done(self):
        assert (await self.answer_of(event("a"), FINISH))[0] == "a"

    async def test_done_alone_is_an_end_as_well(self):
        text, finished = await self.answer_of(event("a"), DONE)
        assert (text, finished.finish_reason) == ("a", "stop")

    async def test_a_last_line_without_its_end_counts(self):
        assert (await self.answer_of(event("a"), FINISH.rstrip()))[0] == "a"

    async def test_usage_may_come_with_the_last_chunk_or_as_null(self):
        usage = {"prompt_tokens": 21, "completion_tokens": 2}
        _, finished = await self.answer_of(
            event("a", usage=None), event(finish_reason="length", usage=usage), DONE
        )
        assert (finished.prompt_tokens, finished.completion_tokens, finished.finish_reason) == (
            21,
            2,
            "length",
        )

    @pytest.mark.parametrize(
        "usage", [7, [], {"prompt_tokens": "9", "completion_tokens": -1}, {"prompt_tokens": 1e99}]
    )
    async def test_nonsense_for_usage_is_counted_here(self, usage):
        _, finished = await self.answer_of(
            event("a b"), event(finish_reason="stop", usage=usage), DONE
        )
        assert 12 <= finished.prompt_tokens <= 20 and 1 <= finished.completion_tokens <= 3

    @pytest.mark.parametrize(
        "broken",
        [
            b"data: [1]\n\n", b"data: 7\n\n", b"data: null\n\n", b'data: {"choices": 5}\n\n', b"data: \xff\xfe\n\n",
            b'data: {"choices": [{"delta": {"content": 5}}]}\n\n', b'data: {"choices": ["x"]}\n\n',
            b"data: " + b"[" * 100_000 + b"\n\n", b"<html>Welcome</html>\n", b"",
        ],
    )  # fmt: skip
    async def test_what_is_no_chunk_is_malformed(self, broken):
        async with ScriptedServer(packets=[broken] if broken else []) as server:
            _, error = await fail(ask(server))
        assert error.category == "malformed"

    async def test_what_came_before_a_broken_event_in_its_packet_is_passed_on(self):
        async with ScriptedServer(packets=[event("You ") + b'data: {"cho\n\n']) as server:
            text, error = await fail(ask(server))
        assert (text, error.category) == ("You ", "interrupted")

    @pytest.mark.parametrize(
        ("error", "category"),
        [
            ({"message": "secret", "code": 429}, "rate_limit"),
            ({"message": "secret", "code": "401"}, "authentication"),
            ({"message": "secret", "code": "model_overloaded"}, "unavailable"),
            ("secret", "unavailable"),
        ],
    )
    async def test_an_error_in_place_of_the_first_chunk(self, error, category):
        async with ScriptedServer(
            packets=[b"data: " + json.dumps({"error": error}).encode() + b"\n\n"]
        ) as server:
            _, failure = await fail(ask(server))
        assert failure.category == category

    async def test_comments_do_not_count_as_progress(self):
        async with ScriptedServer(packets=[b": working\n\n"] * 400, pause=0.05) as server:
            _, error = await fail(ask(server, timeout_seconds=0.3))
        assert error.category == "timeout"

    async def test_compression_that_was_not_asked_for_is_malformed(self):
        head = EVENT_STREAM + b"content-encoding: gzip\r\n\r\n"
        async with ScriptedServer(packets=[b"\x1f\x8b"], head=head) as server:
            _, error = await fail(ask(server))
        assert error.category == "malformed"
        assert b"accept-encoding: identity" in server.requests[0][0].lower()

    async def test_an_endless_line_ends_before_the_memory_does(self):
        async with ScriptedServer(packets=[b"data: "] + [b"x" * 2**18] * 400) as server:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            _, error = await fail(ask(server))
        assert error.category == "malformed"
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000

    async def test_an_endless_answer_ends_too(self, monkeypatch):
        monkeypatch.setattr(answers, "MAX_BYTES", 10_000)
        async with ScriptedServer(packets=[event("word ")] * 1000) as server:
            text, error = await fail(ask(server))
        assert error.category == "interrupted"
        assert len(text) < 10_000

    async def test_a_key_that_http_cannot_carry_is_refused_unsent(self):
        async with ScriptedServer() as server:
            for key in ("sk-ключ", "sk\r\nX-Injected: 1"):
                _, error = await fail(make_request("openai/x", Credentials(key, server.base_url)))
                assert error.category == "bad_request"
        assert server.requests == []


class TestEmbeddings:
    @pytest.mark.parametrize(
        "body",
        [b"[]", b"{}", b'{"data": {}}', b'{"data": [5]}', b'{"data": [{"embedding": "AAAA"}]}', b'{"data": [{}]}',
         b'{"data": [{"embedding": [NaN]}]}', b'{"data": [{"embedding": [1, 2], "index": "x"}, {"embedding": 1}]}',
         b"\xff", b"<html>"],
    )  # fmt: skip
    async def test_what_is_no_list_of_vectors_is_malformed(self, body):
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"
        async with ScriptedServer(packets=[body], head=head) as server:
            with pytest.raises(ProviderError) as caught:
                await asyncio.to_thread(
                    embed_texts,
                    "openai/x",
                    ["a"],
                    kind="query",
                    credentials=Credentials("k", server.base_url),
                )
        assert caught.value.category == "malformed"

    async def test_an_answer_that_drips_times_out(self, settings):
        settings.MODEL_TIMEOUT_SECONDS = 0.4
        head = b"HTTP/1.1 200 OK\r\n\r\n"
        async with ScriptedServer(packets=[b" "] * 100, head=head, pause=0.05) as server:
            with pytest.raises(ProviderError) as caught:
                await asyncio.to_thread(
                    embed_texts,
                    "openai/x",
                    ["a"],
                    kind="query",
                    credentials=Credentials("k", server.base_url),
                )
        assert caught.value.category == "timeout"


class TestConnections:
    async def test_a_finished_answers_connection_is_used_again(self):
        async with ScriptedServer() as server:
            for _ in range(5):
                await collect(ask(server))
        assert (server.connections, len(server.requests)) == (1, 5)

    async def test_what_a_server_says_unasked_answers_nobody(self):
        """Who asks next may be another tenant."""
        body = event("for somebody else") + FINISH + DONE
        unasked = EVENT_STREAM + b"content-length: %d\r\n\r\n" % len(body) + body
        async with ScriptedServer(unasked=unasked) as server:
            for _ in range(3):
                assert (await collect(ask(server)))[0] == "Hello there"
                await asyncio.sleep(0.05)
            assert (server.connections, len(server.requests)) == (3, 3)

    async def test_a_connection_that_was_closed_while_it_was_idle_is_not_used_again(self):
        body = event("Hello") + FINISH + DONE
        head = EVENT_STREAM + b"content-length: %d\r\n\r\n" % len(body)
        async with ScriptedServer(head=head, packets=[body]) as server:
            for _ in range(3):
                assert (await collect(ask(server)))[0] == "Hello"
            assert (server.connections, len(server.requests)) == (3, 3)

    async def test_a_cookie_goes_along_with_no_other_call(self):
        """It may be of another tenant."""
        body = event("Hello") + FINISH + DONE
        head = EVENT_STREAM + b"set-cookie: who=acme; path=/\r\ncontent-length: %d\r\n\r\n"
        async with ScriptedServer(head=head % len(body), packets=[body]) as server:
            for _ in range(2):
                await collect(ask(server))
        assert [b"cookie:" in head.lower() for head, _ in server.requests] == [False, False]

    async def test_a_stream_that_is_left_closes_its_connection(self):
        async with ScriptedServer(packets=[event("w ")] * 2000, pause=0.01) as server:
            stream = stream_chat(ask(server))
            await anext(stream)
            assert server.open_connections == 1
            await stream.aclose()
            await wait_until(lambda: server.open_connections == 0)

    async def test_a_task_cancelled_before_the_first_token_closes_its_connection(self):
        async with ScriptedServer(packets=[b": wait\n\n"] * 2000, pause=0.01) as server:
            reading = asyncio.create_task(collect(ask(server)))
            await wait_until(lambda: server.requests)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await wait_until(lambda: server.open_connections == 0)

    async def test_two_hundred_streams_at_once(self):
        packets = [event(f"{number} ") for number in range(40)] + [FINISH, DONE]
        async with ScriptedServer(packets=packets, pause=0.02) as server:
            answers = await asyncio.gather(
                *(collect(ask(server, timeout_seconds=30)) for _ in range(200))
            )
            assert {text for text, _ in answers} == {"".join(f"{number} " for number in range(40))}
            assert server.connections == 200
            await asyncio.gather(*(collect(ask(server)) for _ in range(200)))
            assert server.connections == 200

    def test_the_clients_are_closed_with_their_loop(self, settings):
        opened = []

        async def run() -> None:
            async with ScriptedServer() as server:
                await collect(ask(server))
                opened.append(await connections.find_async_client(guarded=True))
                assert not opened[0].is_closed

        asyncio.run(run())
        assert opened[0].is_closed
        assert not [loop for loop in connections._async_clients if loop.is_closed()]

    async def test_each_loop_and_kind_has_one_client(self):
        guarded, again, plain = [
            await connections.find_async_client(guarded=guarded) for guarded in (True, True, False)
        ]
        assert guarded is again and guarded is not plain
        assert connections.find_client(guarded=True) is connections.find_client(guarded=True)

    def test_a_forked_child_opens_its_own(self):
        mine = connections.find_client(guarded=True)
        child = os.fork()
        if not child:
            os._exit(0 if connections.find_client(guarded=True) is not mine else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


async def wait_until(condition, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def test_the_direct_road_never_imports_litellm():
    program = (
        "import asyncio, sys, django; django.setup()\n"
        "from minirag.ai import chat, embeddings\n"
        "from minirag.ai.credentials import Credentials\n"
        "chat.warm_up(['gpt-4o-mini', 'text-embedding-3-small'])\n"
        "request = chat.ChatRequest('openai/error-401', ({'role': 'user', 'content': 'Where?'},), 0, 9,\n"
        "                           Credentials('k', sys.argv[1]), 9, fallback_models=('hosted_vllm/echo',\n"
        "                           'openai/echo', 'minirag/extractive'))\n"
        "async def run():\n"
        "    await embeddings.embed_query('openai/embed-8', 'x', credentials=Credentials('k', sys.argv[1]))\n"
        "    return [event async for event in chat.stream_chat(request)]\n"
        "events = asyncio.run(run())\n"
        "print(events[-1].model, 'litellm' in sys.modules, 'openai' in sys.modules)\n"
    )
    with FakeOpenAI() as provider:
        done = subprocess.run(
            [sys.executable, "-c", program, provider.base_url],
            env={**os.environ, "OUTBOUND_ALLOWED_HOSTS": "127.0.0.1", "DIRECT_OPENAI": "True"},
            capture_output=True, text=True, timeout=600,
        )  # fmt: skip
    assert done.stdout.split() == ["openai/echo", "False", "False"], done.stderr


async def test_words_that_come_together_are_one_event():
    async with ScriptedServer() as server:
        events = [each async for each in stream_chat(ask(server))]
    assert "".join(each.content for each in events[:-1]) == "Hello there"
