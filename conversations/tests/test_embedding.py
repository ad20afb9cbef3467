"""`/v1/embeddings`: the vectors that bots search by, in OpenAI's words, metered and bounded."""

from __future__ import annotations

import asyncio
import base64
import json
import struct

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from bots.models import UsageEvent
from bots.quotas.models import Quota, QuotaUse
from conversations.openai.embeddings import embedding
from conversations.openai.finding import EmbedderOfBot
from conversations.tests.conftest import make_bot
from conversations.tests.test_api_chat import post_chat
from minirag.ai.credentials import Credentials
from tenants.models import ApiToken
from tests.fakes.chat_model import provider_down
from tests.fakes.openai_server import FakeOpenAI

URL = "/v1/embeddings"


def embed(party, **fields):
    response, content = post_chat(party, {"input": "When are you open?"} | fields, URL)
    return response, json.loads(content)


def test_texts_become_vectors_in_their_order_and_are_metered_for_the_bot(acme, acme_bot):
    response, body = embed(acme, model="minirag/hash", input=["warranty", "returns", "warranty"])
    assert response.status_code == 200, body
    assert (body["object"], body["model"]) == ("list", "minirag/hash")
    assert [each["index"] for each in body["data"]] == [0, 1, 2]
    first, second, third = (each["embedding"] for each in body["data"])
    assert first == third != second and abs(sum(x * x for x in first) - 1) < 1e-3
    event = UsageEvent.objects.filter(kind="embedding", source_id=None).latest("created_at")
    assert (event.bot_profile_id, event.model) == (acme_bot.pk, "minirag/hash")
    assert event.prompt_tokens == body["usage"]["total_tokens"] > 0


def test_base64_says_the_same_as_floats(acme, acme_bot):
    _, plain = embed(acme, model=str(acme_bot.pk))
    _, packed = embed(acme, model=acme_bot.name, encoding_format="base64")
    raw = base64.b64decode(packed["data"][0]["embedding"])
    assert list(struct.unpack(f"<{len(raw) // 4}f", raw)) == pytest.approx(
        plain["data"][0]["embedding"]
    )


def test_the_embedders_of_bots_are_listed_behind_them(acme, acme_bot, globex, globex_bot):
    listed = Client(headers={"authorization": f"Bearer {acme.raw_token}"}).get("/v1/models").json()
    assert [(each["id"], each["kind"]) for each in listed["data"]] == [
        (str(acme_bot.pk), "chat"), ("minirag/hash", "embedding"),
    ]  # fmt: skip
    _, body = embed(globex, model=str(acme_bot.pk))
    assert body["error"]["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ([1, 2, 3], "input_tokens_unsupported"),
        ([[1, 2], [3]], "input_tokens_unsupported"),
        ([], "input_count"),
        (["x"] * 257, "input_count"),
        ("", "input_length"),
        (["x", ""], "input_length"),
        (["x" * 32_001], "input_length"),
        (["x" * 32_000] * 32, "input_length"),
        ([{"text": "x"}], "input_length"),
    ],
)
def test_what_cannot_be_embedded_is_refused_with_a_reason(acme, acme_bot, sent, code):
    response, body = embed(acme, model="minirag/hash", input=sent)
    assert (response.status_code, body["error"]["code"], body["error"]["param"]) == (
        400, code, "input",
    )  # fmt: skip


def test_fewer_dimensions_only_where_the_model_is_made_for_them(acme, in_acme):
    bot = make_bot(embedding_model="minirag/hash")
    _, whole = embed(acme, model=str(bot.pk))
    size = len(whole["data"][0]["embedding"])
    assert embed(acme, model=str(bot.pk), dimensions=size)[0].status_code == 200
    response, body = embed(acme, model=str(bot.pk), dimensions=8)
    assert (response.status_code, body["error"]["code"]) == (400, "dimensions_unsupported")


def test_a_providers_model_is_asked_with_the_bots_key_and_cut_for_dimensions(
    acme, in_acme, settings
):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    with FakeOpenAI() as provider:
        bot = make_bot(model="openai/echo", embedding_model="openai/text-embedding-3-small")
        bot.set_credentials(Credentials(api_key="sk-own", api_base=provider.base_url))
        bot.save()
        sent = {
            "model": "openai/text-embedding-3-small",
            "input": ["a b c d e f g h i j k l", "m n o p q r s t u v w"],
        }
        response, body = embed(acme, **sent, dimensions=16)
        assert response.status_code == 200, body
        assert {request.api_key for request in provider.requests} == {"sk-own"}
    for each in body["data"]:
        assert len(each["embedding"]) == 16
        assert abs(sum(x * x for x in each["embedding"]) - 1) < 1e-3


