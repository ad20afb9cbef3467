"""/v1/bot-profiles: the contract's object, its limits, its soft delete, and the settings beside it."""

from __future__ import annotations

import re
import uuid

import pytest

from bots.models import BotProfile
from bots.origins import normalise_origin
from tenants.context import tenant_context

URL = "/v1/bot-profiles"
KEYS = {
    "id", "tenant_id", "name", "description", "model", "embedding_model", "system_prompt", "temperature", "max_tokens",
    "has_credentials", "is_active", "created_at", "updated_at",
}  # fmt: skip
SETTINGS = {
    "refuses": True, "refusal_mode": "balanced", "refusal_floor": None, "refusal_text": "",
    "dense_weight": None, "fusion": "max_norm",
    "passage_count": 5, "history_turns": 10, "greeting": "", "starter_questions": [], "allowed_origins": [],
    "is_public": False, "is_indexed": False, "contact": "", "asks_back": True, "follow_up_questions": True,
    "condense_mode": "auto",
    "condense_model": "",
    "unsupported_mode": "mark", "source_filter": {}, "recency_days": None, "rerank_model": "", "query_variations": 0,
    "appearance": {}, "key_provider": "", "masking": {},
}  # fmt: skip
FULL = {
    "name": "Support", "description": "Answers", "model": "gpt-4o", "embedding_model": "text-embedding-3-large",
    "system_prompt": "Be brief.", "temperature": 0.1, "max_tokens": 256,
}  # fmt: skip


def make(client, **fields):
    return client.post(URL, {"name": "Support", **fields}, content_type="application/json")


def change(client, pk, path="", **fields):
    return client.patch(f"{URL}/{pk}{path}", fields, content_type="application/json")


def test_a_bot_has_exactly_the_contracts_keys_and_defaults(as_acme, as_bob, acme, settings):
    response = make(as_acme, id=str(uuid.uuid4()), is_active=False, colour="red")
    bot = response.json()
    assert response.status_code == 201
    assert bot.pop("ignored") == ["colour"]
    assert response["X-Ignored-Fields"] == "id, is_active, colour"
    assert set(bot) == KEYS
    assert bot["tenant_id"] == str(acme.tenant.pk)
    assert {name: bot[name] for name in KEYS - {"id", "tenant_id", "created_at", "updated_at"}} == {
        "name": "Support", "description": "", "model": settings.DEFAULT_LLM_MODEL, "embedding_model": None,
        "system_prompt": "You are a helpful assistant.", "temperature": 0.7, "max_tokens": 1024,
        "has_credentials": False, "is_active": True,
    }  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?", bot["created_at"])
    assert as_bob.get(f"{URL}/{bot['id']}").json() == bot


def test_a_member_reads_bots_and_manages_none(as_acme, as_bob):
    bot = make(as_acme).json()
    refused = [
        make(as_bob), as_bob.patch(f"{URL}/{bot['id']}", {"name": "Bob's"}, content_type="application/json"),
        as_bob.delete(f"{URL}/{bot['id']}"),
    ]  # fmt: skip
    assert {(response.status_code, response.json()["code"]) for response in refused} == {
        (403, "role_forbidden")
    }
    assert refused[0].json()["detail"] == "Only owners, admins and editors can manage bots"
    assert as_bob.get(URL).json() == [bot]


def test_every_field_that_is_sent_is_kept(as_acme):
    bot = make(as_acme, **FULL).json()
    assert {name: bot[name] for name in FULL} == FULL


@pytest.mark.parametrize("fields", [{"temperature": 0}, {"temperature": 2}, {"max_tokens": 1}, {"max_tokens": 128000},
                                    {"name": ""}, {"name": "x" * 255}, {"system_prompt": "x" * 100_000}])  # fmt: skip
def test_the_limits_are_inclusive(as_acme, fields):
    bot = make(as_acme, **fields).json()
    assert {name: bot[name] for name in fields} == fields


