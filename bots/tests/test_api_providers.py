"""`/v1/providers`: keys that are kept once, chosen by bots, replaced in one place, and never shown."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync

from bots.models import BotProfile, ProviderCredential
from bots.providers.lending import lend_key
from bots.providers.trying import KeyOutcome
from minirag.ai import catalogue
from minirag.ai.embeddings import embed_texts
from tenants.context import tenant_context
from tenants.models import AuditEvent
from tests.fakes.dialects import DIALECTS, Dialect, ScriptedProvider
from tests.fakes.openai_server import FakeOpenAI

URL = "/v1/providers"
JSON = "application/json"
KEY = "sk-of-acme-0123456789abcd"


def keep(client, **fields):
    body = {"name": "OpenAI", "provider": "openai", "api_key": KEY} | fields
    return client.post(URL, body, content_type=JSON)


def change(client, row, **fields):
    return client.patch(f"{URL}/{row['id']}", fields, content_type=JSON)


def choose(client, bot, *rows):
    body = {"provider_ids": [row["id"] for row in rows]}
    return client.put(f"/v1/bot-profiles/{bot.pk}/providers", body, content_type=JSON)


def lent(bot, model):
    """The key that a call of `model` is made with, of the bot as it is stored now."""
    found = async_to_sync(lend_key)(BotProfile.objects.get(pk=bot.pk), model)
    return found.api_key if found else None


@pytest.fixture
def bot(in_acme) -> BotProfile:
    return BotProfile.objects.create(name="Ava", model="gpt-4o-mini")


def test_a_key_is_kept_and_shown_by_its_last_four_alone(as_acme, as_globex):
    made = keep(as_acme).json()
    assert (
        made.items() >= {"last_four": "abcd", "test_outcome": None, "bot_profile_ids": []}.items()
    )
    assert as_acme.get(URL).json()["items"] == [made] == [as_acme.get(f"{URL}/{made['id']}").json()]
    assert KEY not in json.dumps([made, *AuditEvent.objects.values_list("detail", flat=True)])
    assert as_globex.get(URL).json()["items"] == []
    assert keep(as_acme, name="Short", api_key="short").json()["last_four"] == ""


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": "OpenAI"}, "provider_exists"),
        ({"provider": "nobody"}, "provider_unknown"),
        ({"api_key": "two\nlines"}, "provider_key_invalid"),
        ({"api_base": "http://169.254.169.254/v1"}, "provider_key_invalid"),
        ({"provider": "anthropic", "api_base": "https://llm.example.com/v1"}, "provider_key_invalid"),
        ({"api_base": "https://llm.example.com/v1?key=sk-hidden"}, "provider_key_invalid"),
        ({"api_base": "https://llm.example.com/v1#x"}, "provider_key_invalid"),
        ({"api_key": ""}, "validation_error"),
        ({"name": "  "}, "validation_error"),
        ({"provider": "Open AI"}, "provider_unknown"),
    ],
)  # fmt: skip
def test_what_could_never_be_used_is_refused(as_acme, fields, code):
    assert keep(as_acme).status_code == 201
    refused = keep(as_acme, **{"name": "Another"} | fields)
    assert (refused.status_code // 100, refused.json()["code"]) == (4, code)


def test_a_bot_uses_a_chosen_key_for_models_of_its_provider_alone(as_acme, bot):
    openai, claude = (
        keep(as_acme).json(),
        keep(as_acme, name="C", provider="anthropic", api_key="sk-ant").json(),
    )
    assert lent(bot, "gpt-4o-mini") is None
    assert [each["name"] for each in choose(as_acme, bot, openai, claude).json()["items"]] == [
        "C",
        "OpenAI",
    ]
    assert lent(bot, "gpt-4o-mini") == lent(bot, "openai/gpt-4o") == KEY
    assert lent(bot, "anthropic/claude-haiku-4-5") == "sk-ant"
    assert lent(bot, "mistral/mistral-small-latest") is None
    own = {"credentials": {"api_key": "its-own"}}
    as_acme.patch(f"/v1/bot-profiles/{bot.pk}", own, content_type=JSON)
    assert (lent(bot, "gpt-4o-mini"), lent(bot, "anthropic/claude-haiku-4-5")) == (
        "its-own",
        "sk-ant",
    )


def test_a_key_is_replaced_for_all_bots_at_once_and_an_address_needs_it_again(as_acme, bot):
    made = keep(as_acme, api_base="https://llm.example.com/v1").json()
    choose(as_acme, bot, made)
    assert change(as_acme, made, api_key="sk-another-0123456789wxyz").json()["last_four"] == "wxyz"
    assert lent(bot, "gpt-4o-mini") == "sk-another-0123456789wxyz"
    stolen = change(as_acme, made, api_base="https://thief.example.com/v1")
    assert (stolen.status_code, stolen.json()["code"]) == (422, "provider_key_needed")
    assert change(as_acme, made, name="Ours").json()["name"] == "Ours"


def test_two_who_replace_a_key_at_once_do_not_overwrite_each_other(as_acme):
    made = keep(as_acme).json()
    url = f"{URL}/{made['id']}"
    tag = as_acme.get(url)["ETag"]
    assert change(as_acme, made, api_key="sk-first-0123456789").status_code == 200
    late = as_acme.patch(url, {"api_key": "sk-late-0123456789"}, JSON, HTTP_IF_MATCH=tag)
    assert late.json()["code"] == "changed_meanwhile"


def test_a_bots_own_key_serves_its_provider_under_all_its_names(as_acme, bot):
    own = {"model": "cohere_chat/command-r", "credentials": {"api_key": "its-own"}}
    as_acme.patch(f"/v1/bot-profiles/{bot.pk}", own, content_type=JSON)
    assert lent(bot, "cohere/rerank-v3.5") == "its-own"
    assert lent(bot, "mistral/mistral-small-latest") is None


def test_a_key_in_use_is_not_forgotten_and_its_bots_are_named(as_acme, bot):
    made = keep(as_acme).json()
    choose(as_acme, bot, made)
    refused = as_acme.delete(f"{URL}/{made['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "provider_in_use")
    assert "Ava" in refused.json()["detail"]
    choose(as_acme, bot)
    assert as_acme.delete(f"{URL}/{made['id']}").status_code == 204
    assert not ProviderCredential.objects.exists()


def test_neither_two_keys_of_a_provider_nor_anothers_key_can_be_chosen(as_acme, as_globex, bot):
    mine, second, others = (
        keep(as_acme).json(),
        keep(as_acme, name="B").json(),
        keep(as_globex).json(),
    )
    for rows, code in (((mine, second), "providers_alike"), ((mine, others), "provider_not_found")):
        assert choose(as_acme, bot, *rows).json()["code"] == code
    assert as_acme.get(f"/v1/bot-profiles/{bot.pk}/providers").json() == {"items": []}


def test_members_look_and_do_not_touch(as_acme, as_bob):
    made = keep(as_acme).json()
    assert as_bob.get(f"{URL}/{made['id']}").status_code == 200
    answers = (
        keep(as_bob),
        change(as_bob, made, name="x"),
        as_bob.post(f"{URL}/{made['id']}/test", {}, content_type=JSON),
    )
    assert {answer.json()["code"] for answer in answers} == {"role_forbidden"}


def test_embedding_goes_by_the_chosen_key(as_acme, bot, settings):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    with FakeOpenAI() as server:
        choose(as_acme, bot, keep(as_acme, api_base=server.base_url).json())
        embed_texts(
            "openai/embed-8", ["x"], kind="query", credentials=BotProfile.objects.get().credentials
        )
        assert [each.api_key for each in server.requests] == [KEY]


def refusing(status, error) -> Dialect:
    return Dialect(refuses=lambda body: (status, {"error": error}), text=None)


FARES = {
    KeyOutcome.WORKS: Dialect(),
    KeyOutcome.WRONG_KEY: refusing(401, {"message": f"Incorrect API key provided: {KEY}"}),
    KeyOutcome.NO_MONEY: refusing(429, {"code": "insufficient_quota", "message": "You exceeded your current quota"}),
    KeyOutcome.NO_SUCH_MODEL: refusing(404, {"code": "model_not_found", "message": "The model x does not exist"}),
    KeyOutcome.REFUSED: refusing(400, {"message": "No."}),
}  # fmt: skip


@pytest.mark.parametrize("outcome", FARES)
def test_a_test_says_how_a_key_fares(as_acme, settings, monkeypatch, outcome):
    settings.OUTBOUND_ALLOWED_HOSTS, settings.MODEL_MAX_RETRIES = ["127.0.0.1"], 0
    monkeypatch.setitem(DIALECTS, "tried", FARES[outcome])
    with ScriptedProvider("tried") as server:
        made = keep(as_acme, api_base=server.base_url).json()
        told = as_acme.post(f"{URL}/{made['id']}/test", {"model": "openai/x"}, content_type=JSON)
    said = told.json()
    assert (told.status_code, said["outcome"]) == (200, outcome)
    assert said["works"] is (outcome == KeyOutcome.WORKS) and KEY not in told.content.decode()
    assert as_acme.get(f"{URL}/{made['id']}").json()["test_outcome"] == outcome


def test_where_a_key_may_not_go_nothing_is_sent(as_acme, settings):
    settings.OUTBOUND_ALLOWED_HOSTS, settings.MODEL_MAX_RETRIES = ["127.0.0.1"], 0
    with FakeOpenAI() as server:
        made = keep(as_acme, api_base=server.base_url).json()
        wrong = as_acme.post(
            f"{URL}/{made['id']}/test", {"model": "anthropic/claude-x"}, content_type=JSON
        )
        assert wrong.json()["code"] == "model_of_other_provider"
        nameless = as_acme.post(f"{URL}/{made['id']}/test", {}, content_type=JSON)
        assert nameless.json()["code"] == "model_needed", (
            "a server of one's own has models of its own"
        )
        settings.OUTBOUND_ALLOWED_HOSTS = []
        inside = as_acme.post(f"{URL}/{made['id']}/test", {"model": "openai/x"}, content_type=JSON)
        assert inside.json()["outcome"] == KeyOutcome.NOT_CALLABLE
        assert server.requests == []


def test_a_server_that_is_gone_is_unreachable(as_acme, settings):
    settings.OUTBOUND_ALLOWED_HOSTS, settings.MODEL_MAX_RETRIES = ["127.0.0.1"], 0
    with FakeOpenAI() as server:
        made = keep(as_acme, api_base=server.base_url).json()
    told = as_acme.post(f"{URL}/{made['id']}/test", {"model": "openai/x"}, content_type=JSON)
    assert told.json()["outcome"] == KeyOutcome.UNREACHABLE


def test_the_catalogue_tells_prices_and_is_searched(as_acme):
    found = as_acme.get(f"{URL}/catalogue?provider=openai&mode=chat&q=4o+mini").json()
    row = next(each for each in found["items"] if each["model"] == "gpt-4o-mini")
    assert (
        row.items()
        >= {
            "provider": "openai",
            "mode": "chat",
            "context_tokens": 128_000,
            "reads_images": True,
        }.items()
    )
    assert (row["prompt_cost_per_1m"], row["completion_cost_per_1m"]) == (0.15, 0.6)
    assert {"openai", "anthropic", "mistral", "hosted_vllm"} <= set(found["providers"])
    few = as_acme.get(f"{URL}/catalogue?limit=2").json()
    assert len(few["items"]) == 2 < few["total"]
    assert as_acme.get(f"{URL}/catalogue?mode=video").status_code == 422
    own = catalogue.find_models(provider="minirag")
    assert own[0].model == "minirag/extractive" and own[0].prompt_cost_per_1m == Decimal(0)


def test_keys_of_two_tenants_never_meet(acme, globex, as_acme, as_globex, bot):
    mine, theirs = keep(as_acme).json(), keep(as_globex, api_key="sk-of-globex").json()
    choose(as_acme, bot, mine)
    for client, row in ((as_globex, mine), (as_acme, theirs)):
        asked = client.get, client.delete
        assert {ask(f"{URL}/{row['id']}").status_code for ask in asked} == {404}
    with tenant_context(globex.tenant):
        other = BotProfile.objects.create(name="Gus", model="gpt-4o-mini")
        assert lent(other, "gpt-4o-mini") is None
