"""`/v1/curated-answers`: made, found, changed and deleted, by those who may, and in their own tenant."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from bots.models import BotProfile
from knowledge.models import CuratedAnswer
from tenants.context import tenant_context
from tenants.models import ApiToken, User

PATH = "/v1/curated-answers"
JSON = "application/json"


@pytest.fixture
def bots(in_acme):
    return [BotProfile.objects.create(name=name, embedding_model="minirag/hash") for name in "AB"]


def new(bot: BotProfile, **fields) -> dict:
    return {
        "bot_profile_ids": [str(bot.pk)], "question": "When are you open?", "answer": "From **9 to 17**.",
    } | fields  # fmt: skip


def post(client, body):
    return client.post(PATH, body, content_type=JSON)


def test_one_is_made_found_changed_and_deleted(as_acme, acme, bots):
    made = post(as_acme, new(bots[0], variants=["opening hours?", "when are you OPEN"]))
    assert made.status_code == 201, made.content
    row = made.json()
    assert (row["owner_id"], row["state"], row["variants"]) == (
        str(acme.owner.pk), "live", ["opening hours?"],
    )  # fmt: skip
    assert as_acme.get(PATH, {"q": "hours", "bot_profile_id": bots[0].pk}).json()["total"] == 1
    assert as_acme.get(PATH, {"bot_profile_id": bots[1].pk}).json()["total"] == 0
    url = f"{PATH}/{row['id']}"
    sent = {"variants": ["Hours"], "is_active": False, "bot_profile_ids": [str(bots[1].pk)]}
    changed = as_acme.patch(url, sent, content_type=JSON).json()
    assert (changed["question"], changed["variants"]) == ("When are you open?", ["Hours"])
    assert (changed["state"], changed["bot_profile_ids"]) == ("inactive", [str(bots[1].pk)])
    assert as_acme.get(PATH, {"is_live": True}).json()["total"] == 0
    assert as_acme.delete(url).status_code == 204 and as_acme.get(url).status_code == 404


def test_a_question_has_one_answer_in_a_bot(as_acme, bots):
    first = post(as_acme, new(bots[0])).json()
    again = new(bots[0], question="Hours?", variants=["when are you open"])
    refused = post(as_acme, again)
    assert (refused.status_code, refused.json()["code"]) == (409, "question_taken")
    assert first["id"] in refused.json()["detail"]
    other = post(as_acme, again | {"bot_profile_ids": [str(bots[1].pk)]})
    assert other.status_code == 201
    moved = as_acme.patch(
        f"{PATH}/{other.json()['id']}", {"bot_profile_ids": [str(bot.pk) for bot in bots]},
        content_type=JSON,
    )  # fmt: skip
    assert (moved.status_code, moved.json()["code"]) == (409, "question_taken")
    assert as_acme.get(f"{PATH}/{other.json()['id']}").json()["bot_profile_ids"] == [
        str(bots[1].pk)
    ]


def test_bad_input_is_refused_with_a_reason(as_acme, bots, globex):
    with tenant_context(globex.tenant):
        foreign = BotProfile.objects.create(name="Gardener")
    past = (timezone.now() - timedelta(seconds=1)).isoformat()
    for fields, status, code in (
        ({"question": "x" * 32_000}, 422, "validation_error"),
        ({"question": "  "}, 422, "validation_error"),
        ({"answer": " "}, 422, "validation_error"),
        ({"answer": "x" * 20_001}, 422, "validation_error"),
        ({"variants": [f"question {n}" for n in range(500)]}, 422, "validation_error"),
        ({"bot_profile_ids": []}, 422, "validation_error"),
        ({"links": ["javascript:alert(1)"]}, 422, "validation_error"),
        ({"language": "klingon"}, 422, "validation_error"),
        ({"expires_at": past}, 422, "expiry_past"),
        ({"bot_profile_ids": [str(uuid4())]}, 422, "bot_not_found"),
        ({"bot_profile_ids": [str(foreign.pk)]}, 422, "bot_not_found"),
        ({"owner_id": str(globex.owner.pk)}, 422, "owner_not_found"),
    ):
        answer = post(as_acme, new(bots[0]) | fields)
        assert answer.status_code == status, (fields, answer.content)
        assert answer.json().get("code", "validation_error") == code, fields
    assert not CuratedAnswer.objects.exists()


def test_who_may(client, acme, as_acme, as_bob, as_globex, bots):
    url = f"{PATH}/{post(as_acme, new(bots[0])).json()['id']}"
    assert as_bob.get(url).status_code == 200
    assert as_bob.patch(url, {"title": "x"}, content_type=JSON).status_code == 403
    assert as_bob.delete(url).status_code == post(as_bob, new(bots[1])).status_code == 403
    _, raw = ApiToken.objects.mint(user=acme.owner, name="reader", rights=["read"])
    reader = {"HTTP_AUTHORIZATION": f"Bearer {raw}"}
    assert client.get(url, **reader).status_code == 200
    assert client.delete(url, **reader).json()["code"] == "token_restricted"
    for method in ("get", "delete"):
        assert getattr(as_globex, method)(url).status_code == 404
    assert as_globex.get(PATH).json()["items"] == []


def test_an_owner_who_goes_is_told_of(as_acme, bots, bob):
    url = f"{PATH}/{post(as_acme, new(bots[0], owner_id=str(bob.pk))).json()['id']}"
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert as_acme.get(url).json()["state"] == "without_owner"
    BotProfile.objects.filter(pk=bots[0].pk).delete()
    assert as_acme.get(url).json()["bot_profile_ids"] == []
