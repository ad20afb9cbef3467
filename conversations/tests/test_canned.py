"""Canned answers: who may write them, where they fit, and what is filled in."""

from __future__ import annotations

import json
import re

from conversations.canned.changing import fill, fill_canned
from conversations.handoffs.asking import call_person
from conversations.models import CannedAnswer, Chat, Handoff, HandoffReason
from conversations.tests.conftest import make_bot
from tenants.context import tenant_context
from tenants.models import Role, User
from tests.test_admin import PASSWORD, browser

JSON = {"content_type": "application/json"}
PATH = "/v1/canned-answers"


def test_places_are_filled_and_left_out_where_nothing_is_known():
    known = {"visitor": "Kim", "bot": "Helper", "person": "Ann"}
    text = "Hello {visitor}, this is {person} of {bot}. {other}"
    assert fill(text, known) == "Hello Kim, this is Ann of Helper. {other}"
    assert fill(text, {"bot": "{visitor}"}) == "Hello, this is of {visitor}. {other}"


def test_canned_answers_are_written_over_the_api_and_fit_bots_and_languages(
    acme, globex, in_acme, as_acme, as_globex, as_bob
):
    bot, other = make_bot(), make_bot(name="Other")
    made = {}
    for name, facts in {
        "all": {}, "german": {"language": "de"}, "bots": {"bot_profile_id": str(bot.pk)},
        "others": {"bot_profile_id": str(other.pk), "language": "de"},
    }.items():  # fmt: skip
        body = {"name": name, "text": "Hello {visitor}", **facts}
        answer = as_acme.post(PATH, body, **JSON)
        assert answer.status_code == 201, answer.content
        made[name] = answer.json()["id"]
    assert as_bob.post(PATH, {"name": "x", "text": "x"}, **JSON).status_code == 403
    for wrong in (
        {"name": "", "text": "x"}, {"name": "/x", "text": "x"}, {"name": "x", "text": ""},
        {"name": "x", "text": "x" * 4_001}, {"name": "x", "text": "x", "language": "German"},
    ):  # fmt: skip
        assert as_acme.post(PATH, wrong, **JSON).status_code == 422, wrong
    found = as_acme.get(PATH, {"bot_profile_id": bot.pk, "language": "en"}).json()["items"]
    assert {each["name"] for each in found} == {"all", "bots"}
    assert as_globex.get(f"{PATH}/{made['all']}").status_code == 404
    assert as_globex.get(PATH).json()["items"] == []
    changed = as_acme.patch(f"{PATH}/{made['all']}", {"text": "Good day"}, **JSON).json()
    assert (changed["name"], changed["text"]) == ("all", "Good day")
    chat = Chat.objects.create(bot_profile=bot)
    handoff = call_person(chat, HandoffReason.ASKED, language="de", contact_name="Kim")
    person = User(display_name="Ann")
    assert fill_canned(handoff, person) == [
        ("all", "Good day"), ("bots", "Hello Kim"), ("german", "Hello Kim"),
    ]  # fmt: skip
    assert as_acme.delete(f"{PATH}/{made['all']}").status_code == 204
    assert CannedAnswer.objects.count() == 3


def test_an_agent_writes_one_and_finds_it_in_the_chat_beside_the_others_that_wait(acme, in_acme):
    User.objects.create_user("ann@acme.example.com", PASSWORD, tenant=acme.tenant, role=Role.AGENT)
    page = browser("ann@acme.example.com", "acme")
    evil = "</script><script>alert(1)</script>"
    answer = page.post("/admin/conversations/cannedanswer/add/", {"name": "hours", "text": evil})
    assert answer.status_code == 302, answer.content
    bot = make_bot()
    handoffs = [
        call_person(Chat.objects.create(bot_profile=bot, title=f"Chat {n}"), HandoffReason.ASKED)
        for n in range(2)
    ]
    shown = page.get(f"/admin/conversations/handoff/{handoffs[0].pk}/change/").content.decode()
    assert evil not in shown
    texts = re.search(r'<script id="canned-texts" type="application/json">(.*?)</script>', shown)
    assert json.loads(texts[1]) == [{"name": "hours", "text": evil}]
    assert "Chat 0" in shown and "Chat 1" in shown and 'aria-current="page"' in shown
    assert "data-keys" in page.get("/admin/conversations/handoff/").content.decode()
    with tenant_context(acme.tenant):
        assert Handoff.objects.open().count() == 2
