"""Agents over MCP, each message a request of its own: what they may do is what their token may."""

from __future__ import annotations

import asyncio
import json

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from bots.models import BotProfile, UsageEvent
from bots.quotas.models import Quota
from conversations.following.running import running_turns
from conversations.mcp import serving, tools
from conversations.models import Chat, Message
from conversations.tests.conftest import make_bot, teach
from conversations.tests.test_api_chat import post_chat
from knowledge.models import Document
from tenants.models import ApiToken

URL = "/v1/mcp"
QUESTION = "How many months of warranty does the Aeris One have?"
VERSION = "2025-06-18"


def send(party, message, **headers):
    raw = message.encode() if isinstance(message, str) else message
    told = {"accept": "application/json", "mcp-protocol-version": VERSION} | headers
    return post_chat(party, raw, URL, told)


def call(party, method, **params):
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    response, content = send(party, message)
    assert response.status_code == 200, content
    body = json.loads(content)
    return body.get("result") or body["error"]


def use(party, tool, **arguments):
    return call(party, "tools/call", name=tool, arguments=arguments)


def restrict(party, **fields) -> None:
    ApiToken.objects.filter(tenant=party.tenant).update(**fields)


def test_versions_are_negotiated(acme, acme_bot):
    asked = {"capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    for version, answered in (("2024-11-05", "2024-11-05"), ("1999-01-01", "2025-11-25")):
        result = call(acme, "initialize", protocolVersion=version, **asked)
        assert result["protocolVersion"] == answered, result
        assert result["serverInfo"]["name"] == "minirag"
        assert set(result["capabilities"]) >= {"tools", "resources"}


def test_ask_answers_with_citations_and_goes_on_in_its_chat(acme, acme_bot, model):
    model.enqueue("It lasts 36 months [1].")
    result = use(acme, "ask", question=QUESTION)
    told = result["structuredContent"]
    assert told["answer"] == "It lasts 36 months [1]." and told["refusal"] is None
    assert told["citations"][0]["number"] == 1 and "[1] " in result["content"][0]["text"]
    model.enqueue("From the day of purchase [1].")
    again = use(acme, "ask", question="From which day does it count?", chat_id=told["chat_id"])
    assert again["structuredContent"]["chat_id"] == told["chat_id"]
    assert Chat.objects.count() == 1


def test_an_agent_has_nothing_before_its_answer_is_stored(acme, acme_bot, model):
    model.enqueue("It lasts 36 months [1].")
    use(acme, "ask", question=QUESTION)
    assert not UsageEvent.objects.get(kind="chat").is_stream


def test_search_finds_passages_and_is_metered(acme, acme_bot):
    result = use(acme, "search", query="warranty months", limit=2)
    passages = result["structuredContent"]["passages"]
    assert "36 months" in passages[0]["content"] and len(passages) <= 2
    read = call(acme, "resources/read", uri=passages[0]["uri"])
    assert "36 months" in read["contents"][0]["text"]
    event = UsageEvent.objects.filter(kind="embedding", source_id=None).get()
    assert event.bot_profile_id == acme_bot.pk and event.prompt_tokens > 0


def test_sources_and_documents_are_listed_page_by_page(acme, acme_bot):
    teach(acme_bot, "The cellar is damp.", "Cellar")
    first = use(acme, "list_sources", limit=1)["structuredContent"]
    second = use(acme, "list_sources", limit=1, cursor=first["next_cursor"])["structuredContent"]
    assert [first["items"][0]["name"], second["items"][0]["name"]] == ["Cellar", "Facts"]
    assert second["next_cursor"] is None
    listed = call(acme, "resources/list")["resources"]
    assert len(listed) == 2 and all(each["uri"].startswith("minirag://") for each in listed)
    assert call(acme, "resources/templates/list")["resourceTemplates"]
    refused = call(acme, "resources/list", cursor="nonsense")
    assert refused["code"] == -32602


def test_one_tenant_never_sees_the_others(acme, acme_bot, globex, globex_bot):
    [ours] = call(acme, "resources/list")["resources"]
    [theirs] = call(globex, "resources/list")["resources"]
    assert ours["uri"] != theirs["uri"]
    assert call(globex, "resources/read", uri=ours["uri"])["code"] == -32002
    found = use(globex, "search", query="warranty Aeris One")["structuredContent"]["passages"]
    assert "Aeris" not in json.dumps(found)
    refused = use(globex, "ask", question=QUESTION, bot=str(acme_bot.pk))
    assert refused["isError"] and "(not_found)" in refused["content"][0]["text"]
    names = [each["name"] for each in use(globex, "list_sources")["structuredContent"]["items"]]
    assert names == ["Facts"] and "Helper" not in json.dumps(call(globex, "tools/list"))


def test_what_is_not_for_the_tokens_groups_is_invisible(acme, acme_bot):
    secret = teach(acme_bot, "---\ngroups: [staff]\n---\nThe safe opens with 4711.\n", "Safe")
    closed = teach(acme_bot, "The vault opens with 0815.\n", "Vault")
    type(closed).objects.filter(pk=closed.pk).update(groups=["staff"])
    everything = [secret.documents.get(), closed.documents.get()]

    def seen() -> str:
        told = [call(acme, "resources/list"), use(acme, "list_sources")]
        told += [use(acme, "search", query="What opens the safe and the vault?", limit=20)]
        told += [
            call(acme, "resources/read", uri=f"minirag://documents/{each.pk}")
            for each in everything
        ]
        return json.dumps(told)

    hidden = seen()
    assert "4711" not in hidden and "0815" not in hidden and "Vault" not in hidden
    restrict(acme, groups=["staff"])
    shown = seen()
    assert "4711" in shown and "0815" in shown and "Vault" in shown
    restrict(acme, groups=[])
    refused = use(acme, "search", query="safe", groups=["staff"])
    assert refused["isError"] and "(groups_not_allowed)" in refused["content"][0]["text"]


def test_a_token_that_may_only_ask_reads_no_documents(acme, acme_bot):
    [document] = call(acme, "resources/list")["resources"]
    restrict(acme, rights=["chat"])
    assert {each["name"] for each in call(acme, "tools/list")["tools"]} == {"search", "ask"}
    assert call(acme, "resources/list")["resources"] == []
    assert call(acme, "resources/templates/list")["resourceTemplates"] == []
    assert call(acme, "resources/read", uri=document["uri"])["code"] == -32002
    assert use(acme, "list_sources")["isError"]
    found = use(acme, "search", query="warranty")["structuredContent"]["passages"]
    assert found and found[0]["uri"] is None


def test_a_token_that_may_not_ask_is_kept_out(acme, acme_bot):
    restrict(acme, rights=["read"])
    response, content = send(acme, {"jsonrpc": "2.0", "id": 1, "method": "ping"})
    assert (response.status_code, json.loads(content)["code"]) == (403, "token_restricted")


def test_a_token_for_one_bot_has_that_bots_knowledge_alone(acme, acme_bot):
    other = make_bot(name="Other")
    teach(other, "The cellar is damp.", "Cellar")
    restrict(acme, bot_profile_id=acme_bot.pk)
    assert "Cellar" not in json.dumps([call(acme, "resources/list"), use(acme, "list_sources")])
    assert use(acme, "ask", question="x", bot=str(other.pk))["isError"]
    assert "Other" not in json.dumps(call(acme, "tools/list"))


def test_which_bot_is_meant_has_to_be_said_where_there_are_several(acme, acme_bot, model):
    other = make_bot(name="Other")
    told = use(acme, "ask", question=QUESTION)
    assert told["isError"] and str(other.pk) in told["content"][0]["text"]
    model.enqueue("36 months [1].")
    assert not use(acme, "ask", question=QUESTION, bot="Helper").get("isError")


def test_refusals_of_the_product_are_results_that_an_agent_can_read(acme, acme_bot):
    told = use(acme, "search", query="", limit=99)
    assert told["isError"] and "query" in told["content"][0]["text"]
    assert told["_meta"] == {"minirag/code": "invalid_arguments", "minirag/retryable": False}
    Quota.objects.create(subject="tenant", resource="tokens", period="month", limit=0)
    told = use(acme, "search", query="warranty")
    assert told["isError"] and told["_meta"]["minirag/code"] == "quota_exceeded"
    assert call(acme, "tools/call", name="drop_tables", arguments={})["code"] == -32602


def test_questions_over_mcp_count_as_questions(acme, acme_bot, settings, fresh_limits):
    settings.CHAT_RATE = "1/minute"
    assert not use(acme, "search", query="warranty").get("isError")
    told = use(acme, "search", query="warranty")
    assert told["_meta"] == {"minirag/code": "rate_limited", "minirag/retryable": True}
    assert "tools" in call(acme, "tools/list"), "what is no question goes on"


def test_a_flood_ends_in_429_before_the_protocol_is_looked_at(
    acme, acme_bot, settings, fresh_limits
):
    settings.API_RATE = "3/minute"
    statuses = [
        send(acme, {"jsonrpc": "2.0", "id": 1, "method": "ping"})[0].status_code for _ in range(5)
    ]
    assert statuses == [200, 200, 200, 429, 429]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("{", -32700),
        ('"x"', -32600),
        ("[]", -32600),
        ('[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', -32600),
        ("[" * 100_000, -32700),
        ('{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"a": "\\u0000"}}', -32700),
        ('{"jsonrpc": "1.0", "id": 1, "method": "ping"}', -32600),
        ('{"id": 1, "method": "ping"}', -32600),
        ('{"jsonrpc": "2.0", "id": {}, "method": "ping"}', None),
        ('{"jsonrpc": "2.0", "id": 1, "method": 7}', -32600),
        ('{"jsonrpc": "2.0", "id": 1}', -32600),
        ('{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}', -32600),
        ("{}", None),
    ],
)
def test_what_is_no_message_is_an_error_of_json_rpc(acme, acme_bot, sent, code):
    response, content = send(acme, sent)
    assert response.status_code == 400, content
    error = json.loads(content)["error"]
    assert error["code"] == code if code else error["code"] < 0
    assert "validation error" not in error["message"], "of the SDK's own models"