BAD = [
    ({"name": None}, "string_type"),
    ({"name": 5}, "string_type"),
    ({"name": "x" * 256}, "string_too_long"),
    ({"name": "a\0b"}, "string_unicode"),
    ({"description": "x" * 1001}, "string_too_long"),
    ({"description": None}, "string_type"),
    ({"model": "x" * 101}, "string_too_long"),
    ({"model": None}, "string_type"),
    ({"model": " "}, "value_error"),
    ({"embedding_model": "x" * 101}, "string_too_long"),
    ({"system_prompt": None}, "string_type"),
    ({"temperature": -0.1}, "greater_than_equal"),
    ({"temperature": 2.1}, "less_than_equal"),
    ({"temperature": "warm"}, "float_parsing"),
    ({"temperature": None}, "float_type"),
    ({"temperature": "nan"}, "less_than_equal"),
    ({"max_tokens": 0}, "greater_than_equal"),
    ({"max_tokens": 128001}, "less_than_equal"),
    ({"max_tokens": -(10**30)}, "greater_than_equal"),
    ({"max_tokens": 1.5}, "int_from_float"),
    ({"max_tokens": None}, "int_type"),
    ({"credentials": "sk-secret"}, "dict_type"),
    ({"credentials": {"api_key": 5}}, "value_error"),
    ({"credentials": {"api_key": "two\nlines"}}, "value_error"),
    ({"credentials": {"api_key": "sk-x", "api_base": "http://169.254.169.254/"}}, "value_error"),
    ({"credentials": {"api_key": "sk-x", "api_base": 5}}, "value_error"),
    ({"credentials": {"api_base": "https://models.example.com/v1"}}, "value_error"),
    ({"credentials": {"org": "x"}}, "value_error"),
    ({"credentials": {"api_key": None}}, "value_error"),
    ({"credentials": {"api_key": ""}}, "value_error"),
]


@pytest.mark.parametrize(("fields", "kind"), BAD)
@pytest.mark.parametrize("verb", ["create", "patch"])
def test_a_bad_field_is_named_and_changes_nothing(as_acme, fields, kind, verb):
    pk = make(as_acme, **FULL).json()["id"]
    before = as_acme.get(URL).json()
    response = make(as_acme, **fields) if verb == "create" else change(as_acme, pk, **fields)
    error = response.json()["detail"][0]
    assert (response.status_code, error["type"], error["loc"]) == (
        422,
        kind,
        ["body", next(iter(fields))],
    )
    assert as_acme.get(URL).json() == before


def test_a_name_is_required(as_acme):
    error = as_acme.post(URL, {}, content_type="application/json").json()["detail"][0]
    assert (error["type"], error["loc"], error["msg"], error["input"]) == (
        "missing", ["body", "name"], "Field required", {},
    )  # fmt: skip


def test_credentials_are_encrypted_kept_out_of_sight_and_can_be_replaced_and_cleared(as_acme, acme):
    response = make(as_acme, credentials={"api_key": "sk-one", "other": 1})
    bot = response.json()
    assert bot["has_credentials"]
    assert b"sk-one" not in response.content
    with tenant_context(acme.tenant):
        row = BotProfile.objects.get(pk=bot["id"])
        assert "sk-one" not in row.encrypted_credentials
        assert row.credentials.api_key == "sk-one"
    assert change(as_acme, bot["id"], name="Renamed").json()["has_credentials"]
    assert change(as_acme, bot["id"], credentials={"api_key": "sk-two"}).json()["has_credentials"]
    with tenant_context(acme.tenant):
        assert BotProfile.objects.get(pk=bot["id"]).credentials.api_key == "sk-two"
    assert not change(as_acme, bot["id"], credentials={}).json()["has_credentials"]
    change(as_acme, bot["id"], credentials={"api_key": "sk-three"})
    assert not change(as_acme, bot["id"], credentials=None).json()["has_credentials"]


def test_credentials_without_a_key_leave_the_stored_one_alone(as_acme, acme):
    pk = make(as_acme, credentials={"api_key": "sk-one"}).json()["id"]
    assert change(as_acme, pk, credentials={"org": "x"}).status_code == 422
    with tenant_context(acme.tenant):
        assert BotProfile.objects.get(pk=pk).credentials.api_key == "sk-one"


def test_a_rejected_key_is_not_echoed(as_acme):
    response = make(as_acme, credentials={"api_key": ["sk-secret"]}, temperature=9)
    assert response.status_code == 422
    assert b"sk-secret" not in response.content


