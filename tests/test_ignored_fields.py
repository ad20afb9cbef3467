"""What is sent and has no effect is said, and alike at every route that writes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from tenants.context import tenant_context
from tests.test_bad_input import BODILESS, JSON, VALID, Api, _made_api, api  # noqa: F401
from webhooks.models import Delivery, Webhook

HEADER = "X-Ignored-Fields"
# Asked with the bodies of test_bad_input, these refuse for another reason.
REFUSING = {
    ("auth/login", "post"),
    ("platform/tenants/<str:slug>", "delete"),
    ("platform/tenants/<str:slug>/erase", "post"),
    ("visitors/forget", "post"),
    ("auth/set-password", "post"),
    ("mcp", "post"),  # a protocol that has no place for it
}


def said_of(response) -> object:
    """What an answer says it has ignored: by its header, and by its body if that is an object."""
    by_header = response.headers.get(HEADER)
    if response.streaming or response.content[:1] != b"{":
        return by_header
    return by_header, response.json().get("ignored")


def test_every_route_with_a_body_names_the_field_that_it_does_not_know(api, settings):
    for route, method in VALID:
        if (route, method) in REFUSING:
            continue
        body = {**api.body(route, method), "zzz": 1}
        if route == "tenants":
            body["tenant_slug"] = "hooli"
        response = api.send(route, method, json.dumps(body).encode())
        assert response.status_code < 300, (route, method, response)
        assert said_of(response) in ("zzz", ("zzz", ["zzz"])), (route, method)


def test_every_route_without_a_body_names_what_came_in_one(api):
    for route, method in sorted(BODILESS):
        if route in ("sources/upload", "sources/validate-file"):
            continue
        response = api.send(route, method, b'{"zzz": 1}')
        if response.status_code < 300:
            assert said_of(response) in ("zzz", ("zzz", ["zzz"])), (route, method)
        else:
            assert HEADER not in response.headers, (route, method)


def test_an_unknown_part_of_a_form_is_named(as_acme):
    file = SimpleUploadedFile("hours.txt", b"Open from 9 to 17.")
    response = as_acme.post("/v1/sources/validate-file", {"file": file, "visibility": "all"})
    assert said_of(response) == ("visibility", ["visibility"])


def test_an_unknown_parameter_is_named_at_reads_and_writes(as_acme, api):
    response = as_acme.get("/v1/bot-profiles?limt=5&limit=1")
    assert response.headers[HEADER] == "limt" and isinstance(response.json(), list)
    response = as_acme.get("/v1/tenants/me?verbose=1")
    assert response.headers[HEADER] == "verbose" and "ignored" not in response.json()
    response = as_acme.post(f"/v1/webhooks/{api.ids['webhook']}/rotate-secret?overlap=2")
    assert said_of(response) == ("overlap", ["overlap"])


def test_nothing_is_said_where_nothing_is_ignored(as_acme):
    response = as_acme.post("/v1/bot-profiles", {"name": "Support"}, content_type=JSON)
    assert said_of(response) == (None, None)
    assert len(response.json()) == 13


# --- what has a meaning here is honoured --------------------------------------------------------------------------
def test_a_new_bot_takes_its_settings(as_acme):
    settings = {
        "refuses": False,
        "greeting": "Hello",
        "allowed_origins": ["HTTPS://A.example.com:443/"],
    }
    made = as_acme.post("/v1/bot-profiles", {"name": "x", **settings}, content_type=JSON)
    assert made.status_code == 201 and said_of(made) == (None, None)
    shown = as_acme.get(f"/v1/bot-profiles/{made.json()['id']}/settings").json()
    assert (shown["refuses"], shown["greeting"]) == (False, "Hello")
    assert shown["allowed_origins"] == ["https://a.example.com"]


def test_a_changed_bot_takes_its_settings(as_acme):
    pk = as_acme.post("/v1/bot-profiles", {"name": "x"}, content_type=JSON).json()["id"]
    changed = as_acme.patch(f"/v1/bot-profiles/{pk}", {"refuses": False}, content_type=JSON)
    assert changed.status_code == 200 and said_of(changed) == (None, None)
    assert as_acme.get(f"/v1/bot-profiles/{pk}/settings").json()["refuses"] is False


def test_a_bad_setting_of_a_new_bot_is_refused(as_acme):
    response = as_acme.post("/v1/bot-profiles", {"name": "x", "refuses": "no"}, content_type=JSON)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "refuses"]


def test_a_token_that_expires_in_days_does(as_acme):
    body = {"name": "x", "expires_in_days": 30}
    made = as_acme.post("/v1/api-tokens", body, content_type=JSON)
    assert made.status_code == 201 and said_of(made) == (None, None)
    end = datetime.fromisoformat(made.json()["expires_at"]).replace(tzinfo=UTC)
    assert abs(end - timezone.now() - timedelta(days=30)) < timedelta(minutes=5)


@pytest.mark.parametrize("fields", [{"expires_in_days": 0}, {"expires_in_days": -1},
    {"expires_in_days": 3651}, {"expires_in_days": "30"}, {"expires_in_days": True},
    {"expires_in_days": 1, "expires_at": "2099-01-01T00:00:00"}])  # fmt: skip
def test_an_end_that_cannot_be_is_refused(as_acme, fields):
    response = as_acme.post("/v1/api-tokens", {"name": "x", **fields}, content_type=JSON)
    assert response.status_code == 422


def test_the_rate_of_a_token_is_the_operators(as_acme):
    response = as_acme.post("/v1/api-tokens", {"name": "x", "rate": "0"}, content_type=JSON)
    assert said_of(response) == ("rate", ["rate"])


def test_what_lies_deeper_is_named_with_its_place(as_acme, api):
    body = api.body("sources/batch", "post")
    body["children"].append({**body["children"][0], "colour": "red"})
    response = as_acme.post("/v1/sources/batch", body, content_type=JSON)
    assert said_of(response) == ("children.1.colour", ["children.1.colour"])


@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: x=1", "é, b", "x" * 500, ""])
def test_no_name_breaks_out_of_the_header(as_acme, name):
    response = as_acme.post("/v1/bot-profiles", {"name": "x", name: 1}, content_type=JSON)
    assert response.status_code == 201
    assert response.json()["ignored"] == [name[:64]]
    assert response.headers[HEADER].isascii() and "\n" not in response.headers[HEADER]
    assert "Set-Cookie" not in response.headers


def test_a_thousand_names_are_not_all_repeated(as_acme):
    body = {"name": "x", **{f"f{number}": 1 for number in range(1000)}}
    response = as_acme.post("/v1/bot-profiles", body, content_type=JSON)
    assert len(response.json()["ignored"]) == 50


def test_an_error_says_nothing_of_it(as_acme):
    response = as_acme.post("/v1/bot-profiles", {"zzz": 1}, content_type=JSON)
    assert response.status_code == 422 and HEADER not in response.headers


def test_a_replayed_answer_says_it_again(acme):
    client = Client(**acme.bearer, HTTP_IDEMPOTENCY_KEY="ignored-1")
    for _ in range(2):
        response = client.post("/v1/bot-profiles", {"name": "x", "zzz": 1}, content_type=JSON)
        assert said_of(response) == ("zzz", ["zzz"])
    assert response.headers["Idempotency-Replayed"] == "true"


def test_a_question_names_what_it_ignored_as_json_and_as_a_stream(api):
    body = {**api.body("chat", "post"), "metadata_filter": {"a": 1}}
    response = api.send("chat", "post", json.dumps(body).encode())
    assert said_of(response) == ("metadata_filter", ["metadata_filter"])
    response = api.send("chat", "post", json.dumps({**body, "stream": True}).encode())
    assert response.headers[HEADER] == "metadata_filter"


def test_a_batch_gives_its_schedule_to_children_without_one(as_acme, api):
    body = api.body("sources/batch", "post") | {"refresh_schedule": "weekly"}
    child = body["children"][0]
    body["children"] = [
        child,
        {**child, "refresh_schedule": "hourly"},
        {**child, "refresh_schedule": "none"},
    ]
    made = as_acme.post("/v1/sources/batch", body, content_type=JSON)
    assert made.status_code == 201 and said_of(made) == (None, None)
    shown = [each["refresh_schedule"] for each in made.json()["children"]]
    assert shown == ["weekly", "hourly", "none"]
    assert made.json()["parent"]["refresh_schedule"] is None


def test_what_a_config_says_in_vain_is_kept_and_named(as_acme, api):
    body = api.body("sources", "post") | {
        "source_type": "url",
        "config": {"url": "https://docs.example.com/", "crawl": True},
    }
    made = as_acme.post("/v1/sources", body, content_type=JSON)
    assert said_of(made) == ("config.crawl", ["config.crawl"])
    assert made.json()["config"] == body["config"]
    url = f"/v1/sources/{made.json()['id']}"
    changed = as_acme.patch(url, {"config": {**body["config"], "depth": 2}}, content_type=JSON)
    assert said_of(changed) == ("config.crawl, config.depth", ["config.crawl", "config.depth"])
    put = as_acme.put("/v1/sources/by-external-id/docs", body, content_type=JSON)
    assert said_of(put) == ("config.crawl", ["config.crawl"])
    batch = api.body("sources/batch", "post")
    batch["children"] = [{"name": "x", "source_type": "url", "config": body["config"]}]
    many = as_acme.post("/v1/sources/batch", batch, content_type=JSON)
    assert said_of(many)[1] == ["children.0.config.crawl"]


def test_the_config_of_a_text_is_its_owners_own(as_acme, api):
    body = api.body("sources", "post") | {"config": {"shelf": 7}}
    assert said_of(as_acme.post("/v1/sources", body, content_type=JSON)) == (None, None)


def test_a_documents_content_is_taken(as_acme, api):
    url = f"/v1/documents/{api.ids['document']}"
    changed = as_acme.patch(url, {"title": "x", "content": "y"}, content_type=JSON)
    assert changed.status_code == 200 and said_of(changed) == (None, None)


def test_what_cannot_change_is_named(as_acme, api):
    url = f"/v1/sources/{api.ids['source']}"
    whole = as_acme.get(url).json()
    changed = as_acme.patch(url, whole, content_type=JSON)
    assert changed.status_code == 200
    assert {"id", "source_type", "status"} <= set(changed[HEADER].split(", "))
    assert changed.json() == {**whole, "updated_at": changed.json()["updated_at"]}


def test_the_reason_of_feedback_is_kept_shown_and_told(as_acme, api, acme):
    url = f"/v1/chat/{api.ids['chat']}/messages/{api.ids['message']}"
    with tenant_context(acme.tenant):
        Webhook.objects.create(url="https://acme.example.com/hook", events=["feedback.given"])
    body = {"feedback": "negative", "reason": "It names the wrong day."}
    given = as_acme.patch(f"{url}/feedback", body, content_type=JSON)
    assert said_of(given) == (None, None) and len(given.json()) == 8
    assert as_acme.get(url).json()["feedback_reason"] == body["reason"]
    (turn,) = as_acme.get(f"/v1/chat/{api.ids['chat']}/logs").json()["items"]
    assert turn["feedback_reason"] == body["reason"]
    as_acme.patch(f"{url}/feedback", {"feedback": "negative"}, content_type=JSON)
    assert as_acme.get(url).json()["feedback_reason"] == body["reason"], "the same verdict keeps it"
    as_acme.patch(f"{url}/feedback", {"feedback": "positive"}, content_type=JSON)
    assert as_acme.get(url).json()["feedback_reason"] is None
    with tenant_context(acme.tenant):
        told = [json.loads(each.body)["reason"] for each in Delivery.objects.order_by("created_at")
                if each.event_type == "feedback.given"]  # fmt: skip
    assert told == [body["reason"], None]


def test_a_reason_without_end_is_refused(as_acme, api):
    url = f"/v1/chat/{api.ids['chat']}/messages/{api.ids['message']}/feedback"
    body = {"feedback": "negative", "reason": "x" * 1001}
    assert as_acme.patch(url, body, content_type=JSON).status_code == 422