def test_an_unknown_method_is_said_to_be_one(acme, acme_bot):
    assert call(acme, "prompts/list")["code"] == -32601


def test_a_notification_is_taken_and_not_answered(acme, acme_bot):
    response, content = send(acme, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (response.status_code, content) == (202, "")


def test_pages_of_other_sites_may_not_call(acme, acme_bot, settings):
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    response, content = send(acme, ping, origin="https://evil.example.com")
    assert (response.status_code, json.loads(content)["code"]) == (403, "origin_not_allowed")
    assert send(acme, ping, origin="http://testserver")[0].status_code == 200
    settings.CORS_ALLOW_ALL_ORIGINS = False
    settings.CORS_ALLOWED_ORIGINS = ["https://agents.example.com"]
    assert send(acme, ping, origin="https://agents.example.com")[0].status_code == 200


@pytest.mark.parametrize("accept", ["text/event-stream, */*", "application/*, text/event-stream"])
def test_who_takes_anything_and_events_gets_events(acme, acme_bot, accept):
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    response, content = send(acme, ping, accept=accept)
    assert response.status_code == 200 and content.startswith("event: message"), content


def test_a_token_of_a_bot_that_was_switched_off_reads_nothing(acme, acme_bot):
    [document] = call(acme, "resources/list")["resources"]
    restrict(acme, bot_profile_id=acme_bot.pk)
    BotProfile.objects.update(is_active=False)
    assert call(acme, "resources/read", uri=document["uri"])["code"] == -32002
    assert call(acme, "resources/list")["code"] == -32002


def test_a_token_for_one_bot_reads_the_languages_that_its_bot_answers_in(acme, acme_bot):
    english = Document.objects.get()
    Document.objects.create(
        source=english.source, title="Garantie", language="de", chunk_count=1, content_hash="x"
    )
    acme_bot.source_filter = {"languages": ["de"]}
    acme_bot.save()
    restrict(acme, bot_profile_id=acme_bot.pk)
    listed = call(acme, "resources/list")["resources"]
    assert [each["name"] for each in listed] == ["Garantie"]
    uri = f"minirag://documents/{english.pk}"
    assert call(acme, "resources/read", uri=uri)["code"] == -32002


def test_what_nobody_foresaw_is_not_told_in_its_own_words(acme, acme_bot, monkeypatch):
    def break_down(*args):
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(serving, "list_documents", break_down)
    error = call(acme, "resources/list")
    assert error["code"] == -32603 and "hunter2" not in json.dumps(error)


# --- Streams ------------------------------------------------------------------------------------------------------
ASKED = {
    "jsonrpc": "2.0", "id": 1, "method": "tools/call",
    "params": {"name": "ask", "arguments": {"question": QUESTION}, "_meta": {"progressToken": 1}},
}  # fmt: skip


def read_late(party, wait) -> bytes:
    """Ask, and read what is streamed only once `wait` has returned."""

    async def ask():
        client = AsyncClient()
        response = await client.generic(
            "POST", URL, json.dumps(ASKED), content_type="application/json",
            headers={
                "authorization": f"Bearer {party.raw_token}", "mcp-protocol-version": VERSION,
                "accept": "application/json, text/event-stream",
            },
        )  # fmt: skip
        await wait()
        async with asyncio.timeout(10):
            told = b"".join([part async for part in response])
        await running_turns().journal.write()
        return told

    return async_to_sync(ask)()


def test_a_client_that_does_not_read_is_given_up_and_the_turn_is_stored(
    acme, acme_bot, model, monkeypatch
):
    monkeypatch.setattr(serving, "LONGEST_UNREAD_SECONDS", 0.1)
    monkeypatch.setattr(tools, "PROGRESS_SECONDS", 0.0)
    model.enqueue(*[piece for _ in range(40) for piece in ("word ", 0.03)], "36 months [1].")

    async def until_given_up():
        async with asyncio.timeout(10):
            while any("_serve" in str(each.get_coro()) for each in asyncio.all_tasks()):
                await asyncio.sleep(0.05)
            while len(running_turns()):
                await asyncio.sleep(0.05)

    told = read_late(acme, until_given_up)
    assert b"notifications/progress" in told and b"structuredContent" not in told
    assert Message.objects.get(role="assistant").content.endswith("36 months [1].")


def test_a_process_that_stops_says_to_ask_again(acme, acme_bot, model):
    model.enqueue("It lasts ", 30.0, "36 months [1].")

    async def until_stopped():
        async with asyncio.timeout(10):
            await running_turns().end_all()

    told = read_late(acme, until_stopped).decode()
    result = json.loads(told.rpartition("data: ")[2])["result"]
    assert result["isError"] and result["_meta"]["minirag/retryable"] is True, result
    assert Message.objects.get(role="assistant").content.strip() == "It lasts"


def test_a_stream_that_breaks_while_much_of_it_is_unread_ends(acme, acme_bot, monkeypatch):
    async def break_midway(self, scope, receive, say):
        kind = (b"content-type", b"text/event-stream")
        await say({"type": "http.response.start", "status": 200, "headers": [kind]})
        for _ in range(17):
            await say({"type": "http.response.body", "body": b"x", "more_body": True})
        raise RuntimeError("the SDK broke")

    monkeypatch.setattr(StreamableHTTPSessionManager, "handle_request", break_midway)

    async def until_full():
        await asyncio.sleep(0.1)

    assert read_late(acme, until_full) == b"x" * 17