def test_the_list_is_newest_first_and_includes_inactive_bots(as_acme):
    pks = [make(as_acme, name=name).json()["id"] for name in ("a", "b", "c")]
    as_acme.delete(f"{URL}/{pks[1]}")
    listed = as_acme.get(URL).json()
    assert [bot["id"] for bot in listed] == pks[::-1]
    assert [bot["is_active"] for bot in listed] == [True, False, True]


def test_a_patch_keeps_what_it_does_not_name(as_acme):
    bot = make(as_acme, **FULL).json()
    changed = change(as_acme, bot["id"], temperature=1.5, embedding_model=None).json()
    assert changed | {"updated_at": ""} == bot | {
        "temperature": 1.5,
        "embedding_model": None,
        "updated_at": "",
    }
    assert changed["updated_at"] > bot["updated_at"]


def test_an_empty_patch_moves_updated_at_alone(as_acme):
    bot = make(as_acme).json()
    changed = change(as_acme, bot["id"]).json()
    assert changed["updated_at"] > bot["updated_at"]
    assert changed | {"updated_at": bot["updated_at"]} == bot


def test_deleting_is_soft_can_be_repeated_and_undone(as_acme):
    pk = make(as_acme).json()["id"]
    for _ in range(2):
        response = as_acme.delete(f"{URL}/{pk}")
        assert (response.status_code, response.content) == (204, b"")
    assert as_acme.get(f"{URL}/{pk}").json()["is_active"] is False
    assert change(as_acme, pk, is_active=True).json()["is_active"] is True


@pytest.mark.parametrize(("method", "path"), [("get", ""), ("patch", ""), ("delete", ""), ("get", "/settings"),
                                              ("patch", "/settings")])  # fmt: skip
def test_an_unknown_bot_and_another_tenants_are_not_found(as_acme, as_globex, method, path):
    mine = make(as_acme).json()
    for client, pk in ((as_acme, uuid.uuid4()), (as_globex, mine["id"])):
        body = {"data": {}, "content_type": "application/json"} if method == "patch" else {}
        response = getattr(client, method)(f"{URL}/{pk}{path}", **body)
        assert (response.status_code, response.json()["detail"]) == (404, "Bot profile not found")
    assert as_globex.get(URL).json() == []
    assert as_acme.get(f"{URL}/{mine['id']}").json() == mine


def test_the_settings_start_with_the_products_defaults_and_keep_what_is_sent(as_acme):
    pk = make(as_acme).json()["id"]
    assert as_acme.get(f"{URL}/{pk}/settings").json() == SETTINGS
    wanted = {
        "refuses": False, "refusal_mode": "open",
        "refusal_floor": 0.4, "refusal_text": "No.", "dense_weight": 1, "fusion": "rrf",
        "passage_count": 20, "history_turns": 0, "greeting": "Hello!", "starter_questions": ["Who are you?"],
        "allowed_origins": ["https://www.acme.example"], "is_public": True, "is_indexed": True,
        "contact": "+47 22 00 00 00",
        "recency_days": 90, "rerank_model": "cohere/rerank-v3.5", "query_variations": 3,
        "source_filter": {"tags": ["public"], "dated_from": "2026-01-01"},
        "asks_back": False, "follow_up_questions": False,
        "masking": {"kinds": ["email", "iban"], "patterns": [r"K-\d{6}"], "passages": True},
        "unsupported_mode": "drop", "condense_mode": "never", "condense_model": "openai/gpt-4o-mini",
        "appearance": {"title": "Ask us", "position": "left"}, "key_provider": "",
    }  # fmt: skip
    assert change(as_acme, pk, "/settings", **wanted).json() == wanted
    assert change(as_acme, pk, "/settings", refusal_floor=None, greeting="Hi").json() == wanted | {
        "refusal_floor": None, "greeting": "Hi",
    }  # fmt: skip
    assert set(as_acme.get(f"{URL}/{pk}").json()) == KEYS


