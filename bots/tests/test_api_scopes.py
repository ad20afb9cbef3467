"""/v1/bot-profiles/{id}/scopes: made, listed, changed, deleted, checked; and the templates."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from bots.models import BotProfile, Scope
from bots.scopes.changing import MOST_SCOPES
from tenants.context import tenant_context

JSON = "application/json"
KEYS = {
    "id", "bot_profile_id", "name", "description", "is_active", "strictness", "allowed_topics", "forbidden_topics",
    "refusal_text", "guidelines", "warnings", "created_at", "updated_at",
}  # fmt: skip


@pytest.fixture
def bot(acme) -> BotProfile:
    with tenant_context(acme.tenant):
        return BotProfile.objects.create(name="Support")


@pytest.fixture
def url(bot) -> str:
    return f"/v1/bot-profiles/{bot.pk}/scopes"


def make(client, url, **fields):
    return client.post(url, {"name": "House", **fields}, content_type=JSON)


def test_a_scope_has_these_keys_and_defaults(as_acme, url, bot):
    response = make(as_acme, url)
    assert response.status_code == 201 and set(response.json()) == KEYS
    scope = response.json()
    assert (
        scope["bot_profile_id"] == str(bot.pk)
        and scope["is_active"]
        and scope["strictness"] == "moderate"
    )
    assert scope["allowed_topics"] == scope["forbidden_topics"] == scope["warnings"] == []
    assert scope["refusal_text"] == scope["description"] == ""
    assert scope["guidelines"] == {
        "max_words": None,
        "require_citations": False,
        "tone": None,
        "step_by_step": False,
    }
    assert as_acme.get(f"{url}/{scope['id']}").json() == scope


def test_scopes_are_listed_oldest_first_and_page_by_page(
    as_acme, url, django_assert_max_num_queries
):
    names = [f"scope {number}" for number in range(4)]
    for name in names:
        make(as_acme, url, name=name)
    first = as_acme.get(f"{url}?limit=3").json()
    rest = as_acme.get(f"{url}?limit=3&cursor={first['next_cursor']}").json()
    assert [scope["name"] for scope in first["items"] + rest["items"]] == names and rest[
        "next_cursor"
    ] is None
    with django_assert_max_num_queries(7):
        as_acme.get(url)


def test_only_what_is_sent_changes_in_the_guidelines_too(as_acme, url):
    guidelines = {"max_words": 100, "tone": "formal"}
    scope = make(as_acme, url, allowed_topics=["returns"], guidelines=guidelines).json()
    change = lambda **fields: as_acme.patch(f"{url}/{scope['id']}", fields, content_type=JSON)  # noqa: E731
    changed = change(strictness="strict", guidelines={"step_by_step": True}).json()
    assert changed["strictness"] == "strict" and changed["allowed_topics"] == ["returns"]
    assert changed["guidelines"] == {**guidelines, "require_citations": False, "step_by_step": True}
    cleared = change(guidelines={"max_words": None, "tone": None}, is_active=False).json()
    assert (
        cleared["guidelines"]["max_words"] is cleared["guidelines"]["tone"] is None
        and not cleared["is_active"]
    )


def test_a_name_is_unique_per_bot_and_a_clash_changes_nothing(as_acme, url, bot):
    make(as_acme, url)
    other = make(as_acme, url, name="Other").json()
    for response in (
        make(as_acme, url),
        as_acme.patch(f"{url}/{other['id']}", {"name": "House"}, content_type=JSON),
    ):
        assert (response.status_code, response.json()["code"]) == (409, "scope_name_taken")
    assert [scope["name"] for scope in as_acme.get(url).json()["items"]] == ["House", "Other"]
    second = as_acme.post("/v1/bot-profiles", {"name": "x"}, content_type=JSON).json()["id"]
    assert make(as_acme, f"/v1/bot-profiles/{second}/scopes").status_code == 201


def test_a_bot_has_a_bounded_number_of_scopes(as_acme, url, bot, acme):
    with tenant_context(acme.tenant):
        Scope.objects.bulk_create(
            Scope(bot_profile=bot, name=str(number)) for number in range(MOST_SCOPES)
        )
    response = make(as_acme, url)
    assert (response.status_code, response.json()["code"]) == (409, "too_many_scopes")


def test_a_deleted_scope_is_gone(as_acme, url):
    scope = make(as_acme, url).json()
    assert as_acme.delete(f"{url}/{scope['id']}").status_code == 204
    assert as_acme.delete(f"{url}/{scope['id']}").status_code == 404
    assert as_acme.get(url).json() == {"items": [], "next_cursor": None}


def test_a_scope_of_another_bot_is_not_found_under_this_one(as_acme, url):
    scope = make(as_acme, url).json()
    second = as_acme.post("/v1/bot-profiles", {"name": "x"}, content_type=JSON).json()["id"]
    for method in ("get", "patch", "delete"):
        response = as_acme.generic(
            method.upper(), f"/v1/bot-profiles/{second}/scopes/{scope['id']}", "{}", JSON
        )
        assert response.status_code == 404


@pytest.mark.parametrize("fields", [
    {"allowed_topics": ["x"] * 51}, {"forbidden_topics": ["x" * 201]}, {"allowed_topics": [""]},
    {"allowed_topics": ["  "]}, {"allowed_topics": "returns"}, {"allowed_topics": [7]}, {"allowed_topics": ["a\0b"]},
    {"allowed_topics": None}, {"strictness": "harsh"}, {"refusal_text": "x" * 1001}, {"name": ""}, {"name": "x" * 256},
    {"guidelines": None}, {"guidelines": {"max_words": 0}}, {"guidelines": {"max_words": 10**30}}, {"template": "none"},
    {"guidelines": {"tone": "rude"}}, {"guidelines": {"step_by_step": 1}}, {"guidelines": []}, {"is_active": "yes"},
])  # fmt: skip
def test_bad_fields_are_refused_and_nothing_is_stored(as_acme, url, fields):
    response = make(as_acme, url, **fields)
    assert response.status_code == 422 and response.json()["code"] == "validation_error"
    assert as_acme.get(url).json()["items"] == []


def test_topics_are_trimmed_and_stand_once(as_acme, url):
    scope = make(
        as_acme,
        url,
        allowed_topics=[" returns ", "returns", "x" * 200],
        forbidden_topics=["y"] * 50,
    ).json()
    assert scope["allowed_topics"] == ["returns", "x" * 200] and scope["forbidden_topics"] == ["y"]


def test_warnings_come_with_every_answer_and_hinder_nothing(as_acme, url):
    fields = {
        "allowed_topics": ["party politics"],
        "forbidden_topics": ["politics"],
        "strictness": "strict",
    }
    scope = make(as_acme, url, **fields).json()
    assert [warning["code"] for warning in scope["warnings"]] == [
        "overlapping_topics",
        "strict_without_sources",
    ]
    assert scope["warnings"] == as_acme.get(url).json()["items"][0]["warnings"]
    assert all(set(warning) == {"code", "field", "message"} for warning in scope["warnings"])


def test_every_template_makes_a_scope_of_which_anything_may_be_overwritten(as_acme, as_bob, url):
    templates = as_bob.get("/v1/scope-templates").json()["items"]
    assert len(templates) == 5 and all(
        each["allowed_topics"] and each["refusal_text"] for each in templates
    )
    for template in templates:
        scope = make(
            as_acme, url, name=template["name"], template=template["id"], forbidden_topics=["cats"]
        ).json()
        assert scope["forbidden_topics"] == ["cats"]
        for field in (
            "name",
            "allowed_topics",
            "refusal_text",
            "strictness",
            "guidelines",
            "description",
        ):
            assert scope[field] == template[field]


class TestCheck:
    def check(self, client, url, question, **more):
        return client.post(f"{url}/check", {"question": question, **more}, content_type=JSON)

    def test_it_says_what_would_become_of_a_question(self, as_acme, url):
        scope = make(
            as_acme, url, forbidden_topics=["politics"], refusal_text="Ask me about kettles."
        ).json()
        assert self.check(as_acme, url, "Talk about politics").json() == {
            "decision": "refuse", "reason": "forbidden_topic", "scope_id": scope["id"], "scope_name": "House",
            "matched_topic": "politics", "method": "words", "score": 1.0, "threshold": 1.0,
            "refusal_text": "Ask me about kettles.",
        }  # fmt: skip
        allowed = self.check(as_acme, url, "When do you open?").json()
        assert allowed.pop("decision") == "allow" and not any(allowed.values())

    def test_history_is_what_a_follow_up_follows(self, as_acme, url):
        make(as_acme, url, allowed_topics=["warranty"], strictness="strict")
        assert self.check(as_acme, url, "How long is it?").json()["reason"] == "off_topic"
        history = ["Is there a warranty on lamps?", "And where?"]
        assert (
            self.check(as_acme, url, "How long is it?", history=history).json()["decision"]
            == "allow"
        )

    def test_an_inactive_scope_does_not_count(self, as_acme, url):
        make(as_acme, url, forbidden_topics=["politics"], is_active=False)
        assert self.check(as_acme, url, "Talk about politics").json()["decision"] == "allow"

    def test_a_member_may_check_and_manages_none(self, as_bob, as_acme, url):
        assert self.check(as_bob, url, "Hello?").status_code == 200
        scope = make(as_acme, url).json()
        refused = [make(as_bob, url), as_bob.delete(f"{url}/{scope['id']}")]
        assert {(response.status_code, response.json()["code"]) for response in refused} == {
            (403, "role_forbidden")
        }

    @pytest.mark.parametrize("body", [
        {}, {"question": ""}, {"question": None}, {"question": "x" * 32_001}, {"question": "a\0b"}, {"question": 7},
        {"question": "x", "history": None}, {"question": "x", "history": ["y"] * 21},
        {"question": "x", "history": [7]}, {"question": "x", "history": "y"},
    ])  # fmt: skip
    def test_a_bad_question_is_refused(self, as_acme, url, body):
        assert as_acme.post(f"{url}/check", json.dumps(body), content_type=JSON).status_code == 422

    def test_another_tenants_bot_is_not_there(self, as_globex, url):
        assert (
            self.check(as_globex, url, "Hello?").status_code
            == make(as_globex, url).status_code
            == 404
        )
        assert (
            as_globex.get(url).status_code == as_globex.get(f"{url}/{uuid4()}").status_code == 404
        )