def test_what_was_made_before_a_failure_is_metered_all_the_same(acme, in_acme, monkeypatch):
    bot, real, calls = make_bot(), embedding.embed_off_loop, []

    async def fail_later(*args, **kwargs):
        calls.append(args)
        if len(calls) == 2:
            raise provider_down()
        return await real(*args, **kwargs)

    monkeypatch.setattr(embedding, "embed_off_loop", fail_later)
    response, body = embed(acme, model=str(bot.pk), input=["word"] * (embedding.LOCAL_PORTION + 1))
    assert (response.status_code, body["error"]["code"]) == (503, "provider_unavailable")
    assert UsageEvent.objects.get(kind="embedding").prompt_tokens > 0


def test_dimensions_that_a_model_has_not_are_refused_after_the_first_portion(acme, in_acme):
    bot = make_bot()
    response, _ = embed(acme, model=str(bot.pk), input=["word"] * 64, dimensions=8)
    assert response.status_code == 400
    assert UsageEvent.objects.get(kind="embedding").prompt_tokens <= embedding.LOCAL_PORTION


def test_who_leaves_pays_for_what_is_under_way(acme, in_acme, monkeypatch):
    bot, real = make_bot(), embedding.embed_off_loop

    async def leave():
        begun = asyncio.Event()

        async def linger(*args, **kwargs):
            begun.set()
            await asyncio.sleep(0.05)
            return await real(*args, **kwargs)

        monkeypatch.setattr(embedding, "embed_off_loop", linger)
        asking = asyncio.ensure_future(
            embedding.embed_for(
                EmbedderOfBot("minirag/hash", bot), ["word"] * 64, kind="document", token_id=None
            )
        )
        await begun.wait()
        asking.cancel()
        await asyncio.wait({asking})
        assert asking.cancelled()

    async_to_sync(leave)()
    event = UsageEvent.objects.get(kind="embedding")
    assert 0 < event.prompt_tokens <= embedding.LOCAL_PORTION, "and for no more"


def test_visitors_keep_a_thread_whoever_embeds(acme, in_acme, monkeypatch):
    bot, real, at_once = make_bot(), embedding.embed_off_loop, []

    async def crowd():
        now = 0

        async def count(*args, **kwargs):
            nonlocal now
            now += 1
            at_once.append(now)
            await asyncio.sleep(0.01)
            made = await real(*args, **kwargs)
            now -= 1
            return made

        monkeypatch.setattr(embedding, "embed_off_loop", count)
        embedder = EmbedderOfBot("minirag/hash", bot)
        await asyncio.gather(
            *(
                embedding.embed_for(embedder, ["word"] * 16, kind="document", token_id=None)
                for _ in range(4)
            )
        )

    async_to_sync(crowd)()
    assert len(at_once) == 8 and max(at_once) == 1


def test_quotas_of_the_token_count_and_refuse(acme, acme_bot):
    token = ApiToken.objects.get(tenant=acme.tenant)
    quota = Quota.objects.create(
        subject="token", subject_id=token.family, resource="tokens", period="month", limit=1
    )
    assert embed(acme, model="minirag/hash")[0].status_code == 200
    assert QuotaUse.objects.get(quota=quota).used > 0
    response, body = embed(acme, model="minirag/hash")
    assert (response.status_code, body["error"]["code"]) == (429, "quota_exceeded")


def test_a_token_for_one_bot_has_that_bots_model_alone(acme, acme_bot):
    other = make_bot(name="Other", embedding_model="openai/text-embedding-3-small")
    ApiToken.objects.filter(tenant=acme.tenant).update(bot_profile_id=acme_bot.pk, rights=["chat"])
    assert embed(acme, model="minirag/hash")[0].status_code == 200
    for model in (str(other.pk), "openai/text-embedding-3-small"):
        assert embed(acme, model=model)[1]["error"]["code"] == "model_not_found"