@pytest.mark.parametrize(
    ("fields", "loc"),
    [
        ({"refuses": "yes"}, ["refuses"]),
        ({"refuses": None}, ["refuses"]),
        ({"refusal_mode": "never"}, ["refusal_mode"]),
        ({"refusal_mode": None}, ["refusal_mode"]),
        ({"refusal_mode": "strict", "refuses": False}, []),
        ({"refusal_mode": "open", "refuses": True}, []),
        ({"refusal_floor": 1.1}, ["refusal_floor"]),
        ({"refusal_floor": -1}, ["refusal_floor"]),
        ({"refusal_text": "x" * 1001}, ["refusal_text"]),
        ({"dense_weight": "heavy"}, ["dense_weight"]),
        ({"fusion": "average"}, ["fusion"]),
        ({"fusion": None}, ["fusion"]),
        ({"recency_days": 0}, ["recency_days"]),
        ({"rerank_model": "x" * 101}, ["rerank_model"]),
        ({"query_variations": 5}, ["query_variations"]),
        ({"recency_days": 36_501}, ["recency_days"]),
        ({"masking": None}, ["masking"]),
        ({"masking": {"kinds": ["name"]}}, ["masking"]),
        ({"masking": {"patterns": ["(a"]}}, ["masking"]),
        ({"masking": {"patterns": ["(?=a)b"]}}, ["masking"]),
        ({"masking": {"patterns": ["x*"]}}, ["masking"]),
        ({"source_filter": None}, ["source_filter"]),
        ({"source_filter": ["public"]}, ["source_filter"]),
        ({"source_filter": {"tag": ["public"]}}, ["source_filter"]),
        ({"source_filter": {"tags": []}}, ["source_filter"]),
        ({"source_filter": {"source_ids": ["x"]}}, ["source_filter"]),
        ({"source_filter": {"languages": ["elvish"]}}, ["source_filter"]),
        (
            {"source_filter": {"dated_from": "2026-02-01", "dated_until": "2026-01-31"}},
            ["source_filter"],
        ),
        ({"passage_count": 0}, ["passage_count"]),
        ({"passage_count": 21}, ["passage_count"]),
        ({"history_turns": -1}, ["history_turns"]),
        ({"history_turns": 51}, ["history_turns"]),
        ({"greeting": "x" * 501}, ["greeting"]),
        ({"contact": "x" * 201}, ["contact"]),
        ({"asks_back": "often"}, ["asks_back"]),
        ({"follow_up_questions": "often"}, ["follow_up_questions"]),
        ({"condense_mode": "sometimes"}, ["condense_mode"]),
        ({"condense_model": "x" * 101}, ["condense_model"]),
        ({"starter_questions": "Who?"}, ["starter_questions"]),
        ({"starter_questions": [""]}, ["starter_questions", 0]),
        ({"starter_questions": ["x"] * 11}, ["starter_questions"]),
        ({"allowed_origins": ["ftp://acme.example"]}, ["allowed_origins", 0]),
        ({"allowed_origins": ["https://ok.example", 5]}, ["allowed_origins", 1]),
        ({"allowed_origins": None}, ["allowed_origins"]),
        ({"is_public": "yes"}, ["is_public"]),
        ({"is_public": None}, ["is_public"]),
        ({"is_indexed": "no"}, ["is_indexed"]),
    ],
)
def test_a_bad_setting_is_named_and_changes_nothing(as_acme, fields, loc):
    pk = make(as_acme).json()["id"]
    response = change(as_acme, pk, "/settings", **fields)
    assert (response.status_code, response.json()["detail"][0]["loc"]) == (422, ["body", *loc])
    assert as_acme.get(f"{URL}/{pk}/settings").json() == SETTINGS


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://www.Acme.COM", "https://www.acme.com"),
        ("HTTPS://acme.com:443/", "https://acme.com"),
        ("http://acme.com:80", "http://acme.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        (" https://acme.com:8443 ", "https://acme.com:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_written_as_a_browser_sends_it(text, origin):
    assert normalise_origin(text) == origin


@pytest.mark.parametrize("text", ["", "acme.com", "https://", "*", "https://*.acme.com", "https://acme.com/shop",
                                  "https://me@acme.com", "https://acme.com?x", "https://acme.com:99999", "null",
                                  "javascript:alert(1)", "https://a b.com",
                                  "https://a;b.com", "https://" + "x" * 70 + ".com",
                                  "http://[::1"])  # fmt: skip
def test_what_is_no_origin_is_refused(text):
    with pytest.raises(ValueError, match="an origin looks like"):
        normalise_origin(text)
